//! Runs [`hijack_properties::grpc::calls`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hijack_properties::grpc::calls(data));
