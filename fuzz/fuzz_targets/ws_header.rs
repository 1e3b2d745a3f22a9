//! Runs [`hijack_properties::ws::header::edges`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hijack_properties::ws::header::edges(data));
