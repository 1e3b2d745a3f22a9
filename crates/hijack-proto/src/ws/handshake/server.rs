//! The server's side of the handshake (RFC 6455 §4.2).

use std::fmt;

use http::header::{
    ALLOW, CONNECTION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{Method, StatusCode, Version};

use super::{OriginError, Origins, PROTOCOL, VERSION, accept_hash, is_key};
use crate::head::RequestHead;
use crate::tokens;
use crate::ws::deflate::{Agreement, Config};

/// A request that opens a WebSocket, judged by RFC 6455 §4.2.1. What it asks for besides is still to be decided:
/// [origin](Opening::check_origin), [subprotocol](Opening::choose_subprotocol), [compression](Opening::deflate).
#[derive(Debug, Clone, Copy)]
pub struct Opening<'h> {
    headers: &'h HeaderMap,
}

impl<'h> Opening<'h> {
    /// Judges the head of a request.
    ///
    /// # Errors
    ///
    /// The [`Refusal`] to answer with; the connection is still HTTP's.
    pub fn of_head(head: &'h RequestHead) -> Result<Self, Refusal> {
        Self::judge(head.method(), head.version(), head.headers())
    }

    /// Judges the parts of a request.
    ///
    /// # Errors
    ///
    /// The [`Refusal`] to answer with; the connection is still HTTP's.
    pub fn judge(method: &Method, version: Version, headers: &'h HeaderMap) -> Result<Self, Refusal> {
        if *method != Method::GET {
            return Err(Refusal::Method);
        }
        if version != Version::HTTP_11 {
            return Err(Refusal::HttpVersion);
        }
        if sole(headers, &HOST).is_none() {
            return Err(Refusal::Host);
        }
        let upgrades = tokens::contains(headers, &CONNECTION, "upgrade");
        if !upgrades || !tokens::contains(headers, &UPGRADE, PROTOCOL) {
            return Err(Refusal::NoUpgrade);
        }
        if sole(headers, &SEC_WEBSOCKET_VERSION) != Some(VERSION.as_bytes()) {
            return Err(Refusal::Version);
        }
        if !sole(headers, &SEC_WEBSOCKET_KEY).is_some_and(is_key) {
            return Err(Refusal::Key);
        }
        Ok(Self { headers })
    }

    /// Whether the page behind the request may connect.
    ///
    /// # Errors
    ///
    /// [`Refusal::Origin`].
    pub fn check_origin(&self, origins: &Origins) -> Result<(), Refusal> {
        origins.check(self.headers).map_err(Refusal::Origin)
    }

    /// The subprotocols that the client offers over all lines, the one it likes best first (RFC 6455 §4.1).
    pub fn subprotocols(&self) -> impl Iterator<Item = &'h str> {
        let offers = tokens::list(self.headers, &SEC_WEBSOCKET_PROTOCOL);
        offers.filter(|offer| tokens::is_token(offer)).filter_map(|offer| std::str::from_utf8(offer).ok())
    }

    /// The first of `supported` that the client offers; names compare with case. None is no refusal: the server
    /// decides whether it goes on without one.
    pub fn choose_subprotocol<S: AsRef<str>>(&self, supported: impl IntoIterator<Item = S>) -> Option<S> {
        supported.into_iter().find(|supported| self.subprotocols().any(|offer| offer == supported.as_ref()))
    }

    /// What can be agreed on compression; none if the client offers nothing that fits.
    #[must_use]
    pub fn deflate(&self, config: &Config) -> Option<Agreement> {
        let lines = self.headers.get_all(SEC_WEBSOCKET_EXTENSIONS);
        config.accept(lines.iter().map(HeaderValue::as_bytes))
    }

    /// The headers of the 101 (RFC 6455 §4.2.2).
    ///
    /// # Errors
    ///
    /// [`Refusal::Subprotocol`] if `subprotocol` was not offered: the client would fail the connection.
    pub fn answer(
        &self,
        subprotocol: Option<&str>,
        deflate: Option<&Agreement>,
    ) -> Result<HeaderMap, Refusal> {
        let mut headers = HeaderMap::with_capacity(5);
        headers.insert(UPGRADE, HeaderValue::from_static(PROTOCOL));
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        let key = sole(self.headers, &SEC_WEBSOCKET_KEY).unwrap_or_default();
        put(&mut headers, SEC_WEBSOCKET_ACCEPT, &accept_hash(key));
        if let Some(chosen) = subprotocol {
            let offered = self.subprotocols().find(|offer| *offer == chosen).ok_or(Refusal::Subprotocol)?;
            put(&mut headers, SEC_WEBSOCKET_PROTOCOL, offered);
        }
        if let Some(agreement) = deflate {
            put(&mut headers, SEC_WEBSOCKET_EXTENSIONS, &agreement.answer());
        }
        Ok(headers)
    }
}

