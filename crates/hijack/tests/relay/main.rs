//! Relays over real sockets: TCP, Unix, TLS and streams of the tests' own, in every combination.
//!
//! `world` makes the sides, the rest is one module per subject. The numbers are those of the behaviours.
#![cfg(feature = "tls")]

mod breaks;
#[allow(dead_code, reason = "made for other tests")]
#[path = "../behaviour/certificates.rs"]
mod certificates;
mod ends;
mod limits;
#[cfg(target_os = "linux")]
mod pipes;
mod random;
mod runs;
#[allow(dead_code, reason = "made for other tests")]
#[path = "../behaviour/support.rs"]
mod support;
mod tracked;
mod world;
