//! The same request streams to our server session, to Go's net/http and to Node's http server (llhttp).
//!
//! What ours accepts (targets and body bytes, in order) must be a prefix of what each of the others accepts, and
//! nearly all of what both accept. Where ours goes on although another one stops, the stream must fall into one
//! of the [`classes`], each of which has a reason. Where another one reads the same bytes as a different
//! request, no class helps: that is request smuggling.
//!
//! The way of a stream: [`corpus`] (written by hand) or [`generator`] → [`ours`] and the [`peer`]s, which run
//! as filter processes → [`compare`] → [`summary`]. `tests/requests.rs` does it for all of them.

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

/// A request that a server accepted: its handler ran and the whole body was read.
///
/// CONNECT counts with its head alone, and as the last request of its stream: behind it the connection belongs
/// to the handler. An upgrade is declined by every handler here, and so an ordinary request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The request-target as it stood on the wire.
    pub target: Vec<u8>,
    /// The body, without its framing.
    pub body: Vec<u8>,
}

/// A request stream and what is known about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// Where it comes from: a corpus name, or `generated N`.
    pub name: String,
    /// What the client sends before it half-closes.
    pub bytes: Vec<u8>,
    /// What everybody must accept, if the stream is valid by construction.
    pub expected: Option<Vec<Accepted>>,
}
