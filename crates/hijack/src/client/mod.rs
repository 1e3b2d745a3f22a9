//! The client: requests go out, answers come in, and behind any of them the connection may become raw.
//!
//! ```text
//! Endpoint ─→ dial ─→ (TLS) ─→ ClientConnection ─→ request ─→ Answer ─→ body ─→ request …
//!                                                                    └ upgrade, tunnel, take_over ─→ Conn
//!                                                  pool: connections kept between requests
//! ```
//!
//! `endpoint` and `dial` get a stream, `connection` is what its owner sees, `progress` and `upload` move bytes both
//! ways, `takeover` ends HTTP, `pool` keeps connections. Framing is decided in `hijack_proto` alone.

mod config;
mod connection;
mod dial;
mod endpoint;
mod pool;
mod progress;
mod proxy;
mod takeover;
mod target;
mod upload;

use std::fmt;
use std::sync::Arc;

use http::HeaderValue;

use crate::Error;
use crate::observe::{Peer, Registry, Tracker};
use crate::tls::Connector;
use crate::transport::{Stream, Transport, set_probes, tcp_of};
use crate::wire::Wire;

pub use config::{ClientBuilder, ClientConfig};
pub use connection::{Answer, Answered, ClientConnection};
pub use dial::{ConnectError, ConnectFailure};
pub use endpoint::Endpoint;
pub use pool::{Pool, PooledBody};
pub use proxy::Proxy;
pub use takeover::{Decline, Tunnel, Untaken};

/// What makes connections to servers. Cheap to clone; all clones share configuration and tracker.
///
/// ```no_run
/// use hijack::{Body, Client};
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), hijack::Error> {
/// let connection = Client::new().connect(&"http://127.0.0.1:9090".parse()?).await?;
/// let request = http::Request::get("/echo").body(Body::empty()).expect("a request");
/// let mut conn = connection.upgrade(request, ["echo"]).await?;
/// conn.write_all(b"hello").await?;
/// let mut echoed = [0; 5];
/// conn.read_exact(&mut echoed).await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Client(Arc<Shared>);

struct Shared {
    config: Arc<ClientConfig>,
    registry: Arc<Registry>,
    connector: Connector,
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

impl Client {
    /// A client with the default [`ClientConfig`].
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// To change the configuration, and to observe.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &ClientConfig {
        &self.0.config
    }

    /// A view on the live connections of this client, taken-over ones among them.
    #[must_use]
    pub fn tracker(&self) -> Tracker {
        Tracker::of(Arc::clone(&self.0.registry))
    }

    /// Connects to a server.
    ///
    /// A name's addresses are tried one beside the other (RFC 8305). TCP sockets send small writes at once
    /// (`TCP_NODELAY`) and are probed when silent, also inside TLS.
    ///
    /// # Errors
    ///
    /// [`Error::Connect`], whose text names what was tried and what to check.
    ///
    /// # Cancel safety
    ///
    /// Safe: what was begun is given up.
    pub async fn connect(&self, endpoint: &Endpoint) -> Result<ClientConnection, Error> {
        let (io, peer) = dial::dial(endpoint, self.config()).await.map_err(Box::new)?;
        self.begin(endpoint, io, peer, b"").await
    }

    /// Connects to a server and gives the bare stream, for protocols that do not begin as HTTP.
    ///
    /// # Errors
    ///
    /// [`Error::Connect`].
    ///
    /// # Cancel safety
    ///
    /// Safe: what was begun is given up.
    pub async fn dial(&self, endpoint: &Endpoint) -> Result<Transport, Error> {
        let (io, _) = dial::dial(endpoint, self.config()).await.map_err(Box::new)?;
        Ok(dial::secure(endpoint, io, &self.0.connector, self.config()).await.map_err(Box::new)?)
    }

    /// HTTP over a stream that is open already, of which `unread` was read before.
    ///
    /// A TCP socket, by itself or in a [`Transport`], is probed when silent; else the stream stays as it is.
    /// Requests must say their `Host` themselves, in a header or their URI: it is empty else.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with its time enabled.
    #[must_use]
    pub fn connection<Io: Stream>(&self, io: Io, unread: impl AsRef<[u8]>) -> ClientConnection<Io> {
        if let Some(tcp) = tcp_of(&io) {
            set_probes(tcp, self.config().probe_after);
        }
        self.open(io, Peer::Unknown, unread.as_ref(), None)
    }

    /// HTTP to `endpoint` over a stream that leads there, TLS first where it asks for it.
    async fn begin(
        &self,
        endpoint: &Endpoint,
        io: Transport,
        peer: Peer,
        unread: &[u8],
    ) -> Result<ClientConnection, Error> {
        let io = dial::secure(endpoint, io, &self.0.connector, self.config()).await.map_err(Box::new)?;
        Ok(self.open(io, peer, unread, Some(endpoint.authority().clone())))
    }

    fn open<Io: Stream>(
        &self,
        io: Io,
        peer: Peer,
        unread: &[u8],
        host: Option<HeaderValue>,
    ) -> ClientConnection<Io> {
        let lease = self.0.registry.open(peer);
        lease.count_in(unread.len());
        ClientConnection::new(Wire::new(io, lease), unread, Arc::clone(&self.0.config), host)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("registry", &self.0.registry).finish_non_exhaustive()
    }
}
