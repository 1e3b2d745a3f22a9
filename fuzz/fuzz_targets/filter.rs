//! Runs the law of filters, which `crates/hijack-gateway/tests/filter` shares.
#![no_main]

#[path = "../../crates/hijack-gateway/tests/filter/law.rs"]
mod law;

libfuzzer_sys::fuzz_target!(|data: &[u8]| law::check(data));
