//! WebSocket (RFC 6455, with permessage-deflate of RFC 7692) on a taken-over connection, in both roles.
//!
//! A server is made of exchanges, a client dials:
//!
//! ```
//! use hijack::{Listener, ws};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let listener = Listener::bind("127.0.0.1:0").await?;
//! let url = format!("ws://{}/", listener.local_address());
//! let echo = ws::Server::new(|mut socket: ws::WebSocket| async move {
//!     while let Some(message) = socket.recv().await? {
//!         socket.feed(message).await?; // leaves in one write with the others, when there is nothing more to receive
//!     }
//!     Ok(())
//! });
//! tokio::spawn(async move { hijack::Server::new().serve(listener, echo.into_handler()).await });
//!
//! let mut socket = ws::dial(&url).await?;
//! socket.send("hello").await?;
//! assert_eq!(socket.recv().await?, Some("hello".into()));
//! socket.close(ws::CloseCode::NORMAL, "").await?;
//! # Ok(()) }
//! ```
//!
//! - **Messages** are whole by default; [`WebSocket::recv_pieces`] and [`WebSocket::writer`] stream those that are larger
//!   than memory; [`Codec`] turns them into values.
//! - **Many senders**: [`WebSocket::split`] gives a reader and a writer that can be cloned. Every one awaits its turn where
//!   the peer is slow; what waits is bounded.
//! - **Pongs** leave by themselves while somebody receives, and so do the pings that find a dead peer
//!   ([`Config::ping_after`]).
//! - **The end**: [`recv`](WebSocket::recv) gives nothing once the peer's Close is answered. A peer that breaks the
//!   protocol gets a Close that says how, and the connection's end right behind it.
//! - **Memory**: an idle connection holds no buffer.

mod adapters;
mod bytes;
mod client;
mod codec;
mod config;
mod error;
mod message;
mod sending;
mod server;
mod socket;
mod split;
mod streaming;

pub use bytes::ByteStream;
pub use client::{Dial, DialError, client, dial, dial_config};
pub use codec::{Codec, Json};
pub use config::Config;
pub use error::Error;
pub use hijack_proto::ws::deflate::Config as Deflate;
pub use hijack_proto::ws::handshake::{Absent, Mismatch, Opening, Origins, Refusal};
pub use hijack_proto::ws::{
    CloseCode, CloseError, HeaderError, Limits, Message as MessageRef, MessageKind, Opcode, Prepared,
    ReceiveError, Role, SendError, Violation, Workspace,
};
pub use message::Message;
pub use server::{Handshake, Refused, Reject, Served, Server, Terms, accept};
pub use socket::{CloseFrame, WebSocket};
pub use split::{Reader, Writer};
pub use streaming::MessageWriter;
