//! Runs [`hijack_properties::rpc::handshake::heads`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hijack_properties::rpc::handshake::heads(data));
