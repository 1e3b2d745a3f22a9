//! Why a connection ended.

use std::fmt;

/// A limit on time that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u8)]
pub enum Timeout {
    /// The TLS handshake took too long.
    Handshake,
    /// A head was begun, or awaited on a new connection, and did not come in time.
    Head,
    /// No further request came on a kept-alive connection.
    KeepAlive,
    /// The client stopped sending a body that was being read.
    Body,
    /// The peer did not take what was written.
    Write,
    /// The peer kept a connection open that was ended for it.
    Linger,
    /// The answer to a request did not come.
    Answer,
    /// The peer did not answer our Close of a WebSocket.
    Close,
    /// The peer of a WebSocket was silent, and a ping did not change that.
    Pong,
    /// A taken-over connection moved no byte.
    Idle,
    /// A taken-over connection reached its greatest age.
    Lifetime,
    /// A taken-over connection was closed by one side only.
    HalfOpen,
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Handshake => "handshake timeout",
            Self::Head => "head timeout",
            Self::KeepAlive => "keep-alive timeout",
            Self::Body => "body timeout",
            Self::Write => "write timeout",
            Self::Linger => "linger timeout",
            Self::Answer => "answer timeout",
            Self::Close => "close timeout",
            Self::Pong => "pong timeout",
            Self::Idle => "idle limit",
            Self::Lifetime => "lifetime limit",
            Self::HalfOpen => "half-open limit",
        })
    }
}

/// Why a connection ended, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndReason {
    /// We ended it in order.
    Closed,
    /// The peer ended it in order.
    PeerClosed,
    /// The peer reset it, or it broke on the way; the kind of IO error says how.
    Broken(std::io::ErrorKind),
    /// What came from the peer was refused with this status.
    Refused(http::StatusCode),
    /// The peer broke the protocol of the conversation; the code of the Close that told it (RFC 6455 §7.4).
    Protocol(u16),
    /// A limit on time was reached.
    TimedOut(Timeout),
    /// A limit on what is held at once was reached; the limit's name and value.
    LimitReached(&'static str, usize),
    /// The connection that it was relayed to ended.
    OtherSide,
    /// The owner let go of it without closing it: an exchange unanswered, a `Conn` dropped.
    Dropped,
    /// The owner panicked.
    Panicked,
    /// The owner took the bare stream out of our sight.
    Detached,
    /// It goes on in another process.
    Moved,
    /// An operator ended it.
    Killed,
    /// The server was shut down: an idle connection, or one whose owner outlived the deadline.
    ShutDown,
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("closed"),
            Self::PeerClosed => f.write_str("closed by the peer"),
            Self::Broken(kind) => write!(f, "broken: {kind}"),
            Self::Refused(status) => write!(f, "refused with {}", status.as_u16()),
            Self::Protocol(code) => write!(f, "protocol broken: {code}"),
            Self::TimedOut(timeout) => timeout.fmt(f),
            Self::LimitReached(name, limit) => write!(f, "limit {name} of {limit} reached"),
            Self::OtherSide => f.write_str("the other side of its relay ended"),
            Self::Dropped => f.write_str("dropped by its owner"),
            Self::Panicked => f.write_str("its owner panicked"),
            Self::Detached => f.write_str("detached"),
            Self::Moved => f.write_str("moved to another process"),
            Self::Killed => f.write_str("killed"),
            Self::ShutDown => f.write_str("shut down"),
        }
    }
}

/// The source of an IO error on a connection that was ended by us.
#[derive(Debug, Clone)]
pub(crate) struct Ended(pub(crate) EndReason);

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connection ended: {}", self.0)
    }
}

impl std::error::Error for Ended {}
