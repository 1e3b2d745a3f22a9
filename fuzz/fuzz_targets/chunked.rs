//! Runs [`hijack_properties::chunked::body`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hijack_properties::chunked::body(data));
