//! Every limit of the client, its name, its default and the reason for it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hijack_proto::Limits;

use super::{Client, Shared};
use crate::observe::{ConnLimits, Observer, Registry};
use crate::tls::Connector;

/// What a client allows, and how long it waits. Times of connections have a grain of 100 ms and cost no timer per
/// connection; none of them goes on behind a takeover.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ClientConfig {
    /// Bounds on heads and on the framing of bodies.
    pub limits: Limits,
    /// Time to look a name up and to connect, all its addresses together. Default 10 s.
    pub connect_timeout: Duration,
    /// Time that one address has before the next one is tried beside it. Default 250 ms (RFC 8305 §5).
    pub attempt_delay: Duration,
    /// Time for a TLS handshake. Default 10 s.
    pub handshake_timeout: Duration,
    /// Time from the last byte of a request to the end of its final answer's head, interim ones included. Default
    /// 60 s; `None` waits for as long as the connection lives.
    pub answer_timeout: Option<Duration>,
    /// Time to wait for `100 Continue` before a body that asked for it is sent all the same. Default 1 s, as in
    /// curl and Go (RFC 9110 §10.1.1: a client must not wait for ever).
    pub continue_timeout: Duration,
    /// Time without a byte of an answer's body that is being read. Default `None`: streams of events are silent
    /// for hours, and a server that vanished is found by the probes.
    pub body_timeout: Option<Duration>,
    /// Time without the server taking a byte of a request. Default 60 s.
    pub write_timeout: Duration,
    /// Silence on a TCP connection, also inside TLS, after which the kernel asks whether the server still lives.
    /// Default 30 s: routers that translate addresses forget silent connections after some minutes. `None` leaves
    /// the socket as it is.
    pub probe_after: Option<Duration>,
    /// Bytes read ahead of what was asked for, while a request is written. Default 65,536.
    pub read_ahead_len: usize,
    /// Bytes of an answer's body that are read and thrown away when the next answer is asked for. Default
    /// 262,144, as on the server.
    pub drain_len: usize,
    /// Bytes kept of the body of an answer that declines a takeover. Default 65,536.
    pub declined_len: usize,
    /// Time for that body. Default 5 s: the reason is wanted, and the connection if it can be had.
    pub declined_timeout: Duration,
    /// Connections of a pool to one endpoint, busy ones included. Default 256; a further request waits for one
    /// until [`connect_timeout`](Self::connect_timeout).
    pub max_per_endpoint: usize,
    /// Idle connections that a pool keeps for one endpoint. Default 32.
    pub max_idle_per_endpoint: usize,
    /// Time that an idle connection is kept in a pool. Default 60 s: less than servers allow (nginx 75 s), so that
    /// it is seldom closed just when it is used.
    pub idle_timeout: Duration,
    /// Limits on taken-over connections. None by default.
    pub taken: ConnLimits,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            connect_timeout: Duration::from_secs(10),
            attempt_delay: Duration::from_millis(250),
            handshake_timeout: Duration::from_secs(10),
            answer_timeout: Some(Duration::from_secs(60)),
            continue_timeout: Duration::from_secs(1),
            body_timeout: None,
            write_timeout: Duration::from_secs(60),
            probe_after: Some(Duration::from_secs(30)),
            read_ahead_len: 64 * 1024,
            drain_len: 256 * 1024,
            declined_len: 64 * 1024,
            declined_timeout: Duration::from_secs(5),
            max_per_endpoint: 256,
            max_idle_per_endpoint: 32,
            idle_timeout: Duration::from_secs(60),
            taken: ConnLimits::default(),
        }
    }
}

/// Makes a [`Client`].
///
/// ```
/// use std::time::Duration;
///
/// let client = hijack::Client::builder()
///     .configure(|config| config.connect_timeout = Duration::from_secs(3))
///     .build();
/// assert_eq!(client.config().connect_timeout, Duration::from_secs(3));
/// ```
#[derive(Default)]
#[must_use = "a builder does nothing until it is built"]
pub struct ClientBuilder {
    config: ClientConfig,
    observer: Option<Box<dyn Observer>>,
    pub(crate) connector: Connector,
}

impl ClientBuilder {
    /// Changes the configuration.
    pub fn configure(mut self, change: impl FnOnce(&mut ClientConfig)) -> Self {
        change(&mut self.config);
        self
    }

    /// Has `observer` hear of every connection.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// The client.
    #[must_use]
    pub fn build(self) -> Client {
        Client(Arc::new(Shared {
            config: Arc::new(self.config),
            registry: Registry::new(self.observer),
            connector: self.connector,
        }))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").field("config", &self.config).finish_non_exhaustive()
    }
}
