//! The laws of WebSocket.

pub mod deflate;
pub mod handshake;
pub mod header;
pub mod negotiate;
mod oracle;
pub mod receive;
mod seen;
