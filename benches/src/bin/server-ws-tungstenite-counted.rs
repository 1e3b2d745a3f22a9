//! A WebSocket server: tokio-tungstenite, counting its allocations.

use std::alloc::System;

use hijack_bench::heap::Heap;
use hijack_bench::servers::{self, ws};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> std::io::Result<()> {
    servers::run(ws::with_tungstenite, Some(|| Heap::of(ALLOCATOR)))
}
