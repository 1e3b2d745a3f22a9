//! Writing a body: the framing around its bytes, and the promise that the head made about them.

use std::fmt;

use http::HeaderMap;

use super::chunked::{may_trail, put_line};
use crate::head::put_headers;

/// Why a message cannot be written as asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeError {
    /// More bytes than `Content-Length` declared.
    TooLong {
        /// Bytes that still had a place.
        left: u64,
        /// Bytes that were to be written.
        len: u64,
    },
    /// The body ended before `Content-Length` was reached.
    TooShort {
        /// Bytes that are missing.
        missing: u64,
    },
    /// A `Content-Length` header that is no length, or not the length of the body given with it.
    WrongLength,
    /// The status does not fit here: an interim one for an answer, another one for an interim answer, or an
    /// interim one toward HTTP/1.0.
    Status(http::StatusCode),
    /// No exchange is open in which this could be written.
    NotOpen,
    /// As many requests are under way as the limit allows.
    TooManyPending {
        /// [`Limits::pipelined`](crate::Limits::pipelined).
        limit: usize,
    },
    /// A request target with a space, a control byte or nothing at all.
    Target,
    /// The body of a request of HTTP/1.0 has no length.
    UnknownLength,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { left, len } => {
                write!(f, "body bytes {len} exceed the {left} left of content-length")
            }
            Self::TooShort { missing } => write!(f, "body ended {missing} bytes before content-length"),
            Self::WrongLength => f.write_str("content-length does not fit the body"),
            Self::Status(status) => write!(f, "status {} cannot be sent here", status.as_u16()),
            Self::NotOpen => f.write_str("no open exchange"),
            Self::TooManyPending { limit } => write!(f, "more than {limit} requests under way"),
            Self::Target => f.write_str("malformed request target"),
            Self::UnknownLength => f.write_str("a body of unknown length needs HTTP/1.1"),
        }
    }
}

impl std::error::Error for EncodeError {}

/// The framing of a body that is being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoder {
    /// So many bytes are still to be written.
    Exact(u64),
    Chunked,
    UntilClose,
    /// The message has no body (`HEAD`, 204, 304): bytes are taken and dropped, as Go and hyper do.
    Discard,
}

impl Encoder {
    /// Writes all of `data` with its framing.
    pub(crate) fn put(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), EncodeError> {
        if self.open(data.len(), out)? {
            out.extend_from_slice(data);
            self.close(out);
        }
        Ok(())
    }

    /// Writes what stands in front of `len` bytes of data; `false` says that the data is to be dropped.
    pub(crate) fn open(&mut self, len: usize, out: &mut Vec<u8>) -> Result<bool, EncodeError> {
        if len == 0 {
            return Ok(false);
        }
        match self {
            Self::Exact(left) => {
                let error = EncodeError::TooLong { left: *left, len: len as u64 };
                *left = left.checked_sub(len as u64).ok_or(error)?;
            }
            Self::Chunked => put_line(out, len),
            Self::UntilClose => {}
            Self::Discard => return Ok(false),
        }
        Ok(true)
    }

    /// Writes what stands behind the data of the last [`open`](Self::open).
    pub(crate) fn close(self, out: &mut Vec<u8>) {
        if self == Self::Chunked {
            out.extend_from_slice(b"\r\n");
        }
    }

    /// Ends the body. Trailers travel only in chunks; elsewhere they are dropped (RFC 9110 §6.5.1).
    pub(crate) fn end(self, trailers: Option<&HeaderMap>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self {
            Self::Exact(0) | Self::UntilClose | Self::Discard => {}
            Self::Exact(missing) => return Err(EncodeError::TooShort { missing }),
            Self::Chunked => {
                out.extend_from_slice(b"0\r\n");
                if let Some(trailers) = trailers {
                    put_headers(out, trailers, |name| !may_trail(name));
                }
                out.extend_from_slice(b"\r\n");
            }
        }
        Ok(())
    }
}
