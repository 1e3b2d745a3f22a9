//! net/rpc in both roles over real sockets, and what either side makes of a peer that does not play along. What Go says
//! to all this is asked in `testing/interop`.

mod calls;
mod drips;
mod ends;
mod hostile;
mod http;
mod jsonrpc;
mod lies;
mod panics;
mod service;
mod support;
#[cfg(feature = "tls")]
mod tls;
