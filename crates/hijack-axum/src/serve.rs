//! Serving an app.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hijack::tower::IncomingBody;
use hijack::{BoxError, Listener, Server, ShutdownReport};
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use crate::connect_info;

/// Serves `app`, an `axum::Router` or any other tower service, on `listener`: a `tokio::net::TcpListener`, a
/// `UnixListener`, or a [`Listener`] with TLS.
///
/// Await it. Requests carry `ConnectInfo<SocketAddr>` on TCP and `ConnectInfo<hijack::Peer>` everywhere.
///
/// ```no_run
/// # async fn run(app: axum::Router) -> Result<(), Box<dyn std::error::Error>> {
/// let listener = hijack::Listener::bind("unix:/run/app.sock").await?;
/// let report = hijack_axum::serve(listener, app)
///     .with_graceful_shutdown(async { tokio::signal::ctrl_c().await.unwrap_or(()) })
///     .await;
/// println!("{} conversations told, {} ended by force", report.taken, report.forced);
/// # Ok(()) }
/// ```
pub fn serve<S>(listener: impl Into<Listener>, app: S) -> Serve<S> {
    Serve {
        listener: listener.into(),
        app,
        server: Server::new(),
        signal: Box::pin(std::future::pending()),
        deadline: DEADLINE,
    }
}

/// How long a shutdown waits for connections, unless it is said.
const DEADLINE: Duration = Duration::from_secs(30);

/// What [`serve`] gives: await it, after having said more of it.
#[must_use = "a server does nothing until it is awaited"]
pub struct Serve<S> {
    listener: Listener,
    app: S,
    server: Server,
    signal: Pin<Box<dyn Future<Output = ()> + Send>>,
    deadline: Duration,
}

impl<S> Serve<S> {
    /// Uses `server`, for limits, an observer or a tracker of one's own. The default is [`Server::new`].
    pub fn with_server(mut self, server: Server) -> Self {
        self.server = server;
        self
    }

    /// Shuts down when `signal` completes: idle connections are closed, requests finish, the owners of taken-over
    /// connections are told.
    pub fn with_graceful_shutdown(mut self, signal: impl Future<Output = ()> + Send + 'static) -> Self {
        self.signal = Box::pin(signal);
        self
    }

    /// How long the shutdown waits for connections before it ends them by force. Default 30 s, which is what
    /// orchestrators grant.
    pub fn shutdown_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }
}

impl<S, B> IntoFuture for Serve<S>
where
    S: Service<Request<IncomingBody>, Response = Response<B>> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Output = ShutdownReport;
    type IntoFuture = Pin<Box<dyn Future<Output = ShutdownReport> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { listener, app, server, signal, deadline } = self;
        Box::pin(async move {
            let mut serving = std::pin::pin!(server.serve_service(listener, WithConnectInfo(app)));
            let mut signal = signal;
            let mut signalled = false;
            std::future::poll_fn(|cx| {
                // Polled first, so that nothing is accepted any more behind the signal.
                signalled = signal.as_mut().poll(cx).is_ready();
                if signalled { Poll::Ready(()) } else { serving.as_mut().poll(cx) }
            })
            .await;
            // Somebody else shut the server down otherwise; this then tells how that went on.
            server.shutdown(deadline).await
        })
    }
}

impl<S> fmt::Debug for Serve<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve")
            .field("listener", &self.listener)
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

/// The app, whose requests carry `ConnectInfo`.
#[derive(Debug, Clone)]
struct WithConnectInfo<S>(S);

impl<S: Service<Request<B>>, B> Service<Request<B>> for WithConnectInfo<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        connect_info::put(request.extensions_mut());
        self.0.call(request)
    }
}
