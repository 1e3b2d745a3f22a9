//! Where a decoder takes its bytes from.

use bytes::{Buf, Bytes, BytesMut};

/// Bytes that were received and not decoded yet: a slice of them, or a buffer to which more are added behind.
pub trait Input {
    /// All of them.
    fn bytes(&self) -> &[u8];

    /// Drops the first `len`, which are there.
    fn consume(&mut self, len: usize);
}

impl Input for &[u8] {
    fn bytes(&self) -> &[u8] {
        self
    }

    fn consume(&mut self, len: usize) {
        *self = &self[len..];
    }
}

impl Input for BytesMut {
    fn bytes(&self) -> &[u8] {
        self
    }

    fn consume(&mut self, len: usize) {
        self.advance(len);
    }
}

impl Input for Bytes {
    fn bytes(&self) -> &[u8] {
        self
    }

    fn consume(&mut self, len: usize) {
        self.advance(len);
    }
}
