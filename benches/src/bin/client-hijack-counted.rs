//! Our client, counting its allocations.

use std::alloc::System;

use hijack_bench::clients::{self, hijack::Hijack};
use hijack_bench::heap::Heap;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> std::io::Result<()> {
    let heap = || Heap::of(ALLOCATOR);
    if std::env::args().any(|argument| argument == "--map") {
        return clients::run::<Hijack<true>>(Some(heap));
    }
    clients::run::<Hijack<false>>(Some(heap))
}
