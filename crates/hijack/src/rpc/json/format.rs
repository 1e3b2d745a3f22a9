//! JSON in the spelling of Go's encoder: what a web page could take for markup is escaped, and whole floats look like
//! integers, which they may be to the reader.

use std::io::{self, Write};

use serde_json::ser::Formatter;

/// Writes values as Go does.
#[derive(Debug, Clone, Copy)]
pub(super) struct GoFormatter;

impl Formatter for GoFormatter {
    fn write_f32<W: Write + ?Sized>(&mut self, writer: &mut W, value: f32) -> io::Result<()> {
        let size = value.abs();
        if size != 0.0 && !(1e-6..1e21).contains(&size) {
            return write_exponent(writer, &format!("{value:e}"));
        }
        write!(writer, "{value}")
    }

    fn write_f64<W: Write + ?Sized>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        let size = value.abs();
        if size != 0.0 && !(1e-6..1e21).contains(&size) {
            return write_exponent(writer, &format!("{value:e}"));
        }
        write!(writer, "{value}")
    }

    fn write_string_fragment<W: Write + ?Sized>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, escape, len)) = next_escape(rest.as_bytes()) {
            writer.write_all(&rest.as_bytes()[..at])?;
            writer.write_all(escape)?;
            rest = &rest[at + len..];
        }
        writer.write_all(rest.as_bytes())
    }
}

/// Go writes the sign of an exponent.
fn write_exponent<W: Write + ?Sized>(writer: &mut W, text: &str) -> io::Result<()> {
    let (digits, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let sign = if exponent.starts_with('-') { "" } else { "+" };
    write!(writer, "{digits}e{sign}{exponent}")
}

/// The next character that Go escapes and JSON would not have to: its place, its escape and its length.
fn next_escape(text: &[u8]) -> Option<(usize, &'static [u8], usize)> {
    text.iter().enumerate().find_map(|(at, &byte)| {
        let escape: (&'static [u8], usize) = match byte {
            b'<' => (b"\\u003c", 1),
            b'>' => (b"\\u003e", 1),
            b'&' => (b"\\u0026", 1),
            // U+2028 and U+2029, which end a line in JavaScript.
            0xe2 if text[at..].starts_with(b"\xe2\x80\xa8") => (b"\\u2028", 3),
            0xe2 if text[at..].starts_with(b"\xe2\x80\xa9") => (b"\\u2029", 3),
            _ => return None,
        };
        Some((at, escape.0, escape.1))
    })
}

/// A legal JSON text without white space, with the same escapes.
pub(super) fn compact(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    let (mut in_string, mut escaped) = (false, false);
    while let Some(&byte) = rest.first() {
        let is_space = byte.is_ascii_whitespace() && !in_string;
        match next_escape(&rest[..rest.len().min(3)]).filter(|escape| escape.0 == 0) {
            Some((_, escape, len)) => {
                out.extend_from_slice(escape);
                rest = &rest[len..];
            }
            None => {
                if !is_space {
                    out.push(byte);
                }
                rest = &rest[1..];
            }
        }
        in_string ^= byte == b'"' && !escaped;
        escaped = in_string && byte == b'\\' && !escaped;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn go(value: &impl serde::Serialize) -> String {
        let mut out = Vec::new();
        super::super::put(&mut out, value).expect("JSON");
        String::from_utf8(out).expect("UTF-8")
    }

    /// What Go 1.27 writes for the same values.
    #[test]
    fn writes_numbers_and_texts_as_go() {
        let floats = [0.0, 1.0, -1.5, 1e20, 1e21, 1.5e300, 1e-6, 1e-7, -2.5e-9, 0.1];
        assert_eq!(go(&floats), "[0,1,-1.5,100000000000000000000,1e+21,1.5e+300,0.000001,1e-7,-2.5e-9,0.1]");
        assert_eq!(go(&[0.1_f32, 1e21, 16_777_216.0]), "[0.1,1e+21,16777216]");
        assert_eq!(
            go(&"<a> & \u{2028}\u{2029}\u{e9}\"\\\n\t\u{1}\u{7f}"),
            "\"\\u003ca\\u003e \\u0026 \\u2028\\u2029\u{e9}\\\"\\\\\\n\\t\\u0001\u{7f}\""
        );
    }

    #[test]
    fn compacts_outside_of_texts_only() {
        let table = [
            ("{ \"a\" : [ 1 , \" \\\" \" ] }", "{\"a\":[1,\" \\\" \"]}"),
            ("\"<\u{2028}>\"", "\"\\u003c\\u2028\\u003e\""),
            ("\"a\\\\\" ", "\"a\\\\\""),
            ("null", "null"),
        ];
        for (text, compacted) in table {
            assert_eq!(String::from_utf8_lossy(&compact(text)), compacted, "{text}");
        }
    }
}
