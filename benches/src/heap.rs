//! What an allocator counted since the program started.

use std::alloc::System;
use std::fmt;

use stats_alloc::StatsAlloc;

/// Two counters; differences between two moments are what is reported.
#[derive(Clone, Copy, Debug)]
pub struct Heap {
    /// Allocations, a grown or shrunk block counting as one more.
    pub allocations: usize,
    /// Bytes asked for and not given back; what the allocator itself needs on top is not in it.
    pub live_bytes: usize,
}

impl Heap {
    /// Reads the counters of the global allocator.
    #[must_use]
    pub fn of(allocator: &StatsAlloc<System>) -> Self {
        let stats = allocator.stats();
        Self {
            allocations: stats.allocations + stats.reallocations,
            live_bytes: stats.bytes_allocated - stats.bytes_deallocated,
        }
    }
}

/// The answer line: `ALLOCATIONS LIVE_BYTES`.
impl fmt::Display for Heap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.allocations, self.live_bytes)
    }
}
