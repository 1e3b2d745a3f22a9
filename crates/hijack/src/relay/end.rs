//! What became of a relay.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Moved;
use crate::observe::EndReason;

/// One of the two connections of a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Side {
    /// The first one: usually who came to us.
    Client,
    /// The second one: usually whom we dialled.
    Server,
}

impl Side {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "client",
            Self::Server => "server",
        })
    }
}

/// Who ended a relay, why, and what went through it until then.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RelayEnd {
    /// The side that ended first, or broke, or whose limit was reached; none if we ended it.
    pub by: Option<Side>,
    /// Why. [`EndReason::PeerClosed`] is the ordinary end: `by` ended its direction first, and in the end both did.
    pub reason: EndReason,
    /// Bytes from the client to the server.
    pub to_server: Moved,
    /// Bytes from the server to the client.
    pub to_client: Moved,
}

impl fmt::Display for RelayEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.by {
            Some(side) => write!(f, "{side}: {}", self.reason)?,
            None => write!(f, "{}", self.reason)?,
        }
        let (up, down) = (self.to_server.delivered, self.to_client.delivered);
        write!(f, "; {up} bytes to the server, {down} to the client")
    }
}
