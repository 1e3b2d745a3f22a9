//! How long a body is: pure decisions over a head (RFC 9112 §6.3).
//!
//! Where the RFC lets a recipient choose between repairing and refusing, requests and responses are refused:
//! two readers that repair differently are how requests are smuggled (RFC 9112 §11.2).

use std::fmt;

use http::{Method, StatusCode, Version};

use crate::head::{Field, Lines};

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
/// A [`FramingError`] where the head is ambiguous.
pub(crate) fn request_length(version: Version, lines: &Lines) -> Result<BodyLength, FramingError> {
    let declared = declared_length(version, lines)?;
    // RFC 9112 §6.3 rule 7: a request that declares nothing has no body.
    Ok(declared.unwrap_or(BodyLength::Exact(0)))
}

/// The length of a response's body, given the method that it answers (RFC 9112 §6.3).
///
/// A 2xx to `CONNECT` and a 101 have no body: what follows is the tunnel, whatever the headers say
/// (rules 1 and 2).
///
/// A [`FramingError`] where the head is ambiguous.
pub(crate) fn response_length(
    method: &Method,
    version: Version,
    status: StatusCode,
    lines: &Lines,
) -> Result<BodyLength, FramingError> {
    let tunnel = *method == Method::CONNECT && status.is_success();
    let bodiless = status.is_informational()
        || *method == Method::HEAD
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED;
    if tunnel || bodiless {
        return Ok(BodyLength::Exact(0));
    }
    match declared_length(version, lines)? {
        // White space it is (RFC 9110 §5.6.3), yet some readers take a coding with a tab behind it for another one
        // than `chunked`, whose body ends with the connection (RFC 9112 §6.3 rule 4).
        Some(BodyLength::Chunked) if lines.has_tab_behind("transfer-encoding") => {
            Err(FramingError::InvalidEncoding)
        }
        Some(length) => Ok(length),
        // RFC 9112 §6.3 rule 8: a response that declares nothing ends with the connection.
        None => Ok(BodyLength::UntilClose),
    }
}

/// The length that the head declares, if it declares one.
fn declared_length(version: Version, lines: &Lines) -> Result<Option<BodyLength>, FramingError> {
    let fields = lines.fields();
    match (fields.has(Field::ContentLength), fields.has(Field::TransferEncoding)) {
        (false, false) => Ok(None),
        (true, true) => Err(FramingError::LengthAndEncoding),
        (true, false) if fields.repeats(Field::ContentLength) => Err(FramingError::RepeatedLength),
        (true, false) => {
            let text = lines.values("content-length").next().unwrap_or_default();
            parse_length(text).map(|len| Some(BodyLength::Exact(len)))
        }
        (false, true) => check_encoding(version, lines).map(|()| Some(BodyLength::Chunked)),
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
fn check_encoding(version: Version, lines: &Lines) -> Result<(), FramingError> {
    const NAME: &str = "transfer-encoding";
    if version == Version::HTTP_10 {
        return Err(FramingError::EncodingInHttp10);
    }
    let is_chunked = |coding: &&[u8]| coding.eq_ignore_ascii_case(b"chunked");
    // Not read as a list: readers disagree on its empty elements.
    let sole = lines.values(NAME).next().filter(|_| !lines.fields().repeats(Field::TransferEncoding));
    if sole.as_ref().is_some_and(is_chunked) {
        return Ok(());
    }
    let once = lines.list(NAME).filter(is_chunked).count() == 1;
    let last = lines.list(NAME).last().is_some_and(|coding| is_chunked(&coding));
    let others = lines.list(NAME).count() > 1;
    Err(if once && last && others {
        FramingError::UnsupportedEncoding
    } else {
        FramingError::InvalidEncoding
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(request_length(Version::HTTP_11, &Lines::of(lines)), expected, "{lines:?}");
        }
        let old = request_length(Version::HTTP_10, &Lines::of(&[(TE, "chunked")]));
        assert_eq!(old, Err(EncodingInHttp10));
    }

    /// RFC 9112 §6.3 rules 1, 2 and 8; behaviour 20.
    #[test]
    fn reads_response_lengths_by_method_and_status() {
        let with = Lines::of(&[(CL, "5")]);
        let length = |method, status, lines: &Lines| {
            let status = StatusCode::from_u16(status).expect("legal");
            response_length(&method, Version::HTTP_11, status, lines).expect("unambiguous")
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
        assert_eq!(length(Method::GET, 200, &Lines::of(&[])), BodyLength::UntilClose);
    }

    /// RFC 9112 §6.3 rule 4: readers that see another coding in it would see another body.
    #[test]
    fn refuses_a_tab_behind_the_coding_of_a_response() {
        let length = |coding| {
            response_length(&Method::GET, Version::HTTP_11, StatusCode::OK, &Lines::of(&[(TE, coding)]))
        };
        for coding in [" chunked ", "\tchunked", "\t chunked  "] {
            assert_eq!(length(coding), Ok(BodyLength::Chunked), "{coding:?}");
        }
        for coding in ["chunked\t", " chunked \t", "chunked\t "] {
            assert_eq!(length(coding), Err(FramingError::InvalidEncoding), "{coding:?}");
        }
        let to_head = Lines::of(&[(TE, "chunked\t")]);
        let length = response_length(&Method::HEAD, Version::HTTP_11, StatusCode::OK, &to_head);
        assert_eq!(length, Ok(BodyLength::Exact(0)));
    }
}
