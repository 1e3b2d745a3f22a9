//! The client's side of the handshake (RFC 6455 §4.1).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use http::header::{
    CONNECTION, HeaderMap, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};

use super::server::put;
use super::{PROTOCOL, VERSION, accept_hash};
use crate::tokens;
use crate::ws::deflate::{Agreement, AnswerError, Config};

/// What a client asks for, kept until the answer is there.
///
/// ```
/// use hijack_proto::ws::handshake::Asked;
/// let asked = Asked::new(*b"the sample nonce").with_subprotocols(["chat"]);
/// assert_eq!(asked.request()["sec-websocket-key"], "dGhlIHNhbXBsZSBub25jZQ==");
/// ```
#[derive(Debug, Clone)]
pub struct Asked {
    key: String,
    subprotocols: Vec<String>,
    deflate: Option<Config>,
}

/// What the server agreed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreed {
    /// One of the subprotocols that were offered, or none.
    pub subprotocol: Option<String>,
    /// How messages are compressed, or that they are not.
    pub deflate: Option<Agreement>,
}

impl Asked {
    /// Asks for a plain connection. `nonce` must be chosen at random for each connection (RFC 6455 §4.1).
    #[must_use]
    pub fn new(nonce: [u8; 16]) -> Self {
        Self { key: STANDARD.encode(nonce), subprotocols: Vec::new(), deflate: None }
    }

    /// Offers subprotocols, the best first. What is no token is left out.
    #[must_use]
    pub fn with_subprotocols<S: Into<String>>(mut self, offers: impl IntoIterator<Item = S>) -> Self {
        let legal = |offer: &String| tokens::is_token(offer.as_bytes());
        self.subprotocols = offers.into_iter().map(Into::into).filter(legal).collect();
        self
    }

    /// Offers compression.
    #[must_use]
    pub fn with_deflate(mut self, config: Config) -> Self {
        self.deflate = Some(config);
        self
    }

    /// The headers that make a `GET` over HTTP/1.1 this request. `Host` and, if there is a page, `Origin` are the
    /// caller's.
    #[must_use]
    pub fn request(&self) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(6);
        headers.insert(UPGRADE, HeaderValue::from_static(PROTOCOL));
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static(VERSION));
        put(&mut headers, SEC_WEBSOCKET_KEY, &self.key);
        if !self.subprotocols.is_empty() {
            put(&mut headers, SEC_WEBSOCKET_PROTOCOL, &self.subprotocols.join(", "));
        }
        if let Some(config) = &self.deflate {
            put(&mut headers, SEC_WEBSOCKET_EXTENSIONS, &config.offer());
        }
        headers
    }

    /// Judges the answer. Bytes behind its head belong to the WebSocket.
    ///
    /// # Errors
    ///
    /// A [`Mismatch`]. After [`Mismatch::Status`] the connection is still HTTP's and the answer an ordinary one;
    /// after any other it must be closed.
    pub fn verify(&self, status: StatusCode, headers: &HeaderMap) -> Result<Agreed, Mismatch> {
        if status != StatusCode::SWITCHING_PROTOCOLS {
            return Err(Mismatch::Status(status));
        }
        let mut protocols = tokens::list(headers, &UPGRADE);
        let sole = protocols.next().filter(|_| protocols.next().is_none());
        if !sole.is_some_and(|protocol| protocol.eq_ignore_ascii_case(PROTOCOL.as_bytes())) {
            return Err(Mismatch::Upgrade);
        }
        if !tokens::contains(headers, &CONNECTION, "upgrade") {
            return Err(Mismatch::Connection);
        }
        let mut hashes = headers.get_all(SEC_WEBSOCKET_ACCEPT).iter();
        let hash = hashes.next().filter(|_| hashes.next().is_none());
        let expected = accept_hash(self.key.as_bytes());
        if hash.is_none_or(|hash| tokens::trim(hash.as_bytes()) != expected.as_bytes()) {
            return Err(Mismatch::Accept);
        }
        Ok(Agreed {
            subprotocol: self.verify_subprotocol(headers)?,
            deflate: self.verify_extensions(headers)?,
        })
    }

    fn verify_subprotocol(&self, headers: &HeaderMap) -> Result<Option<String>, Mismatch> {
        let mut lines = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter();
        let Some(line) = lines.next() else { return Ok(None) };
        let is_offer = |offer: &&String| offer.as_bytes() == tokens::trim(line.as_bytes());
        let offered = self.subprotocols.iter().find(is_offer).filter(|_| lines.next().is_none());
        offered.cloned().map(Some).ok_or(Mismatch::Subprotocol)
    }

    fn verify_extensions(&self, headers: &HeaderMap) -> Result<Option<Agreement>, Mismatch> {
        let lines = || headers.get_all(SEC_WEBSOCKET_EXTENSIONS).iter().map(HeaderValue::as_bytes);
        match &self.deflate {
            Some(config) => config.verify(lines()).map_err(Mismatch::Extension),
            None if super::extensions(lines()).next().is_none() => Ok(None),
            None => Err(Mismatch::Extension(AnswerError::NotOffered)),
        }
    }
}

