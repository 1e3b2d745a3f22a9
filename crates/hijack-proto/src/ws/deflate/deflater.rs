//! One direction's messages, compressed (RFC 7692 §7.2.1).

use std::fmt;

use flate2::{Compress, Compression, FlushCompress};

use super::TAIL;

/// Compresses messages, whole or fragment by fragment.
pub struct Deflater {
    zlib: Compress,
    level: u32,
}

impl Deflater {
    /// A compressor with a window of `bits` bits, 9 to 15, and zlib's `level` 0 to 9.
    ///
    /// # Panics
    ///
    /// With other bits.
    #[must_use]
    pub fn new(bits: u8, level: u32) -> Self {
        let level = level.min(9);
        Self { zlib: Compress::new_with_window_bits(Compression::new(level), false, bits), level }
    }

    /// Appends the compressed `fragment` to `out`; `fin` says that the message ends with it.
    ///
    /// What is appended inflates to all of the fragment, so a receiver can use it before the next one.
    pub fn deflate(&mut self, fragment: &[u8], fin: bool, out: &mut Vec<u8>) {
        let start = out.len();
        let end = self.zlib.total_in() + fragment.len() as u64;
        loop {
            let rest = usize::try_from(end - self.zlib.total_in()).unwrap_or_default();
            out.reserve(rest / 2 + TAIL.len() * 8);
            let rest = &fragment[fragment.len() - rest..];
            // Only a missing output would be an error, and there is room.
            let _ = self.zlib.compress_vec(rest, out, FlushCompress::Sync);
            if self.zlib.total_in() == end && out.len() < out.capacity() {
                break;
            }
        }
        if fin {
            cut_tail(start, out);
        }
    }

    /// Forgets all messages so far, as an endpoint must that takes no context over (RFC 7692 §7.1.1).
    pub fn reset(&mut self) {
        self.zlib.reset();
    }

    /// The level.
    #[must_use]
    pub fn level(&self) -> u32 {
        self.level
    }
}

/// Takes the tail off what stands behind `start`. If nothing was flushed there, a byte of an empty block stands
/// for it (RFC 7692 §7.2.3.6).
fn cut_tail(start: usize, out: &mut Vec<u8>) {
    if out[start..].ends_with(&TAIL) {
        out.truncate(out.len() - TAIL.len());
    }
    if out.len() == start {
        out.push(0x00);
    }
}

impl fmt::Debug for Deflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deflater").field("level", &self.level).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Inflater;
    use super::*;

    fn inflate(inflater: &mut Inflater, wire: &[u8], last: bool) -> Vec<u8> {
        let mut out = vec![0; 1 << 20];
        let inflated = inflater.inflate(wire, last, &mut out).expect("legal");
        assert_eq!((inflated.read, inflated.done), (wire.len(), last));
        out.truncate(inflated.written);
        out
    }

    /// RFC 7692 §7.2.3.1 and §7.2.3.2, with zlib's choice of blocks.
    #[test]
    fn writes_the_examples() {
        let mut deflater = Deflater::new(15, 6);
        for wire in [&b"\xf2\x48\xcd\xc9\xc9\x07\x00"[..], b"\xf2\x00\x11\x00\x00"] {
            let mut out = b"before".to_vec();
            deflater.deflate(b"Hello", true, &mut out);
            assert_eq!(out, [b"before", wire].concat());
        }
    }

    /// RFC 7692 §7.2.3.6, also twice in a row and behind fragments.
    #[test]
    fn writes_empty_messages_and_fragments() {
        let (mut deflater, mut inflater) = (Deflater::new(9, 1), Inflater::new(9));
        for fragments in [&[""][..], &[""], &["a", ""], &["", "", "b"], &["", ""], &["a"]] {
            let last = fragments.len() - 1;
            for (at, fragment) in fragments.iter().enumerate() {
                let mut wire = Vec::new();
                deflater.deflate(fragment.as_bytes(), at == last, &mut wire);
                assert_eq!(inflate(&mut inflater, &wire, at == last), fragment.as_bytes(), "{fragments:?}");
            }
        }
    }

    /// RFC 7692 §7.1.2: no distance is larger than the window, so a window of that size reads it.
    #[test]
    fn respects_its_window() {
        let noise: Vec<u8> = (0..1_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let message = noise.repeat(40);
        for bits in 9..=15 {
            let mut wire = Vec::new();
            Deflater::new(bits, 9).deflate(&message, true, &mut wire);
            assert!(bits > 9 || wire.len() > message.len() / 2, "512 bytes of window cannot see 1,000 back");
            assert!(bits < 11 || wire.len() < message.len() / 8);
            assert!(inflate(&mut Inflater::new(bits), &wire, true) == message, "{bits}");
        }
    }
}
