//! Getting a stream to a server: names, addresses, sockets, TLS; and what to tell when there is none.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::endpoint::Place;
use super::{ClientConfig, Endpoint};
use crate::observe::Peer;
use crate::tls::Connector;
use crate::transport::{Transport, set_probes};

/// Why no connection to a server could be had.
///
/// Its text names what was tried, what happened, and what to check.
#[derive(Debug)]
pub struct ConnectError {
    endpoint: String,
    failure: ConnectFailure,
    /// Every address that was tried, and what came of it; at least one.
    attempts: Vec<(String, io::Error)>,
}

/// What kind of failure it was, for those who decide by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectFailure {
    /// Nobody listens there.
    Refused,
    /// There is no such socket file.
    Missing,
    /// The socket may not be used by this user.
    Denied,
    /// It took longer than the limit.
    TimedOut {
        /// [`ClientConfig::connect_timeout`] or [`ClientConfig::handshake_timeout`].
        limit: Duration,
    },
    /// The name has no address.
    Unresolved,
    /// The TLS handshake failed.
    Tls,
    /// The proxy in between has no connection to give; the attempts say why.
    Proxy,
    /// Something else: see the attempts.
    Other,
}

impl ConnectFailure {
    fn of(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::NotFound => Self::Missing,
            io::ErrorKind::PermissionDenied => Self::Denied,
            _ => Self::Other,
        }
    }

    fn advice(self, is_unix: bool) -> &'static str {
        match self {
            Self::Refused if is_unix => "the socket is there, but nobody answers: has the daemon stopped?",
            Self::Refused => "nobody listens there: is the server running, and is the port right?",
            Self::Missing => "there is no such socket: is the daemon running, and is the path right?",
            Self::Denied if is_unix => {
                "the daemon may well be running, but this user may not use its socket: is it in the socket's group?"
            }
            Self::Denied => "something on this machine forbids it: a firewall, or a policy",
            Self::TimedOut { .. } => "no answer: is the address right, and does a firewall drop packets?",
            Self::Unresolved => "the name has no address: is it spelled right, and is there a name server?",
            Self::Tls => {
                "does the server speak TLS there, and is its certificate for this name, and trusted?"
            }
            Self::Proxy => "the proxy was reached, and did not open a tunnel",
            Self::Other => "is the server running?",
        }
    }
}

impl ConnectError {
    pub(super) fn new(
        endpoint: &Endpoint,
        failure: ConnectFailure,
        tried: impl Into<String>,
        error: io::Error,
    ) -> Self {
        Self { endpoint: endpoint.to_string(), failure, attempts: vec![(tried.into(), error)] }
    }

    /// What kind of failure it was.
    #[must_use]
    pub fn failure(&self) -> ConnectFailure {
        self.failure
    }

    /// The endpoint that was to be reached.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The addresses that were tried, each with what came of it.
    pub fn attempts(&self) -> impl Iterator<Item = (&str, &io::Error)> {
        self.attempts.iter().map(|(address, error)| (&**address, error))
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot connect to {}: ", self.endpoint)?;
        for (index, (tried, error)) in self.attempts.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            // The address says more than the endpoint only where a name stood in it.
            if self.endpoint.contains(tried.as_str()) {
                write!(f, "{separator}{error}")?;
            } else {
                write!(f, "{separator}{tried}: {error}")?;
            }
        }
        write!(f, " ({})", self.failure.advice(self.endpoint.starts_with("unix:")))
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.attempts.last().map(|(_, error)| error as _)
    }
}

/// Connects to `endpoint`, without the TLS that may be inside.
pub(super) async fn dial(
    endpoint: &Endpoint,
    config: &ClientConfig,
) -> Result<(Transport, Peer), ConnectError> {
    let connecting = async {
        match &endpoint.place {
            Place::Unix(path) => dial_unix(endpoint, path).await,
            Place::Tcp { host, port } => dial_tcp(endpoint, (host, *port), config).await,
        }
    };
    match timeout(config.connect_timeout, connecting).await {
        Ok(connected) => connected,
        Err(_) => Err(late(endpoint, config.connect_timeout, "connecting")),
    }
}

/// Puts TLS inside `io` if the endpoint asks for it.
pub(super) async fn secure(
    endpoint: &Endpoint,
    io: Transport,
    connector: &Connector,
    config: &ClientConfig,
) -> Result<Transport, ConnectError> {
    if !endpoint.is_tls() {
        return Ok(io);
    }
    match timeout(config.handshake_timeout, connector.connect(endpoint.host(), io)).await {
        Ok(shaken) => shaken
            .map_err(|error| ConnectError::new(endpoint, ConnectFailure::Tls, "the TLS handshake", error)),
        Err(_) => Err(late(endpoint, config.handshake_timeout, "the TLS handshake")),
    }
}

