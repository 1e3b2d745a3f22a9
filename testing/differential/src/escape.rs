//! Bytes as readable text and back: `\r`, `\n`, `\t`, `\\`, `\xHH`, and `\(N*text)` for text N times.

use std::fmt::Write as _;

/// Runs of one byte at least this long are written as a repetition.
const LONG_RUN: usize = 40;

/// The bytes that `text` stands for.
///
/// # Errors
///
/// A sentence that quotes what is malformed.
pub fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        rest = unescape_one(&rest[at + 1..], &mut out)?;
    }
    out.extend_from_slice(rest.as_bytes());
    Ok(out)
}

/// Reads what stands behind a backslash; gives what follows it.
fn unescape_one<'t>(text: &'t str, out: &mut Vec<u8>) -> Result<&'t str, String> {
    let malformed = || format!("malformed escape: \\{text}");
    let (kind, rest) = text.split_at_checked(1).ok_or_else(malformed)?;
    match kind {
        "r" => out.push(b'\r'),
        "n" => out.push(b'\n'),
        "t" => out.push(b'\t'),
        "\\" => out.push(b'\\'),
        "x" => {
            let (digits, rest) = rest.split_at_checked(2).ok_or_else(malformed)?;
            out.push(u8::from_str_radix(digits, 16).map_err(|_| malformed())?);
            return Ok(rest);
        }
        "(" => {
            let (repetition, rest) = rest.split_once(')').ok_or_else(malformed)?;
            let (count, repeated) = repetition.split_once('*').ok_or_else(malformed)?;
            let count = count.parse().map_err(|_| malformed())?;
            out.extend_from_slice(&unescape(repeated)?.repeat(count));
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
    use super::{escape, unescape};

    #[test]
    fn reads_escapes_and_repetitions() {
        assert_eq!(unescape(r"a\r\n\t\\\xff\x00").as_deref(), Ok(&b"a\r\n\t\\\xff\0"[..]));
        assert_eq!(unescape(r"\(3*ab\n)c").as_deref(), Ok(&b"ab\nab\nab\nc"[..]));
        for malformed in [r"\", r"\q", r"\x1", r"\xzz", r"\(3*a", r"\(x*a)", r"\(3a)"] {
            assert!(unescape(malformed).is_err(), "{malformed}");
        }
    }

    #[test]
    fn escapes_every_byte_readably_and_back() {
        let mut all: Vec<u8> = (0..=255).collect();
        all.extend_from_slice(&[b'x'; 100]);
        let text = escape(&all);
        assert!(text.is_ascii() && text.ends_with(r"\(100*x)"), "{text}");
        assert_eq!(unescape(&text), Ok(all));
    }
}
