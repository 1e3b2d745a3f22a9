//! A conversation on its way to another process: two sockets, and as bytes all that is known of it.
//!
//! The bytes are a mark, a version, and MessagePack with named fields, of which the relay's own are one: a field that is
//! added later has a default, a version that is not known is refused.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use bytes::Bytes;
use hijack::{PackedRelay, handoff};
use serde::{Deserialize, Serialize};
use tokio::net::UnixStream;

use crate::gate::GateState;

/// A conversation at rest. [`Gateway::pack`](crate::Gateway::pack) makes it, [`Gateway::unpack`](crate::Gateway::unpack)
/// goes on with it: [`to_bytes`](Self::to_bytes) and the sockets are all that has to get there, and [`send`](Self::send)
/// takes both to another process.
#[derive(Debug)]
#[must_use = "dropping it closes both connections"]
pub struct PackedConversation {
    pub(crate) relay: PackedRelay,
    pub(crate) state: ConversationState,
    /// In the direction of what the client sends, and of what the upstream does.
    pub(crate) gates: (GateState, GateState),
}

/// What the registry knows of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ConversationState {
    pub(crate) id: u64,
    pub(crate) route: String,
    pub(crate) protocol: Cow<'static, str>,
    pub(crate) subject: Option<Box<str>>,
    pub(crate) subprotocol: Option<Box<str>>,
    pub(crate) extensions: Option<Box<str>>,
    pub(crate) head: Bytes,
    pub(crate) opened_at_ms: u64,
    pub(crate) age_ms: u64,
    #[serde(default)]
    pub(crate) tags: Vec<String>,
}

/// Why a conversation cannot be packed or unpacked.
#[derive(Debug)]
#[non_exhaustive]
pub enum MoveError {
    /// It does not live.
    Unknown,
    /// It is at its end, or cannot move for this reason.
    NotMovable(String),
    /// Its route is not one of this gateway's.
    NoRoute(String),
    /// Its limits are reached here.
    Full(String),
    /// The bytes are not a conversation's, or of a version that is not understood here.
    Malformed(String),
    /// A socket cannot be used.
    Io(io::Error),
}

impl fmt::Display for MoveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("there is no such connection"),
            Self::NotMovable(why) => f.write_str(why),
            Self::NoRoute(name) => write!(f, "no route is called {name:?} here"),
            Self::Full(limit) => f.write_str(limit),
            Self::Malformed(text) => write!(f, "malformed state: {text}"),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for MoveError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Whole<S, G> {
    relay: Bytes,
    conversation: S,
    gates: G,
}

impl PackedConversation {
    /// All but the sockets, as versioned bytes.
    ///
    /// # Panics
    ///
    /// Never: plain data is written into memory.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MARK.to_vec();
        bytes.push(VERSION);
        let relay = self.relay.to_bytes().into();
        let whole = Whole { relay, conversation: &self.state, gates: &self.gates };
        rmp_serde::encode::write_named(&mut bytes, &whole).expect("plain data into memory");
        bytes
    }

    /// The sockets: the client's and the upstream's.
    #[must_use]
    pub fn into_sockets(self) -> (OwnedFd, OwnedFd) {
        self.relay.into_sockets()
    }

    /// The sockets: the client's and the upstream's.
    #[must_use]
    pub fn sockets(&self) -> [BorrowedFd<'_>; 2] {
        self.relay.sockets()
    }

    /// Sends everything over `to`, for [`receive`](Self::receive) at its other end. Both connections stay open until this,
    /// and what is on its way, is dropped.
    ///
    /// # Errors
    ///
    /// [`MoveError::Io`].
    ///
    /// # Cancel safety
    ///
    /// Cancelling leaves half a message behind: `to` is of no use then.
    pub async fn send(&self, to: &mut UnixStream) -> Result<(), MoveError> {
        handoff::send(to, &self.to_bytes(), &self.sockets()).await.map_err(MoveError::Io)
    }

    /// Receives what [`send`](Self::send) sent; nothing at the end of the stream.
    ///
    /// # Errors
    ///
    /// [`MoveError::Io`], [`MoveError::Malformed`].
    ///
    /// # Cancel safety
    ///
    /// Not safe: what was received is lost.
    pub async fn receive(from: &mut UnixStream) -> Result<Option<Self>, MoveError> {
        let received = handoff::receive(from).await.map_err(MoveError::Io)?;
        let Some((bytes, [client, upstream])) = received else { return Ok(None) };
        Self::from_bytes(&bytes, client, upstream).map(Some)
    }

    /// Puts together what [`to_bytes`](Self::to_bytes) and [`into_sockets`](Self::into_sockets) gave.
    ///
    /// # Errors
    ///
    /// [`MoveError::Malformed`].
    pub fn from_bytes(bytes: &[u8], client: OwnedFd, upstream: OwnedFd) -> Result<Self, MoveError> {
        let malformed = |text: String| MoveError::Malformed(text);
        let (head, body) =
            bytes.split_at_checked(MARK.len() + 1).ok_or_else(|| malformed("too short".into()))?;
        if head[..MARK.len()] != *MARK {
            return Err(malformed("not the state of a conversation".into()));
        }
        if head[MARK.len()] != VERSION {
            let text = format!("version {}, and only version {VERSION} is understood", head[MARK.len()]);
            return Err(malformed(text));
        }
        let whole: Whole<ConversationState, _> =
            rmp_serde::from_slice(body).map_err(|error| malformed(error.to_string()))?;
        let relay = PackedRelay::from_bytes(&whole.relay, client, upstream)
            .map_err(|error| malformed(error.to_string()))?;
        Ok(Self { relay, state: whole.conversation, gates: whole.gates })
    }
}

const MARK: &[u8; 4] = b"hjgw";

const VERSION: u8 = 1;
