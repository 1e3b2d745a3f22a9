//! What is large and needed for a moment only, one for each thread: no connection holds it while it waits.

use std::fmt;

use super::deflate::{Deflater, Inflater, MOST_BITS};

/// Buffers and compressors that the connections of one thread share. An unused one holds no memory.
///
/// A compressor comes here between messages only where no context is taken over (RFC 7692 §7.1.1).
#[derive(Default)]
pub struct Workspace {
    inflated: Vec<u8>,
    compressed: Vec<u8>,
    inflaters: Vec<Inflater>,
    deflaters: Vec<(u8, Deflater)>,
}

impl Workspace {
    /// Room for the inflated bytes of one event.
    pub(super) fn inflated(&mut self) -> &mut [u8] {
        if self.inflated.is_empty() {
            self.inflated.resize(INFLATED_LEN, 0);
        }
        &mut self.inflated
    }

    /// An inflater without context, for any window.
    pub(super) fn take_inflater(&mut self) -> Inflater {
        self.inflaters.pop().unwrap_or_else(|| Inflater::new(MOST_BITS))
    }

    pub(super) fn give_inflater(&mut self, mut inflater: Inflater) {
        if self.inflaters.len() < IDLE {
            inflater.reset();
            self.inflaters.push(inflater);
        }
    }

    /// A compressor without context for a window of `bits` bits.
    pub(super) fn take_deflater(&mut self, bits: u8, level: u32) -> Deflater {
        let fits = |(found, deflater): &(u8, Deflater)| *found == bits && deflater.level() == level.min(9);
        match self.deflaters.iter().position(fits) {
            Some(at) => self.deflaters.swap_remove(at).1,
            None => Deflater::new(bits, level),
        }
    }

    pub(super) fn give_deflater(&mut self, bits: u8, mut deflater: Deflater) {
        if self.deflaters.len() < IDLE {
            deflater.reset();
            self.deflaters.push((bits, deflater));
        }
    }

    /// An empty buffer for a compressed payload, to be given back.
    pub(super) fn take_compressed(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.compressed)
    }

    pub(super) fn give_compressed(&mut self, mut buffer: Vec<u8>) {
        buffer.clear();
        buffer.shrink_to(COMPRESSED_KEPT);
        self.compressed = buffer;
    }
}

impl fmt::Debug for Workspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let idle = (self.inflaters.len(), self.deflaters.len());
        f.debug_struct("Workspace").field("idle", &idle).finish_non_exhaustive()
    }
}

/// Most messages inflate to less; the event of a longer one comes in pieces.
const INFLATED_LEN: usize = 64 * 1024;
/// A buffer for compressed output that grew larger is cut back.
const COMPRESSED_KEPT: usize = 256 * 1024;
/// Idle compressors of either kind, some 300 KiB each. A thread works on one message at a time, but several may
/// be half done.
const IDLE: usize = 8;
