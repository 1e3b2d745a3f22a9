//! Runs [`hijack_properties::tokens::lists`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hijack_properties::tokens::lists(data));
