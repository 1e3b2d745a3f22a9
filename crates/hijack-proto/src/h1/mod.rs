//! The HTTP/1.1 connection itself as a session without IO, one for each role.
//!
//! A shell feeds a session what it reads and writes what the session encodes; the session alone knows where a
//! message ends, whether the connection goes on, and which bytes belong to whoever takes it over. Given the
//! same bytes it says the same things, however they were cut:
//!
//! ```text
//! bytes in → feed ─→ poll_head ─→ poll_body … ─→ finish ─→ poll_head …
//!                        └────────────┴──→ take_over → every byte not given out yet
//! ```

mod answer;
mod client;
mod inbound;
mod server;
mod takeover;

pub use answer::{Answer, AnswerBody, Handover};
pub use client::{Answered, ClientSession, Outgoing, RequestId};
pub use server::{After, Next, ServerSession};
pub use takeover::TakeOverError;
