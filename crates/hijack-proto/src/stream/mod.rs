//! Docker's streams, without any IO: what lies on a connection behind `attach`, `exec` and `logs`.
//!
//! ```text
//! daemon → Decoder → Frame, Data of stdout and stderr, the daemon's error, Truncated
//! daemon ← FrameHeader::encode ← what a process writes
//! stdin  → DetachMatcher → what the process gets, or: detach
//! ```
//!
//! A process without a terminal has two outputs on one connection, in [frames](FrameHeader): eight bytes, then a
//! payload. One with a terminal has a single one, raw; so is stdin always. The bytes do not tell which of the two
//! it is: [`Framing`] comes from the answer's head, or from what the container is.

mod detach;
mod frame;
mod framing;

pub use detach::{DetachKeys, DetachKeysError, DetachMatcher};
pub use frame::{
    Decoded, Decoder, FRAME_HEADER_LEN, FRAME_PAYLOAD_LEN, FrameError, FrameHeader, Limits, StreamType,
};
pub use framing::{Framing, MULTIPLEXED_STREAM, RAW_STREAM};
