//! JSON values in a stream.

use std::ops::Range;

use hijack_proto::rpc::json::{ScanError, Scanner};
use serde::de::IgnoredAny;

use super::cuts;
use crate::source::Source;

/// The input is control (limit, lengths of pieces) and a stream of values.
///
/// The same values and the same error are found for every cut. serde_json reads each value, and finds fault with what
/// the scanner does, at the same byte.
///
/// # Panics
///
/// Where the law is broken.
pub fn values(data: &[u8]) {
    let mut source = Source::new(data);
    let limit = if source.byte() & 1 == 0 { 1 << 20 } else { 24 };
    let lengths = source.some(8);
    let stream = source.rest();
    let [whole, bytes, chosen] = cuts(stream.len(), lengths);
    let found = find(stream, &whole, limit);
    assert_eq!(find(stream, &bytes, limit), found, "byte by byte");
    assert_eq!(find(stream, &chosen, limit), found, "in pieces");
    check(stream, &found);
}

/// The values, where the last one ends, and what is wrong behind it.
type Found = (Vec<Range<usize>>, usize, Option<ScanError>);

fn find(stream: &[u8], ends: &[usize], limit: usize) -> Found {
    let mut scanner = Scanner::new(limit);
    let (mut values, mut start) = (Vec::new(), 0);
    for &end in ends {
        loop {
            match scanner.find(&stream[start..end]) {
                Ok(Some(value)) => {
                    values.push(start + value.start..start + value.end);
                    start += value.end;
                }
                Ok(None) => break,
                Err(error) => return (values, start, Some(error)),
            }
        }
    }
    (values, start, None)
}

fn check(stream: &[u8], (values, end, error): &Found) {
    for value in values {
        let value = &stream[value.clone()];
        if std::str::from_utf8(value).is_ok() {
            serde_json::from_slice::<IgnoredAny>(value).expect("a value");
        }
    }
    if let Some(ScanError::Unexpected { byte, at }) = error {
        let (good, bad) = (&stream[*end..end + at], &stream[*end..=end + at]);
        assert_eq!(bad.last(), Some(byte));
        if std::str::from_utf8(bad).is_ok() {
            let read = |bytes| serde_json::from_slice::<IgnoredAny>(bytes).map(drop);
            // serde_json takes half a number for a wrong one.
            let is_in_number = matches!(good.last(), Some(b'-' | b'+' | b'.' | b'e' | b'E'));
            let goes_on = read(good).expect_err("no whole value").is_eof();
            assert!(goes_on || is_in_number, "all before could go on");
            // serde_json looks at four hexadecimal digits at once, so it is given some more.
            let more = [bad, b"0000"].concat();
            assert!(read(&more).expect_err("no value").is_syntax(), "and this byte could not");
        }
    }
}
