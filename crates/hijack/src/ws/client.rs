//! The client's side: a URL becomes a WebSocket.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use hijack_proto::ws::Role;
use hijack_proto::ws::handshake::{Asked, Mismatch};
use http::header::{CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, UPGRADE};
use http::uri::{PathAndQuery, Uri};
use http::{Request, StatusCode};
use rand::Rng;

use super::{Config, WebSocket};
use crate::client::{Client, ClientConnection, Decline, Endpoint, Proxy};
use crate::transport::Stream;
use crate::{Body, Error};

/// Opens a WebSocket at `url`: `ws://host:port/path` or `wss://…`, or `http` and `https` instead.
///
/// # Errors
///
/// As [`dial_config`].
///
/// # Cancel safety
///
/// Cancelling closes the connection.
pub async fn dial(url: &str) -> Result<WebSocket, DialError> {
    dial_config(&Dial::to(url)?).await
}

/// Opens a WebSocket as `dial` says.
///
/// # Errors
///
/// [`DialError`] tells a server that cannot be reached from one that answers otherwise.
///
/// # Cancel safety
///
/// Cancelling closes the connection.
pub async fn dial_config(dial: &Dial) -> Result<WebSocket, DialError> {
    let connection = match &dial.proxy {
        Some(proxy) => dial.client.connect_through(proxy, &dial.endpoint).await,
        None => dial.client.connect(&dial.endpoint).await,
    };
    dial.ask(connection.map_err(DialError::from)?).await
}

/// Opens a WebSocket over a stream that leads to the server, whatever it is.
///
/// # Errors
///
/// As [`dial_config`].
///
/// # Cancel safety
///
/// Cancelling closes the stream.
pub async fn client<Io: Stream>(dial: &Dial, io: Io) -> Result<WebSocket<Io>, DialError> {
    dial.ask(dial.client.connection(io, "")).await
}

/// Where to, and what to ask for.
///
/// ```
/// use hijack::ws::Dial;
///
/// let dial = Dial::to("wss://example.com/live?room=4")?.subprotocols(["v2.live", "v1.live"]);
/// # let _ = dial;
/// # Ok::<(), hijack::ws::DialError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "give it to `dial_config`"]
pub struct Dial {
    endpoint: Endpoint,
    path: PathAndQuery,
    headers: HeaderMap,
    subprotocols: Vec<String>,
    config: Arc<Config>,
    client: Client,
    proxy: Option<Proxy>,
}

impl Dial {
    /// To `url`.
    ///
    /// # Errors
    ///
    /// [`DialError::Url`] says what such a URL looks like.
    pub fn to(url: &str) -> Result<Self, DialError> {
        let unreadable = || DialError::Url(url.to_owned());
        let parsed: Uri = url.parse().map_err(|_| unreadable())?;
        let scheme = parsed.scheme_str().filter(|scheme| SCHEMES.contains(scheme)).ok_or_else(unreadable)?;
        let authority = parsed.authority().ok_or_else(unreadable)?;
        let endpoint = Endpoint::from_str(&format!("{scheme}://{authority}")).map_err(|_| unreadable())?;
        let path = parsed.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
        Ok(Self {
            endpoint,
            path,
            headers: HeaderMap::new(),
            subprotocols: Vec::new(),
            config: Arc::default(),
            client: Client::new(),
            proxy: None,
        })
    }

    /// Connects to the Unix socket at `path` instead of the URL's host, which the request and TLS still name.
    pub fn unix_socket(mut self, path: impl AsRef<Path>) -> Self {
        self.endpoint = self.endpoint.behind_unix(path.as_ref());
        self
    }

    /// Adds a header to the request.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Says which web page asks, as browsers do.
    pub fn origin(self, origin: HeaderValue) -> Self {
        self.header(ORIGIN, origin)
    }

    /// Offers subprotocols, the one that is liked best first.
    pub fn subprotocols<S: Into<String>>(mut self, offers: impl IntoIterator<Item = S>) -> Self {
        self.subprotocols = offers.into_iter().map(Into::into).collect();
        self
    }

    /// Changes the configuration of the connection.
    pub fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(Arc::make_mut(&mut self.config));
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

    async fn ask<Io: Stream>(&self, connection: ClientConnection<Io>) -> Result<WebSocket<Io>, DialError> {
        let mut asked = Asked::new(rand::rng().random()).with_subprotocols(self.subprotocols.iter().cloned());
        if let Some(deflate) = &self.config.deflate {
            asked = asked.with_deflate(*deflate);
        }
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = Uri::from(self.path.clone());
        let headers = request.headers_mut();
        *headers = asked.request();
        headers.insert(HOST, self.endpoint.authority().clone());
        headers.extend(self.headers.clone());
        // These two are written by the upgrade itself.
        headers.remove(CONNECTION);
        headers.remove(UPGRADE);
        let conn = connection
            .upgrade(request, ["websocket"])
            .await
            .map_err(|untaken| DialError::from(untaken.error))?;
        let answer = conn.answer().ok_or(DialError::Mismatch(Mismatch::Upgrade))?;
        let agreed =
            asked.verify(StatusCode::SWITCHING_PROTOCOLS, answer.headers()).map_err(DialError::Mismatch)?;
        Ok(WebSocket::agreed(
            conn,
            Role::Client,
            Arc::clone(&self.config),
            agreed.subprotocol,
            agreed.deflate,
        ))
    }
}

const SCHEMES: [&str; 4] = ["ws", "wss", "http", "https"];

/// Why there is no WebSocket.
#[derive(Debug)]
#[non_exhaustive]
pub enum DialError {
    /// This is no URL of one.
    Url(String),
    /// The server answered otherwise; what it said is within.
    Declined(Box<Decline>),
    /// The server switched protocols and broke the law of the handshake (RFC 6455 §4.1).
    Mismatch(Mismatch),
    /// The server could not be reached, or the connection failed.
    Http(Error),
}

impl From<Error> for DialError {
    fn from(error: Error) -> Self {
        match error {
            Error::Declined(decline) => Self::Declined(decline),
            error => Self::Http(error),
        }
    }
}

impl From<DialError> for Error {
    fn from(error: DialError) -> Self {
        match error {
            DialError::Declined(decline) => Self::Declined(decline),
            DialError::Http(error) => error,
            error => Self::other(error),
        }
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => {
                write!(
                    f,
                    "cannot use {url:?} as a WebSocket's URL: it looks like ws://host:port/path or wss://host/path"
                )
            }
            Self::Declined(decline) => decline.fmt(f),
            Self::Mismatch(mismatch) => mismatch.fmt(f),
            Self::Http(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for DialError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Mismatch(mismatch) => Some(mismatch),
            Self::Http(error) => error.source(),
            _ => None,
        }
    }
}
