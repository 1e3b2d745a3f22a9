//! The CONNECT in front of net/rpc: two lines each way, exactly as Go writes them.
//!
//! Go's client sends a path where RFC 9110 §9.3.6 has an authority, over HTTP/1.0 and with bare LF; Go's server answers
//! with one status line, of which Go's client believes the words and nothing else. A client must not send anything
//! behind the request before it has that answer: Go's server throws it away.

use std::fmt;

use bytes::Bytes;
use http::StatusCode;

use crate::head::{HeadScan, RequestHead, ResponseHead};
use crate::{HeadError, Limits};

/// Where Go's `rpc.HandleHTTP` serves.
pub const DEFAULT_PATH: &str = "/_goRPC_";

/// Where Go's `rpc.HandleHTTP` shows what is served.
pub const DEBUG_PATH: &str = "/debug/rpc";

/// The whole answer that grants a connection, whatever the version of the request.
pub const CONNECTED: &[u8] = b"HTTP/1.0 200 Connected to Go RPC\n\n";

/// The body of the 405 for every method but CONNECT. Go names no method in `Allow`.
pub const MUST_CONNECT: &str = "405 must CONNECT\n";

/// The body of Go's 404, for paths that nobody serves.
pub const NOT_FOUND: &str = "404 page not found\n";

/// Status and words of the answer that Go's client believes, case and all.
const GRANTED: &[u8] = b"Connected to Go RPC";

/// Appends the request of Go's client for `path`, with `headers` that Go's has no way to add.
///
/// ```
/// use hijack_proto::rpc::handshake;
///
/// let mut out = Vec::new();
/// handshake::put_request("/_goRPC_", std::iter::empty(), &mut out).unwrap();
/// assert_eq!(out, b"CONNECT /_goRPC_ HTTP/1.0\n\n");
/// ```
///
/// # Errors
///
/// [`BadPath`] if `path` does not begin with a slash or has bytes that end a request's target.
pub fn put_request<'h>(
    path: &str,
    headers: impl Iterator<Item = (&'h str, &'h [u8])>,
    out: &mut Vec<u8>,
) -> Result<(), BadPath> {
    if !path.starts_with('/') || !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(BadPath(path.to_owned()));
    }
    out.extend_from_slice(b"CONNECT ");
    out.extend_from_slice(path.as_bytes());
    out.extend_from_slice(b" HTTP/1.0\n");
    for (name, value) in headers {
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value);
        out.push(b'\n');
    }
    out.push(b'\n');
    Ok(())
}

/// A path that no CONNECT can ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadPath(pub String);

impl fmt::Display for BadPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no path: it begins with a slash and has no spaces", self.0)
    }
}

impl std::error::Error for BadPath {}

/// What a server does with a request for a path where net/rpc is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Write [`CONNECTED`] and take the connection over.
    Connect,
    /// Answer 405 with [`MUST_CONNECT`].
    OtherMethod,
    /// Answer 400: a CONNECT with a body, of which some readers would take the first call for.
    Body,
}

/// Judges a request. That it is a legal one, with `Host` where HTTP/1.1 wants one, was found when its head was read.
#[must_use]
pub fn judge_request(head: &RequestHead) -> Asked {
    use crate::handover::{Refusal, check_connect};
    match check_connect(head) {
        Ok(()) => Asked::Connect,
        Err(Refusal::NotConnect) => Asked::OtherMethod,
        Err(_) => Asked::Body,
    }
}

/// Reads a server's answer, from bytes that may come in any pieces.
#[derive(Debug, Default)]
pub struct AnswerReader {
    scan: HeadScan,
}

impl AnswerReader {
    /// The length of the answer at the start of `received` if it is complete and grants the connection; what is behind
    /// it is the peer's first words. `None` if it goes on.
    ///
    /// `received` must begin with the same bytes at every call.
    ///
    /// # Errors
    ///
    /// [`Denied`].
    pub fn read(&mut self, received: &[u8], limits: &Limits) -> Result<Option<usize>, Denied> {
        let Some(len) = self.scan.find(received, limits).map_err(Denied::Malformed)? else {
            return Ok(None);
        };
        let raw = Bytes::copy_from_slice(&received[..len]);
        let head = ResponseHead::parse(raw, limits).map_err(Denied::Malformed)?;
        if head.status() == StatusCode::OK && head.reason() == GRANTED {
            return Ok(Some(len));
        }
        let reason = String::from_utf8_lossy(head.reason()).into_owned();
        Err(Denied::Answered { status: head.status(), reason })
    }
}