/// The value of a field that must stand there once.
fn sole<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h [u8]> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then(|| tokens::trim(value.as_bytes()))
}

/// Base64, tokens and numbers are legal in any header.
pub(super) fn put(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}

/// Why a request opens no WebSocket.
///
/// [`status`](Refusal::status) and [`put_headers`](Refusal::put_headers) make the ordinary answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The method is not `GET` (RFC 6455 §4.1).
    Method,
    /// The version is not HTTP/1.1 (RFC 6455 §4.1).
    HttpVersion,
    /// No `Host`, or two (RFC 6455 §4.1).
    Host,
    /// `Upgrade` does not list `websocket`, or `Connection` not `upgrade` (RFC 6455 §4.1).
    NoUpgrade,
    /// `Sec-WebSocket-Version` is not 13 (RFC 6455 §4.4).
    Version,
    /// `Sec-WebSocket-Key` is not the base64 of 16 bytes (RFC 6455 §4.1).
    Key,
    /// The page behind the request may not connect (RFC 6455 §10.2).
    Origin(OriginError),
    /// The answer names a subprotocol that was not offered: the server's mistake (RFC 6455 §4.2.2).
    Subprotocol,
}

impl Refusal {
    /// The status of the answer that tells it.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::NoUpgrade | Self::HttpVersion | Self::Version => StatusCode::UPGRADE_REQUIRED,
            Self::Host | Self::Key => StatusCode::BAD_REQUEST,
            Self::Origin(_) => StatusCode::FORBIDDEN,
            Self::Subprotocol => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Adds the headers that this answer must have: `Allow` (RFC 9110 §15.5.6), `Upgrade` (RFC 9110 §15.5.22),
    /// the version that is spoken here (RFC 6455 §4.4), and the text's type.
    pub fn put_headers(&self, headers: &mut HeaderMap) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        if matches!(self, Self::Method) {
            headers.insert(ALLOW, HeaderValue::from_static("GET"));
        }
        if self.status() == StatusCode::UPGRADE_REQUIRED {
            headers.insert(UPGRADE, HeaderValue::from_static(PROTOCOL));
            headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
            headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static(VERSION));
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Method => f.write_str("a websocket is opened with GET"),
            Self::HttpVersion => f.write_str("a websocket is opened over HTTP/1.1"),
            Self::Host => f.write_str("a websocket's request names one host"),
            Self::NoUpgrade => f.write_str("the request does not upgrade to websocket"),
            Self::Version => write!(f, "only version {VERSION} of websocket is spoken here"),
            Self::Key => f.write_str("sec-websocket-key is not the base64 of 16 bytes"),
            Self::Origin(error) => error.fmt(f),
            Self::Subprotocol => f.write_str("the client did not offer the subprotocol of the answer"),
        }
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::Limits;

    /// RFC 6455 §1.3.
    const GOOD: &str = "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n\
                        Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                        Origin: http://example.com\r\nSec-WebSocket-Protocol: chat, superchat\r\n\
                        Sec-WebSocket-Version: 13\r\n\r\n";

    fn head(text: &str) -> RequestHead {
        RequestHead::parse(Bytes::copy_from_slice(text.as_bytes()), &Limits::default()).expect("legal")
    }

    fn judge(from: &str, to: &str) -> Result<(), Refusal> {
        assert!(GOOD.contains(from), "{from}");
        Opening::of_head(&head(&GOOD.replace(from, to))).map(|_| ())
    }

    /// RFC 6455 §4.2.1, and what other servers let pass.
    #[test]
    fn accepts_only_what_the_handshake_needs() {
        let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        let table = [
            ("", "", Ok(())),
            ("Upgrade: websocket", "Upgrade: h2c, WebSocket", Ok(())),
            ("Connection: Upgrade", "Connection: keep-alive, upgrade", Ok(())),
            ("Connection: Upgrade", "Connection: keep-alive\r\nConnection: UPGRADE", Ok(())),
            ("GET ", "POST ", Err(Refusal::Method)),
            ("HTTP/1.1", "HTTP/1.0", Err(Refusal::HttpVersion)),
            ("Upgrade: websocket", "Upgrade: websocket/13", Err(Refusal::NoUpgrade)),
            ("Upgrade: websocket\r\n", "", Err(Refusal::NoUpgrade)),
            ("Connection: Upgrade", "Connection: keep-alive", Err(Refusal::NoUpgrade)),
            ("Version: 13", "Version: 12", Err(Refusal::Version)),
            ("Version: 13", "Version: 13, 8", Err(Refusal::Version)),
            ("Sec-WebSocket-Version: 13\r\n", "", Err(Refusal::Version)),
            ("dGhlIHNhbXBsZSBub25jZQ==", "abc", Err(Refusal::Key)),
            ("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ", Err(Refusal::Key)),
            ("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZXM=", Err(Refusal::Key)),
            ("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZR==", Ok(())),
            ("dGhlIHNhbXBsZSBub25jZQ==", "", Err(Refusal::Key)),
            (key, "", Err(Refusal::Key)),
            (key, &format!("{key}{key}"), Err(Refusal::Key)),
        ];
        for (from, to, expected) in table {
            assert_eq!(judge(from, to), expected, "{to}");
        }
        let empty = HeaderMap::new();
        let no_host = Opening::judge(&Method::GET, Version::HTTP_11, &empty);
        assert_eq!(no_host.err(), Some(Refusal::Host));
    }

    /// RFC 6455 §4.2.2 and §4.4.
    #[test]
    fn tells_why_it_refuses() {
        let table = [
            (Refusal::Method, 405, Some((ALLOW, "GET"))),
            (Refusal::HttpVersion, 426, Some((UPGRADE, "websocket"))),
            (Refusal::NoUpgrade, 426, Some((UPGRADE, "websocket"))),
            (Refusal::Version, 426, Some((SEC_WEBSOCKET_VERSION, "13"))),
            (Refusal::Key, 400, None),
            (Refusal::Host, 400, None),
            (Refusal::Origin(OriginError::Foreign), 403, None),
            (Refusal::Subprotocol, 500, None),
        ];
        for (refusal, status, header) in table {
            let mut headers = HeaderMap::new();
            refusal.put_headers(&mut headers);
            assert_eq!(refusal.status().as_u16(), status, "{refusal}");
            match header {
                Some((name, value)) => assert_eq!(headers[name], value, "{refusal}"),
                None => assert_eq!(headers.len(), 1, "{refusal}"),
            }
        }
    }

    /// RFC 6455 §1.3 and §4.2.2; several lines are one list (RFC 6455 §11.3.4).
    #[test]
    fn answers_with_what_was_offered() {
        let more = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: v2\r\n\
                    Sec-WebSocket-Extensions: x\r\nSec-WebSocket-Extensions: permessage-deflate";
        let head = head(&GOOD.replace("Sec-WebSocket-Version: 13", more));
        let opening = Opening::of_head(&head).expect("legal");
        assert_eq!(opening.subprotocols().collect::<Vec<_>>(), ["chat", "superchat", "v2"]);
        assert_eq!(opening.choose_subprotocol(["v2", "chat"]), Some("v2"));
        assert_eq!(opening.choose_subprotocol(["CHAT"]), None);
        let agreement = opening.deflate(&Config::default());
        let answer = opening.answer(Some("v2"), agreement.as_ref()).expect("offered");
        assert_eq!(answer[SEC_WEBSOCKET_ACCEPT], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(answer[SEC_WEBSOCKET_PROTOCOL], "v2");
        assert_eq!(answer[UPGRADE], "websocket");
        assert!(tokens::contains(&answer, &CONNECTION, "upgrade"));
        let flags = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
        assert_eq!(answer[SEC_WEBSOCKET_EXTENSIONS], flags);
        let bare = opening.answer(None, None).expect("nothing to offer");
        assert_eq!(bare.len(), 3);
        assert_eq!(opening.answer(Some("v3"), None), Err(Refusal::Subprotocol));
        assert_eq!(opening.check_origin(&Origins::default()), Err(Refusal::Origin(OriginError::Foreign)));
    }
}
