//! The program `hijack gateway` between peers that none of us wrote, and that know nothing of it.

mod autobahn;
mod command;
mod docker;
mod grpc;
mod netrpc;
mod ordinary;
mod smuggling;
mod upgrades;
mod websocket;

/// What `variable` says, if it is a number.
fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}
