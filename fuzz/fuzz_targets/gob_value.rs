//! Runs [`hijack_properties::gob::value`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hijack_properties::gob::value(data));
