//! Runs [`hijack_properties::ws::negotiate::offers`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hijack_properties::ws::negotiate::offers(data));
