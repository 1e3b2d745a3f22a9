//! Runs [`hijack_properties::server::session`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hijack_properties::server::session(data));
