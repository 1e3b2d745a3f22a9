//! gRPC services on a route of a server for HTTP/1.1.

use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use hijack::tls::rustls::ServerConfig;
use hijack::ws::{Origins, Reject};
use hijack::{Body, Error, Exchange, Outcome};
use http::{Request, Response};
use tonic::service::Routes;
use tower_service::Service;

use crate::door::{Asked, Door};
use crate::{Config, TOKEN, serving};

/// Takes connections over and serves gRPC on them. Cheap to clone; all clones are one server.
///
/// It is a tower service, to be mounted on one route of an app that hijack serves, and a handler of exchanges. Nothing but
/// the services given to it answers behind the takeover.
///
/// ```no_run
/// use hijack_tonic::Server;
/// use hijack_tonic::tonic::service::Routes;
///
/// # async fn run() -> Result<(), hijack::Error> {
/// let services = Routes::default(); // .add_service(GreeterServer::new(greeter))
/// let grpc = Server::new(services).connect(["api.example:80"]);
/// let listener = hijack::Listener::bind("127.0.0.1:9090").await?;
/// hijack::Server::new()
///     .serve(listener, move |exchange| {
///         let grpc = grpc.clone();
///         async move { grpc.serve(exchange).await }
///     })
///     .await;
/// # Ok(()) }
/// ```
///
/// - **Who closes?** The client, or the server behind a GOAWAY when it is [told](hijack::Conn::told) of a shutdown: calls
///   under way are finished first, as long as that shutdown waits.
/// - **Deadlines?** Calls have those that their `grpc-timeout` names, from the head of the request to the last trailer. The
///   connection has [`Config`]'s.
/// - **Unread bytes?** A preface that came with the request is kept.
/// - **The body?** A request with one is refused: 400.
#[derive(Clone)]
pub struct Server {
    routes: Routes,
    door: Arc<Door>,
    gate: Option<Arc<Gate>>,
    config: Arc<Config>,
}

