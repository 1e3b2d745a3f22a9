//! The client's behaviours, proved over real sockets against a server that says exactly which bytes, and against our
//! own.
//!
//! One module per subject. A test's doc comment begins with the number of the behaviour that it proves, where it has
//! one. Time stands still where no socket is needed, so that limits are waited for at once.

mod adopted;
mod bodies;
mod cancels;
#[cfg(feature = "tls")]
#[path = "../behaviour/certificates.rs"]
mod certificates;
mod declines;
mod dialling;
mod hostile;
mod pipelines;
mod pooled;
mod requests;
mod scripted;
#[allow(dead_code, reason = "shared with the server's tests")]
#[path = "../behaviour/support.rs"]
mod support;
mod takeovers;
mod times;
#[cfg(feature = "tls")]
mod tls;
mod tunnels;
mod upgrades;
mod uploads;
