//! Runs [`hijack_properties::stream::detach`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hijack_properties::stream::detach(data));
