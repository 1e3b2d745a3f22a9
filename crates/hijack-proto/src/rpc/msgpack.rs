//! Where a MessagePack value ends, in a stream of them without any other framing.

use std::fmt;

/// Finds the end of one value after the other; every byte is looked at once, however small the pieces are.
///
/// Only the lengths that a value says are read, not what it means. One that says more values or bytes than its limit
/// has room for is refused where it says so.
///
/// ```
/// use hijack_proto::rpc::msgpack::Scanner;
///
/// let mut scanner = Scanner::new(1024);
/// assert_eq!(scanner.find(b"\x92\x01"), Ok(None));
/// assert_eq!(scanner.find(b"\x92\x01\xa1a\xc0"), Ok(Some(4)));
/// ```
#[derive(Debug, Clone)]
pub struct Scanner {
    /// Values that are still to come, those inside of others among them.
    left: u64,
    /// Bytes that were looked at or may be passed over.
    offset: usize,
    limit: usize,
}

/// Why no value can be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScanError {
    /// A value is longer than it may be, or says that it will be.
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// 0xc1, which MessagePack never uses, at this place.
    Unused {
        /// Its place.
        at: usize,
    },
}

impl fmt::Display for ScanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { limit } => write!(f, "MessagePack value exceeds limit {limit} bytes"),
            Self::Unused { at } => write!(f, "byte 0xc1 at {at} begins no MessagePack value"),
        }
    }
}

impl std::error::Error for ScanError {}

/// What a value's first bytes say of it.
struct Head {
    /// Bytes of the head itself and of what is no value behind it.
    len: u64,
    /// Values inside.
    values: u64,
}

impl Scanner {
    /// A scanner of values of `limit` bytes at the most.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { left: 1, offset: 0, limit }
    }

    /// The length of the value at the start of `buf`, or `None` if it goes on.
    ///
    /// `buf` must begin with the same bytes at every call until a value is found, and then with those behind it.
    ///
    /// # Errors
    ///
    /// [`ScanError`]; nothing can be found any more.
    pub fn find(&mut self, buf: &[u8]) -> Result<Option<usize>, ScanError> {
        while self.left > 0 {
            let Some(head) = buf.get(self.offset..).and_then(<[u8]>::split_first) else { return Ok(None) };
            let Some(head) =
                read_head(*head.0, head.1).map_err(|()| ScanError::Unused { at: self.offset })?
            else {
                return Ok(None);
            };
            self.left = self.left - 1 + head.values;
            let end = self.offset as u64 + head.len;
            // Every value has a byte at least.
            if end + self.left > self.limit as u64 {
                return Err(ScanError::TooLong { limit: self.limit });
            }
            self.offset = usize::try_from(end).unwrap_or(usize::MAX);
        }
        if self.offset > buf.len() {
            return Ok(None);
        }
        let len = self.offset;
        *self = Self::new(self.limit);
        Ok(Some(len))
    }
}

/// Reads a head; `None` if it goes on, an error for the byte that is none.
fn read_head(first: u8, rest: &[u8]) -> Result<Option<Head>, ()> {
    let fixed = |len| Some(Head { len: 1 + len, values: 0 });
    let bytes = |size: usize, extra: u64| {
        let len = number(rest, size)?;
        Some(Head { len: 1 + size as u64 + extra + len, values: 0 })
    };
    let values = |size: usize, each: u64| {
        let count = number(rest, size)?;
        Some(Head { len: 1 + size as u64, values: count * each })
    };
    Ok(match first {
        0x00..=0x7f | 0xc0 | 0xc2 | 0xc3 | 0xe0..=0xff => fixed(0),
        0x80..=0x8f => Some(Head { len: 1, values: u64::from(first & 0x0f) * 2 }),
        0x90..=0x9f => Some(Head { len: 1, values: u64::from(first & 0x0f) }),
        0xa0..=0xbf => fixed(u64::from(first & 0x1f)),
        0xc1 => return Err(()),
        0xc4 | 0xd9 => bytes(1, 0),
        0xc5 | 0xda => bytes(2, 0),
        0xc6 | 0xdb => bytes(4, 0),
        0xc7 => bytes(1, 1),
        0xc8 => bytes(2, 1),
        0xc9 => bytes(4, 1),
        0xcc | 0xd0 => fixed(1),
        0xcd | 0xd1 | 0xd4 => fixed(2),
        0xca | 0xce | 0xd2 => fixed(4),
        0xcb | 0xcf | 0xd3 => fixed(8),
        0xd5 => fixed(3),
        0xd6 => fixed(5),
        0xd7 => fixed(9),
        0xd8 => fixed(17),
        0xdc => values(2, 1),
        0xdd => values(4, 1),
        0xde => values(2, 2),
        0xdf => values(4, 2),
    })
}

