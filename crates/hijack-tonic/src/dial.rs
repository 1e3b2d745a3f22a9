//! The client's side of a takeover: a URL becomes a pipe.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use hijack::{Body, Client, ClientConnection, Decline, Endpoint, Error, Proxy, Tunnel, ws};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::uri::{Authority, PathAndQuery};
use http::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use tonic::Code;
use tower_service::Service;

use crate::{Channel, ChannelConfig, Pipe, TOKEN};

/// Which way a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Mode {
    /// The token; where that is answered by anything but a 101, or not within 3 s, a WebSocket. What worked is remembered.
    ///
    /// An answer that a WebSocket would have as well is the end: 401, 403, 407, 409, 503. So is a connection that fails.
    #[default]
    Auto,
    /// `Upgrade: hijack-grpc`.
    Token,
    /// A WebSocket of the subprotocol `hijack-grpc`.
    WebSocket,
    /// `CONNECT`, to the URL's own authority or another name of the services there.
    Connect,
}

/// Opens pipes to gRPC services behind an HTTP/1.1 server. Cheap to clone; clones share what was found out in [`Mode::Auto`].
///
/// It is a tower service from a `Uri`, which it does not look at, to a connection: a connector for tonic's own
/// `Endpoint::connect_with_connector`. [`channel`](Self::channel) gives more: see [`Channel`].
#[derive(Clone)]
#[must_use = "a dialer does nothing until it is asked"]
pub struct Dialer {
    endpoint: Endpoint,
    path: PathAndQuery,
    /// What a `CONNECT` asks for, and requests name as their origin: `host:port`.
    authority: Authority,
    token: &'static str,
    mode: Mode,
    headers: HeaderMap,
    client: Client,
    proxy: Option<Proxy>,
    dial_timeout: Duration,
    /// What worked in [`Mode::Auto`].
    found: Arc<AtomicU8>,
}

impl Dialer {
    /// To `url`: `http://host:port/path`, or `https` for TLS.
    ///
    /// # Errors
    ///
    /// [`DialError::Url`] says what such a URL looks like.
    pub fn to(url: &str) -> Result<Self, DialError> {
        let unreadable = || DialError::Url(url.to_owned());
        let parsed: Uri = url.parse().map_err(|_| unreadable())?;
        let scheme = parsed.scheme_str().filter(|scheme| ["http", "https"].contains(scheme));
        let (scheme, authority) = scheme.zip(parsed.authority()).ok_or_else(unreadable)?;
        let endpoint: Endpoint =
            format!("{scheme}://{authority}").parse().map_err(|_: Error| unreadable())?;
        let port = authority.port_u16().unwrap_or(if endpoint.is_tls() { 443 } else { 80 });
        let authority = format!("{}:{port}", authority.host()).parse().map_err(|_| unreadable())?;
        Ok(Self {
            endpoint,
            path: parsed.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/")),
            authority,
            token: TOKEN,
            mode: Mode::default(),
            headers: HeaderMap::new(),
            client: Client::new(),
            proxy: None,
            dial_timeout: TIMEOUT,
            found: Arc::default(),
        })
    }

    /// Asks in this way. Default [`Mode::Auto`].
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Adds a header to the request that is taken over.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Asks a `CONNECT` for `authority`, `host:port`, instead of the URL's. Calls name it as their origin too.
    pub fn connect_to(mut self, authority: Authority) -> Self {
        self.authority = authority;
        self
    }

    /// Dials by `client`: with its limits, its TLS, its tracker.
    pub fn by(mut self, client: Client) -> Self {
        self.client = client;
        self
    }

    /// Goes through a proxy that opens tunnels.
    pub fn through(mut self, proxy: Proxy) -> Self {
        self.proxy = Some(proxy);
        self
    }

    /// Time for a whole takeover, from the dial to the answer; in [`Mode::Auto`] for either way. Default 30 s; then it is
    /// [`DialError::TimedOut`].
    pub fn dial_timeout(mut self, within: Duration) -> Self {
        self.dial_timeout = within;
        self
    }

    /// Asks for `token` instead of the usual one.
    pub(crate) fn with_token(mut self, token: &'static str) -> Self {
        self.token = token;
        self
    }

    /// A channel over connections opened so, with the default [`ChannelConfig`]. Nothing is opened yet.
    #[must_use]
    pub fn channel(&self) -> Channel {
        Channel::new(self.clone(), ChannelConfig::default())
    }

