//! WebSocket (RFC 6455) with permessage-deflate (RFC 7692), without any IO.
//!
//! ```text
//! wire → HeaderDecoder → check → Mask → (Inflater) → UTF-8 → Event → Assembly → Message
//! wire ← FrameHeader::encode ← Mask ← (Deflater) ← Sender ← message, fragment, ping, close
//! ```
//!
//! Two halves, independent of each other, so that a connection can be split: [`Receiver`] turns the bytes of a
//! readable batch into events, [`Sender`] turns messages into frames. Both roles use the same two types. A relay
//! that looks at headers only and forwards the masked payload as it is needs [`FrameScan`] and
//! [`check::FrameLaw`] alone. [`handshake`] comes before all of them.
//!
//! Masking keys are arguments (RFC 6455 §5.3 wants them unpredictable, which no code without randomness can be).
//! What is large and needed for a moment only stands in a [`Workspace`], one for each thread, not in the
//! connection: an idle [`Receiver`] holds a few hundred bytes.

mod assembly;
pub mod check;
mod close;
mod control;
pub mod deflate;
pub mod handshake;
mod header;
mod limits;
mod mask;
mod prepared;
mod receive;
mod scan;
mod send;
mod utf8;
mod workspace;

pub use assembly::{Assembly, Message, Skipped};
pub use check::Violation;
pub use close::{Close, CloseCode, CloseError};
pub use control::{CONTROL_LEN, ControlPayload};
pub use header::{EncodedHeader, FrameHeader, HEADER_LEN, HeaderDecoder, HeaderError, Opcode};
pub use limits::Limits;
pub use mask::{Mask, MaskKey};
pub use prepared::Prepared;
pub use receive::{Event, Payload, Piece, ReceiveError, Receiver};
pub use scan::{FrameScan, Scanned};
pub use send::{SendError, Sender};
pub use utf8::{InvalidUtf8, Utf8};
pub use workspace::Workspace;

/// Which end of the connection we are. Clients mask what they send, servers do not (RFC 6455 §5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// We answered the handshake.
    Server,
    /// We asked for it.
    Client,
}

/// What a data message holds (RFC 6455 §5.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// UTF-8 text.
    Text,
    /// Arbitrary bytes.
    Binary,
}

impl MessageKind {
    /// The opcode of such a message's first frame.
    #[must_use]
    pub const fn opcode(self) -> Opcode {
        match self {
            Self::Text => Opcode::TEXT,
            Self::Binary => Opcode::BINARY,
        }
    }
}
