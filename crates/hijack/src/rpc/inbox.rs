//! What was received and not taken yet.

use std::fmt;

use crate::scratch;

/// Bytes of a peer's that wait to be decoded. It holds no memory while there are none, but for a small buffer; a large one
/// is lent by the thread while a long message comes.
#[derive(Default)]
pub struct Inbox {
    buf: Vec<u8>,
    /// Bytes at the front that were taken; `taken <= buf.len()`.
    taken: usize,
}

impl Inbox {
    /// What waits.
    #[must_use]
    pub fn rest(&self) -> &[u8] {
        &self.buf[self.taken..]
    }

    /// Where what waits begins in [`whole`](Self::whole).
    #[must_use]
    pub fn taken(&self) -> usize {
        self.taken
    }

    /// What waits, and in front of it what was taken since the last feeding: places in it stay right until then.
    #[must_use]
    pub fn whole(&self) -> &[u8] {
        &self.buf
    }

    /// Takes `len` bytes off the front.
    ///
    /// # Panics
    ///
    /// If there are fewer.
    pub fn take(&mut self, len: usize) {
        assert!(len <= self.rest().len(), "{len} bytes of {}", self.rest().len());
        self.taken += len;
    }

    /// Adds what was received.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.room(bytes.len()).extend_from_slice(bytes);
    }

    /// Puts other bytes in the place of those at the front, `len` of them, that are about to be taken.
    pub(super) fn replace(&mut self, at: usize, len: usize, bytes: &[u8]) {
        self.buf.splice(at..at + len, bytes.iter().copied());
    }

    /// Whether so much waits that reading into here is better than copying to it.
    pub(super) fn is_long(&self) -> bool {
        self.rest().len() >= LONG
    }

    /// The buffer, with room for `more` bytes behind what waits.
    pub(super) fn room(&mut self, more: usize) -> &mut Vec<u8> {
        self.let_go();
        if self.taken > 0 && self.taken >= self.buf.len() / 2 {
            // Fewer bytes move than were taken.
            self.buf.drain(..self.taken);
            self.taken = 0;
        }
        if self.buf.capacity() == 0 {
            self.buf = scratch::take_long();
        }
        self.buf.reserve(more);
        &mut self.buf
    }

    /// Keeps no more memory than an ordinary call needs, if all was taken.
    pub(super) fn let_go(&mut self) {
        if self.taken < self.buf.len() {
            return;
        }
        self.taken = 0;
        scratch::recycle(&mut self.buf);
    }
}

/// From here on it is read into the buffer directly.
const LONG: usize = 32 * 1024;

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("rest", &self.rest().len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_out_what_it_was_fed() {
        let mut inbox = Inbox::default();
        inbox.feed(b"hello");
        inbox.take(2);
        inbox.feed(b" world");
        assert_eq!(inbox.rest(), b"llo world");
        inbox.take(9);
        assert_eq!(inbox.rest(), b"");
        inbox.feed(b"again");
        assert_eq!((inbox.rest(), inbox.taken()), (&b"again"[..], 0));
    }

    #[test]
    fn a_long_buffer_is_not_kept() {
        let mut inbox = Inbox::default();
        inbox.feed(&vec![0; 1 << 20]);
        assert!(inbox.is_long());
        inbox.take(1 << 20);
        inbox.let_go();
        assert_eq!(inbox.buf.capacity(), 0);
        // The thread has kept it, for whoever needs one next.
        inbox.feed(b"x");
        assert!(inbox.buf.capacity() >= 1 << 20);
    }
}
