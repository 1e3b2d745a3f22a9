//! Chunked bodies: a body is read the same however it is cut, and is the same body written again.

use hijack_proto::Limits;
use hijack_proto::body::BodyError;
use hijack_proto::h1::{AnswerBody, Answered, ClientSession, Outgoing};
use http::{HeaderMap, Method, Version};

use crate::heads::write_headers;
use crate::pieces::Cut;
use crate::reader::{Event, Reader, Said};
use crate::server::{READ_ALL, every_cut};
use crate::source::Source;

/// The input is control (limits, lengths of pieces) and the bytes behind the head of a chunked request.
///
/// # Panics
///
/// Where the law is broken.
pub fn body(data: &[u8]) {
    let mut source = Source::new(data);
    let limits = source.limits();
    let lengths = source.some(8);
    let body = source.rest();
    let request = [HEAD, body].concat();
    let record = every_cut(&request, lengths, limits, &READ_ALL);
    let read = Body::first_of(&record.events, HEAD.len());
    for cut in Cut::every(lengths) {
        assert_eq!(read_as_answer(body, cut, limits), read, "a client reads it as a server, cut as {cut:?}");
    }
    if read.end.is_some() {
        check_rewritten(&read);
    }
}

const HEAD: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

/// A body that was read, as far as it went.
#[derive(Debug, Default, PartialEq, Eq)]
struct Body {
    data: Vec<u8>,
    trailers: Option<HeaderMap>,
    /// The place behind it, if it ended.
    end: Option<usize>,
    error: Option<BodyError>,
}

impl Body {
    /// The first body that `events` tell of, which began at `start`.
    fn first_of(events: &[Event], start: usize) -> Self {
        let mut body = Self::default();
        for event in events {
            match &event.said {
                Said::Data(data) => body.data.clone_from(data),
                Said::End(trailers) => {
                    body.trailers.clone_from(trailers);
                    body.end = Some(event.position - start);
                    break;
                }
                Said::NoBody(error) => {
                    body.error = Some(*error);
                    break;
                }
                _ => {}
            }
        }
        body
    }
}

/// The same body behind the head of an answer.
fn read_as_answer(body: &[u8], cut: Cut<'_>, limits: Limits) -> Body {
    let mut session = asked(limits);
    session.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert!(matches!(session.poll_head(), Ok(Answered::Final { .. })));
    let mut reader = Reader::new(session, body, cut);
    reader.read(usize::MAX, usize::MAX);
    Body::first_of(&reader.events, 0)
}

/// A session that waits for the answer to a `GET`.
fn asked(limits: Limits) -> ClientSession {
    let mut session = ClientSession::new(limits);
    let headers = HeaderMap::new();
    let (method, version) = (&Method::GET, Version::HTTP_11);
    let request = Outgoing {
        method,
        target: b"/",
        version,
        host: None,
        upgrade: None,
        headers: &headers,
        body: AnswerBody::Exact(0),
    };
    session.send(&request, &mut Vec::new()).expect("a first request");
    session.end_request(None, &mut Vec::new()).expect("no body");
    session
}

/// A body that ended is the same body written again, in chunks of any size.
fn check_rewritten(read: &Body) {
    for size in [1, 10, usize::MAX] {
        let mut written = Vec::new();
        for chunk in read.data.chunks(size) {
            put_chunk(&mut written, chunk);
        }
        put_last(&mut written, read.trailers.as_ref());
        let again = read_as_answer(&written, Cut::Whole, Limits::default());
        assert_eq!((&again.data, again.error), (&read.data, None));
        assert_eq!(again.trailers.unwrap_or_default(), read.trailers.clone().unwrap_or_default());
    }
}

/// Writes one chunk; no data is none, since an empty one would be the last.
pub(crate) fn put_chunk(out: &mut Vec<u8>, data: &[u8]) {
    if !data.is_empty() {
        out.extend_from_slice(format!("{:x}\r\n", data.len()).as_bytes());
        out.extend_from_slice(data);
        out.extend_from_slice(b"\r\n");
    }
}

/// Writes the last chunk and the trailers.
pub(crate) fn put_last(out: &mut Vec<u8>, trailers: Option<&HeaderMap>) {
    out.extend_from_slice(b"0");
    write_headers(out, trailers.unwrap_or(&HeaderMap::new()));
}
