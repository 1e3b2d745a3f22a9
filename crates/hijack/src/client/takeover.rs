//! The act itself, on the client: behind an answer the connection is raw.
//!
//! What answer opens it is decided by the pure functions of `hijack_proto::handover`. Nothing is sent behind the
//! request before that answer is read, since servers that throw away what they read ahead are common (dockerd and
//! Go's net/rpc among them), unless [`put_ahead`](ClientConnection::put_ahead) is asked for by its name.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hijack_proto::ResponseHead;
use hijack_proto::handover::{self, Mismatch};
use http::header::PROXY_AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use http_body::Body as HttpBody;
use tokio::time::timeout;

use super::connection::Inner;
use super::{Answer, ClientConnection};
use crate::observe::ConnLimits;
use crate::transport::{Stream, Transport};
use crate::{Body, BoxError, Conn, Error, tokens};

/// A takeover that did not come about.
///
/// It holds the connection, so it is not `Sync`; `?` into an [`Error`] lets go of it.
#[must_use = "the connection may still be good"]
#[non_exhaustive]
pub struct Untaken<Io = Transport> {
    /// Why: [`Error::Declined`] if the server answered otherwise.
    pub error: Error,
    /// The connection, where it can be used for further requests.
    pub connection: Option<ClientConnection<Io>>,
}

/// What a server answered that did not grant a takeover.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Decline {
    /// What in the answer does not grant it.
    pub mismatch: Mismatch,
    /// The answer's head.
    pub head: ResponseHead,
    /// The beginning of its body, up to [`ClientConfig::declined_len`](crate::ClientConfig::declined_len). Empty
    /// where the server began another protocol instead.
    pub body: Bytes,
    /// Whether `body` is the whole of it.
    pub complete: bool,
}

impl fmt::Display for Decline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.mismatch.fmt(f)?;
        let reason = String::from_utf8_lossy(&self.body[..self.body.len().min(SHOWN_LEN)]);
        match reason.trim() {
            "" => Ok(()),
            // A terminal must not be written to by a server.
            reason => write!(f, ": {}", reason.replace(|c: char| c.is_control(), " ")),
        }
    }
}

/// Of a body, the bytes that an error's text shows.
const SHOWN_LEN: usize = 512;

impl std::error::Error for Decline {}

impl<Io> From<Untaken<Io>> for Error {
    fn from(untaken: Untaken<Io>) -> Self {
        untaken.error
    }
}

impl<Io> fmt::Debug for Untaken<Io> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Untaken").field("error", &self.error).field("connection", &self.connection).finish()
    }
}

impl<Io> fmt::Display for Untaken<Io> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<Io> std::error::Error for Untaken<Io> {}

/// A tunnel to ask for with `CONNECT`.
///
/// ```
/// let tunnel = hijack::Tunnel::to("example.org:443").basic_auth("user", "secret");
/// # let _ = tunnel;
/// ```
#[derive(Debug, Clone)]
#[must_use = "give it to `ClientConnection::tunnel`"]
pub struct Tunnel {
    authority: String,
    headers: HeaderMap,
}

impl Tunnel {
    /// A tunnel to `authority`, which is `host:port`.
    pub fn to(authority: impl Into<String>) -> Self {
        Self { authority: authority.into(), headers: HeaderMap::new() }
    }

    /// Adds a header.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Adds a user and a password for the proxy (RFC 7617). They travel readable to everybody on the way, unless
    /// the connection to the proxy is TLS.
    pub fn basic_auth(mut self, user: &str, password: &str) -> Self {
        let credentials = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        if let Ok(mut value) = HeaderValue::try_from(credentials) {
            value.set_sensitive(true);
            self.headers.insert(PROXY_AUTHORIZATION, value);
        }
        self
    }

    /// Adds the headers of `more`.
    pub(super) fn headers(mut self, more: &HeaderMap) -> Self {
        self.headers.extend(more.clone());
        self
    }

    fn into_request(self) -> Result<Request<Body>, Error> {
        let is_place = |uri: &Uri| {
            let bare = uri.scheme().is_none() && !self.authority.contains('@');
            bare && uri.port_u16().is_some()
        };
        let uri = Uri::try_from(&self.authority).ok().filter(is_place).ok_or_else(|| {
            Error::Config(format!("cannot open a tunnel to {:?}: it looks like host:port", self.authority))
        })?;
        let mut request = Request::new(Body::empty());
        *request.method_mut() = Method::CONNECT;
        *request.uri_mut() = uri;
        *request.headers_mut() = self.headers;
        Ok(request)
    }
}

