//! Take over HTTP/1.1 connections: any exchange, at any moment, becomes the raw connection.
//!
//! HTTP/1.1 often begins as HTTP and ends as something else: WebSocket, Docker's attach and exec, net/rpc, gRPC
//! tunnels. Go opens that door with `http.Hijacker`; this crate opens it for Rust. [`Server`] gives every
//! request to a handler as an [`Exchange`], which owns its connection: answer it, or take it over and get a
//! [`Conn`], with every byte that the client sent behind the head.
//!
//! ```
//! use hijack::{Exchange, Listener, Server};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), hijack::Error> {
//! let listener = Listener::bind("127.0.0.1:0").await?;
//! let address = listener.local_address();
//! tokio::spawn(async move {
//!     Server::new()
//!         .serve(listener, |exchange: Exchange| async {
//!             let mut conn = exchange.take_over().await?; // nothing was written, every byte is there
//!             conn.write_all(b"hello world").await?;
//!             conn.close().await
//!         })
//!         .await;
//! });
//!
//! let mut client = tokio::net::TcpStream::connect(address).await?;
//! client.write_all(b"GET / HTTP/1.1\r\nHost: example\r\n\r\n").await?;
//! let mut answer = String::new();
//! client.read_to_string(&mut answer).await?;
//! assert_eq!(answer, "hello world");
//! # Ok(()) }
//! ```
//!
//! [`Client`] is the other end: it sends requests, one by one or ahead of their answers, and takes its connection
//! over behind an answer that grants it. The [`Conn`] is the same there.
//!
//! Heads, bodies and the rules of upgrades are `hijack_proto`'s, which knows no IO; what of it stands in this
//! crate's signatures is exported here.
//!
//! # Features
//!
//! `tls` (default): TLS for listeners and clients, by rustls and ring.
//!
//! `ws` (default): WebSocket in both roles.
//!
//! `stream`: Docker's streams in both roles.
//!
//! `rpc`: Go's net/rpc in both roles.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod body;
mod client;
mod conn;
mod date;
mod error;
mod incoming;
mod observe;
mod packed;
mod relay;
#[cfg(feature = "rpc")]
pub mod rpc;
mod scratch;
mod server;
#[cfg(feature = "stream")]
pub mod stream;
#[cfg(feature = "tls")]
pub mod tls;
#[cfg(not(feature = "tls"))]
#[path = "tls_off.rs"]
mod tls;
pub mod tower;
mod transport;
#[cfg(any(feature = "stream", feature = "ws"))]
mod waiting;
mod wire;
#[cfg(feature = "ws")]
pub mod ws;

pub use body::Body;
pub use client::{
    Answer, Answered, Client, ClientBuilder, ClientConfig, ClientConnection, ConnectError, ConnectFailure,
    Decline, Endpoint, Pool, PooledBody, Proxy, Tunnel, Untaken,
};
pub use conn::{Conn, ConnLease, Parts, ReadHalf, ReuniteError, WriteHalf};
pub use error::{BoxError, Error, ended_by};
pub use hijack_proto::body::{BodyError, BodyLength, EncodeError, FramingError};
pub use hijack_proto::h1::{RequestId, TakeOverError};
pub use hijack_proto::handover::{Mismatch, Refusal};
pub use hijack_proto::{
    HTTP2_PREFACE, HeadError, Limits, Reason, RequestHead, ResponseHead, handover, tokens,
};
pub use incoming::BodyReader;
pub use observe::{
    ConnLimits, Connection, ConnectionId, EndReason, Identity, Observer, Peer, ShutdownReport, State, Taken,
    Timeout, Tracker,
};
pub use packed::{NotMovable, PackError, PackedConn, handoff};
pub use relay::{Gate, Held, Moved, NoGate, PackedRelay, Passed, Pipes, Relay, RelayEnd, Side};
pub use server::{
    Config, Exchange, HttpConnection, Listener, Outcome, Refused, Responder, Server, ServerBuilder, Upgrade,
};
pub use transport::{Stream, Transport};
