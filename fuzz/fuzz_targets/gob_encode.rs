//! Runs [`hijack_properties::gob::encode`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hijack_properties::gob::encode(data));