impl<Io: Stream> ClientConnection<Io> {
    /// Asks for an upgrade to one of `protocols` and takes the connection over once the server has switched
    /// (RFC 9110 §7.8): a 101 with `Connection: upgrade` and exactly one of them in `Upgrade`. `Connection` and
    /// `Upgrade` are written here, best protocol first.
    ///
    /// - **Who closes?** The [`Conn`]'s owner; dropping it closes the socket.
    /// - **Deadlines?** The client's end here.
    /// - **Unread bytes?** What came behind the head is what the connection reads first.
    /// - **The body?** The request's is sent to its end before; a 101 has none.
    /// - **Shutdown and cancellation?** As the [`Conn`] says.
    ///
    /// # Errors
    ///
    /// [`Untaken`], with the connection if it is still good: [`Error::Declined`] if the server answered
    /// otherwise, [`Error::TakeOver`] if it switched before the request was sent to its end, [`Error::Config`] if
    /// a protocol is no legal name, and those of [`request`](Self::request).
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection.
    pub async fn upgrade<B, P, S>(self, request: Request<B>, protocols: P) -> Result<Conn<Io>, Untaken<Io>>
    where
        B: HttpBody + Send + 'static,
        B::Error: Into<BoxError>,
        P: AsRef<[S]>,
        S: AsRef<str> + Clone + Into<Cow<'static, str>>,
    {
        let protocols = protocols.as_ref();
        self.ask(request, list(protocols), |answer| {
            handover::verify_upgrade(answer, protocols).map(|protocol| Some(protocol.clone().into()))
        })
        .await
    }

    /// As [`upgrade`](Self::upgrade), and takes a bare 200 too: one without length and coding, behind which
    /// Docker's daemon starts a raw stream when it, or a proxy before it, does not upgrade.
    ///
    /// [`Conn::protocol`] tells which it was: none behind a 200. Without any protocol to upgrade to, a 200 is all
    /// that is asked for.
    ///
    /// # Errors
    ///
    /// As [`upgrade`](Self::upgrade).
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection.
    pub async fn upgrade_or_stream<B, P, S>(
        self,
        request: Request<B>,
        protocols: P,
    ) -> Result<Conn<Io>, Untaken<Io>>
    where
        B: HttpBody + Send + 'static,
        B::Error: Into<BoxError>,
        P: AsRef<[S]>,
        S: AsRef<str> + Clone + Into<Cow<'static, str>>,
    {
        let protocols = protocols.as_ref();
        self.ask(request, list(protocols), |answer| match handover::verify_upgrade(answer, protocols) {
            Err(Mismatch::Status(_)) => handover::verify_raw_stream(answer).map(|()| None),
            verified => verified.map(|protocol| Some(protocol.clone().into())),
        })
        .await
    }

    /// Asks for a tunnel with `CONNECT` and takes the connection over behind any 2xx (RFC 9110 §9.3.6).
    ///
    /// # Errors
    ///
    /// As [`upgrade`](Self::upgrade). There is no tunnel then, whatever the server sends.
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection.
    pub async fn tunnel(self, tunnel: Tunnel) -> Result<Conn<Io>, Untaken<Io>> {
        match tunnel.into_request() {
            Ok(request) => self.connect(request).await,
            Err(error) => Err(Untaken { error, connection: Some(self) }),
        }
    }

    /// As [`tunnel`](Self::tunnel), with a request of one's own: Go's net/rpc asks for a path over HTTP/1.0.
    ///
    /// # Errors
    ///
    /// As [`upgrade`](Self::upgrade).
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection.
    pub async fn connect<B>(self, mut request: Request<B>) -> Result<Conn<Io>, Untaken<Io>>
    where
        B: HttpBody + Send + 'static,
        B::Error: Into<BoxError>,
    {
        *request.method_mut() = Method::CONNECT;
        self.ask(request, Ok(None), |answer| {
            handover::verify_connect(answer).map(|()| Some(Cow::Borrowed("connect")))
        })
        .await
    }

    /// Takes the connection over as it stands: behind the head of an answer of any status, or between two
    /// exchanges. Every byte that the server sent and nobody was given comes first; a body of which nothing was
    /// read comes raw, framing and all.
    ///
    /// # Errors
    ///
    /// [`Untaken`] with [`Error::TakeOver`] and the connection, of which nothing is lost: a request is not sent
    /// to its end, answers are still to come, or a body is half read.
    pub fn take_over(self) -> Result<Conn<Io>, Untaken<Io>> {
        self.take(None)
    }

