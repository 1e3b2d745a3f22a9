//! The payload of a control frame: 125 bytes at most (RFC 6455 §5.5), so it is held in place.

use std::fmt;
use std::ops::Deref;

/// Bytes of payload that a control frame may have (RFC 6455 §5.5).
pub const CONTROL_LEN: usize = 125;

/// Up to [`CONTROL_LEN`] bytes without an allocation; a slice of them by [`Deref`].
#[derive(Clone, Copy)]
pub struct ControlPayload {
    bytes: [u8; CONTROL_LEN],
    /// At most `CONTROL_LEN`.
    len: usize,
}

impl ControlPayload {
    /// A copy of `bytes`, or none if they are too many.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let mut payload = Self::default();
        (payload.extend(bytes) == bytes.len()).then_some(payload)
    }

    /// Appends as many of `bytes` as there is room for; gives how many.
    pub(crate) fn extend(&mut self, bytes: &[u8]) -> usize {
        let start = self.len;
        let taken = bytes.len().min(CONTROL_LEN - start);
        self.bytes[start..start + taken].copy_from_slice(&bytes[..taken]);
        self.len += taken;
        taken
    }

    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }
}

impl Default for ControlPayload {
    fn default() -> Self {
        Self { bytes: [0; CONTROL_LEN], len: 0 }
    }
}

impl Deref for ControlPayload {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl PartialEq for ControlPayload {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for ControlPayload {}

impl fmt::Debug for ControlPayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.escape_ascii())
    }
}
