//! Response heads, as a client reads them, and reason phrases, as a server may choose them.

use std::fmt;
use std::mem::MaybeUninit;

use bytes::Bytes;
use http::header::HeaderMap;
use http::{Response, StatusCode, Version};

use super::lines::{Lines, MOST_HEADERS, note_lines};
use super::{HeadError, check_first_byte};
use crate::Limits;

/// A reason phrase: the words behind the status code.
///
/// Put one into the extensions of an `http::Response` to have it written instead of the usual words. Docker's
/// `101 UPGRADED` is one.
///
/// ```
/// let reason = hijack_proto::Reason::new("UPGRADED").unwrap();
/// assert_eq!(reason.as_str(), "UPGRADED");
/// assert!(hijack_proto::Reason::new("two\r\nlines").is_none());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(Box<str>);

impl Reason {
    /// `text` as a reason phrase, or `None` if it has bytes other than visible ASCII, space and tab
    /// (RFC 9112 §4).
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let legal = text.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
        legal.then(|| Self(text.into()))
    }

    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The head of a response, as it came.
#[derive(Clone)]
pub struct ResponseHead {
    status: StatusCode,
    version: Version,
    lines: Lines,
}

impl ResponseHead {
    /// Reads one whole head: `raw` ends with the empty line.
    ///
    /// # Errors
    ///
    /// Any [`HeadError`] that a head by itself can show.
    pub fn parse(raw: Bytes, limits: &Limits) -> Result<Self, HeadError> {
        check_first_byte(&raw)?;
        let mut few = [const { MaybeUninit::uninit() }; 128];
        let mut many = Vec::new();
        let lines = if limits.headers <= few.len() {
            &mut few[..limits.headers]
        } else {
            many.resize(limits.headers.min(MOST_HEADERS), MaybeUninit::uninit());
            &mut many[..]
        };
        let mut parsed = httparse::Response::new(&mut []);
        let config = httparse::ParserConfig::default();
        match config.parse_response_with_uninit_headers(&mut parsed, &raw, lines) {
            Ok(httparse::Status::Complete(len)) if len == raw.len() => {}
            Err(httparse::Error::TooManyHeaders) => {
                return Err(HeadError::TooManyHeaders { limit: limits.headers });
            }
            Err(error) => return Err(error.into()),
            Ok(_) => return Err(HeadError::StartLine),
        }
        let status =
            StatusCode::from_u16(parsed.code.unwrap_or_default()).map_err(|_| HeadError::StartLine)?;
        let version = if parsed.version == Some(0) { Version::HTTP_10 } else { Version::HTTP_11 };
        let fields = note_lines(parsed.headers)?;
        Ok(Self { status, version, lines: Lines::new(raw, fields) })
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The reason phrase's bytes, as they came; often empty, and never to be decided upon (RFC 9112 §4).
    #[must_use]
    pub fn reason(&self) -> &[u8] {
        const VERSION_AND_STATUS: usize = b"HTTP/1.1 200".len();
        let line = self.raw().split(|&byte| byte == b'\n').next().unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let reason = line.get(VERSION_AND_STATUS..).unwrap_or_default();
        reason.strip_prefix(b" ").unwrap_or(reason)
    }

    /// HTTP/1.0 or HTTP/1.1.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The header fields; repeated ones keep their order. The map is made at the first call; its values are
    /// slices of the received bytes.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.lines.map()
    }

    /// The header lines as they came: names in their spelling, values without the white space around them.
    pub fn lines(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.lines.iter()
    }

    /// The header lines with what is known of them.
    pub(crate) fn known(&self) -> &Lines {
        &self.lines
    }

    /// This head as a response of the `http` crate, with `body` for its body.
    #[must_use]
    pub fn into_response<B>(self, body: B) -> Response<B> {
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.version_mut() = self.version;
        *response.headers_mut() = self.lines.into_map();
        response
    }

    /// The bytes of the head, from the version to the empty line.
    #[must_use]
    pub fn raw(&self) -> &Bytes {
        self.lines.raw()
    }
}

impl fmt::Debug for ResponseHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseHead")
            .field("status", &self.status)
            .field("version", &self.version)
            .field("headers", self.headers())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ResponseHead, HeadError> {
        ResponseHead::parse(Bytes::copy_from_slice(text.as_bytes()), &Limits::default())
    }

    /// RFC 9112 §3.2 speaks of requests only.
    #[test]
    fn takes_no_offence_at_a_host() {
        let head = parse("HTTP/1.1 304\r\nHost: a/b\r\nHost: c\r\n\r\n").expect("legal");
        assert_eq!(head.headers().get_all("host").iter().count(), 2);
    }

    #[test]
    fn refuses_an_empty_line_first() {
        for text in ["", "\nHTTP/1.1 200\r\n\r\n", "\r\nHTTP/1.1 200\r\n\r\n"] {
            assert_eq!(parse(text).err(), Some(HeadError::StartLine), "{text:?}");
        }
    }
}
