//! Memory lent per thread, so that no connection holds any while it waits.
//!
//! A buffer is taken for the length of one poll and given back. Should a stream poll another one from within
//! its own poll, that one finds the place empty and gets a fresh buffer.

use std::cell::{Cell, RefCell};

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

/// A buffer beyond this is the thread's when nobody uses it.
const LONG_LEN: usize = 64 * 1024;

/// A buffer beyond this is freed.
const LONGEST_LEN: usize = 4 << 20;

/// As many long buffers are kept for a thread.
const MOST_LONG: usize = 4;

thread_local! {
    static LONG: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// An empty buffer: a long one if this thread has any that nobody uses.
#[allow(dead_code, reason = "only net/rpc sends and receives what is long")]
pub(crate) fn take_long() -> Vec<u8> {
    LONG.with_borrow_mut(Vec::pop).unwrap_or_default()
}

/// Empties a buffer. A long one goes to the thread, so that neither an idle connection holds it nor a busy one has to
/// have its pages made anew for every message.
#[allow(dead_code, reason = "only net/rpc sends and receives what is long")]
pub(crate) fn recycle(buffer: &mut Vec<u8>) {
    buffer.clear();
    if buffer.capacity() > LONG_LEN {
        let long = std::mem::take(buffer);
        LONG.with_borrow_mut(|kept| {
            if kept.len() < MOST_LONG && long.capacity() <= LONGEST_LEN {
                kept.push(long);
            }
        });
    }
}
