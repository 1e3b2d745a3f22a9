//! Go's net/rpc against ours, both ways round.

mod clients;
mod jsonrpc;
mod program;
mod servers;
mod support;
