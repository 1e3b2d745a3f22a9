//! Messages: a length and so many bytes.

use super::error::{DecodeError, DecodeErrorKind as Kind, Result};
use crate::wire::{Uint, read_uint};

/// What the input starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Front {
    /// A message that is not whole.
    Part,
    /// A whole one, between these places.
    Message { start: usize, end: usize },
}

/// Looks at the length of the first message only.
pub(super) fn front(bytes: &[u8], limit: usize) -> Result<Front> {
    let (len, start) = match read_uint(bytes) {
        Uint::Whole(len, start) => (len, start),
        Uint::Cut => return Ok(Front::Part),
        Uint::TooLong(_) => return Err(DecodeError::malformed("a message length of more than eight bytes")),
    };
    let len = match usize::try_from(len) {
        Ok(0) => return Err(DecodeError::malformed("an empty message")),
        Ok(len) if len <= limit => len,
        _ => return Err(DecodeError::new(Kind::MessageTooLong { len, limit })),
    };
    if bytes.len() - start < len { Ok(Front::Part) } else { Ok(Front::Message { start, end: start + len }) }
}
