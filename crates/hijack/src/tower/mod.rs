//! The engine for tower services: requests in, responses out, and takeovers for those that want one.
//!
//! [`Server::serve_service`] runs any [`tower_service::Service`] on the same session as [`Server::serve`]. Every
//! request carries a [`Hijacker`] among its extensions, and its body is read from the connection as far as it is
//! asked for. The preface of HTTP/2, which [`Server::serve`]'s handlers may take over, is answered 505 here.
//!
//! ```text
//! Exchange ─→ Slot ─→ Request<IncomingBody> ─→ service ─→ Response ─→ send …
//!              │        └ extensions: Hijacker                └ with a plan ─→ Conn ─→ conversation
//!              └ taken over by the handler ─→ Conn
//! ```
//!
//! There are **two ways** to take over.
//!
//! - [`Hijacker::take_over_with`] is the one to use: the handler returns a response, which passes the layers on
//!   its way out as any other does; then the service's future is gone, with its permits, timeouts and spans, and the
//!   conversation begins, in the connection's own task. A layer that puts another response in its place has
//!   declined the takeover.
//! - [`Hijacker::take_over`] takes the connection inside the handler, which goes on with it. Whatever the layers do to
//!   the handler's future they do to the conversation: a timeout drops it, a concurrency limit counts it. Use it
//!   where that is wanted, or where something must be said or read before it is decided.

mod body;
mod hijacker;
mod plan;
mod serve;
mod slot;

pub use body::IncomingBody;
pub use hijacker::{Hijacker, NotTaken, TypedHijacker};

#[cfg(doc)]
use crate::Server;
