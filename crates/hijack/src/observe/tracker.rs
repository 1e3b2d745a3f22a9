//! What an operator sees: snapshots of connections, three events, and the means to end one.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bytes::Bytes;

use super::record::Record;
use super::{EndReason, Peer, Registry, ShutdownReport, State};
use crate::conn::Conn;
use crate::transport::{Stream, peer_of, tcp_of};
use crate::wire::Wire;

/// Names a connection within its server, in the order of opening, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A connection as it stood at one moment. Times have a grain of 100 ms.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Connection {
    /// Its name.
    pub id: ConnectionId,
    /// The other end.
    pub peer: Peer,
    /// Where it stands.
    pub state: State,
    /// Time since it opened.
    pub age: Duration,
    /// Time since a byte moved.
    pub idle: Duration,
    /// Bytes received since it opened (inside TLS: of the plain text).
    pub bytes_in: u64,
    /// Bytes sent since it opened.
    pub bytes_out: u64,
    /// Whether the peer has ended its direction.
    pub peer_ended: bool,
    /// Whether we have ended ours.
    pub we_ended: bool,
    /// What is known since the takeover, if there was one.
    pub taken: Option<Taken>,
}

/// What is known of a taken-over connection.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Taken {
    /// The protocol that was agreed upon; none after a raw takeover.
    pub protocol: Option<Cow<'static, str>>,
    /// The bytes of the head of the request that was taken over.
    pub head: Bytes,
    /// Time since the takeover.
    pub age: Duration,
    /// Bytes received that belong to the conversation, read ahead ones included.
    pub bytes_in: u64,
    /// Bytes sent that belong to the conversation: those behind the last head of HTTP.
    pub bytes_out: u64,
}

impl Connection {
    pub(super) fn of(record: &Record, now_ms: u64) -> Self {
        let since = |then: u64| Duration::from_millis(now_ms.saturating_sub(then));
        let bytes_in = record.bytes_in.load(Relaxed);
        let bytes_out = record.bytes_out.load(Relaxed);
        let taken = (record.state() == State::Taken).then(|| {
            let (protocol, head) =
                record.with_details(|details| (details.protocol.clone(), details.head.clone()));
            Taken {
                protocol,
                head,
                age: since(record.taken_ms.load(Relaxed)),
                bytes_in: bytes_in.saturating_sub(record.http_in.load(Relaxed)),
                bytes_out: bytes_out.saturating_sub(record.http_out.load(Relaxed)),
            }
        });
        Self {
            id: ConnectionId(record.id),
            peer: record.peer.clone(),
            state: record.state(),
            age: since(record.opened_ms),
            idle: since(record.active_ms.load(Relaxed)),
            bytes_in,
            bytes_out,
            peer_ended: record.peer_ended(),
            we_ended: record.we_ended.load(Relaxed),
            taken,
        }
    }
}

/// Hears of the three events of a connection's life. Each is told once; `closed` is never missed.
///
/// The methods run on the connection's own task, or wherever its owner lets go of it: they must not block. For
/// everything between the events, sample the [`Tracker`].
pub trait Observer: Send + Sync + 'static {
    /// A connection was accepted.
    fn opened(&self, connection: &Connection) {
        let _ = connection;
    }

    /// A connection was taken over.
    fn taken(&self, connection: &Connection) {
        let _ = connection;
    }

    /// A connection ended.
    fn closed(&self, connection: &Connection, reason: &EndReason) {
        let _ = (connection, reason);
    }
}

/// The live connections of a server, a client, or of whoever adopts them: to be listed, told and ended. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tracker {
    registry: Arc<Registry>,
}

impl Default for Tracker {
    /// A tracker of connections that are neither a server's nor a client's: see [`adopt`](Self::adopt).
    fn default() -> Self {
        Self::of(Registry::new(None))
    }
}

