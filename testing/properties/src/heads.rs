//! Heads alone: what was parsed is what stands there, and means the same written again.

use bytes::Bytes;
use hijack_proto::body::BodyLength;
use hijack_proto::h1::{Next, ServerSession};
use hijack_proto::{HeadError, Limits, RequestHead, ResponseHead, tokens};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{StatusCode, Version};

use crate::source::tight_limits;

/// The input is one request head.
///
/// # Panics
///
/// Where the law is broken.
pub fn request(data: &[u8]) {
    for limits in [Limits::default(), tight_limits()] {
        let raw = Bytes::copy_from_slice(data);
        match RequestHead::parse(raw.clone(), &limits) {
            Ok(head) => {
                check_start_line(&head, data);
                let again = RequestHead::parse(raw, &limits).expect("parses again");
                assert_same_request(&head, &again);
                let written =
                    RequestHead::parse(write_request(&head).into(), &limits).expect("written again");
                assert_same_request(&head, &written);
                check_lines(&head);
                check_rules(&head);
                check_session(&head, data, limits);
            }
            Err(error) => check_error(&error),
        }
    }
}

/// The input is one response head.
///
/// # Panics
///
/// Where the law is broken.
pub fn response(data: &[u8]) {
    for limits in [Limits::default(), tight_limits()] {
        let raw = Bytes::copy_from_slice(data);
        match ResponseHead::parse(raw.clone(), &limits) {
            Ok(head) => {
                check_status_line(&head, data);
                let again = ResponseHead::parse(raw, &limits).expect("parses again");
                assert_same_response(&head, &again);
                let written =
                    ResponseHead::parse(write_response(&head).into(), &limits).expect("written again");
                assert_same_response(&head, &written);
            }
            Err(error) => {
                assert!(is_of_any_head(&error), "{error:?} is a request's");
                check_error(&error);
            }
        }
    }
}

/// Whether an error is about a head's form, which requests and responses share.
fn is_of_any_head(error: &HeadError) -> bool {
    use HeadError::{HeaderName, HeaderValue, StartLine, TooManyHeaders, Version};
    matches!(error, StartLine | Version | HeaderName | HeaderValue | TooManyHeaders { .. })
}

/// The bytes of `head`, built from its meaning.
#[must_use]
pub fn write_request(head: &RequestHead) -> Vec<u8> {
    let line = [head.method().as_str().as_bytes(), head.target(), version(head.version())];
    let mut out = line.join(&b' ');
    write_headers(&mut out, head.headers());
    out
}

fn write_response(head: &ResponseHead) -> Vec<u8> {
    let mut out = status_line(head);
    write_headers(&mut out, head.headers());
    out
}

fn status_line(head: &ResponseHead) -> Vec<u8> {
    [version(head.version()), head.status().as_str().as_bytes(), head.reason()].join(&b' ')
}

/// The end of the start line, the header lines and the empty one.
pub(crate) fn write_headers(out: &mut Vec<u8>, headers: &HeaderMap) {
    for (name, value) in headers {
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(name.as_str().as_bytes());
        out.push(b':');
        out.extend_from_slice(value.as_bytes());
    }
    out.extend_from_slice(b"\r\n\r\n");
}

fn version(version: Version) -> &'static [u8] {
    match version {
        Version::HTTP_10 => b"HTTP/1.0",
        Version::HTTP_2 => b"HTTP/2.0",
        _ => b"HTTP/1.1",
    }
}

/// Method and target are the first two words of the head, and the raw head is all of it.
fn check_start_line(head: &RequestHead, data: &[u8]) {
    assert_eq!(head.raw(), data);
    let mut words = data.split(|&byte| byte == b' ');
    assert_eq!(words.next(), Some(head.method().as_str().as_bytes()));
    assert_eq!(words.next(), Some(head.target()));
    let version_word = words.next().unwrap_or_default();
    assert!(version_word.starts_with(version(head.version())));
    assert_eq!(head.is_http2_preface(), head.version() == Version::HTTP_2);
}

/// Version, status and reason are the first line of the head, and the raw head is all of it.
fn check_status_line(head: &ResponseHead, data: &[u8]) {
    assert_eq!(head.raw(), data);
    let mut line = status_line(head);
    let found = data.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let found = found.strip_suffix(b"\r").unwrap_or(found);
    if found.len() < line.len() && head.reason().is_empty() {
        line.pop(); // the space in front of no reason
    }
    assert_eq!(line, found);
}

