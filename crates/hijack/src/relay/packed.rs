//! A relay at rest, and how it comes to rest and goes on.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use serde::{Deserialize, Serialize};

use super::flow::{Flow, FlowState};
use super::{Gate, NoGate, Relay, Side};
use crate::observe::{EndReason, Tracker};
use crate::packed::{ConnState, NotMovable, PackError, PackedConn, Subject, decode, encode};
use crate::transport::{Stream, Transport};

/// A relay at rest: two sockets, and as bytes all that is known of it, what is on its way included.
///
/// ```
/// # use hijack::{PackedRelay, Relay, Tracker, Transport};
/// # async fn move_on(relay: &mut Relay, tracker: &Tracker) -> Result<(), Box<dyn std::error::Error>> {
/// let packed = relay.pack()?; // of TLS: `not movable`
/// let bytes = packed.to_bytes();
/// let (client, server) = packed.into_sockets();
/// // Bytes and sockets go to another process, which carries on:
/// let end = PackedRelay::from_bytes(&bytes, client, server)?.unpack(tracker)?.run().await;
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "dropping it closes both connections"]
pub struct PackedRelay {
    client: OwnedFd,
    server: OwnedFd,
    state: RelayState,
}

#[derive(Debug, Serialize, Deserialize)]
struct RelayState {
    client: ConnState,
    server: ConnState,
    up: FlowState,
    down: FlowState,
    half_close: bool,
    /// The side whose direction ended first.
    first: Option<Side>,
}

impl<C: Stream, S: Stream, G: Gate> Relay<C, S, G> {
    /// Whether [`pack`](Self::pack) would do, but for a lack of descriptors.
    ///
    /// # Errors
    ///
    /// [`NotMovable`] says why it would not: both connections must be plain TCP or Unix.
    pub fn movable(&self) -> Result<(), NotMovable> {
        self.client.movable()?;
        self.server.movable()?;
        if self.end.is_some() || self.broken.is_some() { Err(NotMovable::Ended) } else { Ok(()) }
    }

    /// Takes everything out of this relay, at whatever byte it stands, to go on elsewhere. What remains here is at its
    /// end, [`EndReason::Moved`], and moves nothing more. Its gates remain, for whoever knows how they travel.
    ///
    /// # Errors
    ///
    /// [`NotMovable`]: the relay is as it was.
    pub fn pack(&mut self) -> Result<PackedRelay, NotMovable> {
        self.movable()?;
        let (client, server) = (self.client.clone_socket()?, self.server.clone_socket()?);
        self.up.empty_pipe().map_err(NotMovable::Io)?;
        self.down.empty_pipe().map_err(NotMovable::Io)?;
        let state = RelayState {
            client: self.client.take_state(),
            server: self.server.take_state(),
            up: self.up.take_state(),
            down: self.down.take_state(),
            half_close: self.half_close,
            first: self.first,
        };
        self.end = Some(Box::new((None, EndReason::Moved)));
        Ok(PackedRelay { client, server, state })
    }
}

impl PackedRelay {
    /// All but the sockets, as versioned bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        encode(Subject::Relay, &self.state)
    }

    /// The sockets: the client's and the server's.
    #[must_use]
    pub fn into_sockets(self) -> (OwnedFd, OwnedFd) {
        (self.client, self.server)
    }

    /// The sockets: the client's and the server's.
    #[must_use]
    pub fn sockets(&self) -> [BorrowedFd<'_>; 2] {
        [self.client.as_fd(), self.server.as_fd()]
    }

    /// Puts together what [`to_bytes`](Self::to_bytes) and [`into_sockets`](Self::into_sockets) gave.
    ///
    /// # Errors
    ///
    /// [`PackError`] if the bytes are no relay's, or of a version that is not understood here.
    pub fn from_bytes(bytes: &[u8], client: OwnedFd, server: OwnedFd) -> Result<Self, PackError> {
        Ok(Self { client, server, state: decode(Subject::Relay, bytes)? })
    }

    /// Goes on with the relay, both connections in the sight of `tracker` under the ids that they had, where those
    /// are free. It splices through [`Pipes::shared`](crate::Pipes::shared) unless told otherwise.
    ///
    /// # Errors
    ///
    /// An IO error if a socket cannot be used; both are closed then.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn unpack(self, tracker: &Tracker) -> io::Result<Relay> {
        self.unpack_with_gates(tracker, NoGate, NoGate)
    }

    /// As [`unpack`](Self::unpack), with a gate in each direction that stands where the old one stood.
    ///
    /// # Errors
    ///
    /// An IO error if a socket cannot be used; both are closed then.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn unpack_with_gates<G: Gate>(
        self,
        tracker: &Tracker,
        to_server: G,
        to_client: G,
    ) -> io::Result<Relay<Transport, Transport, G>> {
        let Self { client, server, state } = self;
        let client = PackedConn::of(client, state.client).unpack(tracker)?;
        let server = PackedConn::of(server, state.server).unpack(tracker)?;
        let (up, down) = (Flow::restored(state.up, to_server), Flow::restored(state.down, to_client));
        let mut relay = Relay::joined(client, server, up, down);
        relay.half_close = state.half_close;
        relay.first = state.first;
        Ok(relay)
    }
}
