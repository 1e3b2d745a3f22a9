//! Bodies: how long one is, where it ends, and its bytes in and out.
//!
//! `framing` decides the length from the head, once; `decode` walks the wire bytes and stops exactly behind
//! the last byte that it gave out, so that a takeover in the middle of a body finds the rest raw; `encode`
//! writes the other direction.

mod chunked;
mod decode;
mod encode;
mod framing;

pub(crate) use decode::Decoder;
pub use decode::{BodyError, BodyEvent};
pub use encode::EncodeError;
pub(crate) use encode::Encoder;
pub(crate) use framing::parse_length;
pub use framing::{BodyLength, FramingError};
pub(crate) use framing::{request_length, response_length};
