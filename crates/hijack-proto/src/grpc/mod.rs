//! The calls of gRPC inside a connection that somebody else speaks HTTP/2 on, for whoever passes its bytes on.
//!
//! [`Calls`] sees both directions, changes nothing, and tells which calls there are: their methods, how many messages
//! went each way, how they ended (gRPC over HTTP/2; RFC 9113; RFC 7541). It takes no part in the conversation: what it
//! cannot follow it [gives up](Lost), and the bytes pass all the same.

mod call;
mod calls;
mod direction;
mod frame;
mod headers;
mod huffman;
mod message;
mod status;

use std::fmt;

pub use call::{Call, CallEnd};
pub use calls::Calls;
pub use status::Status;

/// Who sent some bytes: the ends of the taken-over connection, whichever of them calls the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sender {
    /// The one that asked for the takeover.
    Client,
    /// The one that granted it.
    Server,
}

impl Sender {
    /// The other end.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }

    const fn index(self) -> usize {
        match self {
            Self::Client => 0,
            Self::Server => 1,
        }
    }
}

/// What is held of a connection at the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Calls followed at once; further ones are counted, and not followed. Default 1,000: ten times what most servers
    /// allow on a connection.
    pub open: usize,
    /// Ended calls that are kept, the newest. Default 100.
    pub ended: usize,
    /// Bytes of a block of compressed headers. Default 64 KiB, four times what most ends accept.
    pub block_len: usize,
    /// Bytes of each direction's table of headers (RFC 7541 §4.2). Default 64 KiB; 4 KiB are usual.
    pub table_len: usize,
    /// Bytes of a method's name, and of a status message, that are kept; as text they may have more where they are no
    /// UTF-8. Default 256.
    pub text_len: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { open: 1_000, ended: 100, block_len: 64 * 1024, table_len: 64 * 1024, text_len: 256 }
    }
}

/// Why a connection's calls are not followed any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lost {
    /// Neither end, or both, began as a client of HTTP/2 does (RFC 9113 §3.4).
    NoPreface,
    /// A frame stands where none like it may (RFC 9113 §6).
    WrongFrame {
        /// Its type.
        kind: u8,
    },
    /// A block of headers is longer than [`Limits::block_len`].
    BlockTooLong {
        /// Its bytes so far.
        len: usize,
        /// The limit.
        limit: usize,
    },
    /// A block of headers cannot be decoded, or wants a table beyond [`Limits::table_len`] (RFC 7541).
    Headers,
    /// Bytes passed unseen, or changed.
    Unseen,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPreface => f.write_str("it is not HTTP/2: no end began with its preface"),
            Self::WrongFrame { kind } => write!(f, "a frame of type {kind} stands where none may"),
            Self::BlockTooLong { len, limit } => {
                write!(f, "a block of headers of {len} bytes exceeds the limit {limit}")
            }
            Self::Headers => f.write_str("a block of headers cannot be decoded"),
            Self::Unseen => f.write_str("a part of it was not seen"),
        }
    }
}

impl std::error::Error for Lost {}
