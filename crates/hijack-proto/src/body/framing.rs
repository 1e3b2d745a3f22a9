//! How long a body is: pure decisions over a head (RFC 9112 §6.3).
//!
//! Where the RFC lets a recipient choose between repairing and refusing, requests and responses are refused:
//! two readers that repair differently are how requests are smuggled (RFC 9112 §11.2).

use std::fmt;

use http::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use http::{Method, StatusCode, Version};

use crate::tokens;

/// The length of a body as its head tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyLength {
    /// So many bytes; zero is "no body".
    Exact(u64),
    /// In chunks, which say themselves where they end.
    Chunked,
    /// Until the connection ends (responses only).
    UntilClose,
}

impl BodyLength {
    /// Whether there is no body.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::Exact(0)
    }
}

/// Why the length of a body cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FramingError {
    /// `Content-Length` beside `Transfer-Encoding`: the sign of smuggling (RFC 9112 §6.1).
    LengthAndEncoding,
    /// More than one `Content-Length`, be they equal or not (RFC 9110 §8.6 allows to refuse both).
    RepeatedLength,
    /// A `Content-Length` that is not digits only, or is larger than 2⁶³−1.
    InvalidLength,
    /// `Transfer-Encoding` in a message of HTTP/1.0 (RFC 9112 §6.1).
    EncodingInHttp10,
    /// `chunked` is not the last coding, or stands there twice (RFC 9112 §6.1), or a coding is malformed.
    InvalidEncoding,
    /// A coding other than `chunked`, which this crate does not undo (RFC 9112 §6.1: answered 501).
    UnsupportedEncoding,
}

impl FramingError {
    /// The status with which a server refuses such a request.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::UnsupportedEncoding => StatusCode::NOT_IMPLEMENTED,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl fmt::Display for FramingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LengthAndEncoding => "both content-length and transfer-encoding",
            Self::RepeatedLength => "more than one content-length",
            Self::InvalidLength => "malformed content-length",
            Self::EncodingInHttp10 => "transfer-encoding in HTTP/1.0",
            Self::InvalidEncoding => "malformed transfer-encoding",
            Self::UnsupportedEncoding => "unsupported transfer-encoding",
        })
    }
}

impl std::error::Error for FramingError {}

/// The length of a request's body (RFC 9112 §6.3).
///
/// # Errors
///
/// A [`FramingError`] where the head is ambiguous.
pub fn request_length(version: Version, headers: &HeaderMap) -> Result<BodyLength, FramingError> {
    let declared = declared_length(version, headers)?;
    // RFC 9112 §6.3 rule 7: a request that declares nothing has no body.
    Ok(declared.unwrap_or(BodyLength::Exact(0)))
}

/// The length of a response's body, given the method that it answers (RFC 9112 §6.3).
///
/// A 2xx to `CONNECT` and a 101 have no body: what follows is the tunnel, whatever the headers say
/// (rules 1 and 2).
///
/// # Errors
///
/// A [`FramingError`] where the head is ambiguous.
pub fn response_length(
    method: &Method,
    version: Version,
    status: StatusCode,
    headers: &HeaderMap,
) -> Result<BodyLength, FramingError> {
    let tunnel = *method == Method::CONNECT && status.is_success();
    let bodiless = status.is_informational()
        || *method == Method::HEAD
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED;
    if tunnel || bodiless {
        return Ok(BodyLength::Exact(0));
    }
    // RFC 9112 §6.3 rule 8: a response that declares nothing ends with the connection.
    Ok(declared_length(version, headers)?.unwrap_or(BodyLength::UntilClose))
}

/// The length that the head declares, if it declares one.
fn declared_length(version: Version, headers: &HeaderMap) -> Result<Option<BodyLength>, FramingError> {
    let encoded = headers.contains_key(TRANSFER_ENCODING);
    let mut lengths = headers.get_all(CONTENT_LENGTH).into_iter();
    match (lengths.next(), lengths.next()) {
        (Some(_), _) if encoded => Err(FramingError::LengthAndEncoding),
        (Some(_), Some(_)) => Err(FramingError::RepeatedLength),
        (Some(length), None) => parse_length(length.as_bytes()).map(|len| Some(BodyLength::Exact(len))),
        _ if encoded => check_encoding(version, headers).map(|()| Some(BodyLength::Chunked)),
        _ => Ok(None),
    }
}

/// RFC 9110 §8.6: digits only; a sign, a list or an empty value is no length.
pub(crate) fn parse_length(text: &[u8]) -> Result<u64, FramingError> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return Err(FramingError::InvalidLength);
    }
    let digits = std::str::from_utf8(text).map_err(|_| FramingError::InvalidLength)?;
    // Signed, so that no peer that counts in signed numbers reads another length.
    let length: i64 = digits.parse().map_err(|_| FramingError::InvalidLength)?;
    u64::try_from(length).map_err(|_| FramingError::InvalidLength)
}