    /// Queues `bytes` behind the request that was sent last, ahead of its answer.
    ///
    /// They save a round trip where the server is known to keep what it reads ahead. Where it does not grant the
    /// takeover it may read them as further requests, so they must not be anybody else's (RFC 9931), and the
    /// connection takes no further request.
    ///
    /// # Errors
    ///
    /// [`Error::TakeOver`] if the request is not sent to its end, or none is under way.
    pub fn put_ahead(&mut self, bytes: &[u8]) -> Result<(), Error> {
        use hijack_proto::h1::TakeOverError::{NoExchange, RequestUnsent};
        if self.0.session.is_sending() {
            return Err(Error::TakeOver(RequestUnsent));
        }
        if self.0.session.pending() == 0 {
            return Err(Error::TakeOver(NoExchange));
        }
        self.0.session.end_requests();
        self.0.sent_ahead = true;
        self.0.wire.out().extend_from_slice(bytes);
        Ok(())
    }

    /// Sends the request and takes over if `verify` finds the answer right; it gives the protocol.
    async fn ask<B>(
        mut self,
        request: Request<B>,
        upgrade: Result<Option<HeaderValue>, Error>,
        verify: impl FnOnce(&ResponseHead) -> Result<Option<Cow<'static, str>>, Mismatch>,
    ) -> Result<Conn<Io>, Untaken<Io>>
    where
        B: HttpBody + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let asked = match upgrade {
            Ok(upgrade) => self.request_as(request, upgrade).await,
            Err(error) => Err(error),
        };
        let answer = match asked {
            Ok(answer) => answer,
            Err(error) => {
                let good = matches!(error, Error::AnswersPending(_) | Error::Encode(_) | Error::Config(_));
                return Err(Untaken { error, connection: good.then_some(self) });
            }
        };
        match verify(&answer) {
            Ok(protocol) => self.take(protocol),
            Err(mismatch) => Err(self.declined(answer, mismatch).await),
        }
    }

    /// Reads why the server declined, as far as that is allowed.
    async fn declined(mut self, answer: Answer, mismatch: Mismatch) -> Untaken<Io> {
        let mut body = Vec::new();
        let within = self.0.config.declined_timeout;
        // What follows a 101 is another protocol, whichever it is.
        let is_http = !answer.status().is_informational();
        let complete = is_http && timeout(within, self.read_some(&mut body)).await.is_ok_and(|whole| whole);
        let head = answer.head;
        let error = Error::Declined(Box::new(Decline { mismatch, head, body: body.into(), complete }));
        self.0.wire.lease.end_wait();
        let good = complete && self.is_open() && !self.0.sent_ahead;
        Untaken { error, connection: good.then_some(self) }
    }

    /// Whether the body was read to its end, and not more of it than is kept.
    async fn read_some(&mut self, body: &mut Vec<u8>) -> bool {
        let limit = self.0.config.declined_len;
        while let Ok(next) = self.body().data().await {
            let Some(data) = next else { return true };
            let room = limit - body.len();
            body.extend_from_slice(&data[..data.len().min(room)]);
            if data.len() > room {
                return false;
            }
        }
        false
    }

    fn take(mut self, protocol: Option<Cow<'static, str>>) -> Result<Conn<Io>, Untaken<Io>> {
        match self.0.session.take_over() {
            Ok(unread) => Ok(self.0.into_conn(unread, protocol)),
            Err(error) => Err(Untaken { error: error.into(), connection: Some(self) }),
        }
    }
}

impl<Io: Stream> Inner<Io> {
    fn into_conn(self, unread: Bytes, protocol: Option<Cow<'static, str>>) -> Conn<Io> {
        let Self { wire, config, last_head, .. } = self;
        wire.lease.set_taken(unread.len(), wire.queued(), last_head, protocol);
        if config.taken != ConnLimits::default() {
            wire.lease.set_limits(config.taken);
        }
        Conn::new(wire, unread)
    }
}

/// `protocols` as a list for a header; none of them is no header, since its mere presence counts for some servers
/// (dockerd among them).
pub(super) fn list(protocols: &[impl AsRef<str>]) -> Result<Option<HeaderValue>, Error> {
    let mut list = String::new();
    for protocol in protocols.iter().map(AsRef::as_ref) {
        if !tokens::is_protocol(protocol.as_bytes()) {
            return Err(Error::Config(format!(
                "cannot ask for an upgrade to {protocol:?}: it is no protocol name"
            )));
        }
        list.push_str(if list.is_empty() { "" } else { ", " });
        list.push_str(protocol);
    }
    Ok(HeaderValue::try_from(list).ok().filter(|list| !list.is_empty()))
}
