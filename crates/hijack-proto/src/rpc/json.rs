//! Where a JSON value ends, in a stream of them without any other framing.
//!
//! The grammar is checked on the way, as Go's decoder does, so that a broken value is refused at the byte that breaks
//! it instead of being waited for. What the bytes mean, and whether they are UTF-8, is not asked here.

use std::fmt;
use std::ops::Range;

/// Finds the end of one value after the other; every byte is looked at once, however small the pieces are.
///
/// ```
/// use hijack_proto::rpc::json::Scanner;
///
/// let mut scanner = Scanner::new(1024);
/// assert_eq!(scanner.find(b" {\"a\""), Ok(None));
/// assert_eq!(scanner.find(b" {\"a\": 1}\n{}"), Ok(Some(1..9)));
/// ```
#[derive(Debug, Clone)]
pub struct Scanner {
    state: State,
    /// Which of the open brackets are braces, the innermost one lowest.
    braces: u128,
    /// How many brackets are open; `depth <= MOST_DEPTH`.
    depth: u32,
    /// Bytes that were looked at.
    offset: usize,
    /// Where the value begins, once it has.
    start: Option<usize>,
    limit: usize,
}

/// Brackets that may be open at once: the limit of serde_json, which reads the value afterwards.
pub const MOST_DEPTH: u32 = 127;

/// Why no value can be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScanError {
    /// This byte, so many bytes behind the end of the last value, cannot stand there.
    Unexpected {
        /// The byte.
        byte: u8,
        /// Its place.
        at: usize,
    },
    /// A value is longer than it may be.
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// More than [`MOST_DEPTH`] brackets are open.
    TooDeep,
}

impl fmt::Display for ScanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unexpected { byte, at } => {
                write!(f, "invalid character {:?} in JSON at byte {at}", char::from(*byte))
            }
            Self::TooLong { limit } => write!(f, "JSON value exceeds limit {limit} bytes"),
            Self::TooDeep => write!(f, "JSON value is nested deeper than limit {MOST_DEPTH}"),
        }
    }
}

impl std::error::Error for ScanError {}

/// What may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Value,
    /// A value or the end of the array.
    FirstValue,
    Key,
    /// A key or the end of the object.
    FirstKey,
    Colon,
    /// A comma, or the end of what is open.
    After,
    String(Text),
    Escape(Text),
    /// So many hexadecimal digits.
    Hex(Text, u8),
    Literal(&'static [u8]),
    Number(Number),
}

/// What a string is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Text {
    Key,
    Value,
}

/// How far a number is, RFC 8259 §6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Number {
    Minus,
    Zero,
    Integer,
    Point,
    Fraction,
    E,
    ESign,
    Exponent,
}

