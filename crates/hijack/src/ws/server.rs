//! The server's side: a request becomes a WebSocket, or an answer that says why not.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use hijack_proto::ws::Role;
use hijack_proto::ws::deflate::Agreement;
use hijack_proto::ws::handshake::{Opening, Refusal};
use http::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN};
use http::{Method, Response, StatusCode, Version};

use super::{Config, WebSocket};
use crate::server::{Exchange, Outcome};
use crate::transport::{Stream, Transport};
use crate::{Body, Conn, RequestHead};

/// What a client asks for, before it is granted: to be looked at, narrowed or refused.
#[derive(Debug)]
pub struct Handshake<'h> {
    head: &'h RequestHead,
    opening: Opening<'h>,
    subprotocol: Option<String>,
    headers: HeaderMap,
}

impl<'h> Handshake<'h> {
    fn of(head: &'h RequestHead, config: &'h Config) -> Result<Self, Reject> {
        let opening = Opening::of_head(head)?;
        opening.check_origin(&config.origins)?;
        let subprotocol = opening.choose_subprotocol(&config.subprotocols).cloned();
        Ok(Self { head, opening, subprotocol, headers: HeaderMap::new() })
    }

    /// The request's head.
    #[must_use]
    pub fn request(&self) -> &'h RequestHead {
        self.head
    }

    /// The page behind the request, if it is one's; it has been checked by [`Config::origins`].
    #[must_use]
    pub fn origin(&self) -> Option<&'h str> {
        self.head.headers().get(ORIGIN)?.to_str().ok()
    }

    /// The URL that was asked for, without its scheme, which the server knows and the request does not say.
    #[must_use]
    pub fn location(&self) -> String {
        let host = self.head.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let path = self.head.uri().path_and_query().map_or("/", |path| path.as_str());
        format!("//{host}{path}")
    }

    /// The subprotocols that the client offers, the one it likes best first.
    pub fn subprotocols(&self) -> impl Iterator<Item = &'h str> {
        self.opening.subprotocols()
    }

    /// Chooses a subprotocol, or none, instead of the first of [`Config::subprotocols`] that the client offers.
    pub fn set_subprotocol(&mut self, chosen: Option<&str>) {
        self.subprotocol = chosen.map(str::to_owned);
    }

    /// Adds a header to the 101.
    pub fn header(&mut self, name: HeaderName, value: HeaderValue) {
        self.headers.append(name, value);
    }
}

/// An answer to a client that gets no WebSocket.
#[derive(Debug, Clone)]
pub struct Reject {
    status: StatusCode,
    /// Boxed: it stands in results, whose other half is small.
    headers: Box<HeaderMap>,
    text: String,
}

impl Reject {
    /// An answer of `status` whose body is `text`.
    #[must_use]
    pub fn new(status: StatusCode, text: impl Into<String>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        Self { status, headers: Box::new(headers), text: text.into() }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Its status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// It as a response.
    #[must_use]
    pub fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.text));
        *response.status_mut() = self.status;
        *response.headers_mut() = *self.headers;
        response
    }
}

impl From<Refusal> for Reject {
    fn from(refusal: Refusal) -> Self {
        let mut reject = Self::new(refusal.status(), format!("{refusal}\n"));
        refusal.put_headers(&mut reject.headers);
        reject
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.status, self.text.trim_end())
    }
}

/// A request that became no WebSocket: the exchange is still HTTP's.
#[must_use = "the client waits for an answer"]
pub struct Refused<Io = Transport> {
    exchange: Exchange<Io>,
    reject: Reject,
}

impl<Io: Stream> Refused<Io> {
    /// The answer that says why.
    #[must_use]
    pub fn reject(&self) -> &Reject {
        &self.reject
    }

    /// The exchange, to do something else with it.
    #[must_use]
    pub fn into_exchange(self) -> Exchange<Io> {
        self.exchange
    }

    /// Tells the client.
    ///
    /// # Errors
    ///
    /// As [`Exchange::respond`].
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection.
    pub async fn answer(self) -> Result<Outcome<Io>, crate::Error> {
        self.exchange.respond(self.reject.into_response()).await
    }
}

impl<Io> fmt::Debug for Refused<Io> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Refused").field(&self.reject).finish()
    }
}

impl<Io> fmt::Display for Refused<Io> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reject.fmt(f)
    }
}

