//! The messages of a program: the first one is checked for its meaning, all later ones for their bytes.

use std::io;
use std::ops::Range;

/// The bytes every message must have; only the digits and names in its `Date` may differ.
#[derive(Debug)]
pub(crate) struct Expected {
    bytes: Vec<u8>,
    date: Range<usize>,
}

impl Expected {
    /// Checks the first message's `head` and expects `body` to follow it. The first line must begin with `start`.
    pub(super) fn learn(head: &[u8], start: &str, headers: &[(&str, &str)], body: &str) -> io::Result<Self> {
        let text = std::str::from_utf8(head).map_err(io::Error::other)?;
        let mut lines = text.split("\r\n");
        let first = lines.next().unwrap_or_default();
        if !first.starts_with(start) {
            return Err(io::Error::other(format!("{start:?} expected, got {first:?}")));
        }
        let fields: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once(": ")).collect();
        for (name, value) in headers {
            expect_field(&fields, name, value)?;
        }
        Ok(Self { bytes: [head, body.as_bytes()].concat(), date: date_range(text) })
    }

    /// Expects exactly `bytes`.
    pub(super) fn exactly(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), date: 0..0 }
    }

    pub(super) fn has_date(&self) -> bool {
        !self.date.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Checks what has arrived so far.
    pub(super) fn check(&self, got: &[u8]) -> io::Result<()> {
        let date = self.date.start.min(got.len())..self.date.end.min(got.len());
        let fits = got.len() <= self.bytes.len()
            && got[..date.start] == self.bytes[..date.start]
            && got[date.end..] == self.bytes[date.end..got.len()]
            && got[date.clone()]
                .iter()
                .zip(&self.bytes[date])
                .all(|(got, known)| class(*got) == class(*known));
        if fits { Ok(()) } else { Err(mismatch(&self.bytes, got)) }
    }
}

fn expect_field(fields: &[(&str, &str)], name: &str, value: &str) -> io::Result<()> {
    let found: Vec<&str> =
        fields.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| *value).collect();
    match found[..] {
        [one] if one.eq_ignore_ascii_case(value) => Ok(()),
        _ => Err(io::Error::other(format!("header {name}: {value} expected once, got {found:?}"))),
    }
}

/// Where the value of `Date` stands; empty without one.
fn date_range(head: &str) -> Range<usize> {
    let Some(field) = head.to_ascii_lowercase().find("\r\ndate: ") else { return 0..0 };
    let start = field + "\r\ndate: ".len();
    start..start + head[start..].find("\r\n").unwrap_or(0)
}

/// Digit, capital, small letter, or the byte itself: the shape of a date.
fn class(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => b'0',
        b'A'..=b'Z' => b'A',
        b'a'..=b'z' => b'a',
        other => other,
    }
}

fn mismatch(expected: &[u8], got: &[u8]) -> io::Error {
    io::Error::other(format!("expected \"{}\"\n     got \"{}\"", expected.escape_ascii(), got.escape_ascii()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] =
        b"HTTP/1.1 200 OK\r\nDate: Sat, 22 Nov 2025 15:14:00 GMT\r\nContent-Length: 2\r\n\r\n";

    fn learnt() -> Expected {
        Expected::learn(HEAD, "HTTP/1.1 200 ", &[("content-length", "2")], "hi").expect("a right message")
    }

    #[test]
    fn accepts_another_date_and_every_prefix() {
        let whole = [&HEAD.replace_once(b"15:14:00", b"16:59:59")[..], b"hi"].concat();
        for len in 0..=whole.len() {
            learnt().check(&whole[..len]).expect("a right prefix");
        }
    }

    #[test]
    fn refuses_any_other_change_and_any_surplus() {
        let whole = [HEAD, b"hi"].concat();
        for at in 0..whole.len() {
            let mut wrong = whole.clone();
            wrong[at] ^= 0x80;
            assert!(learnt().check(&wrong).is_err(), "byte {at}");
        }
        assert!(learnt().check(&[&whole[..], b"!"].concat()).is_err());
    }

    #[test]
    fn refuses_a_first_message_with_another_start_or_header() {
        assert!(Expected::learn(HEAD, "HTTP/1.1 101 ", &[], "").is_err());
        assert!(Expected::learn(HEAD, "HTTP/1.1 200 ", &[("content-length", "3")], "").is_err());
        assert!(Expected::learn(HEAD, "HTTP/1.1 200 ", &[("upgrade", "echo")], "").is_err());
    }

    trait ReplaceOnce {
        fn replace_once(&self, from: &[u8], to: &[u8]) -> Vec<u8>;
    }

    impl ReplaceOnce for [u8] {
        fn replace_once(&self, from: &[u8], to: &[u8]) -> Vec<u8> {
            let at = self.windows(from.len()).position(|window| window == from).expect("part to replace");
            [&self[..at], to, &self[at + from.len()..]].concat()
        }
    }
}