/// RFC 9112 §6.1: `chunked` alone is what we read.
fn check_encoding(version: Version, headers: &HeaderMap) -> Result<(), FramingError> {
    if version == Version::HTTP_10 {
        return Err(FramingError::EncodingInHttp10);
    }
    let mut lines = headers.get_all(TRANSFER_ENCODING).into_iter();
    if let (Some(sole), None) = (lines.next(), lines.next()) {
        // Not read as a list: readers disagree on its empty elements.
        if tokens::trim(sole.as_bytes()).eq_ignore_ascii_case(b"chunked") {
            return Ok(());
        }
    }
    let is_chunked = |coding: &&[u8]| coding.eq_ignore_ascii_case(b"chunked");
    let once = tokens::list(headers, &TRANSFER_ENCODING).filter(is_chunked).count() == 1;
    let last = tokens::list(headers, &TRANSFER_ENCODING).last().is_some_and(|coding| is_chunked(&coding));
    let others = tokens::list(headers, &TRANSFER_ENCODING).count() > 1;
    Err(if once && last && others {
        FramingError::UnsupportedEncoding
    } else {
        FramingError::InvalidEncoding
    })
}

#[cfg(test)]
mod tests {
    use http::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let line = |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        lines.iter().map(line).collect()
    }

    const CL: &str = "content-length";
    const TE: &str = "transfer-encoding";

    /// RFC 9112 §6.3 and RFC 9110 §8.6.
    #[test]
    fn reads_or_refuses_request_lengths() {
        use BodyLength::{Chunked, Exact};
        use FramingError::*;
        type Row = (&'static [(&'static str, &'static str)], Result<BodyLength, FramingError>);
        let table: [Row; 24] = [
            (&[], Ok(Exact(0))),
            (&[(CL, "0")], Ok(Exact(0))),
            (&[(CL, "007")], Ok(Exact(7))),
            (&[(CL, "9223372036854775807")], Ok(Exact(i64::MAX as u64))),
            (&[(CL, "9223372036854775808")], Err(InvalidLength)),
            (&[(CL, "")], Err(InvalidLength)),
            (&[(CL, "+3")], Err(InvalidLength)),
            (&[(CL, "-3")], Err(InvalidLength)),
            (&[(CL, "0x3")], Err(InvalidLength)),
            (&[(CL, "3, 3")], Err(InvalidLength)),
            (&[(CL, "3 3")], Err(InvalidLength)),
            (&[(CL, "3"), (CL, "3")], Err(RepeatedLength)),
            (&[(CL, "3"), (CL, "4")], Err(RepeatedLength)),
            (&[(CL, "3"), (TE, "chunked")], Err(LengthAndEncoding)),
            (&[(TE, "chunked")], Ok(Chunked)),
            (&[(TE, "CHUNKED")], Ok(Chunked)),
            (&[(TE, "chunked"), (TE, "chunked")], Err(InvalidEncoding)),
            (&[(TE, "chunked, chunked")], Err(InvalidEncoding)),
            (&[(TE, "chunked, gzip")], Err(InvalidEncoding)),
            (&[(TE, "gzip, chunked")], Err(UnsupportedEncoding)),
            (&[(TE, "chunked,")], Err(InvalidEncoding)),
            (&[(TE, ", chunked")], Err(InvalidEncoding)),
            (&[(TE, "identity")], Err(InvalidEncoding)),
            (&[(TE, "")], Err(InvalidEncoding)),
        ];
        for (lines, expected) in table {
            assert_eq!(request_length(Version::HTTP_11, &headers(lines)), expected, "{lines:?}");
        }
        let old = request_length(Version::HTTP_10, &headers(&[(TE, "chunked")]));
        assert_eq!(old, Err(EncodingInHttp10));
    }

    /// RFC 9112 §6.3 rules 1, 2 and 8; behaviour 20.
    #[test]
    fn reads_response_lengths_by_method_and_status() {
        let with = headers(&[(CL, "5")]);
        let length = |method, status, headers: &HeaderMap| {
            let status = StatusCode::from_u16(status).expect("legal");
            response_length(&method, Version::HTTP_11, status, headers).expect("unambiguous")
        };
        for (method, status) in [
            (Method::HEAD, 200),
            (Method::GET, 101),
            (Method::GET, 204),
            (Method::GET, 304),
            (Method::CONNECT, 200),
            (Method::CONNECT, 299),
        ] {
            assert_eq!(length(method.clone(), status, &with), BodyLength::Exact(0), "{method} {status}");
        }
        assert_eq!(length(Method::CONNECT, 407, &with), BodyLength::Exact(5));
        assert_eq!(length(Method::GET, 200, &with), BodyLength::Exact(5));
        assert_eq!(length(Method::GET, 200, &headers(&[])), BodyLength::UntilClose);
    }
}
