//! Go's net/rpc, in both roles, over connections taken over from HTTP or any other stream.
//!
//! ```
//! use hijack::rpc::{self, Fault, Json, Methods};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut methods = Methods::<Json>::new();
//! methods.add("Arith.Divide", |(a, b): (i64, i64)| async move {
//!     if b == 0 { return Err(Fault::new("divide by zero")) }
//!     Ok(a / b)
//! })?;
//! let server = rpc::Server::new(methods);
//! let listener = hijack::Listener::bind("127.0.0.1:0").await?;
//! let url = format!("http://{}", listener.local_address());
//! tokio::spawn(async move { hijack::Server::new().serve(listener, server.into_handler()).await });
//!
//! let client = rpc::dial::<Json>(&url).await?;
//! let quotient: i64 = client.call("Arith.Divide", &(7, 2)).await?;
//! assert_eq!(quotient, 3);
//! let error = client.call::<i64>("Arith.Divide", &(7, 0)).await.unwrap_err();
//! assert_eq!(error.remote(), Some("divide by zero"));
//! # Ok(()) }
//! ```
//!
//! What it is for is calling Go programs as they are, and being called by them. Between two programs of one's own there
//! are better protocols.
//!
//! - **Codecs**: [`Gob`] is what Go uses unless told otherwise, [`Json`] is Go's `net/rpc/jsonrpc`,
//!   [`MsgPack`] that of Consul and Nomad.
//! - **HTTP**: [`Dial`] asks by CONNECT, [`Server`] grants it, as `rpc.DialHTTP` and `rpc.HandleHTTP`; [`Client::over`] and
//!   [`Server::serve_stream`] take any stream.
//! - **Beyond Go**: calls can be given up and have deadlines; what is in flight is bounded at both ends; a handler sees peer,
//!   headers and TLS identity, and its panic is an error; servers drain.

mod call;
mod client;
mod codec;
mod config;
mod connection;
mod context;
mod debug;
mod dial;
mod error;
mod gob;
mod inbox;
mod json;
mod line;
mod methods;
mod msgpack;
mod reconnect;
mod server;

#[doc(inline)]
pub use crate::__rpc_service as service;
pub use client::Client;
pub use codec::{Codec, Decode, DecodeError, Encode, EncodeError, ReplyHead};
pub use config::Config;
pub use context::{Context, Origin};
pub use debug::read_page;
pub use dial::{Dial, ask, dial};
pub use error::{CallError, DialError, Fault, Lost, RegisterError, ServeError};
pub use gob::{Gob, GobDecoder, GobDynamic, GobEncoder};
pub use hijack_proto::rpc::handshake::{CONNECTED, DEBUG_PATH, DEFAULT_PATH, Denied};
pub use inbox::Inbox;
pub use json::{Json, JsonDecoder, JsonId};
pub use methods::{MethodInfo, Methods, Service};
pub use msgpack::{MsgPack, MsgPackDecoder};
pub use reconnect::Reconnecting;
pub use server::{Served, Server};
