//! The daemon's side, to the byte, and the client of this crate before it.

mod http2;
mod site;
mod streams;
