//! Request heads: one slice of bytes becomes method, target and headers, or a named refusal.

use std::fmt;
use std::mem::MaybeUninit;

use bytes::Bytes;
use http::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Uri, Version};

use super::{HeadError, reuse};
use crate::Limits;
use crate::body::{BodyLength, request_length};

/// What `PRI * HTTP/2.0` looks like up to its empty line (RFC 9113 §3.4); `SM` and another empty line follow.
pub(crate) const PREFACE_HEAD: &[u8] = b"PRI * HTTP/2.0\r\n\r\n";

/// The head of a request, as it came.
///
/// Header values are slices of the received bytes, not copies; [`raw`](Self::raw) gives those bytes to the
/// last one, spelling and order included.
#[derive(Clone)]
pub struct RequestHead {
    method: Method,
    uri: Uri,
    version: Version,
    headers: HeaderMap,
    body: BodyLength,
    /// The head's bytes from the method to the empty line.
    raw: Bytes,
    /// Bytes of the target; it stands one space behind the method.
    target_len: usize,
}

impl RequestHead {
    /// Reads one whole head: `raw` ends with the empty line.
    ///
    /// # Errors
    ///
    /// Any [`HeadError`] that a head by itself can show.
    pub fn parse(raw: Bytes, limits: &Limits) -> Result<Self, HeadError> {
        Self::parse_into(raw, HeaderMap::new(), limits)
    }

    /// As [`parse`](Self::parse), putting the headers into `spare`, whose memory is used again.
    pub(crate) fn parse_into(raw: Bytes, spare: HeaderMap, limits: &Limits) -> Result<Self, HeadError> {
        if raw == PREFACE_HEAD {
            return Ok(Self::preface(raw, spare));
        }
        let mut few = [const { MaybeUninit::uninit() }; 128];
        let mut many = Vec::new();
        let lines = if limits.headers <= few.len() {
            &mut few[..limits.headers]
        } else {
            many.resize(limits.headers, MaybeUninit::uninit());
            &mut many[..]
        };
        let mut parsed = httparse::Request::new(&mut []);
        match parsed.parse_with_uninit_headers(&raw, lines) {
            Ok(httparse::Status::Complete(len)) if len == raw.len() => {}
            Err(httparse::Error::TooManyHeaders) => {
                return Err(HeadError::TooManyHeaders { limit: limits.headers });
            }
            Err(error) => return Err(error.into()),
            Ok(_) => return Err(HeadError::StartLine),
        }
        let method = Method::from_bytes(parsed.method.unwrap_or_default().as_bytes())
            .map_err(|_| HeadError::StartLine)?;
        let target = parsed.path.unwrap_or_default().as_bytes();
        let uri = parse_target(&method, raw.slice_ref(target), limits)?;
        let version = if parsed.version == Some(0) { Version::HTTP_10 } else { Version::HTTP_11 };
        let headers = collect(&raw, parsed.headers, spare)?;
        check_host(version, &headers)?;
        let body = request_length(version, &headers)?;
        let target_len = target.len();
        Ok(Self { method, uri, version, headers, body, target_len, raw })
    }

    fn preface(raw: Bytes, spare: HeaderMap) -> Self {
        Self {
            method: Method::from_bytes(b"PRI").expect("a token"),
            uri: Uri::from_static("*"),
            version: Version::HTTP_2,
            headers: reuse(spare, 0),
            body: BodyLength::Exact(0),
            raw,
            target_len: 1,
        }
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The target, parsed. For `CONNECT` it is an authority, or a path where Go's net/rpc asks for one.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The target as it stood in the start line.
    #[must_use]
    pub fn target(&self) -> &[u8] {
        let start = self.method.as_str().len() + 1;
        &self.raw[start..start + self.target_len]
    }

    /// HTTP/1.0 or HTTP/1.1; HTTP/2 for [the preface](Self::is_http2_preface) alone.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The header fields; repeated ones keep their order.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The length of the body behind this head, decided once by [`crate::body::request_length`].
    #[must_use]
    pub fn body_length(&self) -> BodyLength {
        self.body
    }

    /// The bytes of the head, from the method to the empty line.
    #[must_use]
    pub fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// Whether this is the start of HTTP/2 with prior knowledge, `PRI * HTTP/2.0` (RFC 9113 §3.4).
    ///
    /// Taken over, the connection goes on with the preface's last six bytes, `SM` and an empty line.
    #[must_use]
    pub fn is_http2_preface(&self) -> bool {
        self.version == Version::HTTP_2
    }

    /// This head as a request of the `http` crate, with `body` for its body.
    #[must_use]
    pub fn into_request<B>(self, body: B) -> Request<B> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.version_mut() = self.version;
        *request.headers_mut() = self.headers;
        request
    }

