//! Runs [`hijack_properties::client::session`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hijack_properties::client::session(data));
