//! Masking (RFC 6455 §5.3): the payload XORed with four bytes over and over.

/// The four bytes of one frame's masking key.
pub type MaskKey = [u8; 4];

/// A masking key and the place in it, so that a payload can be masked slice after slice. Masking and unmasking
/// are the same.
///
/// ```
/// use hijack_proto::ws::Mask;
/// let mut payload = *b"\x7f\x9f\x4d\x51\x58";
/// let (start, end) = payload.split_at_mut(3);
/// let mut mask = Mask::new([0x37, 0xfa, 0x21, 0x3d]);
/// mask.apply(start);
/// mask.apply(end);
/// assert_eq!(&payload, b"Hello");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mask {
    /// Rotated: the byte for the next byte of payload comes first.
    key: MaskKey,
}

impl Mask {
    /// The mask at the start of a payload.
    #[must_use]
    pub const fn new(key: MaskKey) -> Self {
        Self { key }
    }

    /// Masks the next bytes of the payload in place.
    #[inline]
    pub fn apply(&mut self, bytes: &mut [u8]) {
        let [a, b, c, d] = self.key;
        let word = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
        // Words of eight in fixed blocks: the compiler makes vectors of them.
        let (words, rest) = bytes.as_chunks_mut::<8>();
        for chunk in words {
            *chunk = (u64::from_ne_bytes(*chunk) ^ word).to_ne_bytes();
        }
        for (byte, key) in rest.iter_mut().zip([a, b, c, d, a, b, c]) {
            *byte ^= key;
        }
        self.key.rotate_left(bytes.len() % 4);
    }

    /// Passes over `len` bytes of the payload.
    pub fn skip(&mut self, len: usize) {
        self.key.rotate_left(len % 4);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6455 §5.3, byte by byte.
    fn slow(key: MaskKey, bytes: &[u8]) -> Vec<u8> {
        bytes.iter().enumerate().map(|(at, byte)| byte ^ key[at % 4]).collect()
    }

    #[test]
    fn masks_any_two_slices_as_one() {
        let key = [1, 2, 4, 0x80];
        let plain: Vec<u8> = (0..100).collect();
        for len in 0..plain.len() {
            for split in 0..=len {
                let mut bytes = plain[..len].to_vec();
                let mut mask = Mask::new(key);
                mask.apply(&mut bytes[..split]);
                let mut skipped = Mask::new(key);
                skipped.skip(split);
                assert_eq!(mask, skipped);
                mask.apply(&mut bytes[split..]);
                assert_eq!(bytes, slow(key, &plain[..len]), "{len} at {split}");
            }
        }
    }
}
