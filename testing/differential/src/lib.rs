//! The same streams to our session, to Go's net/http and to Node's http (llhttp), in both roles: requests to
//! servers, responses to clients.
//!
//! What ours accepts (start lines and body bytes, in order) must be a prefix of what each of the others accepts,
//! and nearly all of what both accept. Where ours goes on although another one stops, the stream must fall into
//! one of the [`classes`], each of which has a reason. Where another one reads the same bytes as a different
//! message, no class helps: that is request smuggling, or response splitting.
//!
//! The way of a stream: [`corpus`] (written by hand) or [`generator`] → [`ours`] and the [`peer`]s, which run
//! as filter processes → [`compare`] → [`summary`]. `tests/requests.rs` and `tests/responses.rs` do it for all
//! of them.

use std::ops::Range;

pub mod classes;
pub mod compare;
pub mod corpus;
mod dictionary;
pub mod escape;
pub mod generator;
mod head;
pub mod mutate;
pub mod ours;
pub mod peer;
pub mod rng;
pub mod summary;

/// Which end of the connection reads the streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It reads requests.
    Server,
    /// It reads responses.
    Client,
}

impl Role {
    /// What a stream of this role is made of.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::Server => "request",
            Self::Client => "response",
        }
    }
}

/// A message that was accepted: its whole body was read.
///
/// A server accepts a request when its handler ran. CONNECT counts with its head alone, and as the last request
/// of its stream: behind it the connection belongs to the handler. An upgrade is declined by every handler
/// here, and so an ordinary request.
///
/// A client accepts final responses; interim ones are skipped by everybody. A 101 and a 2xx to CONNECT count with
/// their heads alone and as the last ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Of the start line: a request's target as it stood on the wire, a response's status.
    pub start: Vec<u8>,
    /// The body, without its framing.
    pub body: Vec<u8>,
}

/// What one side of a connection sends, and what is known about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// Where it comes from: a corpus name, or `generated N`.
    pub name: String,
    /// The bytes, sent before the sender half-closes.
    pub bytes: Vec<u8>,
    /// The requests that a stream of responses answers; empty for a stream of requests.
    pub asks: Vec<Ask>,
    /// What everybody must accept, if the stream is valid by construction.
    pub expected: Option<Vec<Accepted>>,
}

/// A request to a server that speaks a stream of responses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Its method; its target is of no matter.
    pub method: String,
    /// The server sends the bytes from here to the next ask, its segment, when this request has come. If the
    /// client needs more for an answer, the next segment follows at once: a server that answers early.
    pub at: usize,
}

impl Stream {
    /// The end of the connection that reads it.
    #[must_use]
    pub fn role(&self) -> Role {
        if self.asks.is_empty() { Role::Server } else { Role::Client }
    }

    /// What is sent at once: all of a stream of requests, each ask's part of a stream of responses.
    pub fn segments(&self) -> impl Iterator<Item = Range<usize>> {
        let starts = self.asks.iter().map(|ask| ask.at).chain(self.asks.is_empty().then_some(0));
        let ends = self.asks.iter().skip(1).map(|ask| ask.at).chain([self.bytes.len()]);
        starts.zip(ends).map(|(start, end)| start..end)
    }
}
