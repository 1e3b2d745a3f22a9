//! The programs that are compared, and the bytes and orders they agree on with the load.
//!
//! Every server and every client is a program of its own (`src/bin/`), so that CPU time and memory belong to one of
//! them alone. The load and the measuring are the program `hijack-bench` (`main.rs`); it uses nothing of hyper's or
//! ours.

pub mod clients;
pub mod codec;
pub mod echo;
pub mod grpc;
pub mod heap;
pub mod lanes;
pub mod order;
pub mod rpc;
pub mod servers;
pub mod wire;
