//! Runs [`hijack_properties::rpc::json::values`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hijack_properties::rpc::json::values(data));
