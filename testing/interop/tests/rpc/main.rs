//! Go's net/rpc against ours, both ways round.

mod clients;
mod delve;
mod handshakes;
mod hosts;
mod jsonrpc;
mod pipes;
mod program;
mod servers;
mod support;
mod yamux;
