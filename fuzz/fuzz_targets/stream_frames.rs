//! Runs [`hijack_properties::stream::frames`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hijack_properties::stream::frames(data));
