//! Memory lent per thread, so that no connection holds any while it waits.
//!
//! A buffer is taken for the length of one poll and given back. Should a stream poll another one from within
//! its own poll, that one finds the place empty and gets a fresh buffer.

use std::cell::{Cell, RefCell};

use http::HeaderMap;

/// Bytes of the buffer that reads go through.
const READ_LEN: usize = 16 * 1024;

/// A larger output buffer is freed instead of being kept for the thread.
const MOST_KEPT_OUT: usize = 64 * 1024;

thread_local! {
    static READ: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
    static OUT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static HEADERS: RefCell<Vec<HeaderMap>> = const { RefCell::new(Vec::new()) };
}

/// Header maps that are kept for a thread, and the most lines that a kept one has room for.
const MOST_KEPT_HEADERS: usize = 16;
const MOST_KEPT_LINES: usize = 64;

/// Runs `read` with this thread's read buffer.
pub(crate) fn with_read<R>(read: impl FnOnce(&mut [u8]) -> R) -> R {
    let mut buffer = READ.take().unwrap_or_else(|| vec![0; READ_LEN].into());
    let result = read(&mut buffer);
    READ.set(Some(buffer));
    result
}

/// An empty output buffer.
pub(crate) fn take_out() -> Vec<u8> {
    OUT.take()
}

/// Gives an output buffer back.
pub(crate) fn give_out(mut buffer: Vec<u8>) {
    if buffer.capacity() <= MOST_KEPT_OUT {
        buffer.clear();
        OUT.set(buffer);
    }
}

/// An empty header map, with memory if there is some.
pub(crate) fn take_headers() -> HeaderMap {
    HEADERS.with_borrow_mut(Vec::pop).unwrap_or_default()
}

/// Gives an empty header map back.
pub(crate) fn give_headers(headers: HeaderMap) {
    if (1..=MOST_KEPT_LINES).contains(&headers.capacity()) {
        HEADERS.with_borrow_mut(|kept| {
            if kept.len() < MOST_KEPT_HEADERS {
                kept.push(headers);
            }
        });
    }
}
