//! What a handler may know of its call: who calls, and over which connection.

use std::fmt;
use std::sync::Arc;

use hijack_proto::RequestHead;

use crate::Conn;
use crate::observe::{ConnectionId, Identity, Peer};
use crate::transport::{Stream, Transport};

/// Where a connection comes from: the same for all of its calls.
///
/// Made of a taken-over [`Conn`] it knows peer, head and TLS; of any other stream, only what it is told.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    peer: Option<Peer>,
    connection: Option<ConnectionId>,
    head: Option<RequestHead>,
    identity: Option<Identity>,
}

impl Origin {
    /// Nothing is known.
    #[must_use]
    pub fn unknown() -> Self {
        Self::default()
    }

    /// The same with this peer.
    #[must_use]
    pub fn with_peer(self, peer: Peer) -> Self {
        Self { peer: Some(peer), ..self }
    }

    /// What a taken-over connection knows.
    pub(super) fn of<Io: Stream>(conn: &Conn<Io>) -> Self {
        let io: &dyn std::any::Any = conn.io();
        let identity = io.downcast_ref::<Transport>().and_then(Transport::identity);
        Self { peer: Some(conn.peer().clone()), connection: Some(conn.id()), head: conn.head(), identity }
    }
}

/// One call, as its handler sees it. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    pub(super) origin: Arc<Origin>,
    pub(super) method: Arc<str>,
}

impl Context {
    /// The method's full name.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The other end.
    #[must_use]
    pub fn peer(&self) -> &Peer {
        self.origin.peer.as_ref().unwrap_or(&Peer::Unknown)
    }

    /// The name of the connection in its server's tracker, if it has one.
    #[must_use]
    pub fn connection(&self) -> Option<ConnectionId> {
        self.origin.connection
    }

    /// The head of the CONNECT that opened the connection, with its headers; none where there was no HTTP.
    #[must_use]
    pub fn head(&self) -> Option<&RequestHead> {
        self.origin.head.as_ref()
    }

    /// Whom the client's certificate names; none without TLS. It was verified by the listener's configuration, and is
    /// empty if that asks for none.
    #[must_use]
    pub fn tls(&self) -> Option<&Identity> {
        self.origin.identity.as_ref()
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("method", &self.method()).field("origin", &self.origin).finish()
    }
}