impl Scanner {
    /// A scanner of values of `limit` bytes at the most, the white space before them included.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { state: State::Value, braces: 0, depth: 0, offset: 0, start: None, limit }
    }

    /// The place of the first value in `buf`, or `None` if it goes on.
    ///
    /// `buf` must begin with the same bytes at every call until a value is found, and then with those behind it. A
    /// number at the top ends with the byte behind it.
    ///
    /// # Errors
    ///
    /// [`ScanError`]; nothing can be found any more.
    pub fn find(&mut self, buf: &[u8]) -> Result<Option<Range<usize>>, ScanError> {
        // What lies beyond the limit decides nothing, however much of it is there already.
        let buf = &buf[..buf.len().min(self.limit.saturating_add(1))];
        while let Some(&byte) = buf.get(self.offset) {
            if let State::String(text) = self.state {
                self.skip_text(&buf[self.offset..], text)?;
            } else if self.step(byte)? {
                self.offset += 1;
            }
            if self.state == State::After && self.depth == 0 {
                return self.found().map(Some);
            }
        }
        self.within(self.offset)?;
        Ok(None)
    }

    fn found(&mut self) -> Result<Range<usize>, ScanError> {
        self.within(self.offset)?;
        let found = self.start.unwrap_or_default()..self.offset;
        *self = Self::new(self.limit);
        Ok(found)
    }

    fn within(&self, len: usize) -> Result<(), ScanError> {
        if len > self.limit { Err(ScanError::TooLong { limit: self.limit }) } else { Ok(()) }
    }

    /// Passes over a string's bytes up to its end, an escape, or the end of what there is.
    fn skip_text(&mut self, rest: &[u8], text: Text) -> Result<(), ScanError> {
        let len = memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
        if let Some(control) = rest[..len].iter().position(|&byte| byte < b' ') {
            return Err(ScanError::Unexpected { byte: rest[control], at: self.offset + control });
        }
        self.offset += len;
        if let Some(&stop) = rest.get(len) {
            self.offset += 1;
            self.state = if stop == b'\\' { State::Escape(text) } else { after(text) };
        }
        Ok(())
    }

    /// Takes one byte outside of a string; false if it belongs to what follows.
    fn step(&mut self, byte: u8) -> Result<bool, ScanError> {
        if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') && self.state.allows_space() {
            return Ok(true);
        }
        self.state = match (self.state, byte) {
            (State::Number(number), byte) => match number.then(byte) {
                Some(next) => State::Number(next),
                None if number.may_end() => {
                    self.state = State::After;
                    return Ok(false);
                }
                None => return Err(self.unexpected(byte)),
            },
            (State::FirstValue, b']') | (State::FirstKey, b'}') => self.close(),
            (State::Value | State::FirstValue, byte) => return self.begin(byte).map(|()| true),
            (State::Key | State::FirstKey, b'"') => State::String(Text::Key),
            (State::Colon, b':') => State::Value,
            (State::After, b',') => {
                if self.is_in_object() {
                    State::Key
                } else {
                    State::Value
                }
            }
            (State::After, b'}') if self.is_in_object() => self.close(),
            (State::After, b']') if !self.is_in_object() => self.close(),
            (State::Escape(text), b'u') => State::Hex(text, 4),
            (State::Escape(text), b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                State::String(text)
            }
            (State::Hex(text, 1), byte) if byte.is_ascii_hexdigit() => State::String(text),
            (State::Hex(text, left), byte) if byte.is_ascii_hexdigit() => State::Hex(text, left - 1),
            (State::Literal([expected]), byte) if *expected == byte => State::After,
            (State::Literal([expected, rest @ ..]), byte) if *expected == byte => State::Literal(rest),
            (_, byte) => return Err(self.unexpected(byte)),
        };
        Ok(true)
    }

    /// A value begins with this byte.
    fn begin(&mut self, byte: u8) -> Result<(), ScanError> {
        self.start.get_or_insert(self.offset);
        self.state = match byte {
            b'{' => self.open(true)?,
            b'[' => self.open(false)?,
            b'"' => State::String(Text::Value),
            b'-' => State::Number(Number::Minus),
            b'0' => State::Number(Number::Zero),
            b'1'..=b'9' => State::Number(Number::Integer),
            b't' => State::Literal(b"rue"),
            b'f' => State::Literal(b"alse"),
            b'n' => State::Literal(b"ull"),
            _ => return Err(self.unexpected(byte)),
        };
        Ok(())
    }

    fn open(&mut self, is_object: bool) -> Result<State, ScanError> {
        if self.depth == MOST_DEPTH {
            return Err(ScanError::TooDeep);
        }
        self.depth += 1;
        self.braces = self.braces << 1 | u128::from(is_object);
        Ok(if is_object { State::FirstKey } else { State::FirstValue })
    }

    fn close(&mut self) -> State {
        self.depth -= 1;
        self.braces >>= 1;
        State::After
    }

    fn is_in_object(&self) -> bool {
        self.braces & 1 == 1
    }

    fn unexpected(&self, byte: u8) -> ScanError {
        ScanError::Unexpected { byte, at: self.offset }
    }
}

impl State {
    fn allows_space(self) -> bool {
        !matches!(self, Self::Escape(_) | Self::Hex(..) | Self::Literal(_) | Self::Number(_))
    }
}

impl Number {
    /// What the number is with this digit, sign or point behind it.
    fn then(self, byte: u8) -> Option<Self> {
        Some(match (self, byte) {
            (Self::Minus, b'0') => Self::Zero,
            (Self::Minus, b'1'..=b'9') | (Self::Integer, b'0'..=b'9') => Self::Integer,
            (Self::Zero | Self::Integer, b'.') => Self::Point,
            (Self::Point | Self::Fraction, b'0'..=b'9') => Self::Fraction,
            (Self::Zero | Self::Integer | Self::Fraction, b'e' | b'E') => Self::E,
            (Self::E, b'+' | b'-') => Self::ESign,
            (Self::E | Self::ESign | Self::Exponent, b'0'..=b'9') => Self::Exponent,
            _ => return None,
        })
    }