/// The header lines, the map and the ways to look for a field tell the same, and what httparse tells.
fn check_lines(head: &RequestHead) {
    let lines: Vec<(&[u8], &[u8])> = head.lines().collect();
    let mut parsed = vec![httparse::EMPTY_HEADER; lines.len()];
    let start = head.raw().iter().position(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    let parsed = httparse::parse_headers(&head.raw()[start..], &mut parsed).expect("so many legal lines");
    let httparse::Status::Complete((len, parsed)) = parsed else { panic!("the lines end") };
    assert_eq!(start + len, head.raw().len());
    assert_eq!(lines, parsed.iter().map(|line| (line.name.as_bytes(), line.value)).collect::<Vec<_>>());
    assert_eq!(lines.len(), head.headers().len());
    for name in ["host", "connection", "expect", "upgrade", "content-length"] {
        let field = HeaderName::from_static(name);
        let values: Vec<&[u8]> = head.headers().get_all(&field).iter().map(HeaderValue::as_bytes).collect();
        assert_eq!(head.values(name).collect::<Vec<_>>(), values);
        let list: Vec<&[u8]> = tokens::list(head.headers(), &field).collect();
        assert_eq!(head.list(name).collect::<Vec<_>>(), list);
    }
    let headers = head.headers().clone();
    assert_eq!(*head.clone().into_request(()).headers(), headers);
}

/// What every accepted request keeps to: RFC 9112 §3.2 on `Host`, §6 on the length of the body.
fn check_rules(head: &RequestHead) {
    let all = |name| head.headers().get_all(name).iter().map(HeaderValue::as_bytes).collect::<Vec<_>>();
    let hosts = all("host").len();
    assert!(hosts == 1 || (hosts == 0 && head.version() != Version::HTTP_11));
    let length = match (&all("content-length")[..], &all("transfer-encoding")[..]) {
        ([], []) => BodyLength::Exact(0),
        ([length], []) => {
            assert!(length.iter().all(u8::is_ascii_digit));
            BodyLength::Exact(String::from_utf8_lossy(length).parse().expect("digits"))
        }
        ([], [coding]) => {
            assert!(coding.eq_ignore_ascii_case(b"chunked") && head.version() == Version::HTTP_11);
            BodyLength::Chunked
        }
        other => panic!("ambiguous: {other:?}"),
    };
    assert_eq!(head.body_length(), length);
}

fn assert_same_request(one: &RequestHead, other: &RequestHead) {
    let target = |head: &RequestHead| (head.target().to_vec(), head.uri().clone());
    assert_eq!((one.method(), one.version()), (other.method(), other.version()));
    assert_eq!(target(one), target(other));
    assert_eq!(one.headers(), other.headers());
    assert_eq!(one.body_length(), other.body_length());
}

fn assert_same_response(one: &ResponseHead, other: &ResponseHead) {
    assert_eq!((one.status(), one.version()), (other.status(), other.version()));
    assert_eq!(one.reason(), other.reason());
    assert_eq!(one.headers(), other.headers());
}

/// A session finds the same head in front of other bytes, but for what only a session refuses.
fn check_session(head: &RequestHead, data: &[u8], limits: Limits) {
    let mut session = ServerSession::new(limits);
    session.feed(data);
    session.feed(b"rest");
    match session.poll_head() {
        Ok(Next::Head(found)) => {
            assert_same_request(head, &found);
            assert_eq!(session.take_over().as_deref(), Ok(&b"rest"[..]));
        }
        Err(HeadError::TooLong { .. }) => assert!(data.len() > limits.head_len),
        Err(HeadError::Expectation) => assert!(head.headers().contains_key("expect")),
        other => panic!("a session says {other:?}"),
    }
}

/// An error is answered with a refusal of one line.
pub(crate) fn check_error(error: &HeadError) {
    let status = error.status();
    assert!(status.is_client_error() || status.is_server_error());
    let mut out = Vec::new();
    ServerSession::put_refusal(error, None, &mut out);
    let end = out.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4;
    let head = ResponseHead::parse(Bytes::copy_from_slice(&out[..end]), &Limits::default()).expect("legal");
    assert_eq!(head.status(), StatusCode::from_u16(status.as_u16()).expect("legal"));
    let length = head.headers()["content-length"].to_str().expect("digits").to_owned();
    assert_eq!(length, (out.len() - end).to_string());
    assert_eq!(out.last(), Some(&b'\n'));
}
