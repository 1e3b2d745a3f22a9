//! Blocks of compressed headers (RFC 7541), of which four fields are read: what the others say is passed over, and only
//! their lengths are kept, since the table forgets by them.
//!
//! Time and memory are linear in the bytes of a block whatever stands in it: nothing that a table holds is copied for a
//! byte that names it, but once for each field that is read.

use std::collections::VecDeque;

use super::huffman;

/// The reader of one direction's blocks.
#[derive(Debug)]
pub(super) struct Headers {
    /// The newest first.
    table: VecDeque<Entry>,
    /// Of the entries together, as RFC 7541 §4.1 counts it; `size <= max_size <= limits.table_len`.
    size: usize,
    max_size: usize,
    /// Bytes that `max_size` may become.
    table_len: usize,
    /// Bytes of a value that are kept.
    text_len: usize,
}

/// What is read of a block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) path: Option<Box<[u8]>>,
    pub(super) http_status: Option<Box<[u8]>>,
    pub(super) status: Option<Box<[u8]>>,
    pub(super) message: Option<Box<[u8]>>,
}

/// The block is broken: behind it the table is not the sender's any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadBlock;

/// A name, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Name {
    field: Field,
    len: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Path,
    HttpStatus,
    Status,
    Message,
    Other,
}

#[derive(Debug)]
struct Entry {
    name: Name,
    /// The beginning of a value that is read.
    value: Box<[u8]>,
    value_len: usize,
}

impl Headers {
    pub(super) fn new(table_len: usize, text_len: usize) -> Self {
        let max_size = USUAL_SIZE.min(table_len);
        Self { table: VecDeque::new(), size: 0, max_size, table_len, text_len }
    }

    /// Reads a whole block.
    pub(super) fn read(&mut self, block: &[u8]) -> Result<Fields, BadBlock> {
        let mut fields = Fields::default();
        let mut bytes = Bytes { rest: block, plain: Vec::new() };
        while let Some(&first) = bytes.rest.first() {
            match first {
                0x80.. => self.read_indexed(&mut bytes, &mut fields)?,
                0x40.. => self.read_literal(&mut bytes, 6, &mut fields)?,
                0x20.. => {
                    let size = bytes.integer(5)?;
                    self.resize(size)?;
                }
                _ => self.read_literal(&mut bytes, 4, &mut fields)?,
            }
        }
        Ok(fields)
    }

    /// RFC 7541 §6.1.
    fn read_indexed(&mut self, bytes: &mut Bytes<'_>, fields: &mut Fields) -> Result<(), BadBlock> {
        let index = bytes.integer(7)?;
        if let Some((name, value)) = index.checked_sub(1).and_then(|nth| STATIC.get(nth)) {
            fields.put(Name::of(name.as_bytes()).field, value.as_bytes());
            return Ok(());
        }
        let entry = self.entry(index)?;
        fields.put(entry.name.field, &entry.value);
        Ok(())
    }

    /// RFC 7541 §6.2; a name's index of 6 bits says that the field goes into the table.
    fn read_literal(
        &mut self,
        bytes: &mut Bytes<'_>,
        bits: u32,
        fields: &mut Fields,
    ) -> Result<(), BadBlock> {
        let name = match bytes.integer(bits)? {
            0 => bytes.string(Name::of)?,
            index => self.name(index)?,
        };
        let text_len = if name.field == Field::Other { 0 } else { self.text_len };
        let entry = bytes.string(|value| Entry {
            name,
            value: value[..value.len().min(text_len)].into(),
            value_len: value.len(),
        })?;
        fields.put(name.field, &entry.value);
        if bits == 6 {
            self.insert(entry);
        }
        Ok(())
    }

    fn entry(&self, index: usize) -> Result<&Entry, BadBlock> {
        let nth = index.checked_sub(STATIC.len() + 1);
        nth.and_then(|nth| self.table.get(nth)).ok_or(BadBlock)
    }

    fn name(&self, index: usize) -> Result<Name, BadBlock> {
        match STATIC.get(index - 1) {
            Some((name, _)) => Ok(Name::of(name.as_bytes())),
            None => Ok(self.entry(index)?.name),
        }
    }

