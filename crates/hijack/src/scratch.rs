//! Memory lent per thread, so that no connection holds any while it waits.
//!
//! A buffer is taken for the length of one poll and given back. Should a stream poll another one from within
//! its own poll, that one finds the place empty and gets a fresh buffer.

use std::cell::Cell;

use crate::wire::Queue;

/// Bytes of the buffer that reads go through.
const READ_LEN: usize = 16 * 1024;

/// Bytes of the buffer that relays copy through.
pub(crate) const RELAY_LEN: usize = 256 * 1024;

/// A larger output buffer is freed instead of being kept for the thread.
const MOST_KEPT_OUT: usize = 64 * 1024;

thread_local! {
    static READ: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
    static RELAY: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
    static OUT: Cell<Option<Box<Queue>>> = const { Cell::new(None) };
}

/// Runs `read` with this thread's read buffer.
pub(crate) fn with_read<R>(read: impl FnOnce(&mut [u8]) -> R) -> R {
    let mut buffer = READ.take().unwrap_or_else(|| vec![0; READ_LEN].into());
    let result = read(&mut buffer);
    READ.set(Some(buffer));
    result
}

/// Runs `copy` with this thread's buffer for relays.
pub(crate) fn with_relay<R>(copy: impl FnOnce(&mut [u8]) -> R) -> R {
    let mut buffer = RELAY.take().unwrap_or_else(|| vec![0; RELAY_LEN].into());
    let result = copy(&mut buffer);
    RELAY.set(Some(buffer));
    result
}

/// An empty queue of output.
pub(crate) fn take_out() -> Box<Queue> {
    OUT.take().unwrap_or_default()
}

/// Gives a queue of output back.
pub(crate) fn give_out(mut queue: Box<Queue>) {
    if queue.bytes.capacity() <= MOST_KEPT_OUT {
        queue.clear();
        OUT.set(Some(queue));
    }
}
