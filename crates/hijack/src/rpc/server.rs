//! The server: a CONNECT becomes a connection on which methods are called, everything else is answered as Go does.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use hijack_proto::rpc::handshake::{self, Asked};
use http::header::{CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{Response, StatusCode};
use tokio::sync::watch;

use super::connection::{Connection, Told};
use super::context::Origin;
use super::{Codec, Config, Methods, ServeError, debug};
use crate::server::{Exchange, Listener, Outcome, hand_over};
use crate::transport::Stream;
use crate::{Body, Conn, Error};

/// Serves methods on connections of any kind. Cheap to clone; all clones are one server.
///
/// ```no_run
/// use hijack::rpc::{Fault, Json, Methods, Server};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let mut methods = Methods::<Json>::new();
/// methods.add("Text.Len", |text: String| async move { Ok::<_, Fault>(text.len() as u64) })?;
/// let server = Server::new(methods);
/// let listener = hijack::Listener::bind("127.0.0.1:1234").await?;
/// hijack::Server::new().serve(listener, server.into_handler()).await;
/// # Ok(()) }
/// ```
///
/// - **Who closes?** The client, by ending its direction: what it asked before is answered, then the connection closes.
///   Bytes that are no call end it too, behind the answers to what runs.
/// - **Deadlines?** [`Config`]'s. A silent client may stay; see [`ConnLimits`](crate::ConnLimits) for taken-over ones.
/// - **Cancellation.** A handler is dropped when its client's connection fails, and goes on when the client only ends its
///   direction.
/// - **Shutdown.** A taken-over connection is told by its [`hijack::Server`](crate::Server), every connection by
///   [`drain`](Self::drain): it takes no further call, answers what runs, and closes.
pub struct Server<C: Codec>(Arc<Shared<C>>);

struct Shared<C: Codec> {
    codec: C,
    methods: Arc<Methods<C>>,
    config: Config,
    draining: watch::Sender<bool>,
}

impl<C: Codec> Clone for Server<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C: Codec + Default> Server<C> {
    /// A server of `methods` with the default [`Config`].
    #[must_use]
    pub fn new(methods: Methods<C>) -> Self {
        Self::with(C::default(), methods, Config::default())
    }
}

impl<C: Codec> Server<C> {
    /// A server of `methods`.
    #[must_use]
    pub fn with(codec: C, methods: Methods<C>, config: Config) -> Self {
        let methods = Arc::new(methods);
        Self(Arc::new(Shared { codec, methods, config, draining: watch::Sender::new(false) }))
    }

    /// What is served.
    #[must_use]
    pub fn methods(&self) -> &Methods<C> {
        &self.0.methods
    }

    /// Serves one exchange as Go's `rpc.Server` does: a CONNECT is granted and its connection served when the exchange is
    /// over, in the same task; any other method is answered 405.
    ///
    /// Calls that were sent behind the CONNECT without waiting for the answer are served too; Go's server loses them.
    ///
    /// # Errors
    ///
    /// If the answer cannot be sent.
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection.
    pub async fn serve<Io: Stream>(&self, exchange: Exchange<Io>) -> Result<Outcome<Io>, Error> {
        match handshake::judge_request(exchange.head()) {
            Asked::Connect => {
                let mut conn = hand_over(exchange.0, Some("net/rpc".into())).await?;
                conn.put(handshake::CONNECTED);
                Ok(Outcome::conversation(self.clone().run(conn)))
            }
            Asked::OtherMethod => {
                text(exchange, StatusCode::METHOD_NOT_ALLOWED, handshake::MUST_CONNECT).await
            }
            Asked::Body => text(exchange, StatusCode::BAD_REQUEST, "400 CONNECT has no body\n").await,
        }
    }

    async fn run<Io: Stream>(self, mut conn: Conn<Io>) -> Result<(), Error> {
        // The client waits for it before it says anything.
        tokio::io::AsyncWriteExt::flush(&mut conn).await?;
        Ok(self.serve_conn(conn).await?)
    }

    /// Answers with the page of what is served, as Go's `/debug/rpc`.
    ///
    /// # Errors
    ///
    /// If the answer cannot be sent.
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection.
    pub async fn serve_debug<Io: Stream>(&self, exchange: Exchange<Io>) -> Result<Outcome<Io>, Error> {
        let mut response = Response::new(Body::from(debug::page(&self.0.methods.list())));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        exchange.respond(response).await
    }

    /// Serves what Go's `rpc.HandleHTTP` serves: the calls under `/_goRPC_`, the page under `/debug/rpc`, 404 elsewhere.
    ///
    /// # Errors
    ///
    /// If the answer cannot be sent.
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection.
    pub async fn handle<Io: Stream>(&self, exchange: Exchange<Io>) -> Result<Outcome<Io>, Error> {
        match exchange.uri().path() {
            handshake::DEFAULT_PATH => self.serve(exchange).await,
            handshake::DEBUG_PATH => self.serve_debug(exchange).await,
            _ => not_found(exchange).await,
        }
    }

    /// [`handle`](Self::handle) as a handler for [`hijack::Server::serve`](crate::Server::serve).
    pub fn into_handler<Io: Stream>(
        self,
    ) -> impl Fn(Exchange<Io>) -> Served<Io> + Clone + Send + Sync + 'static {
        move |exchange| {
            let server = self.clone();
            Box::pin(async move { server.handle(exchange).await })
        }
    }

    /// Serves calls on a connection that was taken over otherwise, behind whatever answer granted it.
    ///
    /// # Errors
    ///
    /// [`ServeError`] if it ended out of order.
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection and drops its handlers.
    pub async fn serve_conn<Io: Stream>(&self, conn: Conn<Io>) -> Result<(), ServeError> {
        let (told, origin) = (conn.told(), Origin::of(&conn));
        let drained = self.drained();
        let told = Box::pin(async move {
            tokio::select! {
                () = told => {}
                () = drained => {}
            }
        });
        self.connection(conn, origin, told).run().await
    }

    /// Serves calls on any stream: a TCP or Unix socket without HTTP, a stream of a multiplexer, a child's stdio.
    ///
    /// # Errors
    ///
    /// [`ServeError`] if it ended out of order.
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection and drops its handlers.
    pub async fn serve_stream(&self, io: impl Stream, origin: Origin) -> Result<(), ServeError> {
        let told = Box::pin(self.drained());
        self.connection(io, origin, told).run().await
    }

    /// Accepts connections without HTTP and serves each in a task of its own, as Go's `rpc.Accept`, until
    /// [drained](Self::drain). The listener's TLS is not used: this is for plain TCP and Unix sockets.
    ///
    /// What cannot be accepted at the moment, for want of descriptors for one, is accepted later.
    ///
    /// # Cancel safety
    ///
    /// Safe: accepting stops; connections go on.
    pub async fn accept(&self, listener: Listener) {
        let mut drained = Box::pin(self.drained());
        loop {
            let (io, peer) = tokio::select! {
                biased;
                () = &mut drained => return,
                accepted = listener.accept_next() => accepted,
            };
            let (server, origin) = (self.clone(), Origin::unknown().with_peer(peer));
            tokio::spawn(async move {
                if let Err(error) = server.serve_stream(io, origin).await {
                    tracing::debug!(%error, "connection ended out of order");
                }
            });
        }
    }

    /// Has every connection take no further call, answer those that run, and close.
    pub fn drain(&self) {
        self.0.draining.send_replace(true);
    }

    fn drained(&self) -> impl Future<Output = ()> + Send + 'static + use<C> {
        let mut draining = self.0.draining.subscribe();
        async move {
            // The sender may go before: then nobody drains any more.
            if draining.wait_for(|draining| *draining).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    fn connection<S: Stream>(&self, io: S, origin: Origin, told: Told) -> Connection<C, S> {
        let Shared { codec, methods, config, .. } = &*self.0;
        Connection::new(io, codec, Arc::clone(methods), origin, told, config.clone())
    }
}

impl<C: Codec> fmt::Debug for Server<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("methods", &self.0.methods)
            .field("codec", &self.0.codec)
            .finish_non_exhaustive()
    }
}

/// The serving of one exchange.
pub type Served<Io> = Pin<Box<dyn Future<Output = Result<Outcome<Io>, Error>> + Send>>;

async fn text<Io: Stream>(
    exchange: Exchange<Io>,
    status: StatusCode,
    text: &'static str,
) -> Result<Outcome<Io>, Error> {
    exchange.respond(plain(status, text)).await
}

/// As Go's `http.NotFound`.
async fn not_found<Io: Stream>(exchange: Exchange<Io>) -> Result<Outcome<Io>, Error> {
    let mut response = plain(StatusCode::NOT_FOUND, handshake::NOT_FOUND);
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    exchange.respond(response).await
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
