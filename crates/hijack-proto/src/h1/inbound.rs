//! The receiving half, common to both roles: a buffer, the search for heads, the body under way.

use bytes::{Bytes, BytesMut};

use crate::Limits;
use crate::body::{BodyError, BodyEvent, BodyLength, Decoder};
use crate::head::{HeadError, HeadScan};

/// Received bytes that nobody was given yet, and the place in the message that they belong to.
#[derive(Debug)]
pub(super) struct Inbound {
    buf: BytesMut,
    eof: bool,
    scan: HeadScan,
    /// Empty lines skipped before the head to come.
    blank_lines: usize,
    /// The body behind the last head.
    pub(super) body: Decoder,
}

/// A buffer larger than this is given back when the connection goes idle.
const IDLE_BUFFER_LEN: usize = 2 * 1024;

impl Inbound {
    pub(super) fn new() -> Self {
        Self {
            buf: BytesMut::new(),
            eof: false,
            scan: HeadScan::default(),
            blank_lines: 0,
            body: Decoder::new(BodyLength::Exact(0)),
        }
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.buf.extend_from_slice(bytes);
    }

    pub(super) fn feed_eof(&mut self) {
        self.eof = true;
    }

    pub(super) fn is_eof(&self) -> bool {
        self.eof
    }

    pub(super) fn unread(&self) -> &[u8] {
        &self.buf
    }

    /// Every byte that was fed and not given out.
    pub(super) fn take_unread(&mut self) -> Bytes {
        let unread = std::mem::take(&mut self.buf);
        // What is empty would keep alive what the head in front of it was read into.
        if unread.is_empty() { Bytes::new() } else { unread.freeze() }
    }

    /// Gives a large empty buffer back; a small one stays for the next head.
    pub(super) fn shrink(&mut self) {
        if self.buf.is_empty() && self.buf.capacity() > IDLE_BUFFER_LEN {
            self.buf = BytesMut::new();
        }
    }

    /// Skips empty lines in front of a request (RFC 9112 §2.2).
    pub(super) fn skip_blank_lines(&mut self, limits: &Limits) -> Result<(), HeadError> {
        loop {
            let len = match *self.buf {
                [b'\n', ..] => 1,
                [b'\r', b'\n', ..] => 2,
                _ => return Ok(()),
            };
            if self.blank_lines == limits.blank_lines {
                return Err(HeadError::TooManyBlankLines { limit: limits.blank_lines });
            }
            self.blank_lines += 1;
            let _ = self.buf.split_to(len);
        }
    }

    /// The bytes of the next head if they are all there.
    pub(super) fn next_head(&mut self, limits: &Limits) -> Result<Option<Bytes>, HeadError> {
        if *self.buf == *b"\r" {
            return Ok(None); // the first half of an empty line, perhaps
        }
        let Some(len) = self.scan.find(&self.buf, limits)? else { return Ok(None) };
        self.blank_lines = 0;
        Ok(Some(self.buf.split_to(len).freeze()))
    }

    pub(super) fn next_body(&mut self, max: usize, limits: &Limits) -> Result<BodyEvent, BodyError> {
        self.body.next(&mut self.buf, self.eof, max, limits)
    }
}