impl Tracker {
    /// As [`Tracker::default`], with an observer that hears of every connection.
    pub fn with_observer(observer: impl Observer) -> Self {
        Self::of(Registry::new(Some(Box::new(observer))))
    }

    pub(crate) fn of(registry: Arc<Registry>) -> Self {
        Self { registry }
    }

    pub(crate) fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// Takes an open stream into sight as a taken-over connection, of no protocol and with no head.
    ///
    /// Who closes: the owner of the [`Conn`]. Deadlines: none, until [`Conn::set_limits`]. Unread bytes: none; put those
    /// that were read before in front with [`Conn::unshift`]. Shutdown: that of the server whose tracker this is, if
    /// it is one's. TCP sends small writes at once from here on (`TCP_NODELAY`).
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, which the clock of the limits needs.
    pub fn adopt<Io: Stream>(&self, io: Io) -> Conn<Io> {
        if let Some(tcp) = tcp_of(&io) {
            let _ = tcp.set_nodelay(true);
        }
        let lease = self.registry.open(peer_of(&io));
        lease.set_taken(0, 0, Bytes::new(), None);
        Conn::new(Wire::new(io, lease), Bytes::new())
    }

    /// The number of live connections.
    #[must_use]
    pub fn count(&self) -> usize {
        self.registry.count()
    }

    /// The number of live connections that stand in `state`.
    #[must_use]
    pub fn count_in(&self, state: State) -> usize {
        self.registry.count_in(state)
    }

    /// Every live connection, oldest first.
    #[must_use]
    pub fn list(&self) -> Vec<Connection> {
        let now = self.registry.now_ms();
        self.registry.all().iter().map(|record| Connection::of(record, now)).collect()
    }

    /// One connection, if it lives.
    #[must_use]
    pub fn get(&self, id: ConnectionId) -> Option<Connection> {
        self.registry.get(id.0).map(|record| Connection::of(&record, self.registry.now_ms()))
    }

    /// Asks the owner of a connection to come to an end ([`Conn::told`](crate::Conn::told)); `false` if it does
    /// not live.
    #[must_use]
    pub fn tell(&self, id: ConnectionId) -> bool {
        self.registry.get(id.0).map(|record| record.tell()).is_some()
    }

    /// Ends a connection: its reads and writes fail, the server's task for it is aborted. `false` if it does not
    /// live.
    #[must_use]
    pub fn kill(&self, id: ConnectionId) -> bool {
        self.registry.get(id.0).map(|record| record.force(EndReason::Killed)).is_some()
    }

    /// Asks the owner of every connection to come to an end; gives their number.
    pub fn tell_all(&self) -> usize {
        let all = self.registry.all();
        for record in &all {
            record.tell();
        }
        all.len()
    }

    /// Completes once no connection lives.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn emptied(&self) {
        self.registry.below(1).await;
    }

    /// Asks every connection to come to an end, waits until they have, and ends by force what lives after `deadline`.
    ///
    /// Connections that come meanwhile are waited for, and not told. A server stops accepting first:
    /// [`Server::shutdown`](crate::Server::shutdown).
    ///
    /// # Cancel safety
    ///
    /// Cancelled, nothing is forced; what was begun goes on. Call it again to wait further.
    pub async fn drain(&self, deadline: Duration) -> ShutdownReport {
        let mut report = ShutdownReport::default();
        for record in self.registry.all() {
            report.count(record.state());
            record.tell();
        }
        if tokio::time::timeout(deadline, self.emptied()).await.is_err() {
            let all = self.registry.all();
            report.forced = all.len();
            // All are told why before the first is woken: what it ends in turn, such as its other side, has the reason.
            for record in &all {
                record.set_end(EndReason::ShutDown);
            }
            for record in &all {
                record.force(EndReason::ShutDown);
            }
            let _ = tokio::time::timeout(FORCED_END, self.emptied()).await;
            report.left = self.count();
        }
        report
    }
}

/// How long forced connections may take to disappear.
const FORCED_END: Duration = Duration::from_secs(1);
