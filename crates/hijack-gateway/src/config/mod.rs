//! What a gateway is told: where to listen, where to send what, and every limit with its default and the reason for it.

mod check;
mod error;
mod explain;
mod file;
mod matching;
mod read;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use hijack::Endpoint;

use error::Places;

pub use error::{ConfigError, Mistake};

/// The whole configuration of a gateway.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Where clients come in: `host:port` or `unix:/path`. Default `127.0.0.1:8080`.
    pub listen: Vec<String>,
    /// The certificate chain and key (PEM) for clients, if TLS is spoken to them.
    pub tls: Option<TlsFiles>,
    /// Certificate authorities (PEM) for upstreams by TLS; the system's own without.
    pub upstream_ca: Option<PathBuf>,
    /// The operators' side; none has no admin API.
    pub admin: Option<Admin>,
    /// Routes in the order of their importance: the longest matching prefix of the best matching host wins.
    pub routes: Vec<Route>,
    /// The authorities to which `CONNECT` opens a tunnel, and where it leads. Default none: never an open proxy.
    pub connect: Vec<Tunnel>,
    /// Limits on everybody together.
    pub limits: Limits,
    /// Over how long a drain spreads the ends of connections. Default 30 s, what Kubernetes grants.
    pub drain: Duration,
    /// Closed connections that are remembered. Default 1,000.
    pub closed_kept: usize,
    /// For how long. Default 10 min.
    pub closed_for: Duration,
    /// Where each of these was said.
    pub(crate) places: Places,
}

/// A certificate chain and its key, as PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain, the server's own certificate first.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Where requests go, and what is allowed there.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Route {
    /// Its name in the registry, in logs and in metrics.
    pub name: String,
    /// The host it is for: `example.org`, `*.example.org`, or none for all.
    pub host: Option<String>,
    /// The prefix of the path, at a segment's end. Default `/`.
    pub path: String,
    /// Where it leads.
    pub upstream: Endpoint,
    /// The tokens of `Upgrade` that pass. Default `websocket` and `tcp`, in a file that sets `grpc` also `hijack-grpc`
    /// and `hijack-grpc-reverse`; `*` allows any but `h2c`.
    pub upgrades: Vec<String>,
    /// Pages that may open a WebSocket (`Origin`), exact; empty leaves it to the upstream.
    pub origins: Vec<String>,
    /// Whether a WebSocket without `Origin`, a program's, passes where `origins` is given. Default yes.
    pub allow_no_origin: bool,
    /// What becomes of WebSocket compression.
    pub compression: Compression,
    /// Whether what its tunnels carry is HTTP/2 with gRPC, whose calls are listed. Default no: it stays opaque.
    pub grpc: bool,
    /// Where the user's name is found.
    pub subject: Option<Subject>,
    /// Limits on this route.
    pub limits: RouteLimits,
}

/// What becomes of `permessage-deflate` (RFC 7692).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// It passes; of compressed messages only sizes are seen.
    #[default]
    Passthrough,
    /// It passes, and is inflated beside from the first message on, at some 40 KiB for each direction.
    Inflate,
    /// The offer is taken out of the request, so that all messages travel plain.
    Plain,
}

/// Where in a request the user's name stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// In this header.
    Header(String),
    /// In this cookie.
    Cookie(String),
}

/// An authority that `CONNECT` may name, and where the tunnel leads.
#[derive(Debug, Clone)]
pub struct Tunnel {
    /// `host:port`, or a path that begins with `/`, as Go's net/rpc asks.
    pub target: String,
    /// Where it leads. For a path, the `CONNECT` itself is passed on to it; for an authority the stream begins there.
    pub upstream: Endpoint,
    /// Whether the calls of gRPC in it are listed, as of a route.
    pub grpc: bool,
    /// Limits, as of a route.
    pub limits: RouteLimits,
}

/// Limits on everybody together.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// Clients' connections that may live at once. Default 65,536.
    pub connections: usize,
    /// Takeovers per second, all routes together, beyond which further ones are answered 503 with `Retry-After`. None
    /// by default.
    pub handshakes_per_second: Option<u32>,
    /// Bytes of the body of a request for an upgrade, which is read whole first. Default 1 MiB; beyond it 413.
    pub upgrade_body_len: usize,
    /// Time for the upstream to answer a request for an upgrade. Default 60 s.
    pub answer_timeout: Duration,
    /// Time to connect to an upstream. Default 10 s.
    pub connect_timeout: Duration,
    /// Bytes of a message that somebody who looks is shown. Default 16 KiB.
    pub shown_len: usize,
    /// Messages kept for somebody who looks and is slow. Default 512; older ones are skipped, and their number told.
    pub shown_queue: usize,
}

