//! Reading a body on demand: nothing beyond what was given out is consumed.

use std::fmt;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;

use super::BodyLength;
use super::chunked::Chunked;
use crate::Limits;

/// What reading a body gives next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyEvent {
    /// More bytes are needed from the peer before anything can be said.
    NeedInput,
    /// Some bytes of the body, never empty.
    Data(Bytes),
    /// The body is over; a chunked one may have had trailers (RFC 9112 §7.1.2). Said again at each further call.
    End(Option<HeaderMap>),
}

/// What is wrong with a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyError {
    /// The connection ended before the body did.
    Truncated,
    /// A chunk line is not `size [extensions] CRLF` (RFC 9112 §7.1).
    ChunkLine,
    /// A chunk's data is not followed by CRLF (RFC 9112 §7.1).
    ChunkEnd,
    /// A trailer section that is no header section, or has a bare LF (RFC 9112 §7.1.2).
    Trailers,
    /// A chunk line is longer than the limit.
    ChunkLineTooLong {
        /// [`Limits::chunk_line_len`].
        limit: usize,
    },
    /// The chunk extensions of this body are longer than the limit.
    ExtensionsTooLong {
        /// [`Limits::chunk_extensions_len`].
        limit: usize,
    },
    /// The trailer section is longer than the limit.
    TrailersTooLong {
        /// [`Limits::trailers_len`].
        limit: usize,
    },
    /// The trailer section has more lines than the limit.
    TooManyTrailers {
        /// [`Limits::headers`].
        limit: usize,
    },
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("connection ended within the body"),
            Self::ChunkLine => f.write_str("malformed chunk line"),
            Self::ChunkEnd => f.write_str("chunk not ended by CRLF"),
            Self::Trailers => f.write_str("malformed trailer section"),
            Self::ChunkLineTooLong { limit } => write!(f, "chunk line exceeds limit {limit} bytes"),
            Self::ExtensionsTooLong { limit } => write!(f, "chunk extensions exceed limit {limit} bytes"),
            Self::TrailersTooLong { limit } => write!(f, "trailer section exceeds limit {limit} bytes"),
            Self::TooManyTrailers { limit } => write!(f, "trailer section exceeds limit {limit} lines"),
        }
    }
}

impl std::error::Error for BodyError {}

/// The place in a body where reading stands.
#[derive(Debug)]
pub(crate) enum Decoder {
    /// So many bytes are still to come.
    Exact(u64),
    Chunked(Box<Chunked>),
    UntilClose,
}

impl Decoder {
    pub(crate) fn new(length: BodyLength) -> Self {
        match length {
            BodyLength::Exact(len) => Self::Exact(len),
            BodyLength::Chunked => Self::Chunked(Box::default()),
            BodyLength::UntilClose => Self::UntilClose,
        }
    }

    /// Whether the end of the body was reached.
    pub(crate) fn is_done(&self) -> bool {
        match self {
            Self::Exact(left) => *left == 0,
            Self::Chunked(chunked) => chunked.is_done(),
            Self::UntilClose => false,
        }
    }

    /// The bytes that are still to come, if the head told.
    pub(crate) fn remaining(&self) -> Option<u64> {
        match self {
            Self::Exact(left) => Some(*left),
            Self::Chunked(chunked) => chunked.is_done().then_some(0),
            Self::UntilClose => None,
        }
    }

    /// Takes up to `max` bytes of the body from the front of `buf`; `eof` says that nothing follows `buf`.
    ///
    /// An error is said again at each further call.
    pub(crate) fn next(
        &mut self,
        buf: &mut BytesMut,
        eof: bool,
        max: usize,
        limits: &Limits,
    ) -> Result<BodyEvent, BodyError> {
        let event = match self {
            Self::Exact(left) => take_of(left, buf, max),
            Self::Chunked(chunked) => chunked.next(buf, max, limits)?,
            Self::UntilClose if buf.is_empty() && eof => {
                *self = Self::Exact(0); // it is done, and says so from now on
                BodyEvent::End(None)
            }
            Self::UntilClose => take_of(&mut u64::MAX.clone(), buf, max),
        };
        match event {
            BodyEvent::NeedInput if eof => Err(BodyError::Truncated),
            event => Ok(event),
        }
    }
}

/// Takes up to `max` of the `left` bytes from the front of `buf`.
pub(super) fn take_of(left: &mut u64, buf: &mut BytesMut, max: usize) -> BodyEvent {
    if *left == 0 {
        return BodyEvent::End(None);
    }
    let len = usize::try_from(*left).unwrap_or(usize::MAX).min(buf.len()).min(max.max(1));
    if len == 0 {
        return BodyEvent::NeedInput;
    }
    *left -= len as u64;
    BodyEvent::Data(buf.split_to(len).freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9112 §6.3 rule 8: the connection's end is the body's, and then it is done as any other.
    #[test]
    fn a_body_up_to_the_end_is_done_there() {
        let (mut decoder, mut buf) = (Decoder::new(BodyLength::UntilClose), BytesMut::from(&b"some"[..]));
        let mut next = |eof| {
            let event = decoder.next(&mut buf, eof, usize::MAX, &Limits::default());
            (event.expect("any bytes are legal"), decoder.is_done())
        };
        assert_eq!(next(false), (BodyEvent::Data(Bytes::from_static(b"some")), false));
        assert_eq!(next(false), (BodyEvent::NeedInput, false));
        assert_eq!(next(true), (BodyEvent::End(None), true));
        assert_eq!(next(true), (BodyEvent::End(None), true));
    }
}