    /// Gives the header map back to be filled again.
    pub(crate) fn into_spare(self) -> HeaderMap {
        let mut spare = self.headers;
        spare.clear();
        spare
    }
}

impl fmt::Debug for RequestHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHead")
            .field("method", &self.method)
            .field("uri", &self.uri)
            .field("version", &self.version)
            .field("headers", &self.headers)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

/// Puts the parsed lines into a map, as slices of `raw`.
pub(super) fn collect(
    raw: &Bytes,
    lines: &[httparse::Header<'_>],
    spare: HeaderMap,
) -> Result<HeaderMap, HeadError> {
    let mut headers = reuse(spare, lines.len());
    for line in lines {
        let name = HeaderName::from_bytes(line.name.as_bytes()).map_err(|_| HeadError::HeaderName)?;
        let value = match line.value {
            [] => HeaderValue::from_static(""),
            value => {
                HeaderValue::from_maybe_shared(raw.slice_ref(value)).map_err(|_| HeadError::HeaderValue)?
            }
        };
        headers.append(name, value);
    }
    Ok(headers)
}

/// The four forms of RFC 9112 §3.2, each with the methods that may use it.
///
/// Go's net/rpc sends `CONNECT` with a path; that is allowed too, since the path names an endpoint of this
/// server and no other host. A fragment is never part of a target (RFC 9112 §3.2.1).
fn parse_target(method: &Method, target: Bytes, limits: &Limits) -> Result<Uri, HeadError> {
    if target.len() > limits.target_len {
        return Err(HeadError::TargetTooLong { len: target.len(), limit: limits.target_len });
    }
    let first = target.first().copied().ok_or(HeadError::Target)?;
    if target.contains(&b'#') || (first == b'*' && *method != Method::OPTIONS) {
        return Err(HeadError::Target);
    }
    let uri = Uri::from_maybe_shared(target).map_err(|_| HeadError::Target)?;
    let legal = match first {
        b'/' => true,
        b'*' => uri.path() == "*",
        _ if *method == Method::CONNECT => {
            // RFC 9110 §9.3.6: host and port, both present.
            uri.scheme().is_none()
                && uri.port_u16().is_some()
                && uri.host().is_some_and(|host| !host.is_empty())
        }
        _ => uri.scheme().is_some() && uri.host().is_some_and(|host| !host.is_empty()),
    };
    if legal { Ok(uri) } else { Err(HeadError::Target) }
}

/// RFC 9112 §3.2: HTTP/1.1 needs one `Host`, `CONNECT` included; no version may have two, nor an illegal one.
fn check_host(version: Version, headers: &HeaderMap) -> Result<(), HeadError> {
    let mut hosts = headers.get_all(HOST).into_iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if version == Version::HTTP_10 => Ok(()),
        (None, _) => Err(HeadError::MissingHost),
        (Some(host), None) if host.as_bytes().iter().copied().all(is_host_byte) => Ok(()),
        _ => Err(HeadError::InvalidHost),
    }
}

/// Bytes of `uri-host [":" port]` (RFC 3986 §3.2.2): unreserved, sub-delims, percent, brackets and colon.
const fn is_host_byte(byte: u8) -> bool {
    matches!(byte,
        b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'.' | b'_' | b'~'
        | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'='
        | b'%' | b'[' | b']' | b':')
}
