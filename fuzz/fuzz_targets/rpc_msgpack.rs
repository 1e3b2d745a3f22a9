//! Runs [`hijack_properties::rpc::msgpack::values`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hijack_properties::rpc::msgpack::values(data));
