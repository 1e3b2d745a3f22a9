//! Accepting connections and running each in a task of its own.

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Context, Poll, ready};

use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::outcome::{Conversation, Kind, Outcome};
use super::serving::{HttpConnection, Serving};
use super::{Config, Exchange, Listener, ServerBuilder};
use crate::Error;
use crate::observe::{Lease, Peer, Registry, Tracker};
use crate::transport::{Stream, Transport};
use crate::wire::Wire;

/// An HTTP/1.1 server whose exchanges can be taken over. Cheap to clone; all clones are one server.
///
/// ```no_run
/// use hijack::{Exchange, Listener, Server};
/// use tokio::io::AsyncWriteExt;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), hijack::Error> {
/// let listener = Listener::bind("127.0.0.1:9090").await?;
/// Server::new()
///     .serve(listener, |exchange: Exchange| async {
///         let mut conn = exchange.take_over().await?;
///         conn.write_all(b"hello world").await?;
///         conn.close().await
///     })
///     .await;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Server(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) config: Arc<Config>,
    pub(super) registry: Arc<Registry>,
    /// Set when the server begins to shut down; accepting stops.
    pub(super) closing: AtomicBool,
    pub(super) close: Notify,
}

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}

impl Server {
    /// A server with the default [`Config`].
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// To change the configuration, and to observe.
    pub fn builder() -> ServerBuilder {
        ServerBuilder::default()
    }

    pub(super) fn from_parts(config: Config, registry: Arc<Registry>) -> Self {
        let config = Arc::new(config);
        Self(Arc::new(Shared { config, registry, closing: AtomicBool::new(false), close: Notify::new() }))
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// A view on the live connections.
    #[must_use]
    pub fn tracker(&self) -> Tracker {
        Tracker::of(Arc::clone(&self.0.registry))
    }

    /// Accepts connections and gives every request on them to `handler`, until the server is shut down.
    ///
    /// Each connection is a task of the current runtime. A handler's error closes its connection, and so
    /// does a panic; both are recorded, and neither touches another connection. One
    /// server may serve several listeners.
    ///
    /// # Cancel safety
    ///
    /// Safe: accepting stops and the listener closes; connections go on.
    pub async fn serve<H, F>(&self, listener: impl Into<Listener>, handler: H)
    where
        H: Fn(Exchange) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Outcome, Error>> + Send + 'static,
    {
        let listener = listener.into();
        let handler = Arc::new(handler);
        let mut closed = pin!(self.closed());
        loop {
            let (io, lease) = tokio::select! {
                biased;
                () = &mut closed => return,
                accepted = self.accept(&listener) => accepted,
            };
            self.spawn(&listener, io, lease, Arc::clone(&handler));
        }
    }

    async fn accept(&self, listener: &Listener) -> (Transport, Lease) {
        self.0.registry.below(self.0.config.max_connections).await;
        let (io, peer) = listener.accept_next().await;
        (io, self.0.registry.open(peer))
    }

    /// Serves one stream that came from elsewhere, until it ends or is taken over; a conversation that the
    /// handler [left](crate::Conn::hand_off) runs in here too.
    ///
    /// # Errors
    ///
    /// Whatever ended it out of order: an error of the stream, a head that was refused, the handler's error.
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection.
    pub async fn serve_stream<Io, H, F>(&self, io: Io, handler: H) -> Result<(), Error>
    where
        Io: Stream,
        H: Fn(Exchange<Io>) -> F,
        F: Future<Output = Result<Outcome<Io>, Error>>,
    {
        match drive(self.connection(io, ""), handler).await? {
            Some(conversation) => conversation.await,
            None => Ok(()),
        }
    }

    /// A connection to be driven by hand, over a stream of which `unread` was read before.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with its time enabled.
    #[must_use]
    pub fn connection<Io: Stream>(&self, io: Io, unread: impl AsRef<[u8]>) -> HttpConnection<Io> {
        self.connect(io, unread.as_ref(), self.0.registry.open(Peer::Unknown))
    }

    fn connect<Io: Stream>(&self, io: Io, unread: &[u8], lease: Lease) -> HttpConnection<Io> {
        let config = Arc::clone(&self.0.config);
        lease.count_in(unread.len());
        HttpConnection(Box::new(Serving::new(Wire::new(io, lease), unread, config)))
    }

    /// Starts the task of an accepted connection.
    fn spawn<H, F>(&self, listener: &Listener, io: Transport, lease: Lease, handler: Arc<H>)
    where
        H: Fn(Exchange) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Outcome, Error>> + Send + 'static,
    {
        let record = lease.share();
        if self.0.closing.load(SeqCst) {
            record.tell();
        }
        if let Some(acceptor) = listener.tls.clone() {
            let server = self.clone();
            let task = run(async move {
                let (io, lease) = acceptor.accept(io, lease, &server.0.config).await?;
                drive(server.connect(io, b"", lease), |exchange| handler(exchange)).await
            });
            return record.set_task(task);
        }
        let connection = self.connect(io, b"", lease);
        record.set_task(run(async move { drive(connection, |exchange| handler(exchange)).await }));
    }

    /// Completes once the server shuts down.
    pub(super) async fn closed(&self) {
        let mut close = pin!(self.0.close.notified());
        close.as_mut().enable();
        if !self.0.closing.load(SeqCst) {
            close.await;
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("registry", &self.0.registry).finish_non_exhaustive()
    }
}

/// Gives every request of a connection to `handler`; what is left at the end is a conversation or nothing.
async fn drive<Io, H, F>(
    mut connection: HttpConnection<Io>,
    handler: H,
) -> Result<Option<Conversation>, Error>
where
    Io: Stream,
    H: Fn(Exchange<Io>) -> F,
    F: Future<Output = Result<Outcome<Io>, Error>>,
{
    while let Some(exchange) = connection.next().await? {
        match handler(exchange).await?.0 {
            Kind::Http(serving) => connection = HttpConnection(serving),
            Kind::Taken => break,
            Kind::Conversation(conversation) => return Ok(Some(conversation)),
        }
    }
    Ok(None)
}

/// A connection's task in its two phases. A task never shrinks, so what serving needs is a box of its own that
/// is gone when the conversation begins.
enum Phases<F> {
    Serving(Pin<Box<F>>),
    Taken(Conversation),
}

impl<F: Future<Output = Result<Option<Conversation>, Error>>> Future for Phases<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let result = match &mut *self {
                Self::Serving(serving) => match ready!(serving.as_mut().poll(cx)) {
                    Ok(Some(conversation)) => {
                        *self = Self::Taken(conversation);
                        continue;
                    }
                    other => other.map(drop),
                },
                Self::Taken(conversation) => ready!(conversation.as_mut().poll(cx)),
            };
            result.unwrap_or_else(|error| note(&error));
            return Poll::Ready(());
        }
    }
}

/// A serving phase up to this size stays inside its task: boxing it would save nothing.
const SMALL: usize = 384;

fn run<F>(serving: F) -> AbortHandle
where
    F: Future<Output = Result<Option<Conversation>, Error>> + Send + 'static,
{
    if size_of::<F>() > SMALL {
        return tokio::spawn(Phases::Serving(Box::pin(serving))).abort_handle();
    }
    let both = async {
        match serving.await {
            Ok(Some(conversation)) => conversation.await.unwrap_or_else(|error| note(&error)),
            Ok(None) => {}
            Err(error) => note(&error),
        }
    };
    tokio::spawn(both).abort_handle()
}

/// A connection's error has nobody to go to: peers vanish and misbehave all day. Its reason is in the record.
fn note(error: &Error) {
    tracing::debug!(%error, "connection ended out of order");
}
