//! Request heads: one slice of bytes becomes method, target and headers, or a named refusal.

use std::fmt;
use std::mem::MaybeUninit;
use std::net::Ipv6Addr;

use bytes::Bytes;
use http::header::HeaderMap;
use http::uri::Authority;
use http::{Method, Request, Uri, Version};

use super::lines::{Lines, MOST_HEADERS, note_lines};
use super::{Field, Fields, HeadError, check_first_byte};
use crate::Limits;
use crate::body::{BodyLength, request_length};

/// What a client of HTTP/2 begins with (RFC 9113 §3.4).
pub const HTTP2_PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What `PRI * HTTP/2.0` looks like up to its empty line (RFC 9113 §3.4); `SM` and another empty line follow.
pub(crate) const PREFACE_HEAD: &[u8] = b"PRI * HTTP/2.0\r\n\r\n";

/// The head of a request, as it came.
///
/// It is checked whole when it is read; its fields are put into a map when somebody first asks for
/// [`headers`](Self::headers). [`lines`](Self::lines) and [`raw`](Self::raw) give them as they were spelled and
/// ordered, without one.
#[derive(Clone)]
pub struct RequestHead {
    method: Method,
    uri: Uri,
    version: Version,
    body: BodyLength,
    lines: Lines,
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
        if raw == PREFACE_HEAD {
            return Ok(Self::preface(raw));
        }
        check_first_byte(&raw)?;
        let mut few = [const { MaybeUninit::uninit() }; 128];
        let mut many = Vec::new();
        let lines = if limits.headers <= few.len() {
            &mut few[..limits.headers]
        } else {
            many.resize(limits.headers.min(MOST_HEADERS), MaybeUninit::uninit());
            &mut many[..]
        };
        let mut parsed = httparse::Request::new(&mut []);
        match parsed.parse_with_uninit_headers(&raw, lines) {
            Ok(httparse::Status::Complete(len)) if len == raw.len() => {}
            Err(httparse::Error::TooManyHeaders) => {
                return Err(HeadError::TooManyHeaders { limit: limits.headers.min(MOST_HEADERS) });
            }
            Err(error) => return Err(error.into()),
            Ok(_) => return Err(HeadError::StartLine),
        }
        let method = Method::from_bytes(parsed.method.unwrap_or_default().as_bytes())
            .map_err(|_| HeadError::StartLine)?;
        let target = parsed.path.unwrap_or_default().as_bytes();
        let target_len = target.len();
        let uri = parse_target(&method, raw.slice_ref(target), limits)?;
        let version = if parsed.version == Some(0) { Version::HTTP_10 } else { Version::HTTP_11 };
        let fields = check_lines(version, parsed.headers)?;
        let lines = Lines::new(raw, fields);
        let body = request_length(version, &lines)?;
        Ok(Self { method, uri, version, body, lines, target_len })
    }

    fn preface(raw: Bytes) -> Self {
        Self {
            method: Method::from_bytes(b"PRI").expect("a token"),
            uri: Uri::from_static("*"),
            version: Version::HTTP_2,
            body: BodyLength::Exact(0),
            lines: Lines::new(raw, Fields::default()),
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
        &self.raw()[start..start + self.target_len]
    }

    /// HTTP/1.0 or HTTP/1.1; HTTP/2 for [the preface](Self::is_http2_preface) alone.
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

    /// The values of the field `name`, in order; names compare without case.
    pub fn values(&self, name: &'static str) -> impl Iterator<Item = &[u8]> {
        self.lines.values(name)
    }

    /// The elements of the list in the field `name`, over all its lines.
    pub fn list(&self, name: &'static str) -> impl Iterator<Item = &[u8]> {
        self.lines.list(name)
    }

    /// Whether `Connection` lists `option` (RFC 9110 §7.6.1).
    pub(crate) fn connection_has(&self, option: &str) -> bool {
        self.lines.connection_has(option)
    }

    /// Which of the deciding fields are among them.
    pub(crate) fn fields(&self) -> Fields {
        self.lines.fields()
    }

    /// The length of the body behind this head, decided once (RFC 9112 §6.3).
    #[must_use]
    pub fn body_length(&self) -> BodyLength {
        self.body
    }

    /// The bytes of the head, from the method to the empty line.
    #[must_use]
    pub fn raw(&self) -> &Bytes {
        self.lines.raw()
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
        *request.headers_mut() = self.lines.into_map();
        request
    }
}

impl fmt::Debug for RequestHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHead")
            .field("method", &self.method)
            .field("uri", &self.uri)
            .field("version", &self.version)
            .field("headers", self.headers())
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

