//! Runs [`hijack_properties::ws::receive::events`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hijack_properties::ws::receive::events(data));
