//! Docker's own client before an engine of this library, and both clients before engines that answer strangely.

#[path = "../gateway/command.rs"]
mod command;
mod docker;
mod threads;
mod variants;

/// How often each command is run: `HIJACK_ENGINE_ROUNDS`, or 3.
fn rounds() -> usize {
    let told = std::env::var("HIJACK_ENGINE_ROUNDS").ok();
    told.map_or(3, |told| told.parse().expect("HIJACK_ENGINE_ROUNDS is a number"))
}
