//! One direction's compressed messages, inflated (RFC 7692 §7.2.2).

use std::fmt;

use flate2::{Decompress, FlushDecompress, Status};

use super::super::check::Violation;
use super::{LEAST_BITS, TAIL};

/// Inflates messages piece by piece into the caller's buffer, so that the caller can stop at any length.
pub struct Inflater {
    zlib: Decompress,
    /// Bytes of the tail that were fed behind the message's own.
    tail_fed: usize,
    /// Whether the last block said that it was final, and nothing came behind it yet.
    ended: bool,
    /// Whether the stream broke behind bytes that were still good: they are given out first.
    broken: bool,
}

/// What one call of [`Inflater::inflate`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inflated {
    /// Bytes of the input that were used.
    pub read: usize,
    /// Bytes put into the output. If it is full there may be more.
    pub written: usize,
    /// Whether the message is at its end.
    pub done: bool,
}

impl Inflater {
    /// An inflater for a peer that compresses with a window of `bits` bits, 8 to 15.
    ///
    /// # Panics
    ///
    /// With more than 15 bits.
    #[must_use]
    pub fn new(bits: u8) -> Self {
        let zlib = Decompress::new_with_window_bits(false, bits.max(LEAST_BITS));
        Self { zlib, tail_fed: 0, ended: false, broken: false }
    }

    /// Inflates from the front of `input` into `out`, until one of them is used up. `last` says that the message
    /// ends with `input`.
    ///
    /// # Errors
    ///
    /// [`Violation::Deflate`]; the inflater is of no more use.
    pub fn inflate(&mut self, input: &[u8], last: bool, out: &mut [u8]) -> Result<Inflated, Violation> {
        let (mut read, mut written) = (0, 0);
        loop {
            let (used, made) = self.step(&input[read..], &mut out[written..]);
            (read, written) = (read + used, written + made);
            if self.broken && written == 0 {
                return Err(Violation::Deflate);
            }
            let used_up = last && read == input.len();
            let idle = used == 0 && made == 0;
            if self.broken || written == out.len() || (idle && !used_up) {
                return Ok(Inflated { read, written, done: false });
            }
            if used_up {
                let (made, done) = self.finish(&mut out[written..]);
                written += made;
                let fails = self.broken && written == 0;
                return if fails { Err(Violation::Deflate) } else { Ok(Inflated { read, written, done }) };
            }
        }
    }

    /// Forgets all messages so far, as a peer does that takes no context over (RFC 7692 §7.1.1).
    pub fn reset(&mut self) {
        self.zlib.reset(false);
        (self.tail_fed, self.ended, self.broken) = (0, false, false);
    }

    /// Whether what was given out so far is all that can be: the next call fails.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// Feeds what is missing of the tail; gives the bytes made of it, and whether all is out.
    fn finish(&mut self, out: &mut [u8]) -> (usize, bool) {
        let mut written = 0;
        // A final block that ends the message needs no tail (RFC 7692 §7.2.3.4 adds a byte that most leave out).
        while !self.ended {
            let (used, made) = self.step(&TAIL[self.tail_fed..], &mut out[written..]);
            self.tail_fed += used;
            written += made;
            if self.broken || written == out.len() {
                return (written, false);
            }
            if self.tail_fed == TAIL.len() || (used, made) == (0, 0) {
                break;
            }
        }
        self.tail_fed = 0;
        if std::mem::take(&mut self.ended) {
            self.zlib.reset(false);
        }
        (written, true)
    }

    /// One call of zlib: bytes used and made. Behind a final block the next one starts afresh.
    fn step(&mut self, input: &[u8], out: &mut [u8]) -> (usize, usize) {
        if self.broken || (self.ended && input.is_empty()) {
            return (0, 0);
        }
        if self.ended {
            self.zlib.reset(false);
        }
        let before = (self.zlib.total_in(), self.zlib.total_out());
        let status = self.zlib.decompress(input, out, FlushDecompress::Sync);
        self.ended = matches!(status, Ok(Status::StreamEnd));
        self.broken = status.is_err();
        let since = |now: u64, before: u64| usize::try_from(now - before).unwrap_or(usize::MAX);
        (since(self.zlib.total_in(), before.0), since(self.zlib.total_out(), before.1))
    }
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater").field("ended", &self.ended).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The message in pieces of `step` bytes, inflated into a buffer of `room` bytes over and over.
    fn inflate(inflater: &mut Inflater, wire: &[u8], step: usize, room: usize) -> Result<Vec<u8>, Violation> {
        let (mut at, mut message, mut out) = (0, Vec::new(), vec![0; room]);
        loop {
            let end = wire.len().min(at + step);
            let inflated = inflater.inflate(&wire[at..end], end == wire.len(), &mut out)?;
            message.extend_from_slice(&out[..inflated.written]);
            at += inflated.read;
            if inflated.done {
                return Ok(message);
            }
            assert!(inflated.written == room || inflated.read > 0, "no progress");
        }
    }

    /// RFC 7692 §7.2.3: the examples, cut and with little room.
    #[test]
    fn inflates_the_examples() {
        let table: [(&[u8], &[u8]); 6] = [
            (b"\xf2\x48\xcd\xc9\xc9\x07\x00", b"Hello"),
            (b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", b"Hello"),
            (b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", b"Hello"),
            (b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", b"Hello"),
            (b"\xf3\x48\xcd\xc9\xc9\x07\x00", b"Hello"),
            (b"\x00", b""),
        ];
        for (wire, message) in table {
            for step in 1..=wire.len() {
                for room in 1..8 {
                    let mut inflater = Inflater::new(15);
                    let got = inflate(&mut inflater, wire, step, room);
                    assert_eq!(got.as_deref(), Ok(message), "{wire:x?} by {step} into {room}");
                }
            }
        }
    }

    /// RFC 7692 §7.2.3.2: the second message refers to the first.
    #[test]
    fn takes_the_context_over() {
        let mut inflater = Inflater::new(9);
        for wire in [&b"\xf2\x48\xcd\xc9\xc9\x07\x00"[..], b"\xf2\x00\x11\x00\x00"] {
            assert_eq!(inflate(&mut inflater, wire, 3, 2).as_deref(), Ok(&b"Hello"[..]));
        }
        inflater.reset();
        assert_eq!(inflate(&mut inflater, b"\xf2\x00\x11\x00\x00", 3, 2), Err(Violation::Deflate));
    }

    #[test]
    fn refuses_what_is_no_deflate_stream() {
        for wire in [&b"\xff\xff\xff"[..], b"\x06", b"\x00\x05\x00\x00\x00hello"] {
            assert_eq!(inflate(&mut Inflater::new(15), wire, 64, 64), Err(Violation::Deflate), "{wire:x?}");
        }
    }
}