/// Notes the fields that decide something and checks those that need no map for it.
///
/// RFC 9112 §3.2: HTTP/1.1 needs one legal `Host`, `CONNECT` included; no version may have two.
fn check_lines(version: Version, lines: &[httparse::Header<'_>]) -> Result<Fields, HeadError> {
    let fields = note_lines(lines)?;
    if fields.has(Field::Host) {
        let mut hosts = lines.iter().filter(|line| line.name.eq_ignore_ascii_case("host"));
        if hosts.any(|host| split_authority(host.value).is_none()) {
            return Err(HeadError::InvalidHost);
        }
    }
    if fields.repeats(Field::Host) {
        return Err(HeadError::InvalidHost);
    }
    if !fields.has(Field::Host) && version != Version::HTTP_10 {
        return Err(HeadError::MissingHost);
    }
    Ok(fields)
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
    let authority = uri.authority().map_or("", Authority::as_str).as_bytes();
    let legal = match first {
        b'/' => true,
        b'*' => uri.path() == "*",
        // RFC 9110 §9.3.6: host and port, both present.
        _ if *method == Method::CONNECT => {
            uri.scheme().is_none() && matches!(split_authority(authority), Some((1.., Some(1..))))
        }
        // RFC 3986 §3.1: a scheme begins with a letter; RFC 9110 §4.2.1: the host is not empty.
        _ => {
            uri.scheme().is_some()
                && first.is_ascii_alphabetic()
                && matches!(split_authority(authority), Some((1.., _)))
        }
    };
    if legal { Ok(uri) } else { Err(HeadError::Target) }
}

/// The lengths of host and port in `host [":" port]` (RFC 3986 §3.2), or `None` if it is something else.
///
/// A user name in front is refused: in HTTP it serves deception only (RFC 9110 §4.2.4).
fn split_authority(text: &[u8]) -> Option<(usize, Option<usize>)> {
    let host_len = match text {
        [b'[', rest @ ..] => rest.iter().position(|&byte| byte == b']')? + 2,
        _ => memchr::memchr(b':', text).unwrap_or(text.len()),
    };
    let (host, port) = text.split_at(host_len);
    let port_len = match port {
        [] => None,
        [b':', digits @ ..] if is_port(digits) => Some(digits.len()),
        _ => return None,
    };
    is_host(host).then_some((host_len, port_len))
}

fn is_host(host: &[u8]) -> bool {
    match host {
        [b'[', literal @ .., b']'] => {
            std::str::from_utf8(literal).is_ok_and(|literal| literal.parse::<Ipv6Addr>().is_ok())
        }
        name => name.iter().copied().all(is_name_byte),
    }
}

/// Digits of a number below 65,536; none are a port too (RFC 3986 §3.2.3).
fn is_port(digits: &[u8]) -> bool {
    let add = |port: u32, digit: &u8| {
        digit.is_ascii_digit().then(|| (port * 10 + u32::from(digit - b'0')).min(65_536))
    };
    digits.iter().try_fold(0, add).is_some_and(|port| port < 65_536)
}

/// Bytes of a registered name (RFC 3986 §3.2.2): unreserved, sub-delims and the percent sign.
const fn is_name_byte(byte: u8) -> bool {
    matches!(byte,
        b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'.' | b'_' | b'~'
        | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b'%')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<RequestHead, HeadError> {
        RequestHead::parse(Bytes::copy_from_slice(text.as_bytes()), &Limits::default())
    }

    /// RFC 9112 §3.2: four forms of a target, each with its methods.
    #[test]
    fn accepts_the_four_forms_of_a_target() {
        for (line, target) in [
            ("GET /a?b HTTP/1.1", "/a?b"),
            ("GET //a HTTP/1.1", "//a"),
            ("GET http://a:80/b HTTP/1.1", "http://a:80/b"),
            ("GET http://[::1]:/ HTTP/1.1", "http://[::1]:/"),
            ("OPTIONS * HTTP/1.1", "*"),
            ("CONNECT a:443 HTTP/1.1", "a:443"),
            ("CONNECT [::1]:1 HTTP/1.1", "[::1]:1"),
            ("CONNECT /_goRPC_ HTTP/1.1", "/_goRPC_"),
        ] {
            let head = parse(&format!("{line}\r\nHost: a\r\n\r\n")).expect(line);
            assert_eq!(head.target(), target.as_bytes(), "{line}");
        }
    }

    /// RFC 9112 §3.2, RFC 3986 §3.1 and §3.2; one case for each difference to Go found so far.
    #[test]
    fn refuses_other_targets() {
        for line in [
            "GET a HTTP/1.1",
            "GET a:80 HTTP/1.1",
            "GET * HTTP/1.1",
            "GET /a#b HTTP/1.1",
            "GET http:///b HTTP/1.1",
            "GET 1x://a/b HTTP/1.1",
            "GET +http://a/b HTTP/1.1",
            "GET ://a/b HTTP/1.1",
            "GET http://a:x/b HTTP/1.1",
            "GET http://a:+1/b HTTP/1.1",
            "GET http://[zz]/b HTTP/1.1",
            "GET http://[:1]/b HTTP/1.1",
            "GET http://a[::1]/b HTTP/1.1",
            "GET http://[::1]a/b HTTP/1.1",
            "GET http://u@a/b HTTP/1.1",
            "CONNECT a HTTP/1.1",
            "CONNECT a: HTTP/1.1",
            "CONNECT :1 HTTP/1.1",
            "CONNECT a:+443 HTTP/1.1",
            "CONNECT a:65536 HTTP/1.1",
            "CONNECT [zz]:443 HTTP/1.1",
            "CONNECT http://a:1/ HTTP/1.1",
        ] {
            assert_eq!(parse(&format!("{line}\r\nHost: a\r\n\r\n")).err(), Some(HeadError::Target), "{line}");
        }
        let long = parse(&format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(16 * 1024)));
        assert_eq!(long.err(), Some(HeadError::TargetTooLong { len: 16_385, limit: 16_384 }));
    }

    /// RFC 9112 §3.2.
    #[test]
    fn needs_one_legal_host() {
        use HeadError::{InvalidHost, MissingHost};
        let table = [
            ("GET / HTTP/1.1\r\n\r\n", Some(MissingHost)),
            ("CONNECT a:1 HTTP/1.1\r\n\r\n", Some(MissingHost)),
            ("GET / HTTP/1.0\r\n\r\n", None),
            ("GET / HTTP/1.1\r\nHost:\r\n\r\n", None),
            ("GET / HTTP/1.1\r\nHost: a:80\r\n\r\n", None),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", Some(InvalidHost)),
            ("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", Some(InvalidHost)),
            ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", Some(InvalidHost)),
            ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", Some(InvalidHost)),
            ("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", Some(InvalidHost)),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text).err(), expected, "{text:?}");
        }
    }

    /// RFC 9112 §2.2, §5.1 and §5.2; RFC 9110 §5.5.
    #[test]
    fn refuses_malformed_lines() {
        use HeadError::{HeaderName, HeaderValue, StartLine, Version as BadVersion};
        let table = [
            ("", StartLine),
            ("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", StartLine),
            ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", StartLine),
            ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", StartLine),
            ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", StartLine),
            ("GET /\r\nHost: a\r\n\r\n", StartLine),
            ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", BadVersion),
            ("GET / HTTP/1.2\r\nHost: a\r\n\r\n", BadVersion),
            ("PRI * HTTP/2.0\r\nHost: a\r\n\r\n", BadVersion),
            ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", HeaderName),
            ("GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", HeaderName),
            ("GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", HeaderName),
            ("GET / HTTP/1.1\r\nHost: a\0\r\n\r\n", HeaderValue),
            ("GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", HeaderValue),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text).err(), Some(expected), "{text:?}");
        }
    }

    #[test]
    fn keeps_the_bytes_of_the_head() {
        let text = "gEt /%7e HTTP/1.1\nhOST: a\nX-B:  1 \r\nx-b: \u{e9}\n\n";
        let head = parse(text).expect("legal");
        assert_eq!(head.raw(), text.as_bytes());
        assert_eq!(head.method().as_str(), "gEt");
        let lines: Vec<_> = head.lines().collect();
        let expected: [(&[u8], &[u8]); 3] = [(b"hOST", b"a"), (b"X-B", b"1"), (b"x-b", "\u{e9}".as_bytes())];
        assert_eq!(lines, expected);
        let values = head.headers().get_all("x-b").iter().map(http::HeaderValue::as_bytes);
        assert_eq!(values.collect::<Vec<_>>(), [b"1", "\u{e9}".as_bytes()]);
        assert_eq!(head.clone().into_request(()).headers(), head.headers());
    }

    #[test]
    fn counts_headers() {
        let head = |count: usize| format!("GET / HTTP/1.0\r\n{}\r\n", "a: b\r\n".repeat(count));
        assert!(parse(&head(100)).is_ok());
        assert_eq!(parse(&head(101)).err(), Some(HeadError::TooManyHeaders { limit: 100 }));
        let limits = Limits { headers: 300, ..Limits::default() };
        assert!(RequestHead::parse(head(300).into(), &limits).is_ok());
    }
}
