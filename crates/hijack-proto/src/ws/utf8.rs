//! UTF-8 in pieces (RFC 6455 §8.1): each piece becomes text as far as its characters are whole, a character that
//! is cut is carried over, and a byte that can belong to no character is refused at once.

use std::fmt;

/// The start of a character that was cut between two pieces.
///
/// ```
/// use hijack_proto::ws::Utf8;
/// let mut utf8 = Utf8::default();
/// assert_eq!(utf8.take(b"caf\xc3", false).unwrap(), "caf");
/// assert_eq!(utf8.missing(), 1);
/// assert_eq!(utf8.take(b"\xa9", true).unwrap(), "\u{e9}");
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Utf8 {
    held: [u8; 4],
    /// Bytes of the cut character, at most three.
    len: usize,
}

impl Utf8 {
    /// How many bytes the cut character still needs; zero if none is cut.
    #[must_use]
    pub fn missing(&self) -> usize {
        if self.len == 0 { 0 } else { char_len(self.held[0]) - self.len }
    }

    /// How much of a piece of `len` bytes may be [taken](Self::take) at once.
    pub(super) fn most(&self, len: usize) -> usize {
        if self.len == 0 { len } else { len.min(self.missing()) }
    }

    /// The text of `piece` as far as its characters are whole; `last` says that nothing follows.
    ///
    /// While a character is [cut](Self::missing), a piece must not be longer than what it misses: the text then
    /// comes from here and not from the piece.
    ///
    /// # Errors
    ///
    /// If the bytes so far are the start of no text, or `last` and a character is cut.
    ///
    /// # Panics
    ///
    /// If a character is cut and `piece` is longer than what it misses.
    #[inline]
    pub fn take<'a>(&'a mut self, piece: &'a [u8], last: bool) -> Result<&'a str, InvalidUtf8> {
        if self.len > 0 {
            return self.complete(piece, last);
        }
        let cut = if last { piece.len() } else { piece.len() - cut_len(piece) };
        let (whole, start) = piece.split_at(cut);
        let text = simdutf8::basic::from_utf8(whole).map_err(|_| InvalidUtf8)?;
        if !start.is_empty() {
            self.hold(start)?;
        }
        Ok(text)
    }

    fn complete(&mut self, piece: &[u8], last: bool) -> Result<&str, InvalidUtf8> {
        assert!(piece.len() <= self.missing(), "the piece reaches behind the cut character");
        self.hold(piece)?;
        if self.missing() > 0 {
            return if last { Err(InvalidUtf8) } else { Ok("") };
        }
        let len = std::mem::take(&mut self.len);
        std::str::from_utf8(&self.held[..len]).map_err(|_| InvalidUtf8)
    }

    /// Adds bytes to the cut character, unless no character goes on like that.
    fn hold(&mut self, bytes: &[u8]) -> Result<(), InvalidUtf8> {
        let start = self.len;
        let end = start + bytes.len();
        self.held[start..end].copy_from_slice(bytes);
        self.len = end;
        match std::str::from_utf8(&self.held[..end]) {
            Err(error) if error.error_len().is_some() => Err(InvalidUtf8),
            _ => Ok(()),
        }
    }
}

/// Bytes at the end of `piece` that may be the start of a character: at most three.
fn cut_len(piece: &[u8]) -> usize {
    let last = piece.iter().rev().take(3).enumerate();
    let lead = last.map(|(behind, byte)| (behind + 1, *byte)).find(|(_, byte)| !is_continuation(*byte));
    lead.filter(|(len, byte)| char_len(*byte) > *len).map_or(0, |(len, _)| len)
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

/// Bytes of the character that `lead` begins. What begins none counts as one byte, to be refused as such.
fn char_len(lead: u8) -> usize {
    match lead {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => 1,
    }
}

/// Bytes that no text starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidUtf8;

impl fmt::Display for InvalidUtf8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text is not UTF-8")
    }
}

impl std::error::Error for InvalidUtf8 {}

#[cfg(test)]
mod tests {
    use super::*;

    /// All pieces in turn, each cut again where a character asks for it.
    fn read(pieces: &[&[u8]]) -> Result<String, InvalidUtf8> {
        let (mut utf8, mut text) = (Utf8::default(), String::new());
        for piece in pieces {
            let mut rest = *piece;
            while !rest.is_empty() {
                let most = if utf8.missing() == 0 { rest.len() } else { utf8.missing().min(rest.len()) };
                text.push_str(utf8.take(&rest[..most], false)?);
                rest = &rest[most..];
            }
        }
        text.push_str(utf8.take(b"", true)?);
        Ok(text)
    }

    #[test]
    fn reads_text_however_it_is_cut() {
        let text = "a\u{df}\u{20ac}\u{d7ff}\u{e000}\u{10348}\u{10ffff} and a good deal more of plain ASCII text, \
                    so that the vectors are used \u{1f600}\u{1f600}";
        for split in 0..=text.len() {
            let (start, end) = text.as_bytes().split_at(split);
            assert_eq!(read(&[start, end]).as_deref(), Ok(text), "at {split}");
        }
        let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        assert_eq!(read(&bytes).as_deref(), Ok(text));
    }

    /// RFC 6455 §8.1 with RFC 3629 §4: refused with the first byte that fits nowhere, not later.
    #[test]
    fn refuses_the_first_impossible_byte() {
        let table: [&[u8]; 14] = [
            b"\x80",
            b"\xbf",
            b"\xc0",
            b"\xc1",
            b"\xf5",
            b"\xff",
            b"\xc3\x28",
            b"\xe0\x9f",
            b"\xed\xa0",
            b"\xf0\x8f",
            b"\xf4\x90",
            b"\xe2\x82\x28",
            b"\xf0\x90\x80\x41",
            b"good \xce\xba\xed\xa0",
        ];
        for bytes in table {
            let (last, before) = bytes.split_last().expect("not empty");
            let mut utf8 = Utf8::default();
            assert!(utf8.take(before, false).is_ok(), "{bytes:x?}");
            assert_eq!(utf8.take(&[*last], false), Err(InvalidUtf8), "{bytes:x?}");
            assert_eq!(Utf8::default().take(bytes, false), Err(InvalidUtf8), "{bytes:x?}");
        }
    }

    #[test]
    fn refuses_a_cut_character_at_the_end() {
        for bytes in [&b"\xc3"[..], b"a\xe2\x82", b"\xf0\x90\x8d"] {
            assert_eq!(Utf8::default().take(bytes, true), Err(InvalidUtf8));
            assert_eq!(read(&[bytes]), Err(InvalidUtf8));
        }
    }
}
