//! The server's behaviours, proved over real sockets with raw bytes through the public API.
//!
//! One module per subject. A test's doc comment begins with the number of the behaviour that it proves, where
//! it has one, and says where Go's own tests leave the matter untested.

mod answers;
mod bodies;
#[cfg(feature = "tls")]
mod certificates;
mod config;
mod conn;
mod conn_limits;
mod connect;
mod listen;
mod panics;
mod refusals;
mod shutdown;
mod support;
mod takeover;
#[cfg(feature = "tls")]
mod tls;
mod tracker;
mod upgrade;