/// The big-endian number in the first `size` bytes, once they are there.
fn number(bytes: &[u8], size: usize) -> Option<u64> {
    let bytes = bytes.get(..size)?;
    Some(bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(value: &[u8]) -> Result<Option<usize>, ScanError> {
        let whole = Scanner::new(1 << 20).find(value);
        let mut scanner = Scanner::new(1 << 20);
        let pieces = (0..=value.len()).map(|len| scanner.find(&value[..len]));
        let pieces = pieces.into_iter().find(|found| !matches!(found, Ok(None))).unwrap_or(Ok(None));
        assert_eq!(pieces, whole, "byte by byte, {}", value.escape_ascii());
        whole
    }

    #[test]
    fn finds_the_end_of_every_kind() {
        let table: [&[u8]; 22] = [
            b"\x00",
            b"\x7f",
            b"\xe0",
            b"\xc0",
            b"\xc3",
            b"\x80",
            b"\x81\xa1a\x01",
            b"\x92\x91\x90\xa0",
            b"\xa3abc",
            b"\xc4\x02ab",
            b"\xc5\x00\x01a",
            b"\xc6\x00\x00\x00\x01a",
            b"\xc7\x01\x05a",
            b"\xca\0\0\0\0",
            b"\xcb\0\0\0\0\0\0\0\0",
            b"\xcc\xff",
            b"\xd3\0\0\0\0\0\0\0\0",
            b"\xd4\x05a",
            b"\xd9\x01a",
            b"\xdc\x00\x02\x01\xd1\0\0",
            b"\xde\x00\x01\xa1a\xa1b",
            b"\xdf\x00\x00\x00\x00",
        ];
        for value in table {
            let followed = [value, b"\x01"].concat();
            assert_eq!(find(&followed), Ok(Some(value.len())), "{}", value.escape_ascii());
            assert_eq!(find(&value[..value.len() - 1]), Ok(None), "{}", value.escape_ascii());
        }
    }

    #[test]
    fn refuses_what_says_to_be_too_long() {
        let limit = 1 << 20;
        let table: [&[u8]; 6] = [
            b"\xc6\xff\xff\xff\xff",
            b"\xdb\x00\x10\x00\x00",
            b"\xdd\xff\xff\xff\xff",
            b"\xdf\x80\x00\x00\x00",
            b"\x92\xdd\x00\x08\x00\x00\xdd\x00\x08\x00\x00",
            b"\xdf\xff\xff\xff\xff\xdf\xff\xff\xff\xff",
        ];
        for value in table {
            assert_eq!(find(value), Err(ScanError::TooLong { limit }), "{}", value.escape_ascii());
        }
        assert_eq!(find(b"\x91\xc1"), Err(ScanError::Unused { at: 1 }));
    }

    #[test]
    fn finds_one_value_after_the_other() {
        let mut scanner = Scanner::new(16);
        assert_eq!(scanner.find(b"\x92\x01\x02\xa1a"), Ok(Some(3)));
        assert_eq!(scanner.find(b"\xa1a"), Ok(Some(2)));
        assert_eq!(scanner.find(b""), Ok(None));
    }
}