impl<Io> std::error::Error for Refused<Io> {}

/// Makes a WebSocket of a request (RFC 6455 §4.2). The 101 leaves with its first use, [`WebSocket::flush`] the least.
///
/// - **Who closes?** See [`WebSocket`].
/// - **Deadlines?** Those of `config`; the server's end here.
/// - **Unread bytes?** Frames that came behind the request are received first.
/// - **The body?** A request with one that was not read is refused.
/// - **Shutdown?** As of every taken-over connection: [`Conn::told`](crate::Conn::told).
///
/// # Errors
///
/// [`Refused`], and the exchange with it: 426, 405, 400, or 403 for a foreign page.
pub fn accept<Io: Stream>(
    exchange: Exchange<Io>,
    config: &Arc<Config>,
) -> Result<WebSocket<Io>, Refused<Io>> {
    accept_with(exchange, config, |_| Ok(()))
}

fn accept_with<Io: Stream>(
    exchange: Exchange<Io>,
    config: &Arc<Config>,
    hook: impl FnOnce(&mut Handshake<'_>) -> Result<(), Reject>,
) -> Result<WebSocket<Io>, Refused<Io>> {
    let mut terms = match grant(&exchange, config, hook) {
        Ok(terms) => terms,
        Err(reject) => return Err(Refused { exchange, reject }),
    };
    let mut head = Response::new(());
    *head.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    *head.headers_mut() = std::mem::take(&mut terms.headers);
    match exchange.take_over_after(head) {
        Ok(conn) => Ok(terms.into_socket(conn)),
        Err(refused) => {
            let text = format!("{}\n", refused.refusal());
            let reject = Reject::new(refused.refusal().status(), text);
            Err(Refused { exchange: refused.into_exchange(), reject })
        }
    }
}

fn grant<Io: Stream>(
    exchange: &Exchange<Io>,
    config: &Arc<Config>,
    hook: impl FnOnce(&mut Handshake<'_>) -> Result<(), Reject>,
) -> Result<Terms, Reject> {
    let mut handshake = Handshake::of(exchange.head(), config)?;
    if !exchange.body_is_read() {
        return Err(Reject::new(
            StatusCode::BAD_REQUEST,
            "a WebSocket begins behind a request without a body\n",
        ));
    }
    hook(&mut handshake)?;
    let mut terms = Terms::of(&handshake.opening, handshake.subprotocol, config)?;
    terms.headers.extend(handshake.headers);
    Ok(terms)
}

/// What was agreed on in a handshake, for those who write its answer themselves: between a request and the connection
/// behind its 101. [`accept`] and [`Server`] do it all for an [`Exchange`]; a tower service has this.
///
/// ```
/// use hijack::tower::Hijacker;
/// use hijack::ws::{Config, Terms};
/// use std::sync::Arc;
///
/// fn open(hijacker: Hijacker, request: &http::request::Parts) -> http::Response<hijack::Body> {
///     let config = Arc::new(Config::default());
///     let terms = match Terms::agree(&request.method, request.version, &request.headers, &config) {
///         Ok(terms) => terms,
///         Err(reject) => return reject.into_response(),
///     };
///     let typed = hijacker.protocols(["websocket"]).headers(terms.headers().clone());
///     typed.take_over_with(|conn| async {
///         let mut socket = terms.into_socket(conn);
///         socket.send("welcome").await?;
///         Ok(())
///     })
/// }
/// ```
#[derive(Debug)]
#[must_use = "the connection is made of it"]
pub struct Terms {
    config: Arc<Config>,
    headers: HeaderMap,
    subprotocol: Option<String>,
    deflate: Option<Agreement>,
}

impl Terms {
    /// Judges a request (RFC 6455 §4.2), its origin among it.
    ///
    /// # Errors
    ///
    /// The answer for a request that opens no WebSocket: as for [`accept`].
    pub fn agree(
        method: &Method,
        version: Version,
        headers: &HeaderMap,
        config: &Arc<Config>,
    ) -> Result<Self, Reject> {
        let opening = Opening::judge(method, version, headers)?;
        opening.check_origin(&config.origins)?;
        let subprotocol = opening.choose_subprotocol(&config.subprotocols).cloned();
        Self::of(&opening, subprotocol, config)
    }

    /// What the rest of the handshake comes to, once the subprotocol is chosen.
    fn of(opening: &Opening<'_>, subprotocol: Option<String>, config: &Arc<Config>) -> Result<Self, Reject> {
        let deflate = config.deflate.as_ref().and_then(|deflate| opening.deflate(deflate));
        let headers = opening.answer(subprotocol.as_deref(), deflate.as_ref())?;
        Ok(Self { config: Arc::clone(config), headers, subprotocol, deflate })
    }

    /// The headers of the 101.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The subprotocol that was agreed upon.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }

    /// The WebSocket over the connection behind that 101.
    pub fn into_socket<Io: Stream>(self, conn: Conn<Io>) -> WebSocket<Io> {
        WebSocket::agreed(conn, Role::Server, self.config, self.subprotocol, self.deflate)
    }
}

type Hook = dyn Fn(&mut Handshake<'_>) -> Result<(), Reject> + Send + Sync;

/// A handler of requests that become WebSockets, in the shape of `golang.org/x/net/websocket`: an optional `handshake`
/// that may refuse, and a handler that owns the connection, which is closed when the handler ends.
///
/// ```
/// use hijack::ws::{Json, Reject, Server, WebSocket};
/// use http::StatusCode;
///
/// let doubling = Server::new(|mut socket: WebSocket| async move {
///     while let Some(Json(number)) = socket.recv_value::<Json<i64>>().await? {
///         socket.send_value(&Json(number * 2)).await?;
///     }
///     Ok(())
/// })
/// .handshake(|asked| match asked.request().uri().path() {
///     "/double" => Ok(()),
///     path => Err(Reject::new(StatusCode::NOT_FOUND, format!("there is no {path}\n"))),
/// });
/// # let _ = doubling.into_handler();
/// ```
pub struct Server<H> {
    config: Arc<Config>,
    hook: Option<Arc<Hook>>,
    handler: H,
}

impl<H> Server<H> {
    /// A server whose connections are `handler`'s.
    pub fn new<Io, F>(handler: H) -> Self
    where
        Io: Stream,
        H: Fn(WebSocket<Io>) -> F,
        F: Future<Output = Result<(), crate::Error>>,
    {
        Self { config: Arc::default(), hook: None, handler }
    }

    /// Changes the configuration.
    #[must_use]
    pub fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(Arc::make_mut(&mut self.config));
        self
    }

    /// Has `hook` look at every request that could become a WebSocket: it may choose a subprotocol, add headers, or
    /// refuse.
    #[must_use]
    pub fn handshake(
        mut self,
        hook: impl Fn(&mut Handshake<'_>) -> Result<(), Reject> + Send + Sync + 'static,
    ) -> Self {
        self.hook = Some(Arc::new(hook));
        self
    }

    /// Serves one exchange. The handler runs when the exchange is over, in the same task, and holds nothing of it.
    ///
    /// # Errors
    ///
    /// If the answer to a refused request cannot be sent.
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection.
    pub async fn serve<Io, F>(&self, exchange: Exchange<Io>) -> Result<Outcome<Io>, crate::Error>
    where
        Io: Stream,
        H: Fn(WebSocket<Io>) -> F,
        F: Future<Output = Result<(), crate::Error>> + Send + 'static,
    {
        let hook = |asked: &mut Handshake<'_>| self.hook.as_ref().map_or(Ok(()), |hook| hook(asked));
        match accept_with(exchange, &self.config, hook) {
            Ok(mut socket) => {
                // The handler may have nothing to say for long. What fails here shows again there.
                let _ = socket.flush().await;
                Ok(Outcome::conversation((self.handler)(socket)))
            }
            Err(refused) => refused.answer().await,
        }
    }

    /// This as a handler for [`Server::serve`](crate::Server::serve).
    pub fn into_handler<Io, F>(self) -> impl Fn(Exchange<Io>) -> Served<Io> + Clone + Send + Sync + 'static
    where
        Io: Stream,
        H: Fn(WebSocket<Io>) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), crate::Error>> + Send + 'static,
    {
        let server = Arc::new(self);
        move |exchange| {
            let server = Arc::clone(&server);
            Box::pin(async move { server.serve(exchange).await })
        }
    }
}

/// The serving of one exchange.
pub type Served<Io> = Pin<Box<dyn Future<Output = Result<Outcome<Io>, crate::Error>> + Send>>;

impl<H> fmt::Debug for Server<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("config", &self.config).finish_non_exhaustive()
    }
}
