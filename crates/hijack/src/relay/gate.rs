//! What stands in a direction of a relay and sees its bytes.

use std::time::Duration;

use bytes::Bytes;

/// Stands in one direction of a [`Relay`](crate::Relay): it sees the bytes that pass, may hold them back or put its own
/// between them, and says how many it need not see, which the kernel may then move alone.
///
/// It is a machine without IO. Times are milliseconds of one clock that only goes forward, with a grain of 100 ms.
pub trait Gate: Send + 'static {
    /// The next bytes of the sender, and what of them goes on. It is never called with none.
    fn pass(&mut self, bytes: &[u8], now_ms: u64) -> Passed;

    /// How many of the next bytes need not be seen.
    fn blind(&self) -> u64;

    /// `len` bytes passed unseen; never more than [`blind`](Self::blind) said.
    fn skip(&mut self, len: u64, now_ms: u64);

    /// Bytes of the gate's own, to go out behind all that has passed. Asked whenever that is delivered.
    fn own(&mut self) -> Option<Bytes> {
        None
    }

    /// How long nothing is to be taken from the sender.
    fn pause(&self, now_ms: u64) -> Option<Duration> {
        let _ = now_ms;
        None
    }

    /// The sender's direction has ended; what of its bytes was held back goes out in front of that.
    fn end(&mut self) -> Option<Bytes> {
        None
    }
}

/// What becomes of bytes that a [`Gate`] has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Passed {
    /// They go on as they came.
    AsTheyCame,
    /// These go on in their place, or none.
    Changed(Vec<u8>),
}

/// No gate: everything passes unseen.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoGate;

impl Gate for NoGate {
    #[inline]
    fn pass(&mut self, _: &[u8], _: u64) -> Passed {
        Passed::AsTheyCame
    }

    #[inline]
    fn blind(&self) -> u64 {
        u64::MAX
    }

    #[inline]
    fn skip(&mut self, _: u64, _: u64) {}
}
