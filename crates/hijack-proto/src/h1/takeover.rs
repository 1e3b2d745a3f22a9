//! Why a session cannot be taken over, in either role.

use std::fmt;

/// Why a connection cannot be taken over now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TakeOverError {
    /// No request is open: none came yet, or its head was refused.
    NoExchange,
    /// The answer is complete: the connection is HTTP's again.
    AnswerComplete,
    /// The answer is on its way, in other hands than those that would take over.
    AnswerBegun,
    /// It was taken over before.
    Taken,
    /// (Client) The body of the last request is not sent to its end.
    RequestUnsent,
    /// (Client) Answers are still to come, so many.
    Pending(usize),
    /// (Client) The body of the last answer was not read to its end.
    BodyUnread,
}

impl fmt::Display for TakeOverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoExchange => f.write_str("no open exchange to take over"),
            Self::AnswerComplete => f.write_str("the answer is already complete"),
            Self::AnswerBegun => f.write_str("the answer is already on its way"),
            Self::Taken => f.write_str("the connection was already taken over"),
            Self::RequestUnsent => f.write_str("the request is not sent to its end"),
            Self::Pending(count) => write!(f, "{count} answers are still to come"),
            Self::BodyUnread => f.write_str("the answer's body is not read to its end"),
        }
    }
}

impl std::error::Error for TakeOverError {}