/// Asks who it is.
type Gate = dyn Fn(&mut Asked<'_>) -> Result<(), Reject> + Send + Sync;

impl Server {
    /// A server of `routes`, open to the token [`TOKEN`] and to WebSockets from pages of the same host and from clients that
    /// are no pages.
    #[must_use]
    pub fn new(routes: Routes) -> Self {
        let config = Config::default();
        let mut door = Door::new(TOKEN, config.max_tunnels, config.preface_timeout);
        door.open_to_websockets(Origins::default());
        Self { routes: routes.prepare(), door: Arc::new(door), gate: None, config: Arc::new(config) }
    }

    /// Changes the configuration.
    #[must_use]
    pub fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(Arc::make_mut(&mut self.config));
        let door = Arc::make_mut(&mut self.door);
        (door.max_tunnels, door.preface_timeout) = (self.config.max_tunnels, self.config.preface_timeout);
        self
    }

    /// Says which pages may open WebSockets.
    #[must_use]
    pub fn websocket(mut self, origins: Origins) -> Self {
        Arc::make_mut(&mut self.door).open_to_websockets(origins);
        self
    }

    /// Keeps WebSockets out.
    #[must_use]
    pub fn without_websocket(mut self) -> Self {
        Arc::make_mut(&mut self.door).websocket = None;
        self
    }

    /// Takes a `CONNECT` to one of `authorities`, each `host:port`, for one to these services. They are names only: nothing
    /// is ever dialled, and any other one is answered 403.
    #[must_use]
    pub fn connect<A: Into<String>>(mut self, authorities: impl IntoIterator<Item = A>) -> Self {
        Arc::make_mut(&mut self.door).authorities.extend(authorities.into_iter().map(Into::into));
        self
    }

    /// Takes `Upgrade: h2c` in moby's way: behind the 101 the client begins with HTTP/2's preface.
    ///
    /// That is not the upgrade of RFC 7540 §3.2, where the request itself is answered within HTTP/2, so clients that mean that
    /// one do not get on here. Proxies treat `h2c` worse than any other token: prefer ours.
    #[must_use]
    pub fn h2c(mut self) -> Self {
        Arc::make_mut(&mut self.door).h2c = true;
        self
    }

    /// Takes TLS that begins behind a takeover, ALPN `h2`: clients that mean a TLS server ask their proxy for a plain `CONNECT`,
    /// and speak TLS inside. HTTP/2 without TLS is taken as before.
    ///
    /// [`auth`](Self::auth) is asked before the takeover, when the session inside has not begun: whom its certificates name is
    /// for an interceptor to check, by [`Takeover::identity`](crate::Takeover::identity).
    #[must_use]
    pub fn tls_inside(mut self, config: &ServerConfig) -> Self {
        let mut config = config.clone();
        config.alpn_protocols = vec![b"h2".to_vec()];
        Arc::make_mut(&mut self.door).tls = Some(Arc::new(config));
        self
    }

    /// Has `gate` look at every request that could become a tunnel, before the 101: it may mark it or refuse it, by 401
    /// (407 for a `CONNECT`) or 403. [`basic`](crate::auth::basic) is one for users and passwords.
    ///
    /// A gate answers at once. Who must ask elsewhere does so in a layer in front, whose marks in the request's extensions are
    /// among [`Takeover::extensions`](crate::Takeover::extensions) too, and whose refusal is an ordinary answer:
    ///
    /// ```
    /// use axum::Router;
    /// use axum::extract::Request;
    /// use axum::middleware::{Next, from_fn};
    /// use axum::response::{IntoResponse, Response};
    /// use hijack_tonic::{Server, auth::User};
    /// use http::StatusCode;
    ///
    /// async fn ask(mut request: Request, next: Next) -> Response {
    ///     let token = request.headers().get("authorization").and_then(|token| token.to_str().ok());
    ///     let Some(user) = look_up(token).await else {
    ///         return (StatusCode::UNAUTHORIZED, "who?\n").into_response();
    ///     };
    ///     request.extensions_mut().insert(user);
    ///     next.run(request).await
    /// }
    ///
    /// async fn look_up(token: Option<&str>) -> Option<User> {
    ///     // ask a database
    /// #   token.map(|token| User(token.to_owned()))
    /// }
    ///
    /// let grpc = Server::new(Default::default());
    /// let app: Router = Router::new().route_service("/grpc", grpc).layer(from_fn(ask));
    /// # let _ = app;
    /// ```
    #[must_use]
    pub fn auth(
        mut self,
        gate: impl Fn(&mut Asked<'_>) -> Result<(), Reject> + Send + Sync + 'static,
    ) -> Self {
        self.gate = Some(Arc::new(gate));
        self
    }

    /// Whether a `CONNECT` to this authority is for these services.
    #[must_use]
    pub fn knows(&self, authority: &http::uri::Authority) -> bool {
        self.door.knows(Some(authority)).is_ok()
    }

    /// Serves one exchange: takes its connection over, or answers why not.
    ///
    /// # Errors
    ///
    /// If the answer cannot be sent.
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection.
    pub async fn serve(&self, exchange: Exchange) -> Result<Outcome, Error> {
        exchange.call(self.clone()).await
    }

    fn answer<B>(&self, request: Request<B>) -> Response<Body> {
        let (routes, config) = (self.routes.clone(), Arc::clone(&self.config));
        let gate = |asked: &mut Asked<'_>| self.gate.as_ref().map_or(Ok(()), |gate| gate(asked));
        self.door.answer(request, gate, |pipe, takeover, patience| async move {
            let told = pipe.conn().told();
            serving::serve(pipe, routes, Some(takeover), &config, patience, told).await
        })
    }
}

/// The answer is at hand at once: the takeover happens behind it.
impl<B> Service<Request<B>> for Server {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        ready(Ok(self.answer(request)))
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("door", &self.door)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
