//! Which of the fields that decide something are in a head: noted in one pass, so that nobody looks for those
//! that are not there.

use http::HeaderMap;

/// A set of the fields below, and of those that stand there more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Fields {
    present: u8,
    repeated: u8,
}

/// A field that decides something.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
pub(crate) enum Field {
    Host = 1,
    Expect = 2,
    Connection = 4,
    ContentLength = 8,
    TransferEncoding = 16,
    Date = 32,
}

impl Fields {
    /// The fields of a map.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut fields = Self::default();
        for name in headers.keys() {
            fields.note(name.as_str().as_bytes());
        }
        fields
    }

    /// Notes one header line; gives the field if it is one of these.
    pub(crate) fn note(&mut self, name: &[u8]) -> Option<Field> {
        let (known, field): (&[u8], _) = match name.len() {
            4 if name[0] | 0x20 == b'h' => (b"host", Field::Host),
            4 => (b"date", Field::Date),
            6 => (b"expect", Field::Expect),
            10 => (b"connection", Field::Connection),
            14 => (b"content-length", Field::ContentLength),
            17 => (b"transfer-encoding", Field::TransferEncoding),
            _ => return None,
        };
        if !name.eq_ignore_ascii_case(known) {
            return None;
        }
        self.repeated |= self.present & field as u8;
        self.present |= field as u8;
        Some(field)
    }

    pub(crate) fn has(self, field: Field) -> bool {
        self.present & field as u8 != 0
    }

    pub(crate) fn repeats(self, field: Field) -> bool {
        self.repeated & field as u8 != 0
    }
}