fn late(endpoint: &Endpoint, limit: Duration, what: &str) -> ConnectError {
    let error = io::Error::new(io::ErrorKind::TimedOut, format!("not done within {limit:?}"));
    ConnectError::new(endpoint, ConnectFailure::TimedOut { limit }, what, error)
}

async fn dial_unix(endpoint: &Endpoint, path: &Path) -> Result<(Transport, Peer), ConnectError> {
    loop {
        match UnixStream::connect(path).await {
            Ok(unix) => return Ok((unix.into(), Peer::Unix)),
            // The server's queue is full. TCP would wait for a place in the kernel.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => tokio::time::sleep(BUSY_PAUSE).await,
            Err(error) => {
                let failure = ConnectFailure::of(&error);
                return Err(ConnectError::new(endpoint, failure, path.to_string_lossy(), error));
            }
        }
    }
}

/// How long a busy Unix socket is left alone.
const BUSY_PAUSE: Duration = Duration::from_millis(10);

async fn dial_tcp(
    endpoint: &Endpoint,
    host: (&str, u16),
    config: &ClientConfig,
) -> Result<(Transport, Peer), ConnectError> {
    let unresolved =
        |error| ConnectError::new(endpoint, ConnectFailure::Unresolved, "looking the name up", error);
    let mut found = tokio::net::lookup_host(host).await.map_err(unresolved)?;
    let connected = match (found.next(), found.next()) {
        (None, _) => Err(Vec::new()),
        // Most endpoints have one address: no task, no timer.
        (Some(address), None) => attempt(address).await.map_err(|failed| vec![failed]),
        (Some(first), Some(second)) => {
            let all = [first, second].into_iter().chain(found).collect();
            race(interleaved(all), config.attempt_delay).await
        }
    };
    let (tcp, address) = connected.map_err(|attempts| {
        let failure = attempts.first().map_or(ConnectFailure::Unresolved, |(_, e)| ConnectFailure::of(e));
        let attempts = attempts.into_iter().map(|(address, error)| (address.to_string(), error)).collect();
        ConnectError { endpoint: endpoint.to_string(), failure, attempts }
    })?;
    let _ = tcp.set_nodelay(true);
    set_probes(&tcp, config.probe_after);
    Ok((tcp.into(), Peer::Tcp(address)))
}

async fn attempt(address: SocketAddr) -> Result<(TcpStream, SocketAddr), (SocketAddr, io::Error)> {
    match TcpStream::connect(address).await {
        Ok(tcp) => Ok((tcp, address)),
        Err(error) => Err((address, error)),
    }
}

/// Connects to the first of `addresses` that answers: a further one is tried when the one before failed, or
/// after `delay` beside it (RFC 8305 §5). What was begun and not needed is given up.
async fn race(
    mut addresses: VecDeque<SocketAddr>,
    delay: Duration,
) -> Result<(TcpStream, SocketAddr), Vec<(SocketAddr, io::Error)>> {
    let mut failed = Vec::new();
    let mut attempts = JoinSet::new();
    loop {
        if let Some(address) = addresses.pop_front() {
            attempts.spawn(attempt(address));
        }
        let next = async {
            match addresses.is_empty() {
                true => std::future::pending().await,
                false => tokio::time::sleep(delay).await,
            }
        };
        tokio::select! {
            ended = attempts.join_next() => match ended {
                None => return Err(failed),
                Some(Ok(Ok(connected))) => return Ok(connected),
                Some(Ok(Err(attempt))) => failed.push(attempt),
                // The runtime is going away.
                Some(Err(_)) => {}
            },
            () = next => {}
        }
    }
}

/// The addresses with the families in turns, beginning with the one that the resolver prefers (RFC 8305 §4).
fn interleaved(found: Vec<SocketAddr>) -> VecDeque<SocketAddr> {
    let prefers_v6 = found.first().is_some_and(SocketAddr::is_ipv6);
    let (mut first, mut second): (VecDeque<_>, VecDeque<_>) =
        found.into_iter().partition(|address| address.is_ipv6() == prefers_v6);
    let mut turns = VecDeque::with_capacity(first.len() + second.len());
    while !first.is_empty() || !second.is_empty() {
        turns.extend(first.pop_front());
        turns.extend(second.pop_front());
    }
    turns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().expect("an address")).collect()
    }

    /// RFC 8305 §4.
    #[test]
    fn takes_the_families_in_turns() {
        let found = addresses(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1"]);
        let turns = addresses(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"]);
        assert_eq!(interleaved(found), turns);
    }

    /// RFC 8305 §5: the next address starts at once when the one before is refused.
    #[tokio::test]
    async fn goes_on_to_the_address_that_answers() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let open = listener.local_addr().expect("bound");
        let closed = {
            let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            gone.local_addr().expect("bound")
        };
        let day = Duration::from_secs(86_400);
        let (_, address) = race([closed, open].into(), day).await.expect("one answers");
        assert_eq!(address, open);
        let failed = race([closed, closed].into(), day).await.expect_err("nobody answers");
        assert_eq!(failed.len(), 2);
    }
}
