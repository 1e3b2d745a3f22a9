//! Go's net/rpc without any IO and without any codec: which call an answer belongs to, what may still begin, and the
//! CONNECT in front of it all.
//!
//! ```text
//! client: Calls::next ─→ encode ─→ Calls::begin ─→ … ─→ Calls::settle ─→ the caller, or nobody
//! server: Serving::begin ─→ decode ─→ handler ─→ encode ─→ Serving::finish
//! ```
//!
//! [`Calls`] knows the calls of a client that wait, [`Serving`] how many a server works on; [`MethodName`] is what is
//! called, [`Unserved`] why it cannot be. [`handshake`] turns an HTTP connection into one of these, in both roles.
//! [`json`] and [`msgpack`] find the end of a value in a stream, which is all the framing that those two codecs have.

mod calls;
pub mod handshake;
pub mod json;
mod method;
pub mod msgpack;
mod serving;

pub use calls::{Calls, Refused, Settled};
pub use method::{MethodName, Unserved};
pub use serving::Serving;
