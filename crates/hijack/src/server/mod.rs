//! The server: connections come in, exchanges go to a handler, and any of them may become the raw connection.
//!
//! ```text
//! listen ─→ accept ─→ serving ─→ Exchange ─→ handler ─ respond, start ─→ serving …
//!                                                    └ take_over, upgrade ─→ Conn
//! ```
//!
//! `accept` owns the tasks, `serving` one connection while it is HTTP, `exchange` and its neighbours what a
//! handler does with a request. Framing is decided in `hijack_proto` alone.

mod accept;
mod config;
mod exchange;
mod listen;
mod outcome;
mod respond;
mod serving;
mod shutdown;
mod takeover;

pub use accept::Server;
pub use config::{Config, ServerBuilder};
pub use exchange::Exchange;
pub use listen::Listener;
pub(crate) use outcome::Conversation;
pub use outcome::Outcome;
pub use respond::Responder;
pub(crate) use respond::{Holder, send_answer};
pub use serving::HttpConnection;
pub(crate) use serving::Serving;
pub use takeover::{Refused, Upgrade};
pub(crate) use takeover::{hand_over, protocol_of, take};
