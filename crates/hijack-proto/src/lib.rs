//! HTTP/1.1 as bytes and meaning, without any IO.
//!
//! This crate is the law of the project [hijack]: it reads and writes heads and bodies to the byte, runs the
//! connection as a session, and decides whether an exchange may become the raw connection. It knows no socket,
//! no clock and no randomness: bytes and times come in as arguments.
//!
//! Three types matter: [`h1::ServerSession`] and [`h1::ClientSession`], the connection in either role, and
//! [`Limits`], what a peer may make them hold. [`handover`] holds the rules of upgrades and tunnels, `ws` (a feature)
//! WebSocket and its compression, `stream` (a feature) the frames of Docker's streams, `rpc` (a feature) the calls of
//! Go's net/rpc.
//!
//! [hijack]: https://docs.rs/hijack

pub mod body;
pub mod date;
#[cfg(feature = "grpc")]
pub mod grpc;
pub mod h1;
pub mod handover;
mod head;
mod limits;
#[cfg(feature = "rpc")]
pub mod rpc;
#[cfg(feature = "stream")]
pub mod stream;
pub mod tokens;
#[cfg(feature = "ws")]
pub mod ws;

pub use head::{HTTP2_PREFACE, HeadError, Reason, RequestHead, ResponseHead};
pub use limits::Limits;
