//! What can go wrong with a call, told apart by whose doing it is and by what is left of the connection.

use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use super::{DecodeError, EncodeError};
use crate::BoxError;

/// Why a call gave no value.
///
/// | | the connection |
/// |---|---|
/// | [`Remote`](Self::Remote), [`Encode`](Self::Encode), [`Decode`](Self::Decode), [`TimedOut`](Self::TimedOut) | goes on |
/// | [`Dial`](Self::Dial), [`Shutdown`](Self::Shutdown), [`Lost`](Self::Lost) | is gone |
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum CallError {
    /// The server says that it failed, in its words. Go has this as `rpc.ServerError`.
    Remote(String),
    /// The arguments cannot be sent. Nothing was.
    Encode(Arc<EncodeError>),
    /// The answer is no value of the wanted type.
    Decode(Arc<DecodeError>),
    /// No answer came in time. The server may still be at it.
    TimedOut {
        /// The time that was allowed.
        limit: Duration,
    },
    /// There is no connection, and none could be had: see [`Reconnecting`](super::Reconnecting).
    Dial(Arc<DialError>),
    /// The connection was closed by us, or had ended before this call. Nothing was sent.
    Shutdown,
    /// The connection ended while this call was under way. What became of it at the server is not known.
    Lost(Lost),
}

/// How a connection ended under the calls that were under way.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Lost {
    /// The server closed it.
    UnexpectedEof,
    /// The stream failed.
    Io(Arc<io::Error>),
    /// What the server sent is no answer.
    Protocol(Arc<DecodeError>),
    /// The server took nothing of what was sent for [`Config::write_timeout`](super::Config::write_timeout).
    WriteTimedOut {
        /// The time that was allowed.
        limit: Duration,
    },
}

impl CallError {
    /// What the server said, if it was the server that failed.
    #[must_use]
    pub fn remote(&self) -> Option<&str> {
        match self {
            Self::Remote(text) => Some(text),
            _ => None,
        }
    }

    /// Whether the connection is gone.
    #[must_use]
    pub fn is_connection_gone(&self) -> bool {
        matches!(self, Self::Dial(_) | Self::Shutdown | Self::Lost(_))
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remote(text) => f.write_str(text),
            Self::Encode(error) => write!(f, "arguments cannot be sent: {error}"),
            Self::Decode(error) => write!(f, "answer cannot be read: {error}"),
            Self::TimedOut { limit } => write!(f, "no answer within {limit:?}"),
            Self::Dial(error) => error.fmt(f),
            Self::Shutdown => f.write_str("connection is shut down"),
            Self::Lost(lost) => lost.fmt(f),
        }
    }
}

impl std::error::Error for CallError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Encode(error) => Some(&**error),
            Self::Decode(error) => Some(&**error),
            Self::Dial(error) => Some(&**error),
            Self::Lost(lost) => lost.source(),
            _ => None,
        }
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnexpectedEof => f.write_str("unexpected EOF"),
            Self::Io(error) => error.fmt(f),
            Self::Protocol(error) => write!(f, "no answer can be read: {error}"),
            Self::WriteTimedOut { limit } => write!(f, "nothing was taken within {limit:?}"),
        }
    }
}

impl std::error::Error for Lost {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(&**error),
            Self::Protocol(error) => Some(&**error),
            _ => None,
        }
    }
}

impl From<CallError> for crate::Error {
    fn from(error: CallError) -> Self {
        Self::other(error)
    }
}

/// What a handler says of a call that failed: a text, for that is all that net/rpc carries.
///
/// Everything that can be shown becomes one with `?` or `into`, so that a handler may use any error.
///
/// ```
/// use hijack::rpc::Fault;
///
/// fn divide(a: i64, b: i64) -> Result<i64, Fault> {
///     if b == 0 { return Err(Fault::new("divide by zero")) }
///     Ok(a / b)
/// }
/// # assert_eq!(divide(1, 0).unwrap_err().as_str(), "divide by zero");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault(String);

impl Fault {
    /// It in words. An empty text is none: Go's client takes that for success.
    pub fn new(text: impl fmt::Display) -> Self {
        Self(text.to_string())
    }

    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<E: std::error::Error> From<E> for Fault {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why no connection to call over could be had.
#[derive(Debug)]
#[non_exhaustive]
pub enum DialError {
    /// This is no address of a net/rpc server.
    Url(String),
    /// What answers the CONNECT is no net/rpc.
    Denied(hijack_proto::rpc::handshake::Denied),
    /// The server ended the connection without an answer.
    UnexpectedEof,
    /// No answer came in time.
    TimedOut {
        /// [`Config::connect_timeout`](super::Config::connect_timeout).
        limit: Duration,
    },
    /// The server could not be reached, or the connection failed.
    Http(crate::Error),
}

impl From<crate::Error> for DialError {
    fn from(error: crate::Error) -> Self {
        Self::Http(error)
    }
}

impl From<io::Error> for DialError {
    fn from(error: io::Error) -> Self {
        Self::Http(error.into())
    }
}

impl From<DialError> for crate::Error {
    fn from(error: DialError) -> Self {
        match error {
            DialError::Http(error) => error,
            error => Self::other(error),
        }
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => write!(
                f,
                "cannot use {url:?} as an address: it looks like http://host:port/_goRPC_, tcp://host:port or unix:PATH"
            ),
            Self::Denied(denied) => denied.fmt(f),
            Self::UnexpectedEof => {
                f.write_str("the server ended the connection without an answer to CONNECT")
            }
            Self::TimedOut { limit } => write!(f, "no answer to CONNECT within {limit:?}"),
            Self::Http(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for DialError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Denied(denied) => Some(denied),
            Self::Http(error) => error.source(),
            _ => None,
        }
    }
}

/// A method cannot be served under this name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegisterError {
    /// It is served already.
    Duplicate(String),
    /// It has no dot between a service and a method.
    IllFormed(String),
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duplicate(name) => write!(f, "rpc: method already defined: {name}"),
            Self::IllFormed(name) => write!(f, "rpc: {name:?} is not of the form Service.Method"),
        }
    }
}

impl std::error::Error for RegisterError {}

/// A handler broke down. What it said stays here.
pub(super) const PANICKED: &str = "rpc: handler panicked";

/// How a connection of a server ended out of order.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServeError {
    /// The stream failed.
    Io(io::Error),
    /// What the client sent is no call.
    Protocol(BoxError),
    /// The client took nothing of what was sent for [`Config::write_timeout`](super::Config::write_timeout).
    WriteTimedOut {
        /// The time that was allowed.
        limit: Duration,
    },
}

impl From<io::Error> for ServeError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Protocol(error) => write!(f, "rpc: server cannot decode request: {error}"),
            Self::WriteTimedOut { limit } => write!(f, "the client took nothing within {limit:?}"),
        }
    }
}

impl std::error::Error for ServeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => error.source(),
            Self::Protocol(error) => Some(&**error),
            Self::WriteTimedOut { .. } => None,
        }
    }
}

impl From<ServeError> for crate::Error {
    fn from(error: ServeError) -> Self {
        match error {
            ServeError::Io(error) => Self::Io(error),
            error => Self::other(error),
        }
    }
}