/// Why an answer opens no WebSocket (RFC 6455 §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mismatch {
    /// Another status than 101.
    Status(StatusCode),
    /// `Upgrade` is not `websocket` alone.
    Upgrade,
    /// `Connection` does not list `upgrade`.
    Connection,
    /// `Sec-WebSocket-Accept` does not answer our key.
    Accept,
    /// A subprotocol that was not offered, or more than one.
    Subprotocol,
    /// An extension that was not offered or does not keep to the offer.
    Extension(AnswerError),
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "the server answered {status}"),
            Self::Upgrade => f.write_str("the server's upgrade is not to websocket alone"),
            Self::Connection => f.write_str("the server's connection field does not list upgrade"),
            Self::Accept => f.write_str("sec-websocket-accept does not answer our key"),
            Self::Subprotocol => f.write_str("the server chose a subprotocol that was not offered"),
            Self::Extension(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Mismatch {}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::HeaderName;

    fn answer(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let usual = [
            ("upgrade", "WebSocket"),
            ("connection", "keep-alive, Upgrade"),
            ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ];
        let replaced = |name: &str| lines.iter().any(|(line, _)| *line == name);
        let kept = usual.iter().filter(|(name, _)| !replaced(name));
        let present = lines.iter().filter(|(_, value)| *value != "-");
        kept.chain(present)
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    fn verify(lines: &[(&'static str, &'static str)]) -> Result<Agreed, Mismatch> {
        let asked = Asked::new(*b"the sample nonce").with_subprotocols(["chat", "v2", "not a token"]);
        assert_eq!(asked.request()[SEC_WEBSOCKET_PROTOCOL], "chat, v2");
        asked.verify(StatusCode::SWITCHING_PROTOCOLS, &answer(lines))
    }

    /// RFC 6455 §4.1.
    #[test]
    fn believes_only_an_answer_to_its_own_request() {
        let extension = |error| Err(Mismatch::Extension(error));
        let chosen = |name: &str| Ok(Agreed { subprotocol: Some(name.to_owned()), deflate: None });
        assert_eq!(verify(&[]), Ok(Agreed { subprotocol: None, deflate: None }));
        assert_eq!(verify(&[("upgrade", "-")]), Err(Mismatch::Upgrade));
        assert_eq!(verify(&[("upgrade", "h2c")]), Err(Mismatch::Upgrade));
        assert_eq!(verify(&[("upgrade", "websocket, h2c")]), Err(Mismatch::Upgrade));
        assert_eq!(verify(&[("connection", "-")]), Err(Mismatch::Connection));
        assert_eq!(verify(&[("connection", "keep-alive")]), Err(Mismatch::Connection));
        assert_eq!(verify(&[("sec-websocket-accept", "-")]), Err(Mismatch::Accept));
        let other = "s3pPLMBiTxaQ9kYGzzhZRbK+xOp=";
        assert_eq!(verify(&[("sec-websocket-accept", other)]), Err(Mismatch::Accept));
        assert_eq!(verify(&[("sec-websocket-protocol", "v2")]), chosen("v2"));
        assert_eq!(verify(&[("sec-websocket-protocol", "v3")]), Err(Mismatch::Subprotocol));
        assert_eq!(verify(&[("sec-websocket-protocol", "chat, v2")]), Err(Mismatch::Subprotocol));
        let deflate = ("sec-websocket-extensions", "permessage-deflate");
        assert_eq!(verify(&[deflate]), extension(AnswerError::NotOffered));
        assert!(verify(&[("sec-websocket-extensions", "")]).is_ok());
    }

    #[test]
    fn gives_other_statuses_back() {
        for status in [StatusCode::OK, StatusCode::FOUND, StatusCode::UNAUTHORIZED] {
            let refused = Asked::new([0; 16]).verify(status, &answer(&[]));
            assert_eq!(refused, Err(Mismatch::Status(status)));
        }
    }

    #[test]
    fn offers_compression_and_verifies_it() {
        let asked = Asked::new(*b"the sample nonce").with_deflate(Config::default());
        let offer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
                     client_max_window_bits";
        assert_eq!(asked.request()[SEC_WEBSOCKET_EXTENSIONS], offer);
        let verify = |line| {
            let headers = answer(&[("sec-websocket-extensions", line)]);
            asked.verify(StatusCode::SWITCHING_PROTOCOLS, &headers)
        };
        let agreed = verify("permessage-deflate; server_no_context_takeover").expect("legal");
        assert!(agreed.deflate.is_some_and(|deflate| deflate.client_no_context_takeover));
        assert_eq!(verify("permessage-deflate"), Err(Mismatch::Extension(AnswerError::Parameter)));
        assert_eq!(verify("-"), Ok(Agreed { subprotocol: None, deflate: None }));
    }
}