/// An answer that grants no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Denied {
    /// Another status, or other words: what answers is no net/rpc.
    Answered {
        /// The status.
        status: StatusCode,
        /// The words behind it.
        reason: String,
    },
    /// What answers speaks no HTTP.
    Malformed(HeadError),
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered { status, reason } => {
                write!(f, "unexpected HTTP response: {}", status.as_u16())?;
                if reason.is_empty() { Ok(()) } else { write!(f, " {}", reason.escape_debug()) }
            }
            Self::Malformed(error) => write!(f, "malformed HTTP response: {error}"),
        }
    }
}

impl std::error::Error for Denied {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Malformed(error) => Some(error),
            Self::Answered { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &[u8]) -> Result<Option<usize>, Denied> {
        let whole = AnswerReader::default().read(text, &Limits::default());
        let mut reader = AnswerReader::default();
        let pieces = (0..=text.len())
            .map(|len| reader.read(&text[..len], &Limits::default()))
            .find(|read| !matches!(read, Ok(None)));
        assert_eq!(pieces.unwrap_or(Ok(None)), whole, "byte by byte, {}", text.escape_ascii());
        whole
    }

    fn request(text: &'static str) -> RequestHead {
        RequestHead::parse(Bytes::from_static(text.as_bytes()), &Limits::default()).expect("legal")
    }

    #[test]
    fn asks_as_go_does() {
        let mut out = Vec::new();
        put_request("/other", [("X-Token", &b"secret"[..])].into_iter(), &mut out).expect("a path");
        assert_eq!(out, b"CONNECT /other HTTP/1.0\nX-Token: secret\n\n");
        for path in ["", "a", "/a b", "/a\nb", "/\u{e9}"] {
            assert!(put_request(path, std::iter::empty(), &mut Vec::new()).is_err(), "{path:?}");
        }
    }

    /// What Go's client takes and refuses: it compares code and words, and ignores everything else.
    #[test]
    fn believes_what_go_believes() {
        let granted: [&[u8]; 6] = [
            CONNECTED,
            b"HTTP/1.0 200 Connected to Go RPC\r\n\r\n",
            b"HTTP/1.1 200 Connected to Go RPC\r\nDate: today\r\n\r\n",
            b"HTTP/1.1 200 Connected to Go RPC\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 200 Connected to Go RPC\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"HTTP/1.1 200 Connected to Go RPC\nX: y\n\n",
        ];
        for text in granted {
            assert_eq!(answer(text), Ok(Some(text.len())), "{}", text.escape_ascii());
        }
        let denied = [
            ("HTTP/1.1 200 OK\r\n\r\n", "unexpected HTTP response: 200 OK"),
            ("HTTP/1.1 200\r\n\r\n", "unexpected HTTP response: 200"),
            ("HTTP/1.1 200 connected to go rpc\r\n\r\n", "unexpected HTTP response: 200 connected to go rpc"),
            (
                "HTTP/1.1 200 Connected to Go RPC!\r\n\r\n",
                "unexpected HTTP response: 200 Connected to Go RPC!",
            ),
            ("HTTP/1.1 101 Connected to Go RPC\r\n\r\n", "unexpected HTTP response: 101 Connected to Go RPC"),
            ("HTTP/1.1 100 Continue\r\n\r\n", "unexpected HTTP response: 100 Continue"),
            ("HTTP/1.1 404 Not Found\r\n\r\n", "unexpected HTTP response: 404 Not Found"),
            (
                "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
                "unexpected HTTP response: 407 Proxy Authentication Required",
            ),
        ];
        for (text, said) in denied {
            assert_eq!(answer(text.as_bytes()).expect_err(text).to_string(), said);
        }
        assert!(matches!(answer(b"\x00\x01"), Err(Denied::Malformed(_))));
        assert!(matches!(answer(b"SSH-2.0-x\r\n\r\n"), Err(Denied::Malformed(_))));
        assert_eq!(answer(b"HTTP/1.0 200 Connected to Go RPC\n"), Ok(None));
    }

    #[test]
    fn what_follows_the_answer_is_not_its() {
        let text = [CONNECTED, b"\x07\xff"].concat();
        let read = AnswerReader::default().read(&text, &Limits::default());
        assert_eq!(read, Ok(Some(CONNECTED.len())));
    }

    #[test]
    fn judges_requests() {
        let table = [
            ("CONNECT /_goRPC_ HTTP/1.0\n\n", Asked::Connect),
            ("CONNECT /_goRPC_ HTTP/1.0\r\n\r\n", Asked::Connect),
            ("CONNECT /_goRPC_ HTTP/1.1\r\nHost: a\r\n\r\n", Asked::Connect),
            ("GET /_goRPC_ HTTP/1.1\r\nHost: a\r\n\r\n", Asked::OtherMethod),
            ("CONNECT /_goRPC_ HTTP/1.0\r\nContent-Length: 3\r\n\r\n", Asked::Body),
        ];
        for (text, asked) in table {
            assert_eq!(judge_request(&request(text)), asked, "{text}");
        }
    }
}
