//! Our side: the sessions of `hijack-proto`, driven as the simplest shells would.

mod client;
mod server;

use std::ops::Range;

use crate::{Accepted, Role, Stream};

/// What our session made of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ours {
    /// The messages accepted, in order.
    pub messages: Vec<Message>,
    /// Why there are no more of them.
    pub end: String,
}

/// An accepted message and where it stood in the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What is compared.
    pub accepted: Accepted,
    /// The head's bytes in the stream, with what was skipped in front of it: empty lines, interim responses.
    pub head: Range<usize>,
    /// The body's bytes in the stream, framing included.
    pub body: Range<usize>,
}

impl Ours {
    /// The verdict on a stream that is fed in pieces of at most so many bytes; it must not depend on them.
    #[must_use]
    pub fn of(stream: &Stream, piece: usize) -> Self {
        match stream.role() {
            Role::Server => server::read(&stream.bytes, piece),
            Role::Client => client::read(stream, piece),
        }
    }
}
