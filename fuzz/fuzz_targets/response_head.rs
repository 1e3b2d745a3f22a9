//! Runs [`hijack_properties::heads::response`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hijack_properties::heads::response(data));
