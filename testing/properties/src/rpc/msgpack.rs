//! MessagePack values in a stream.

use hijack_proto::rpc::msgpack::{ScanError, Scanner};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::cuts;
use crate::source::Source;

/// The input is control (limit, lengths of pieces) and a stream of values.
///
/// The same ends and the same error are found for every cut, and rmp-serde ends each value there.
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
    let mut start = 0;
    for &end in &found.0 {
        check(&stream[start..], end - start);
        start = end;
    }
}

/// The ends of the values, and what is wrong behind them.
fn find(stream: &[u8], ends: &[usize], limit: usize) -> (Vec<usize>, Option<ScanError>) {
    let mut scanner = Scanner::new(limit);
    let (mut values, mut start) = (Vec::new(), 0);
    for &end in ends {
        loop {
            match scanner.find(&stream[start..end]) {
                Ok(Some(len)) => {
                    start += len;
                    values.push(start);
                }
                Ok(None) => break,
                Err(error) => return (values, Some(error)),
            }
        }
    }
    (values, None)
}

fn check(stream: &[u8], len: usize) {
    let mut deserializer = rmp_serde::Deserializer::new(stream);
    if IgnoredAny::deserialize(&mut deserializer).is_ok() {
        assert_eq!(
            stream.len() - deserializer.get_ref().len(),
            len,
            "the value ends where rmp-serde ends it"
        );
    }
}
