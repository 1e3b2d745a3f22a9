//! What can go wrong on a connection, told apart by whose doing it is.

use std::{fmt, io};

use hijack_proto::HeadError;
use hijack_proto::body::{BodyError, EncodeError};
use hijack_proto::h1::TakeOverError;
use hijack_proto::handover::Refusal;

use crate::client::{ConnectError, Decline};
use crate::observe::{EndReason, Timeout};

/// A boxed error of somebody else's.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why something on a connection did not work.
///
/// A handler may return one with `?`; the connection is then closed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The stream failed, or was ended by us: see [`Error::end_reason`].
    Io(io::Error),
    /// The peer's head was refused.
    Head(HeadError),
    /// The peer's body was malformed, or ended too early.
    Body(BodyError),
    /// A body is longer than its reader allowed.
    BodyTooLong {
        /// The limit that the reader gave, in bytes.
        limit: usize,
    },
    /// An answer could not be written as asked.
    Encode(EncodeError),
    /// A typed takeover was refused; the exchange was given up with it.
    Refused(Refusal),
    /// The exchange cannot be taken over any more.
    TakeOver(TakeOverError),
    /// The body given as an answer failed.
    Answer(BoxError),
    /// The body given with a request failed.
    Request(BoxError),
    /// No connection to a server could be had.
    Connect(Box<ConnectError>),
    /// The server did not grant a takeover; its answer is within.
    Declined(Box<Decline>),
    /// The server ended the connection without answering so many requests.
    Unanswered(usize),
    /// An answer was waited for, and no request is under way.
    NothingAsked,
    /// So many answers are still to come before this request could be answered alone.
    AnswersPending(usize),
    /// The next answer is not that request's.
    UnknownRequest,
    /// The connection takes no further request: one side has announced its end, or it is broken.
    Closing,
    /// As many connections to one endpoint as the limit allows are busy.
    PoolFull {
        /// [`ClientConfig::max_per_endpoint`](crate::ClientConfig::max_per_endpoint).
        limit: usize,
    },
    /// A certificate, key or address cannot be used; the text says which and why.
    Config(String),
    /// An error of the handler's own.
    Other(BoxError),
}

impl Error {
    /// An error of the handler's own.
    pub fn other(error: impl Into<BoxError>) -> Self {
        Self::Other(error.into())
    }

    /// Why the connection was ended by us, if that is what failed the read or write.
    #[must_use]
    pub fn end_reason(&self) -> Option<EndReason> {
        match self {
            Self::Io(error) => ended_by(error),
            _ => None,
        }
    }

    /// The limit on time that was reached, if one was.
    #[must_use]
    pub fn timeout(&self) -> Option<Timeout> {
        match self.end_reason() {
            Some(EndReason::TimedOut(timeout)) => Some(timeout),
            _ => None,
        }
    }
}

/// Why the connection was ended by us, if `error` came of that: a limit reached, an operator's kill, a shutdown.
///
/// Reads and writes on a [`Conn`](crate::Conn) give plain IO errors; this finds the reason in them.
#[must_use]
pub fn ended_by(error: &io::Error) -> Option<EndReason> {
    let ended = error.get_ref()?.downcast_ref::<crate::observe::Ended>()?;
    Some(ended.0.clone())
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Head(error) => error.fmt(f),
            Self::Body(error) => error.fmt(f),
            Self::BodyTooLong { limit } => write!(f, "body exceeds limit {limit} bytes"),
            Self::Encode(error) => error.fmt(f),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::TakeOver(error) => error.fmt(f),
            Self::Answer(error) => write!(f, "body of the answer failed: {error}"),
            Self::Request(error) => write!(f, "body of the request failed: {error}"),
            Self::Connect(error) => error.fmt(f),
            Self::Declined(decline) => decline.fmt(f),
            Self::Unanswered(count) => {
                write!(f, "the server ended the connection with {count} requests unanswered")
            }
            Self::NothingAsked => f.write_str("no request is under way that could be answered"),
            Self::AnswersPending(count) => write!(f, "{count} answers are still to come"),
            Self::UnknownRequest => f.write_str("the next answer belongs to another request"),
            Self::Closing => f.write_str("the connection takes no further request"),
            Self::PoolFull { limit } => {
                write!(f, "no connection free: max_per_endpoint of {limit} are busy")
            }
            Self::Config(text) => f.write_str(text),
            Self::Other(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => error.source(),
            Self::Answer(error) | Self::Request(error) | Self::Other(error) => Some(&**error),
            Self::Connect(error) => error.source(),
            _ => None,
        }
    }
}

macro_rules! from {
    ($($source:ty => $variant:ident),* $(,)?) => {$(
        impl From<$source> for Error {
            fn from(error: $source) -> Self {
                Self::$variant(error)
            }
        }
    )*};
}

from! {
    io::Error => Io,
    HeadError => Head,
    BodyError => Body,
    EncodeError => Encode,
    Refusal => Refused,
    TakeOverError => TakeOver,
    Box<ConnectError> => Connect,
    BoxError => Other,
}
