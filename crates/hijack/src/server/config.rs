//! Every limit of the server, its name, its default and the reason for it.

use std::time::Duration;

use hijack_proto::Limits;

use super::Server;
use crate::observe::{ConnLimits, Observer, Registry};

/// What a server allows. All times have a grain of 100 ms and cost no timer per connection.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Bounds on heads and on the framing of bodies.
    pub limits: Limits,
    /// Connections that may live at once. Default 65,536. While as many live, further ones wait in the
    /// kernel's queue.
    pub max_connections: usize,
    /// Connections whose head has begun and not ended. Default 16,384: with 64 KiB each that is the most that
    /// slow heads can hold. A further one is answered 503.
    pub max_heads: usize,
    /// TLS handshakes under way at once. Default 1,024; a further connection is closed.
    pub max_handshakes: usize,
    /// Bytes of a request's body that are read and thrown away after its answer, to keep the connection.
    /// Default 262,144, as in Go's net/http; beyond it, or where a chunked body does not tell, the answer says
    /// that the connection closes.
    pub drain_len: usize,
    /// Bytes read ahead while [`Exchange::peer_gone`](crate::Exchange::peer_gone) watches for the client.
    /// Default 65,536.
    pub read_ahead_len: usize,
    /// Time for a whole head, from its first byte, or from the opening of a new connection. Default 10 s.
    pub head_timeout: Duration,
    /// Time without a request on a kept-alive connection. Default 75 s, as in nginx.
    pub keep_alive_timeout: Duration,
    /// Time without a byte of a body that is being read. Default 60 s.
    pub body_timeout: Duration,
    /// Time without the client taking a byte of an answer. Default 60 s.
    pub write_timeout: Duration,
    /// Time that a closed connection is still read, so that the client sees the last answer. Default 2 s.
    pub linger_timeout: Duration,
    /// Time for a TLS handshake. Default 10 s.
    pub handshake_timeout: Duration,
    /// Whether a connection serves more than one request. Default yes.
    pub keep_alive: bool,
    /// Whether answers carry `Date`. Default yes (RFC 9110 §6.6.1).
    pub date: bool,
    /// Limits on taken-over connections. None by default: a conversation may be silent for days, and its owner
    /// knows better. [`Conn::set_limits`](crate::Conn::set_limits) sets them for one.
    pub taken: ConnLimits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            max_connections: 65_536,
            max_heads: 16_384,
            max_handshakes: 1_024,
            drain_len: 256 * 1024,
            read_ahead_len: 64 * 1024,
            head_timeout: Duration::from_secs(10),
            keep_alive_timeout: Duration::from_secs(75),
            body_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(60),
            linger_timeout: Duration::from_secs(2),
            handshake_timeout: Duration::from_secs(10),
            keep_alive: true,
            date: true,
            taken: ConnLimits::default(),
        }
    }
}

/// Makes a [`Server`].
///
/// ```
/// use std::time::Duration;
///
/// let server = hijack::Server::builder()
///     .configure(|config| {
///         config.head_timeout = Duration::from_secs(5);
///         config.limits.headers = 64;
///     })
///     .build();
/// assert_eq!(server.config().limits.headers, 64);
/// ```
#[derive(Default)]
#[must_use = "a builder does nothing until it is built"]
pub struct ServerBuilder {
    config: Config,
    observer: Option<Box<dyn Observer>>,
}

impl ServerBuilder {
    /// Changes the configuration.
    pub fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Has `observer` hear of every connection.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// The server.
    #[must_use]
    pub fn build(self) -> Server {
        Server::from_parts(self.config, Registry::new(self.observer))
    }
}

impl std::fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerBuilder").field("config", &self.config).finish_non_exhaustive()
    }
}
