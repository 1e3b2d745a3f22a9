//! The server's behaviours, proved over real sockets with raw bytes through the public API.
//!
//! One module per subject. A test's doc comment begins with the number of the behaviour that it proves, where
//! it has one, or says that Go's own tests leave the matter untested.

mod bodies;
mod support;
mod takeover;
