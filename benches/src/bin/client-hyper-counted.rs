//! hyper's client, counting its allocations.

use std::alloc::System;

use hijack_bench::clients::{self, hyper::Hyper};
use hijack_bench::heap::Heap;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> std::io::Result<()> {
    clients::run::<Hyper>(Some(|| Heap::of(ALLOCATOR)))
}
