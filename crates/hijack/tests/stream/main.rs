//! Docker's streams in both roles: against raw bytes, and ours against ours. One module per subject.

mod both;
mod broadcast;
mod halves;
mod output;
mod server;
mod stdin;
#[allow(dead_code, reason = "shared with the server's tests")]
#[path = "../behaviour/support.rs"]
mod support;
mod wire;
