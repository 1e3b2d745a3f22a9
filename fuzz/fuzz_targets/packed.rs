//! The state of a relay that comes from another process: what is understood is written again as it was read.
#![no_main]

use std::fs::File;
use std::os::fd::OwnedFd;

use hijack::PackedRelay;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let socket = || OwnedFd::from(File::open("/dev/null").expect("it is always there"));
    if let Ok(packed) = PackedRelay::from_bytes(data, socket(), socket()) {
        let bytes = packed.to_bytes();
        let again = PackedRelay::from_bytes(&bytes, socket(), socket()).expect("own bytes");
        assert_eq!(again.to_bytes(), bytes);
    }
});