/// Limits on a route, and on each of its connections. `None` is "no limit".
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RouteLimits {
    /// Taken-over connections at once.
    pub connections: Option<usize>,
    /// Those of one client address.
    pub per_peer: Option<usize>,
    /// Those of one subject.
    pub per_subject: Option<usize>,
    /// Bytes of a WebSocket message, fragments together: 1009 to the sender, 1001 to its peer.
    pub message_len: Option<u64>,
    /// WebSocket messages per second from the client.
    pub messages_per_second: Option<u32>,
    /// WebSocket frames per second from the client, whatever they are: empty fragments and pings are no messages.
    pub frames_per_second: Option<u32>,
    /// What happens beyond either.
    pub rate_policy: RatePolicy,
    /// Time without a byte in either direction: 1001 to both.
    pub idle: Option<Duration>,
    /// Time since the takeover: 1001 to both.
    pub lifetime: Option<Duration>,
    /// Time after one side ended its direction and the other did not.
    pub half_open: Option<Duration>,
    /// Silence of a WebSocket's side after which the gateway pings it; the pong stays here.
    pub ping_after: Option<Duration>,
    /// Time for the pong, or any other byte. Default, where pings are on: 20 s.
    pub pong_timeout: Option<Duration>,
    /// What happens to a side that does not read.
    pub slow_reader: SlowReader,
    /// Time that a side may take nothing while bytes wait for it, before it counts as slow. Default 10 s.
    pub slow_after: Option<Duration>,
}

/// What happens to a sender that is too fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RatePolicy {
    /// It is read no faster.
    #[default]
    Delay,
    /// It is closed with 1008.
    Close,
}

/// What happens to a receiver that is too slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SlowReader {
    /// Its sender is not read meanwhile; at most 256 KiB wait for it here.
    #[default]
    Pause,
    /// It is closed with 1013.
    Close,
}

/// The operators' side.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Admin {
    /// Where it listens. Default `127.0.0.1:9091`. Beyond this machine only with tokens of the configuration.
    pub listen: String,
    /// Names that `Host` may have, besides the address and `localhost`.
    pub hosts: Vec<String>,
    /// Who may do what. Without any, one token for an operator is made and printed.
    pub tokens: Vec<Token>,
    /// The file that every act is appended to.
    pub audit: Option<PathBuf>,
}

/// A token and what it allows.
#[derive(Clone)]
pub struct Token {
    /// Whose it is, for the audit log.
    pub name: String,
    /// What it allows.
    pub role: Role,
    /// The secret itself.
    pub secret: String,
}

impl fmt::Debug for Token {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("name", &self.name).field("role", &self.role).finish_non_exhaustive()
    }
}

/// What somebody may do; each role may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// See connections and their counters.
    Viewer,
    /// See payloads.
    Inspector,
    /// Send, kick, tag, drain.
    Operator,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: vec!["127.0.0.1:8080".into()],
            tls: None,
            upstream_ca: None,
            admin: None,
            routes: Vec::new(),
            connect: Vec::new(),
            limits: Limits::default(),
            drain: Duration::from_secs(30),
            closed_kept: 1_000,
            closed_for: Duration::from_secs(600),
            places: Places::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 65_536,
            handshakes_per_second: None,
            upgrade_body_len: 1 << 20,
            answer_timeout: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(10),
            shown_len: 16 * 1024,
            shown_queue: 512,
        }
    }
}

impl Default for Admin {
    fn default() -> Self {
        Self { listen: "127.0.0.1:9091".into(), hosts: Vec::new(), tokens: Vec::new(), audit: None }
    }
}

impl Route {
    /// A route for everything, with the defaults.
    #[must_use]
    pub fn new(name: impl Into<String>, upstream: Endpoint) -> Self {
        Self {
            name: name.into(),
            host: None,
            path: "/".into(),
            upstream,
            upgrades: vec!["websocket".into(), "tcp".into()],
            grpc: false,
            origins: Vec::new(),
            allow_no_origin: true,
            compression: Compression::default(),
            subject: None,
            limits: RouteLimits::default(),
        }
    }
}