    /// A channel over connections opened so, configured by `change`. Nothing is opened yet.
    ///
    /// ```
    /// # fn run() -> Result<(), hijack_tonic::DialError> {
    /// let dialer = hijack_tonic::Dialer::to("http://gateway.example/grpc")?;
    /// let channel = dialer.channel_with(|config| config.deadline = Some(std::time::Duration::from_secs(10)));
    /// # let _ = channel; Ok(()) }
    /// ```
    #[must_use]
    pub fn channel_with(&self, change: impl FnOnce(&mut ChannelConfig)) -> Channel {
        let mut config = ChannelConfig::default();
        change(&mut config);
        Channel::new(self.clone(), config)
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Opens a pipe.
    ///
    /// # Errors
    ///
    /// [`DialError`], which tells a server that cannot be reached from one that answers otherwise.
    ///
    /// # Cancel safety
    ///
    /// Safe: what was begun is given up.
    pub async fn dial(&self) -> Result<Pipe, DialError> {
        match self.mode {
            Mode::Auto => self.dial_auto().await,
            mode => self.dial_as(mode, self.dial_timeout).await,
        }
    }

    async fn dial_auto(&self) -> Result<Pipe, DialError> {
        match self.found.load(Relaxed) {
            FOUND_TOKEN => return self.dial_found(Mode::Token).await,
            FOUND_WEBSOCKET => return self.dial_found(Mode::WebSocket).await,
            _ => {}
        }
        let token = match self.dial_as(Mode::Token, self.dial_timeout.min(AUTO_TIMEOUT)).await {
            Ok(pipe) => {
                self.found.store(FOUND_TOKEN, Relaxed);
                return Ok(pipe);
            }
            Err(error) if error.is_final() => return Err(error),
            Err(error) => error,
        };
        match self.dial_as(Mode::WebSocket, self.dial_timeout).await {
            Ok(pipe) => {
                self.found.store(FOUND_WEBSOCKET, Relaxed);
                Ok(pipe)
            }
            Err(websocket) => {
                Err(DialError::Neither { token: Box::new(token), websocket: Box::new(websocket) })
            }
        }
    }

    /// In the way that worked last; if it does not any more, the next time begins anew.
    async fn dial_found(&self, mode: Mode) -> Result<Pipe, DialError> {
        self.dial_as(mode, self.dial_timeout).await.inspect_err(|_| self.found.store(0, Relaxed))
    }

    async fn dial_as(&self, mode: Mode, within: Duration) -> Result<Pipe, DialError> {
        let opened = timeout(within, async {
            match mode {
                Mode::WebSocket => self.open_websocket().await,
                Mode::Connect => self.open_tunnel().await,
                Mode::Auto | Mode::Token => self.upgrade().await,
            }
        });
        opened.await.unwrap_or(Err(DialError::TimedOut(within)))
    }

    async fn connect(&self) -> Result<ClientConnection, Error> {
        match &self.proxy {
            Some(proxy) => self.client.connect_through(proxy, &self.endpoint).await,
            None => self.client.connect(&self.endpoint).await,
        }
    }

    async fn upgrade(&self) -> Result<Pipe, DialError> {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = Uri::from(self.path.clone());
        *request.headers_mut() = self.headers.clone();
        let upgraded = self.connect().await?.upgrade(request, [self.token]).await;
        Ok(Pipe::raw(upgraded.map_err(|untaken| untaken.error)?))
    }

    async fn open_tunnel(&self) -> Result<Pipe, DialError> {
        let mut tunnel = Tunnel::to(self.authority.as_str());
        for (name, value) in &self.headers {
            tunnel = tunnel.header(name.clone(), value.clone());
        }
        let opened = self.connect().await?.tunnel(tunnel).await;
        Ok(Pipe::raw(opened.map_err(|untaken| untaken.error)?))
    }

    async fn open_websocket(&self) -> Result<Pipe, DialError> {
        let url = format!("{}{}", self.endpoint, self.path);
        let mut dial = ws::Dial::to(&url)?.subprotocols([self.token]).by(self.client.clone());
        for (name, value) in &self.headers {
            dial = dial.header(name.clone(), value.clone());
        }
        if let Some(proxy) = &self.proxy {
            dial = dial.through(proxy.clone());
        }
        let socket = ws::dial_config(&dial).await?;
        if socket.subprotocol() != Some(self.token) {
            return Err(DialError::Subprotocol(socket.subprotocol().map(str::to_owned)));
        }
        Ok(Pipe::framed(socket))
    }
}

/// Default of [`Dialer::dial_timeout`].
const TIMEOUT: Duration = Duration::from_secs(30);
/// Time for the token in [`Mode::Auto`], before a WebSocket is tried.
const AUTO_TIMEOUT: Duration = Duration::from_secs(3);
const FOUND_TOKEN: u8 = 1;
const FOUND_WEBSOCKET: u8 = 2;

/// As a connector: it goes where the dialer leads, whatever the URI says.
impl Service<Uri> for Dialer {
    type Response = TokioIo<Pipe>;
    type Error = DialError;
    type Future = Dialing;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), DialError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Dialing {
        let dialer = self.clone();
        Dialing(Box::pin(async move { dialer.dial().await.map(TokioIo::new) }))
    }
}

/// A pipe being opened.
pub struct Dialing(Pin<Box<dyn Future<Output = Result<TokioIo<Pipe>, DialError>> + Send>>);

impl Future for Dialing {
    type Output = Result<TokioIo<Pipe>, DialError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for Dialing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dialing")
    }
}

