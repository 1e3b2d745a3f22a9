//! The keys that detach a terminal from its container, and their search in what is typed.

use std::fmt;
use std::str::FromStr;

/// The keys that detach, one behind the other, as Docker writes them: a list with commas, of single characters,
/// `ctrl-a` to `ctrl-z`, `ctrl-@`, `ctrl-[`, `ctrl-\`, `ctrl-]`, `ctrl-^`, `ctrl-_`, and `DEL`.
///
/// ```
/// use hijack_proto::stream::DetachKeys;
///
/// assert_eq!(DetachKeys::default().as_bytes(), [0x10, 0x11]);
/// let keys: DetachKeys = "ctrl-x,q".parse().unwrap();
/// assert_eq!((keys.as_bytes(), keys.to_string()), (&b"\x18q"[..], "ctrl-x,q".to_owned()));
/// assert!("ctrl-Q".parse::<DetachKeys>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DetachKeys(
    /// At least one.
    Box<[u8]>,
);

impl Default for DetachKeys {
    /// `ctrl-p,ctrl-q`.
    fn default() -> Self {
        Self(Box::new([0x10, 0x11]))
    }
}

impl DetachKeys {
    /// The bytes that a terminal sends for them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl FromStr for DetachKeys {
    type Err = DetachKeysError;

    fn from_str(text: &str) -> Result<Self, DetachKeysError> {
        if text.len() > TEXT_LEN {
            return Err(DetachKeysError::TooLong { len: text.len(), limit: TEXT_LEN });
        }
        text.split(',')
            .map(|key| byte_of(key).ok_or_else(|| unknown(key)))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// Bytes of a list of keys that are looked at. Nobody types as many, and it may come in a request.
const TEXT_LEN: usize = 1024;

/// The keys `ctrl-` whose code is not a letter's, by their code.
const CONTROLS: [(u8, char); 6] =
    [(0x00, '@'), (0x1B, '['), (0x1C, '\\'), (0x1D, ']'), (0x1E, '^'), (0x1F, '_')];

fn byte_of(key: &str) -> Option<u8> {
    match (key.as_bytes(), key.strip_prefix("ctrl-").map(str::as_bytes)) {
        (&[byte], _) => Some(byte),
        (b"DEL", _) => Some(0x7F),
        (_, Some(&[letter @ b'a'..=b'z'])) => Some(letter - b'a' + 1),
        (_, Some(&[sign])) => {
            CONTROLS.into_iter().find(|&(_, name)| name == char::from(sign)).map(|(code, _)| code)
        }
        _ => None,
    }
}

fn unknown(key: &str) -> DetachKeysError {
    DetachKeysError::UnknownKey(key.chars().take(32).collect())
}

impl fmt::Display for DetachKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, &byte) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            let control = CONTROLS.into_iter().find(|&(code, _)| code == byte);
            match (byte, control) {
                (_, Some((_, sign))) => write!(f, "ctrl-{sign}")?,
                (1..=26, None) => write!(f, "ctrl-{}", char::from(b'a' + byte - 1))?,
                (0x7F, None) => f.write_str("DEL")?,
                (byte, None) => write!(f, "{}", char::from(byte))?,
            }
        }
        Ok(())
    }
}

/// Why a text names no keys.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DetachKeysError {
    /// No such key. An empty one is a comma too many.
    UnknownKey(String),
    /// A text longer than is looked at.
    TooLong {
        /// Its bytes.
        len: usize,
        /// 1,024.
        limit: usize,
    },
}

impl fmt::Display for DetachKeysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKey(key) => write!(
                f,
                "unknown key {key:?} in detach keys (they look like ctrl-p,ctrl-q: single characters, ctrl- with one \
                 of a-z @ [ \\ ] ^ _, or DEL)"
            ),
            Self::TooLong { len, limit } => write!(f, "detach keys of {len} bytes exceed limit {limit}"),
        }
    }
}

impl std::error::Error for DetachKeysError {}

/// Looks for the keys in what is typed, and holds back what may be the beginning of them.
///
/// The first place where all of them stand is found, however the input is cut. Docker's own matcher forgets a key
/// that breaks a match and begins the next one: behind `ctrl-p` twice and `ctrl-q` it goes on, this one detaches.
///
/// ```
/// use hijack_proto::stream::{DetachKeys, DetachMatcher};
///
/// let mut matcher = DetachMatcher::new(DetachKeys::default());
/// let mut out = Vec::new();
/// assert_eq!(matcher.feed(b"ls\x10", &mut out), None);
/// assert_eq!(out, b"ls");
/// assert_eq!(matcher.feed(b"x\x10\x11rest", &mut out), Some(3));
/// assert_eq!(out, b"ls\x10x");
/// ```
#[derive(Debug, Clone)]
pub struct DetachMatcher {
    keys: DetachKeys,
    /// For each number of keys matched, how many still are if the next one does not fit: the longest beginning of the
    /// keys that those end with (Knuth, Morris, Pratt).
    fallback: Box<[usize]>,
    /// Keys matched; below their number.
    matched: usize,
}