    /// RFC 7541 §4.4: one that is larger than the table empties it.
    fn insert(&mut self, entry: Entry) {
        self.size += entry.size();
        self.table.push_front(entry);
        self.evict();
    }

    fn resize(&mut self, max_size: usize) -> Result<(), BadBlock> {
        if max_size > self.table_len {
            return Err(BadBlock);
        }
        self.max_size = max_size;
        self.evict();
        Ok(())
    }

    fn evict(&mut self) {
        while self.size > self.max_size {
            let Some(entry) = self.table.pop_back() else { return };
            self.size -= entry.size();
        }
    }
}

impl Name {
    fn of(name: &[u8]) -> Self {
        let field = match name {
            b":path" => Field::Path,
            b":status" => Field::HttpStatus,
            b"grpc-status" => Field::Status,
            b"grpc-message" => Field::Message,
            _ => Field::Other,
        };
        Self { field, len: name.len() }
    }
}

impl Entry {
    /// RFC 7541 §4.1.
    fn size(&self) -> usize {
        self.name.len + self.value_len + 32
    }
}

impl Fields {
    /// Notes a field; the first of a name counts, since none may come twice.
    fn put(&mut self, field: Field, value: &[u8]) {
        let place = match field {
            Field::Path => &mut self.path,
            Field::HttpStatus => &mut self.http_status,
            Field::Status => &mut self.status,
            Field::Message => &mut self.message,
            Field::Other => return,
        };
        place.get_or_insert_with(|| value.into());
    }
}

/// The rest of a block.
struct Bytes<'b> {
    rest: &'b [u8],
    /// A string that was coded.
    plain: Vec<u8>,
}

impl<'b> Bytes<'b> {
    fn byte(&mut self) -> Result<u8, BadBlock> {
        let (&byte, rest) = self.rest.split_first().ok_or(BadBlock)?;
        self.rest = rest;
        Ok(byte)
    }

    fn take(&mut self, len: usize) -> Result<&'b [u8], BadBlock> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(BadBlock)?;
        self.rest = rest;
        Ok(taken)
    }

    /// An integer behind a prefix, in the last `bits` of the first byte (RFC 7541 §5.1). Beyond 28 bits more there is none.
    fn integer(&mut self, bits: u32) -> Result<usize, BadBlock> {
        let most = (1_usize << bits) - 1;
        let mut value = usize::from(self.byte()?) & most;
        if value < most {
            return Ok(value);
        }
        for shift in [0, 7, 14, 21] {
            let byte = self.byte()?;
            value += usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(BadBlock)
    }

    /// What `read` makes of a string (RFC 7541 §5.2).
    fn string<T>(&mut self, read: impl FnOnce(&[u8]) -> T) -> Result<T, BadBlock> {
        let is_coded = self.rest.first().is_some_and(|first| first & 0x80 != 0);
        let len = self.integer(7)?;
        let bytes = self.take(len)?;
        if !is_coded {
            return Ok(read(bytes));
        }
        self.plain.clear();
        huffman::decode(bytes, &mut self.plain).map_err(|_| BadBlock)?;
        Ok(read(&self.plain))
    }
}

/// Bytes of a table of which nothing was said (RFC 9113 §6.5.2).
const USUAL_SIZE: usize = 4_096;

