//! Go's net/rpc against ours, both ways round.

mod clients;
mod jsonrpc;
mod servers;
mod support;