impl DetachMatcher {
    /// A matcher of `keys`.
    #[must_use]
    pub fn new(keys: DetachKeys) -> Self {
        let fallback = fallbacks(keys.as_bytes());
        Self { keys, fallback, matched: 0 }
    }

    /// Takes what was typed and puts what the process is to get behind `out`. The result is `None`, or how many bytes of
    /// `input` there are up to the end of the keys: then it is time to detach, and the matcher begins anew.
    pub fn feed(&mut self, input: &[u8], out: &mut Vec<u8>) -> Option<usize> {
        for (index, &byte) in input.iter().enumerate() {
            let keys = self.keys.as_bytes();
            while self.matched > 0 && keys[self.matched] != byte {
                let left = self.fallback[self.matched];
                out.extend_from_slice(&keys[..self.matched - left]);
                self.matched = left;
            }
            if keys[self.matched] != byte {
                out.push(byte);
                continue;
            }
            self.matched += 1;
            if self.matched == keys.len() {
                self.matched = 0;
                return Some(index + 1);
            }
        }
        None
    }

    /// What is held back: the process did not get it.
    #[must_use]
    pub fn held(&self) -> &[u8] {
        &self.keys.as_bytes()[..self.matched]
    }

    /// Nothing more is typed: what is held back goes behind `out`.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.held());
        self.matched = 0;
    }
}

fn fallbacks(keys: &[u8]) -> Box<[usize]> {
    let mut fallback = vec![0; keys.len()];
    for matched in 2..keys.len() {
        let mut left = fallback[matched - 1];
        while left > 0 && keys[left] != keys[matched - 1] {
            left = fallback[left];
        }
        fallback[matched] = left + usize::from(keys[left] == keys[matched - 1]);
    }
    fallback.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> DetachKeys {
        text.parse().expect(text)
    }

    /// moby/term `ascii.go`.
    #[test]
    fn reads_dockers_syntax() {
        let table: [(&str, &[u8]); 8] = [
            ("a", b"a"),
            ("ctrl-p,ctrl-q", b"\x10\x11"),
            ("ctrl-a,ctrl-z", b"\x01\x1a"),
            ("ctrl-@,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_", b"\0\x1b\x1c\x1d\x1e\x1f"),
            ("DEL", b"\x7f"),
            ("A,^, ,-", b"A^ -"),
            ("c,t,r,l", b"ctrl"),
            ("ctrl-c,D,E,L", b"\x03DEL"),
        ];
        for (text, bytes) in table {
            assert_eq!(keys(text).as_bytes(), bytes, "{text}");
            assert_eq!(keys(text).to_string(), text);
        }
        for text in ["", ",", "a,", ",,", "ctrl-", "ctrl-A", "ctrl-1", "Ctrl-p", "del", "é", "ab", "ctrl-pp"]
        {
            assert!(text.parse::<DetachKeys>().is_err(), "{text:?}");
        }
        let long = vec!["a"; 513].join(",");
        assert_eq!(long.parse::<DetachKeys>(), Err(DetachKeysError::TooLong { len: 1025, limit: 1024 }));
    }

    /// What comes through, and how much of the input was taken if they were found; the same for every cut.
    #[track_caller]
    fn check(text: &str, input: &[u8], through: &[u8], held: &[u8], found: Option<usize>) {
        for split in 0..=input.len() {
            let mut matcher = DetachMatcher::new(keys(text));
            let mut out = Vec::new();
            let first = matcher.feed(&input[..split], &mut out);
            let end = first.or_else(|| Some(split + matcher.feed(&input[split..], &mut out)?));
            assert_eq!((&out[..], end, matcher.held()), (through, found, held), "{text}, cut at {split}");
        }
    }

    #[test]
    fn holds_back_replays_and_detaches() {
        let default = "ctrl-p,ctrl-q";
        check(default, b"hello", b"hello", b"", None);
        check(default, b"hi\x10", b"hi", b"\x10", None);
        check(default, b"hi\x10x", b"hi\x10x", b"", None);
        check(default, b"hi\x10\x11", b"hi", b"", Some(4));
        check(default, b"\x10\x10\x11rest", b"\x10", b"", Some(3));
        check(default, b"\x11\x10", b"\x11", b"\x10", None);
        check("a", b"bca", b"bc", b"", Some(3));
        check("a,a,b", b"aaaab", b"aa", b"", Some(5));
        check("a,b,a,b,c", b"ababababc", b"abab", b"", Some(9));
        check("a,b,a,b,c", b"abababd", b"abababd", b"", None);
        check("a,b,a,a", b"ababa", b"ab", b"aba", None);
    }

    #[test]
    fn gives_back_what_it_holds_at_the_end() {
        let mut matcher = DetachMatcher::new(DetachKeys::default());
        let mut out = Vec::new();
        assert_eq!(matcher.feed(b"a\x10", &mut out), None);
        matcher.finish(&mut out);
        assert_eq!((&out[..], matcher.held()), (&b"a\x10"[..], &b""[..]));
        assert_eq!(matcher.feed(b"\x11", &mut out), None, "it began anew");
    }
}
