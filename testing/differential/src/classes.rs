//! The known classes of requests that ours accepts and another server refuses, each with its reason.

use crate::ours::{Ours, Request};
use crate::peer::Peer;

/// A kind of request on which servers differ for a known reason.
#[derive(Debug)]
pub struct Class {
    /// A short name for reports.
    pub name: &'static str,
    /// Whose refusal it explains.
    pub peer: Peer,
    /// Why ours accepts and the peer refuses.
    pub reason: &'static str,
    /// Whether the first request that the peer did not accept is of this kind.
    pub holds: fn(&Refusal<'_>) -> bool,
}

/// The first request of a stream that ours accepted and a peer did not.
#[derive(Debug, Clone, Copy)]
pub struct Refusal<'a> {
    /// Who refused.
    pub peer: Peer,
    /// The whole stream.
    pub stream: &'a [u8],
    /// What ours made of it.
    pub ours: &'a Ours,
    /// The number of the request in question.
    pub index: usize,
}

impl<'a> Refusal<'a> {
    /// The first class that explains it.
    #[must_use]
    pub fn class(&self) -> Option<&'static Class> {
        CLASSES.iter().find(|class| class.peer == self.peer && (class.holds)(self))
    }

    fn request(&self) -> &'a Request {
        &self.ours.requests[self.index]
    }

    /// The refused request's head, with the empty lines in front of it.
    fn head(&self) -> &'a [u8] {
        &self.stream[self.request().head.clone()]
    }
}

/// All of them; at most twelve.
pub const CLASSES: &[Class] = &[Class {
    name: "bare LF in a head",
    peer: Peer::Node,
    reason: "RFC 9112 §2.2 lets a recipient take a bare LF for a line end, Go and we do; llhttp refuses it",
    holds: |refusal| refusal.head().windows(2).any(|pair| pair[1] == b'\n' && pair[0] != b'\r'),
}];
