//! gRPC over taken-over HTTP/1.1 connections: all four kinds of calls, through every proxy that passes an upgrade.
//!
//! Both ends take the connection over, and then speak unmodified HTTP/2 on it. So nothing is lost on the way:
//! deadlines, cancellation, trailers and flow control are HTTP/2's, and any gRPC client or server of the world is
//! good for the other end.
//!
//! ```text
//! Channel ─→ Dialer ─→ HTTP/1.1 request ─→ … proxies … ─→ Door: who may? ─→ 101 or 200
//!    └── HTTP/2 ─────────────────── one taken-over connection ─────────────────┴─→ Server: the named services
//! ```
//!
//! | way in | what the client asks | who passes it |
//! |---|---|---|
//! | token | `Upgrade: hijack-grpc` | hijack, HAProxy, nginx with its usual lines for upgrades |
//! | WebSocket | subprotocol `hijack-grpc`; bytes in binary messages | everything that passes WebSockets |
//! | CONNECT | an authority that is a name for our services | HAProxy, forward proxies; stock gRPC clients ask so by themselves |
//! | h2c | `Upgrade: h2c`, as moby asks; only where it is switched on | some |
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod auth;
mod call;
mod channel;
mod config;
mod dial;
mod door;
#[cfg(feature = "interop")]
pub mod interop;
mod link;
mod pipe;
mod preface;
pub mod reverse;
mod server;
mod serving;
mod takeover;

pub use call::receiving::Receiving;
pub use call::trailers::{Trailers, WithTrailers};
pub use channel::{Calling, Channel};
pub use config::{ChannelConfig, Config};
pub use dial::{DialError, Dialer, Dialing, Mode};
pub use door::Asked;
pub use hijack::ws::{Origins, Reject};
pub use pipe::Pipe;
pub use server::Server;
pub use takeover::{Takeover, Way};

pub use tonic;

/// The protocol's name in `Upgrade`, and among a WebSocket's subprotocols.
pub const TOKEN: &str = "hijack-grpc";