/// RFC 7541, Appendix A. Of values only those of fields that are read.
const STATIC: [(&str, &str); 61] = [
    (":authority", ""),
    (":method", ""),
    (":method", ""),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", ""),
    (":scheme", ""),
    (":status", "200"),
    (":status", "204"),
    (":status", "206"),
    (":status", "304"),
    (":status", "400"),
    (":status", "404"),
    (":status", "500"),
    ("accept-charset", ""),
    ("accept-encoding", ""),
    ("accept-language", ""),
    ("accept-ranges", ""),
    ("accept", ""),
    ("access-control-allow-origin", ""),
    ("age", ""),
    ("allow", ""),
    ("authorization", ""),
    ("cache-control", ""),
    ("content-disposition", ""),
    ("content-encoding", ""),
    ("content-language", ""),
    ("content-length", ""),
    ("content-location", ""),
    ("content-range", ""),
    ("content-type", ""),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("expect", ""),
    ("expires", ""),
    ("from", ""),
    ("host", ""),
    ("if-match", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("if-range", ""),
    ("if-unmodified-since", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("max-forwards", ""),
    ("proxy-authenticate", ""),
    ("proxy-authorization", ""),
    ("range", ""),
    ("referer", ""),
    ("refresh", ""),
    ("retry-after", ""),
    ("server", ""),
    ("set-cookie", ""),
    ("strict-transport-security", ""),
    ("transfer-encoding", ""),
    ("user-agent", ""),
    ("vary", ""),
    ("via", ""),
    ("www-authenticate", ""),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(digits: &str) -> Vec<u8> {
        let digits: String = digits.split_whitespace().collect();
        (0..digits.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hex"))
            .collect()
    }

    fn read(headers: &mut Headers, block: &str) -> (Option<String>, Option<String>, usize) {
        let fields = headers.read(&hex(block)).expect("a block");
        let text =
            |value: Option<Box<[u8]>>| value.map(|value| String::from_utf8(value.into()).expect("text"));
        (text(fields.path), text(fields.http_status), headers.size)
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    /// RFC 7541, Appendix C.3 to C.6: the same requests and answers, not coded and coded.
    #[test]
    fn examples_of_the_rfc_leave_the_tables_that_it_tells() {
        for blocks in [
            [
                "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
                "8286 84be 5808 6e6f 2d63 6163 6865",
                "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
            ],
            [
                "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
                "8286 84be 5886 a8eb 1064 9cbf",
                "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
            ],
        ] {
            let mut headers = Headers::new(4_096, 256);
            let expected = [("/", 57), ("/", 110), ("/index.html", 164)];
            for (block, (path, size)) in blocks.into_iter().zip(expected) {
                assert_eq!(read(&mut headers, block), (some(path), None, size), "{block}");
            }
        }
        for blocks in [
            [
                "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 \
                 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
                "4803 3330 37c1 c0bf",
            ],
            [
                "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad \
                 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
                "4883 640e ffc1 c0bf",
            ],
        ] {
            // The examples are of a table of 256 bytes, which forgets.
            let mut headers = Headers::new(256, 256);
            for (block, status) in blocks.into_iter().zip(["302", "307"]) {
                assert_eq!(read(&mut headers, block), (None, some(status), 222), "{block}");
            }
        }
    }

    #[test]
    fn what_is_read_may_be_anywhere() {
        let mut headers = Headers::new(4_096, 4);
        // A literal that is kept, one that is not, and one that is never; then the first one, by its index.
        let block =
            [&b"\x40\x0bgrpc-status\x015"[..], b"\x00\x0cgrpc-message\x06broken", b"\x10\x01x\x01y"].concat();
        let fields = headers.read(&block).expect("a block");
        assert_eq!(
            (fields.status.as_deref(), fields.message.as_deref()),
            (Some(&b"5"[..]), Some(&b"brok"[..]))
        );
        assert_eq!(headers.read(&[0xbe]).expect("a block").status.as_deref(), Some(&b"5"[..]));
        // Its name with another value; what is larger than the table leaves it empty.
        assert_eq!(headers.read(b"\x7e\x010").expect("a block").status.as_deref(), Some(&b"0"[..]));
        headers.read(b"\x3f\x01").expect("a size of 32");
        assert_eq!((headers.table.len(), headers.size), (0, 0));
        headers.read(b"\x44\x02/a").expect("a block");
        assert_eq!((headers.table.len(), headers.size), (0, 0));
    }

    #[test]
    fn broken_blocks_are_refused() {
        for block in [
            &b"\x80"[..],                // index 0
            b"\xbe",                     // nothing there
            b"\x7e\x01x",                // nor its name
            b"\x3f\xe2\xff\x03",         // a larger table than 64 KiB
            b"\xff\xff\xff\xff\xff\x0f", // a long integer
            b"\xff",                     // cut
            b"\x44\x05/a",               // cut
            b"\x00\x81\x00\x01x",        // a name that is no code
        ] {
            assert_eq!(Headers::new(64 * 1024, 256).read(block), Err(BadBlock), "{block:x?}");
        }
    }
}
