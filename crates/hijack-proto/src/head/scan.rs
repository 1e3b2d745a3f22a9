//! Finding the end of a head, incrementally: each byte is looked at once, however small the pieces are.

use super::HeadError;
use crate::Limits;
use crate::tokens::is_token_byte;

/// The search for the empty line that ends a head.
#[derive(Debug, Default)]
pub(crate) struct HeadScan {
    /// Everything before this offset was scanned and holds no end; `offset <= buf.len()`.
    offset: usize,
}

impl HeadScan {
    /// The length of the head at the start of `buf`, its empty line included, or `None` if it has not ended yet.
    ///
    /// `buf` must start with the same bytes at every call until this returns a length. A bare LF ends a line
    /// as CRLF does (RFC 9112 §2.2).
    pub(crate) fn find(&mut self, buf: &[u8], limits: &Limits) -> Result<Option<usize>, HeadError> {
        if buf.first().is_some_and(|&byte| !is_token_byte(byte)) {
            return Err(HeadError::StartLine);
        }
        let start = self.offset;
        self.offset = buf.len();
        for line in memchr::memchr_iter(b'\n', &buf[start..]) {
            let next = start + line + 1;
            let empty_line = match buf[next..] {
                [b'\n', ..] => 1,
                [b'\r', b'\n', ..] => 2,
                // The next line may yet turn out to be empty: look again at this newline.
                [] | [b'\r'] => {
                    self.offset = next - 1;
                    break;
                }
                _ => continue,
            };
            self.offset = 0;
            return within(next + empty_line, limits).map(Some);
        }
        within(buf.len(), limits).map(|_| None)
    }
}

fn within(len: usize, limits: &Limits) -> Result<usize, HeadError> {
    if len > limits.head_len {
        return Err(HeadError::TooLong { limit: limits.head_len });
    }
    Ok(len)
}

#[cfg(test)]
mod tests {
    use super::{HeadError, HeadScan, Limits};

    fn ends(bytes: &[u8]) -> Option<usize> {
        let whole = HeadScan::default().find(bytes, &Limits::default()).expect("a legal first byte");
        let mut scan = HeadScan::default();
        let fed = (0..=bytes.len()).find_map(|n| scan.find(&bytes[..n], &Limits::default()).expect("legal"));
        assert_eq!(whole, fed, "byte by byte gives the same end as all at once");
        whole
    }

    #[test]
    fn finds_the_empty_line_at_every_split() {
        assert_eq!(ends(b"G /\r\n\r\nX"), Some(7));
        assert_eq!(ends(b"G /\n\nX"), Some(5));
        assert_eq!(ends(b"G /\r\nA: b\n\r\nX"), Some(12));
        assert_eq!(ends(b"G /\r\nA: b\r\n\nX"), Some(12));
        assert_eq!(ends(b"G /\r\n\r"), None);
        assert_eq!(ends(b"G /\n\rX\n\n"), Some(8));
        assert_eq!(ends(b""), None);
    }

    #[test]
    fn refuses_long_heads_and_bytes_that_start_no_head() {
        let limits = Limits { head_len: 8, ..Limits::default() };
        let too_long = Err(HeadError::TooLong { limit: 8 });
        assert_eq!(HeadScan::default().find(b"GGGGGGGGG", &limits), too_long);
        assert_eq!(HeadScan::default().find(b"GGGGG\r\n\r\n", &limits), too_long);
        assert_eq!(HeadScan::default().find(b"GGGG\r\n\r\n", &limits), Ok(Some(8)));
        assert_eq!(HeadScan::default().find(b"\x16\x03\x01", &limits), Err(HeadError::StartLine));
    }
}
