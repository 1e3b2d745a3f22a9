//! The header of an HTTP/2 frame (RFC 9113 §4.1), and where each part of its payload lies (§6.1, §6.2).

use super::Lost;

pub(super) const HEADER_LEN: usize = 9;

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PUSH_PROMISE: u8 = 5;
pub(super) const GOAWAY: u8 = 7;
pub(super) const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;

/// What stands in front of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameHeader {
    pub(super) len: u32,
    pub(super) kind: u8,
    flags: u8,
    pub(super) stream: u32,
}

impl FrameHeader {
    pub(super) fn parse(bytes: [u8; HEADER_LEN]) -> Self {
        let [a, b, c, kind, flags, stream @ ..] = bytes;
        Self {
            len: u32::from_be_bytes([0, a, b, c]),
            kind,
            flags,
            // The first bit is reserved.
            stream: u32::from_be_bytes(stream) & 0x7fff_ffff,
        }
    }

    /// Whether its sender says nothing more on this stream.
    pub(super) fn ends_stream(self) -> bool {
        matches!(self.kind, DATA | HEADERS) && self.flags & END_STREAM != 0
    }

    /// Whether its block of headers is complete with it.
    pub(super) fn ends_headers(self) -> bool {
        self.flags & END_HEADERS != 0
    }

    pub(super) fn is_padded(self) -> bool {
        matches!(self.kind, DATA | HEADERS) && self.flags & PADDED != 0
    }

    /// The part of a HEADERS or CONTINUATION frame that is a block of headers, without padding and priority.
    pub(super) fn fragment(self, payload: &[u8]) -> Result<&[u8], Lost> {
        let wrong = Lost::WrongFrame { kind: self.kind };
        if self.kind == CONTINUATION {
            return Ok(payload);
        }
        let (pad, payload) = match self.is_padded() {
            true => payload.split_first().map(|(&pad, rest)| (usize::from(pad), rest)).ok_or(wrong)?,
            false => (0, payload),
        };
        let before = if self.flags & PRIORITY != 0 { 5 } else { 0 };
        payload.get(before..payload.len().saturating_sub(pad)).ok_or(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_they_stand() {
        let header = FrameHeader::parse([0, 1, 2, HEADERS, 0x2d, 0x80, 0, 0, 5]);
        assert_eq!((header.len, header.kind, header.stream), (258, HEADERS, 5));
        assert!(header.ends_stream() && header.ends_headers() && header.is_padded());
        // A DATA frame's flag of the same value as END_HEADERS has no meaning.
        assert!(!FrameHeader::parse([0, 0, 0, SETTINGS, 0x9, 0, 0, 0, 0]).ends_stream());
    }

    #[test]
    fn fragments_lie_between_priority_and_padding() {
        let header = |flags| FrameHeader::parse([0, 0, 9, HEADERS, flags, 0, 0, 0, 1]);
        let payload = b"\x02\0\0\0\x03\x04ab\0\0";
        assert_eq!(header(PADDED | PRIORITY).fragment(payload), Ok(&b"ab"[..]));
        assert_eq!(header(PADDED).fragment(b"\x02ab\0\0"), Ok(&b"ab"[..]));
        assert_eq!(header(0).fragment(b"ab"), Ok(&b"ab"[..]));
        // RFC 9113 §6.2: padding that is as long as what is left, or longer, is an error.
        for (flags, payload) in
            [(PADDED, &b""[..]), (PADDED | PRIORITY, b"\x01\0\0\0\0\0"), (PRIORITY, b"\0\0\0\0")]
        {
            assert_eq!(
                header(flags).fragment(payload),
                Err(Lost::WrongFrame { kind: HEADERS }),
                "{payload:?}"
            );
        }
    }
}
