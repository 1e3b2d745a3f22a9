//! Runs [`hijack_properties::ws::handshake::opening`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hijack_properties::ws::handshake::opening(data));
