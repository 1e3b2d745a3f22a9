//! How a call came out (gRPC, "Status codes and their use").

use std::fmt;

/// A status code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status(u8);

impl Status {
    /// It went well.
    pub const OK: Self = Self(0);
    /// Nobody waits for it any more.
    pub const CANCELLED: Self = Self(1);
    /// A code that is none of gRPC's, or none where one must be.
    pub const UNKNOWN: Self = Self(2);
    /// One of the two broke the rules.
    pub const INTERNAL: Self = Self(13);
    /// It did not come to that.
    pub const UNAVAILABLE: Self = Self(14);

    /// How many codes there are.
    pub const COUNT: usize = NAMES.len();

    /// The status of a code; one that is not known is [`UNKNOWN`](Self::UNKNOWN), as clients take it.
    #[must_use]
    pub fn from_code(code: u32) -> Self {
        u8::try_from(code).ok().filter(|&code| usize::from(code) < NAMES.len()).map_or(Self::UNKNOWN, Self)
    }

    /// What stands in `grpc-status`.
    pub(super) fn parse(value: &[u8]) -> Self {
        let code = str::from_utf8(value).ok().and_then(|digits| digits.parse().ok());
        code.map_or(Self::UNKNOWN, Self::from_code)
    }

    /// What an error code of HTTP/2 means to a call (gRPC over HTTP/2, "Errors").
    pub(super) fn from_reset(code: u32) -> Self {
        match code {
            // REFUSED_STREAM, CANCEL, ENHANCE_YOUR_CALM, INADEQUATE_SECURITY.
            7 => Self::UNAVAILABLE,
            8 => Self::CANCELLED,
            11 => Self(8),
            12 => Self(7),
            _ => Self::INTERNAL,
        }
    }

    /// What an HTTP status without one of gRPC's means (gRPC, "HTTP to gRPC status code mapping").
    pub(super) fn from_http(status: &[u8]) -> Self {
        match status {
            b"400" => Self::INTERNAL,
            b"401" => Self(16),
            b"403" => Self(7),
            b"404" => Self(12),
            b"429" | b"502" | b"503" | b"504" => Self::UNAVAILABLE,
            _ => Self::UNKNOWN,
        }
    }

    /// Its number.
    #[must_use]
    pub const fn code(self) -> u8 {
        self.0
    }

    /// Its name, as `DEADLINE_EXCEEDED`.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES[usize::from(self.0)]
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

const NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_what_clients_take_them_for() {
        for (value, name) in [("0", "OK"), ("4", "DEADLINE_EXCEEDED"), ("16", "UNAUTHENTICATED")] {
            assert_eq!(Status::parse(value.as_bytes()).name(), name);
        }
        for value in ["17", "-1", "", "x", "256", "99999999999"] {
            assert_eq!(Status::parse(value.as_bytes()), Status::UNKNOWN, "{value:?}");
        }
        assert_eq!(Status::from_reset(8), Status::CANCELLED);
        assert_eq!(Status::from_http(b"404").name(), "UNIMPLEMENTED");
    }
}
