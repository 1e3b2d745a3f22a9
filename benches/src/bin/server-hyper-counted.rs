//! hyper, counting its allocations.

use std::alloc::System;

use hijack_bench::heap::Heap;
use hijack_bench::servers::{self, hyper};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> std::io::Result<()> {
    let heap = || Heap::of(ALLOCATOR);
    servers::run(|listener| hyper::serve(hyper::builder(), listener), Some(heap))
}
