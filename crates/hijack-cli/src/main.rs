//! The program `hijack`.
fn main() {}
