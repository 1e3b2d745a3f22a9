//! Runs [`hijack_properties::ws::deflate::round_trip`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hijack_properties::ws::deflate::round_trip(data));
