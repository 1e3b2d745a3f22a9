//! What became of an exchange: the proof that a handler dealt with it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use super::serving::{HttpConnection, Serving};
use crate::Error;
use crate::transport::Transport;

/// What a handler returns: the exchange was answered, or its connection taken over.
///
/// It is made by answering ([`Exchange::respond`](crate::Exchange::respond),
/// [`Responder::finish`](crate::Responder::finish)) or by ending or leaving a taken-over connection
/// ([`Conn::close`](crate::Conn::close), [`Conn::hand_off`](crate::Conn::hand_off), [`Outcome::taken`]), so a
/// handler that forgets its exchange does not compile.
#[must_use = "return it from the handler: without it the connection is closed"]
pub struct Outcome<Io = Transport>(pub(super) Kind<Io>);

/// A taken-over connection's further life.
pub(crate) type Conversation = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

pub(super) enum Kind<Io> {
    /// Answered: the connection is HTTP's again, or is to be closed in order.
    Http(Box<Serving<Io>>),
    /// Taken over, and in somebody else's hands or gone.
    Taken,
    /// Taken over; to be run when the handler is gone.
    Conversation(Conversation),
}

impl<Io> Outcome<Io> {
    /// The connection was taken over, and whoever has it sees to it.
    pub fn taken() -> Self {
        Self(Kind::Taken)
    }

    pub(crate) fn conversation(future: impl Future<Output = Result<(), Error>> + Send + 'static) -> Self {
        Self::boxed(Box::pin(future))
    }

    pub(crate) fn boxed(conversation: Conversation) -> Self {
        Self(Kind::Conversation(conversation))
    }

    pub(crate) fn answered(serving: Box<Serving<Io>>) -> Self {
        Self(Kind::Http(serving))
    }

    /// The connection if it is still HTTP's, for those who drive one by hand.
    #[must_use]
    pub fn into_http(self) -> Option<HttpConnection<Io>> {
        match self.0 {
            Kind::Http(serving) => Some(HttpConnection(serving)),
            _ => None,
        }
    }
}

impl<Io> fmt::Debug for Outcome<Io> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Http(_) => "Outcome::Http",
            Kind::Taken => "Outcome::Taken",
            Kind::Conversation(_) => "Outcome::Conversation",
        })
    }
}
