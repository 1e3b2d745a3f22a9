//! Ours, counting its allocations.

use std::alloc::System;

use hijack_bench::heap::Heap;
use hijack_bench::servers::{self, hijack};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> std::io::Result<()> {
    let heap = || Heap::of(ALLOCATOR);
    if std::env::args().any(|argument| argument == "--in-handler") {
        return servers::run(hijack::serve_in_handler, Some(heap));
    }
    servers::run(hijack::serve, Some(heap))
}
