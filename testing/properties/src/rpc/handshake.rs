//! The CONNECT in front of net/rpc.

use bytes::Bytes;
use hijack_proto::rpc::handshake::{AnswerReader, Asked, Denied, judge_request, put_request};
use hijack_proto::{Limits, RequestHead};
use http::Method;

use super::cuts;
use crate::source::Source;

/// The input is control (limits, lengths of pieces) and bytes that are tried as all there is: as a server's answer, as a
/// client's request, and as a path.
///
/// An answer means the same for every cut, and is believed only with Go's very words. A request that is granted is a
/// CONNECT without a body. A path that can be asked for is read as it was.
///
/// # Panics
///
/// Where the law is broken.
pub fn heads(data: &[u8]) {
    let mut source = Source::new(data);
    let limits = source.limits();
    let lengths = source.some(8);
    let bytes = source.rest();
    answer(bytes, lengths, &limits);
    request(bytes, &limits);
    path(bytes);
}

fn answer(bytes: &[u8], lengths: &[u8], limits: &Limits) {
    let read = |ends: &[usize]| {
        let mut reader = AnswerReader::default();
        let mut reads = ends.iter().map(|&end| reader.read(&bytes[..end], limits));
        reads.find(|read| !matches!(read, Ok(None))).unwrap_or(Ok(None))
    };
    let [whole, single, chosen] = cuts(bytes.len(), lengths).map(|ends| read(&ends));
    for cut in [single, chosen] {
        // By pieces a head is found to be too long before its end is seen, where a whole one is only broken.
        let both_malformed = matches!((&cut, &whole), (Err(Denied::Malformed(_)), Err(Denied::Malformed(_))));
        assert!(both_malformed || cut == whole, "{cut:?} instead of {whole:?}");
    }
    if let Ok(Some(len)) = whole {
        let line = bytes[..len].split(|&byte| byte == b'\n').next().unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        assert!(
            [&b"HTTP/1.0 200 Connected to Go RPC"[..], b"HTTP/1.1 200 Connected to Go RPC"].contains(&line),
            "{} is believed",
            line.escape_ascii()
        );
    }
}

fn request(bytes: &[u8], limits: &Limits) {
    let Ok(head) = RequestHead::parse(Bytes::copy_from_slice(bytes), limits) else { return };
    let has = |name: &str| head.headers().contains_key(name);
    let is_connect = *head.method() == Method::CONNECT;
    match judge_request(&head) {
        Asked::Connect => assert!(is_connect && !has("content-length") && !has("transfer-encoding")),
        Asked::Body => assert!(is_connect && (has("content-length") || has("transfer-encoding"))),
        Asked::OtherMethod => assert!(!is_connect),
    }
}

fn path(bytes: &[u8]) {
    let Ok(path) = std::str::from_utf8(bytes) else { return };
    let mut out = Vec::new();
    if put_request(path, std::iter::empty(), &mut out).is_err() {
        assert!(out.is_empty(), "what cannot be asked for leaves nothing");
        return;
    }
    // What no URI may hold is refused by whoever reads it; else it is this path.
    if let Ok(head) = RequestHead::parse(out.into(), &Limits::default()) {
        assert_eq!(*head.method(), Method::CONNECT);
        assert_eq!(head.uri().path_and_query().map(http::uri::PathAndQuery::as_str), path.split('#').next());
        assert_eq!(judge_request(&head), Asked::Connect);
    }
}
