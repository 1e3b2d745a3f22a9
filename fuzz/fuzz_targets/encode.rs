//! Runs [`hijack_properties::encode::round_trip`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hijack_properties::encode::round_trip(data));
