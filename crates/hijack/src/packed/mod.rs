//! Connections and relays taken out of one process to go on in another: bytes for all that is known, and sockets.
//!
//! `state` is the bytes, `handoff` the way over a Unix socket. What a relay adds is in `relay::packed`.

pub mod handoff;
mod state;

use std::fmt;
use std::io;
use std::net::TcpStream as StdTcpStream;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream as StdUnixStream;

use tokio::net::{TcpStream, UnixStream};

use state::Kind;
pub use state::PackError;
pub(crate) use state::{ConnState, Subject, decode, encode};

use crate::conn::Conn;
use crate::observe::{EndReason, Tracker};
use crate::transport::{Socket, Stream, Transport, peer_of};

/// A connection at rest: its socket, and as bytes all that is known of it: what was read and not given out, what was
/// put and not written, its record with counters, limits and ages.
///
/// It goes on where it is [unpacked](Self::unpack), in this process or another one: [`to_bytes`](Self::to_bytes) and the
/// socket are all that has to get there. Dropped, it closes the socket.
#[derive(Debug)]
#[must_use = "dropping it closes the connection"]
pub struct PackedConn {
    socket: OwnedFd,
    state: ConnState,
}

/// Why a connection cannot go on in another process.
#[derive(Debug)]
#[non_exhaustive]
pub enum NotMovable {
    /// The keys of a TLS session, and half a record perhaps, are in this process.
    Tls,
    /// The stream is no socket of the kernel's.
    Custom,
    /// It is at its end, and what remains to be done for it is done here.
    Ended,
    /// There was no descriptor for it.
    Io(io::Error),
}

impl<Io: Stream> Conn<Io> {
    /// Whether [`pack`](Self::pack) would do, but for a lack of descriptors.
    ///
    /// # Errors
    ///
    /// [`NotMovable`] says why it would not.
    pub fn movable(&self) -> Result<(), NotMovable> {
        self.socket_to_move().map(drop)
    }

    /// Takes everything out of this connection, to go on elsewhere. What remains here is at its end: reads and writes
    /// fail, and the tracker hears of [`EndReason::Moved`] when it is dropped.
    ///
    /// # Errors
    ///
    /// [`NotMovable`]: the connection is as it was.
    pub fn pack(&mut self) -> Result<PackedConn, NotMovable> {
        self.movable()?;
        let socket = self.clone_socket()?;
        Ok(PackedConn { socket, state: self.take_state() })
    }

    /// Another descriptor of the socket, which stays open when ours is closed.
    pub(crate) fn clone_socket(&self) -> Result<OwnedFd, NotMovable> {
        let socket = self.socket_to_move()?;
        socket.try_clone_to_owned().map_err(NotMovable::Io)
    }

    /// All but the socket. What remains is at its end.
    pub(crate) fn take_state(&mut self) -> ConnState {
        let is_unix = matches!(Socket::of(self.io()), Some(Socket::Unix(_)));
        let state = ConnState {
            kind: if is_unix { Kind::Unix } else { Kind::Tcp },
            record: self.wire.lease.snapshot(),
            unread: std::mem::take(&mut self.unread),
            unsent: self.wire.take_queued().into(),
        };
        self.wire.lease.end_here(EndReason::Moved);
        state
    }

    fn socket_to_move(&self) -> Result<BorrowedFd<'_>, NotMovable> {
        if self.wire.lease.record().has_end() {
            return Err(NotMovable::Ended);
        }
        let io: &dyn std::any::Any = self.io();
        match Socket::of(self.io()) {
            Some(Socket::Tcp(tcp)) => Ok(tcp.as_fd()),
            Some(Socket::Unix(unix)) => Ok(unix.as_fd()),
            None if matches!(io.downcast_ref(), Some(Transport::Tls(_))) => Err(NotMovable::Tls),
            None => Err(NotMovable::Custom),
        }
    }
}

impl PackedConn {
    /// All but the socket, as versioned bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        encode(Subject::Conn, &self.state)
    }

    /// Puts together what [`to_bytes`](Self::to_bytes) gave and the socket.
    ///
    /// # Errors
    ///
    /// [`PackError`] if the bytes are no connection's, or of a version that is not understood here.
    pub fn from_bytes(bytes: &[u8], socket: OwnedFd) -> Result<Self, PackError> {
        Ok(Self { socket, state: decode(Subject::Conn, bytes)? })
    }

    pub(crate) fn of(socket: OwnedFd, state: ConnState) -> Self {
        Self { socket, state }
    }

    /// The socket.
    #[must_use]
    pub fn into_socket(self) -> OwnedFd {
        self.socket
    }

    /// Goes on with the connection, in the sight of `tracker`. It keeps its id, if that is free there.
    ///
    /// # Errors
    ///
    /// An IO error if the socket cannot be used; it is closed then.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn unpack(self, tracker: &Tracker) -> io::Result<Conn> {
        let io: Transport = match self.state.kind {
            Kind::Tcp => {
                let tcp = StdTcpStream::from(self.socket);
                tcp.set_nonblocking(true)?;
                TcpStream::from_std(tcp)?.into()
            }
            Kind::Unix => {
                let unix = StdUnixStream::from(self.socket);
                unix.set_nonblocking(true)?;
                UnixStream::from_std(unix)?.into()
            }
        };
        let lease = self.state.record.restore(tracker.registry(), peer_of(&io));
        let mut conn = Conn::new(crate::wire::Wire::new(io, lease), self.state.unread);
        if !self.state.unsent.is_empty() {
            conn.put(&self.state.unsent);
        }
        Ok(conn)
    }
}

impl AsFd for PackedConn {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl fmt::Display for NotMovable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not movable: ")?;
        match self {
            Self::Tls => f.write_str("the keys of its TLS session are in this process"),
            Self::Custom => f.write_str("its stream is no socket"),
            Self::Ended => f.write_str("it is at its end"),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for NotMovable {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}
