//! Runs [`hijack_properties::heads::request`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hijack_properties::heads::request(data));