    fn may_end(self) -> bool {
        matches!(self, Self::Zero | Self::Integer | Self::Fraction | Self::Exponent)
    }
}

/// What may follow a string.
fn after(text: Text) -> State {
    match text {
        Text::Key => State::Colon,
        Text::Value => State::After,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(text: &[u8]) -> Result<Option<Range<usize>>, ScanError> {
        let whole = Scanner::new(64).find(text);
        let mut scanner = Scanner::new(64);
        let pieces = (0..=text.len()).map(|len| scanner.find(&text[..len]));
        let pieces = pieces.into_iter().find(|found| !matches!(found, Ok(None))).unwrap_or(Ok(None));
        assert_eq!(pieces, whole, "byte by byte, {}", text.escape_ascii());
        whole
    }

    #[test]
    fn finds_values_of_every_kind() {
        let values: [&[u8]; 10] = [
            b"{}",
            b"[]",
            b"[[],{}, 1]",
            br#"{"a":{"b":[true,false,null]},"c":"}"}"#,
            br#""a\"b\\""#,
            b"\"\\u00e9\\n\xff\"",
            b"null",
            b"{\"a\":-0.5e+10}",
            b"[0, 10, 1E5]",
            br#"{ "a" : 1 , "b" : [ ] }"#,
        ];
        for value in values {
            let text = [b" \n", value, b"{}"].concat();
            assert_eq!(find(&text), Ok(Some(2..2 + value.len())), "{}", text.escape_ascii());
        }
        assert_eq!(find(b"12 "), Ok(Some(0..2)));
        assert_eq!(find(b"12"), Ok(None), "digits may follow");
    }

    #[test]
    fn refuses_what_is_no_json_at_the_byte_that_breaks_it() {
        let table: [(&[u8], u8, usize); 14] = [
            (b"}", b'}', 0),
            (b"{bad", b'b', 1),
            (b"{\"a\" 1", b'1', 5),
            (b"{\"a\":]", b']', 5),
            (b"[1,]", b']', 3),
            (b"{\"a\":1,}", b'}', 7),
            (b"[1}", b'}', 2),
            (b"{]", b']', 1),
            (b"\"\\x", b'x', 2),
            (b"\"\\u12g", b'g', 5),
            (b"\"a\nb", b'\n', 2),
            (b"[01", b'1', 2),
            (b"nul ", b' ', 3),
            (b"[1.]", b']', 3),
        ];
        for (text, byte, at) in table {
            assert_eq!(find(text), Err(ScanError::Unexpected { byte, at }), "{}", text.escape_ascii());
        }
    }

    #[test]
    fn refuses_what_is_too_long_or_too_deep() {
        assert_eq!(Scanner::new(4).find(b"    "), Ok(None));
        assert_eq!(Scanner::new(4).find(b"     "), Err(ScanError::TooLong { limit: 4 }));
        assert_eq!(Scanner::new(4).find(b"[1 ]"), Ok(Some(0..4)));
        assert_eq!(Scanner::new(4).find(b"[1  ]"), Err(ScanError::TooLong { limit: 4 }));
        let beyond = b"[1   x";
        assert_eq!(Scanner::new(4).find(beyond), Err(ScanError::TooLong { limit: 4 }), "whatever follows");
        let deep = vec![b'['; MOST_DEPTH as usize + 1];
        assert_eq!(Scanner::new(1024).find(&deep[1..]), Ok(None));
        assert_eq!(Scanner::new(1024).find(&deep), Err(ScanError::TooDeep));
    }

    #[test]
    fn finds_one_value_after_the_other() {
        let mut scanner = Scanner::new(64);
        let text = b"{\"id\":0}\n{\"id\":1} []";
        assert_eq!(scanner.find(text), Ok(Some(0..8)));
        assert_eq!(scanner.find(&text[8..]), Ok(Some(1..9)));
        assert_eq!(scanner.find(&text[17..]), Ok(Some(1..3)));
    }
}
