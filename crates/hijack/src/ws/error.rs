//! What can go wrong on a WebSocket, told apart by whose doing it is.

use std::{fmt, io};

use hijack_proto::ws::{CloseCode, ReceiveError, SendError};

/// Why something on a WebSocket did not work.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The connection failed, or was ended by us: see [`crate::ended_by`].
    Io(io::Error),
    /// The peer broke the protocol or a limit; it was told so by a Close.
    Peer(ReceiveError),
    /// What was to be sent cannot be; the mistake is ours.
    Local(SendError),
    /// More waits to be sent than may, and nobody was to wait for room: see
    /// [`Writer::try_send`](super::Writer::try_send).
    QueueFull {
        /// Bytes that wait.
        queued: usize,
        /// [`Config::queue_len`](super::Config::queue_len).
        limit: usize,
    },
    /// The connection ended in the middle of a message.
    CutOff,
    /// A message is longer than [`Config::skip_len`](super::Config::skip_len): the rest of it is skipped, and the connection
    /// goes on.
    Skipped {
        /// The limit.
        limit: u64,
    },
    /// A value could not be made of a message, or a message of a value.
    Codec(crate::BoxError),
}

impl Error {
    /// The code of the Close that tells the peer of this, if one does.
    #[must_use]
    pub fn close_code(&self) -> Option<CloseCode> {
        match self {
            Self::Peer(error) => Some(error.close_code()),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Peer(error) => error.fmt(f),
            Self::Local(error) => error.fmt(f),
            Self::QueueFull { queued, limit } => {
                write!(f, "queue of {queued} bytes exceeds the limit {limit}")
            }
            Self::CutOff => f.write_str("the connection ended in the middle of a message"),
            Self::Skipped { limit } => write!(f, "message exceeds the limit of {limit} bytes and is skipped"),
            Self::Codec(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => error.source(),
            Self::Peer(error) => error.source(),
            Self::Codec(error) => error.source(),
            _ => None,
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<SendError> for Error {
    fn from(error: SendError) -> Self {
        Self::Local(error)
    }
}

impl From<Error> for crate::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Io(error) => Self::Io(error),
            error => Self::other(error),
        }
    }
}