/// Why there is no pipe.
///
/// A [`Channel`]'s calls have it as their status's [`source`](std::error::Error::source). An answer's 401 is `UNAUTHENTICATED`
/// there, 403 `PERMISSION_DENIED` and 404 `UNIMPLEMENTED`, as gRPC maps them; everything else is `UNAVAILABLE`.
#[derive(Debug)]
#[non_exhaustive]
pub enum DialError {
    /// This is no URL of a server.
    Url(String),
    /// This cannot be the name of an agent.
    Name(String),
    /// The server answered otherwise; what it said is within.
    Declined(Box<Decline>),
    /// The server opened a WebSocket of another subprotocol, or of none.
    Subprotocol(Option<String>),
    /// The server switched protocols and broke the law of the WebSocket's handshake.
    Handshake(ws::Mismatch),
    /// No answer came within this time.
    TimedOut(Duration),
    /// Neither way of [`Mode::Auto`] worked.
    Neither {
        /// Why the token did not.
        token: Box<DialError>,
        /// Why the WebSocket did not.
        websocket: Box<DialError>,
    },
    /// The server could not be reached, or the connection failed.
    Http(Error),
}

impl DialError {
    /// Whether a WebSocket would fare no better than the token did. What is only for now, as a server that goes down, must
    /// not make us remember the wrong way.
    fn is_final(&self) -> bool {
        match self {
            Self::Http(_) => true,
            Self::Declined(decline) => FINAL.contains(&decline.head.status()),
            _ => false,
        }
    }

    /// Whether the connection ended where the answer was to come: a server that goes down may have taken a connection that
    /// the next one now takes.
    pub(crate) fn is_unanswered(&self) -> bool {
        match self {
            Self::Http(error) => matches!(error, Error::Unanswered(_) | Error::Io(_)),
            Self::Neither { websocket, .. } => websocket.is_unanswered(),
            _ => false,
        }
    }

    /// What it is to a call. Of two ways the last one counts.
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::Declined(decline) => match decline.head.status() {
                StatusCode::UNAUTHORIZED => Code::Unauthenticated,
                StatusCode::FORBIDDEN => Code::PermissionDenied,
                StatusCode::NOT_FOUND => Code::Unimplemented,
                _ => Code::Unavailable,
            },
            Self::Neither { websocket, .. } => websocket.code(),
            _ => Code::Unavailable,
        }
    }
}

/// Answers that do not depend on the way.
const FINAL: [StatusCode; 5] = [
    StatusCode::UNAUTHORIZED,
    StatusCode::FORBIDDEN,
    StatusCode::PROXY_AUTHENTICATION_REQUIRED,
    StatusCode::CONFLICT,
    StatusCode::SERVICE_UNAVAILABLE,
];

impl From<Error> for DialError {
    fn from(error: Error) -> Self {
        match error {
            Error::Declined(decline) => Self::Declined(decline),
            error => Self::Http(error),
        }
    }
}

impl From<ws::DialError> for DialError {
    fn from(error: ws::DialError) -> Self {
        match error {
            ws::DialError::Url(url) => Self::Url(url),
            ws::DialError::Declined(decline) => Self::Declined(decline),
            ws::DialError::Mismatch(mismatch) => Self::Handshake(mismatch),
            error => Self::Http(error.into()),
        }
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => {
                write!(f, "cannot use {url:?} as a URL for gRPC: it looks like http://host:port/path")
            }
            Self::Name(name) => {
                write!(f, "cannot use {name:?} as an agent's name: it is text of one line, not empty")
            }
            Self::Declined(decline) => {
                decline.fmt(f)?;
                advice(decline).map_or(Ok(()), |advice| write!(f, " ({advice})"))
            }
            Self::Subprotocol(Some(other)) => {
                write!(
                    f,
                    "the server opened a WebSocket of the subprotocol {other}, which is not ours (is the path right?)"
                )
            }
            Self::Subprotocol(None) => {
                write!(
                    f,
                    "the server opened a WebSocket without the subprotocol {TOKEN} (is the path right?)"
                )
            }
            Self::Handshake(mismatch) => mismatch.fmt(f),
            Self::TimedOut(within) => write!(f, "no answer to the takeover within {within:?}"),
            Self::Neither { token, websocket } => {
                write!(f, "neither way in works: as a token: {token}; as a WebSocket: {websocket}")
            }
            Self::Http(error) => error.fmt(f),
        }
    }
}

/// What to do about an answer.
fn advice(decline: &Decline) -> Option<&'static str> {
    Some(match decline.head.status() {
        StatusCode::UPGRADE_REQUIRED => {
            "the request came without Upgrade, which a proxy on the way may have removed: it must pass Upgrade and \
             Connection on, or try a WebSocket or CONNECT"
        }
        StatusCode::UNAUTHORIZED => "give credentials in the header Authorization",
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => "give credentials in the header Proxy-Authorization",
        StatusCode::NOT_FOUND => "is the path right?",
        status if status.is_success() => "an ordinary answer: is the path right?",
        _ => return None,
    })
}

impl std::error::Error for DialError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Handshake(mismatch) => Some(mismatch),
            Self::Neither { token, .. } => Some(token),
            Self::Http(error) => error.source(),
            _ => None,
        }
    }
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialer")
            .field("endpoint", &self.endpoint)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}
