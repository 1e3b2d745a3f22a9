//! permessage-deflate (RFC 7692): the agreement, and streams of compressed messages.

mod agreement;
mod deflater;
mod inflater;

pub use agreement::{Agreement, AnswerError, Config, NAME};
pub use deflater::Deflater;
pub use inflater::{Inflated, Inflater};

/// The smallest window that zlib makes: a window of 8 bits can be read, but not written.
pub const LEAST_BITS: u8 = 9;
/// The largest window of DEFLATE, 32 KiB.
pub const MOST_BITS: u8 = 15;

/// What every message ends with and no message carries (RFC 7692 §7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];
