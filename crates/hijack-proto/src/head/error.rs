//! What can be wrong with a head, and the status that tells it to a client.

use std::fmt;

use http::StatusCode;

use crate::body::FramingError;

/// Why a head was refused.
///
/// [`status`](HeadError::status) is what a server answers; the `Display` text is one sentence that may be sent
/// with it, since it quotes nothing of the peer but numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeadError {
    /// The start line is not `method SP target SP version`, or not `version SP status SP reason`.
    StartLine,
    /// The version is not HTTP/1.0 or HTTP/1.1.
    Version,
    /// A header name is empty, has a byte that is no token byte, or has a space before its colon
    /// (RFC 9112 §5.1); folded lines (RFC 9112 §5.2) come under this too.
    HeaderName,
    /// A header value has a NUL, a bare CR or another control byte (RFC 9110 §5.5).
    HeaderValue,
    /// The target does not have one of the four forms of RFC 9112 §3.2, or one that its method does not allow.
    Target,
    /// The target is longer than the limit.
    TargetTooLong {
        /// Its length in bytes.
        len: usize,
        /// [`Limits::target_len`](crate::Limits::target_len).
        limit: usize,
    },
    /// The head is longer than the limit, or already was before it ended.
    TooLong {
        /// [`Limits::head_len`](crate::Limits::head_len).
        limit: usize,
    },
    /// The head has more header lines than the limit.
    TooManyHeaders {
        /// [`Limits::headers`](crate::Limits::headers).
        limit: usize,
    },
    /// More empty lines in front of the start line than the limit.
    TooManyBlankLines {
        /// [`Limits::blank_lines`](crate::Limits::blank_lines).
        limit: usize,
    },
    /// An HTTP/1.1 request without `Host` (RFC 9112 §3.2).
    MissingHost,
    /// More than one `Host`, or one that is no host (RFC 9112 §3.2).
    InvalidHost,
    /// The length of the body cannot be told, or could be told in two ways.
    Framing(FramingError),
    /// An `Expect` other than `100-continue` (RFC 9110 §10.1.1: answered 417).
    Expectation,
    /// The connection ended within the head.
    Truncated,
    /// The head did not come in time; how long that is, the shell knows.
    TimedOut,
    /// More connections than the limit are in the middle of a head; the shell counts them.
    TooManyHeads {
        /// The shell's limit.
        limit: usize,
    },
    /// More interim answers than the limit came before the final one.
    TooManyInterims {
        /// [`Limits::interims`](crate::Limits::interims).
        limit: usize,
    },
    /// Bytes came from a server that nothing was asked of.
    Unasked,
}

impl HeadError {
    /// The status with which a server refuses such a request.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::TargetTooLong { .. } => StatusCode::URI_TOO_LONG,
            Self::TooLong { .. } | Self::TooManyHeaders { .. } => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::TimedOut => StatusCode::REQUEST_TIMEOUT,
            Self::TooManyHeads { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Expectation => StatusCode::EXPECTATION_FAILED,
            Self::Version => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Self::Framing(framing) => framing.status(),
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StartLine => f.write_str("malformed start line"),
            Self::Version => f.write_str("version is neither HTTP/1.0 nor HTTP/1.1"),
            Self::HeaderName => f.write_str("malformed header name"),
            Self::HeaderValue => f.write_str("malformed header value"),
            Self::Target => f.write_str("malformed request target"),
            Self::TargetTooLong { len, limit } => write!(f, "target of {len} bytes exceeds limit {limit}"),
            Self::TooLong { limit } => write!(f, "head exceeds limit {limit} bytes"),
            Self::TooManyHeaders { limit } => write!(f, "head exceeds limit {limit} header lines"),
            Self::TooManyBlankLines { limit } => write!(f, "more than {limit} empty lines before the head"),
            Self::MissingHost => f.write_str("missing host header"),
            Self::InvalidHost => f.write_str("more than one host, or a malformed one"),
            Self::Framing(framing) => framing.fmt(f),
            Self::Expectation => f.write_str("unknown expectation"),
            Self::Truncated => f.write_str("connection ended within the head"),
            Self::TimedOut => f.write_str("the head did not come in time"),
            Self::TooManyHeads { limit } => write!(f, "more than {limit} heads under way"),
            Self::TooManyInterims { limit } => write!(f, "more than {limit} interim answers"),
            Self::Unasked => f.write_str("answer to no request"),
        }
    }
}

impl std::error::Error for HeadError {}

impl From<FramingError> for HeadError {
    fn from(framing: FramingError) -> Self {
        Self::Framing(framing)
    }
}

impl From<httparse::Error> for HeadError {
    fn from(error: httparse::Error) -> Self {
        match error {
            httparse::Error::HeaderName => Self::HeaderName,
            httparse::Error::HeaderValue => Self::HeaderValue,
            httparse::Error::Version => Self::Version,
            _ => Self::StartLine,
        }
    }
}
