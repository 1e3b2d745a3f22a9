//! Bytes as readable text and back: `\r`, `\n`, `\t`, `\\`, `\xHH`, `\(N*text)` for text N times, and `\{METHOD}`
//! for a request behind which a server sends what follows.

use std::fmt::Write as _;

use crate::{Ask, Stream};

/// Runs of one byte at least this long are written as a repetition.
const LONG_RUN: usize = 40;

/// What a text stands for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Unescaped {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The requests among them.
    pub asks: Vec<Ask>,
}

/// The bytes and requests that `text` stands for.
///
/// # Errors
///
/// A sentence that quotes what is malformed.
pub fn unescape(text: &str) -> Result<Unescaped, String> {
    let mut out = Unescaped::default();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.bytes.extend_from_slice(&rest.as_bytes()[..at]);
        rest = unescape_one(&rest[at + 1..], &mut out)?;
    }
    out.bytes.extend_from_slice(rest.as_bytes());
    Ok(out)
}

/// Reads what stands behind a backslash; gives what follows it.
fn unescape_one<'t>(text: &'t str, out: &mut Unescaped) -> Result<&'t str, String> {
    let malformed = || format!("malformed escape: \\{text}");
    let (kind, rest) = text.split_at_checked(1).ok_or_else(malformed)?;
    match kind {
        "r" => out.bytes.push(b'\r'),
        "n" => out.bytes.push(b'\n'),
        "t" => out.bytes.push(b'\t'),
        "\\" => out.bytes.push(b'\\'),
        "x" => {
            let (digits, rest) = rest.split_at_checked(2).ok_or_else(malformed)?;
            out.bytes.push(u8::from_str_radix(digits, 16).map_err(|_| malformed())?);
            return Ok(rest);
        }
        "(" => {
            let (repetition, rest) = rest.split_once(')').ok_or_else(malformed)?;
            let (count, repeated) = repetition.split_once('*').ok_or_else(malformed)?;
            let count = count.parse().map_err(|_| malformed())?;
            out.bytes.extend_from_slice(&unescape(repeated)?.bytes.repeat(count));
            return Ok(rest);
        }
        "{" => {
            let (method, rest) = rest.split_once('}').ok_or_else(malformed)?;
            out.asks.push(Ask { method: method.to_owned(), at: out.bytes.len() });
            return Ok(rest);
        }
        _ => return Err(malformed()),
    }
    Ok(rest)
}

/// `bytes` as text that [`unescape`] reads back.
#[must_use]
pub fn escape(bytes: &[u8]) -> String {
    let mut out = String::new();
    for run in bytes.chunk_by(|one, next| one == next) {
        let byte = escape_byte(run[0]);
        if run.len() >= LONG_RUN && run[0] != b')' {
            let _ = write!(out, "\\({}*{byte})", run.len());
        } else {
            out.push_str(&byte.repeat(run.len()));
        }
    }
    out
}

/// A stream as text that [`unescape`] reads back.
#[must_use]
pub fn escape_stream(stream: &Stream) -> String {
    let mut methods = stream.asks.iter().map(|ask| &ask.method);
    let mut out = String::new();
    for segment in stream.segments() {
        if let Some(method) = methods.next() {
            let _ = write!(out, "\\{{{method}}}");
        }
        out.push_str(&escape(&stream.bytes[segment]));
    }
    out
}

fn escape_byte(byte: u8) -> String {
    match byte {
        b'\r' => "\\r".to_owned(),
        b'\n' => "\\n".to_owned(),
        b'\t' => "\\t".to_owned(),
        b'\\' => "\\\\".to_owned(),
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Stream, escape, escape_stream, unescape};

    fn bytes(text: &str) -> Option<Vec<u8>> {
        let unescaped = unescape(text).ok()?;
        unescaped.asks.is_empty().then_some(unescaped.bytes)
    }

    #[test]
    fn reads_escapes_and_repetitions() {
        assert_eq!(bytes(r"a\r\n\t\\\xff\x00").as_deref(), Some(&b"a\r\n\t\\\xff\0"[..]));
        assert_eq!(bytes(r"\(3*ab\n)c").as_deref(), Some(&b"ab\nab\nab\nc"[..]));
        for malformed in [r"\", r"\q", r"\x1", r"\xzz", r"\(3*a", r"\(x*a)", r"\(3a)", r"\{GET"] {
            assert!(unescape(malformed).is_err(), "{malformed}");
        }
    }

    #[test]
    fn escapes_every_byte_readably_and_back() {
        let mut all: Vec<u8> = (0..=255).collect();
        all.extend_from_slice(&[b'x'; 100]);
        let text = escape(&all);
        assert!(text.is_ascii() && text.ends_with(r"\(100*x)"), "{text}");
        assert_eq!(bytes(&text), Some(all));
    }

    #[test]
    fn keeps_requests_in_their_places() {
        let text = r"\{GET}a\\{b}\{HEAD}\{POST}c";
        let read = unescape(text).expect("well-formed");
        assert_eq!(read.bytes, br"a\{b}c");
        let places: Vec<_> = read.asks.iter().map(|ask| (&ask.method[..], ask.at)).collect();
        assert_eq!(places, [("GET", 0), ("HEAD", 5), ("POST", 5)]);
        let stream = Stream { name: "test".to_owned(), bytes: read.bytes, asks: read.asks, expected: None };
        assert_eq!(escape_stream(&stream), text);
    }
}
