//! WebSocket's behaviours, proved over real sockets: against raw bytes in both roles, and between both of ours.
//!
//! One module per subject. A test's doc comment names the clause that it proves, where there is one.

mod adapters;
mod bytes;
#[cfg(feature = "tls")]
#[path = "../behaviour/certificates.rs"]
mod certificates;
mod closing;
mod compression;
mod dialling;
mod frames;
mod handshake;
mod heartbeat;
mod keys;
mod limits;
mod oversize;
mod parity;
mod pieces;
mod receiving;
mod sending;
mod streaming;
#[allow(dead_code, reason = "shared with the server's tests")]
#[path = "../behaviour/support.rs"]
mod support;
mod transports;
mod trying;
mod values;
mod wire;
mod writers;
