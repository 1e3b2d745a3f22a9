//! Close codes and the body of a Close (RFC 6455 §5.5.1 and §7.4).

use std::fmt;

use super::check::Violation;
use super::control::{CONTROL_LEN, ControlPayload};

/// Why an endpoint closes (RFC 6455 §7.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: the purpose is fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// 1001: a server goes down, a browser leaves the page.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: the peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// 1003: a kind of data that this endpoint does not take.
    pub const UNSUPPORTED: Self = Self(1003);
    /// 1005: there was a Close without a code. Never on the wire.
    pub const NO_STATUS: Self = Self(1005);
    /// 1006: there was no Close. Never on the wire.
    pub const ABNORMAL: Self = Self(1006);
    /// 1007: content that is not what its type says, such as text that is not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// 1008: against the endpoint's policy.
    pub const POLICY: Self = Self(1008);
    /// 1009: larger than the endpoint takes.
    pub const TOO_BIG: Self = Self(1009);
    /// 1010: the server lacks an extension that the client needs.
    pub const EXTENSION_NEEDED: Self = Self(1010);
    /// 1011: the server failed.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// 1012: the server starts again.
    pub const RESTART: Self = Self(1012);
    /// 1013: try again later.
    pub const TRY_LATER: Self = Self(1013);
    /// 1014: a gateway got a bad answer.
    pub const BAD_GATEWAY: Self = Self(1014);

    /// The code `number`, legal or not.
    #[must_use]
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Whether it may be on the wire: the registered ones that an endpoint can send, and 3000 to 4999
    /// (RFC 6455 §7.4.2).
    #[must_use]
    pub const fn may_be_sent(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

/// What a Close says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Close<'a> {
    /// Why.
    pub code: CloseCode,
    /// For people who look for faults; often empty.
    pub reason: &'a str,
}

impl<'a> Close<'a> {
    /// A Close with this code and no reason.
    #[must_use]
    pub const fn new(code: CloseCode) -> Self {
        Self { code, reason: "" }
    }

    /// Reads the body of a Close: none if it is empty.
    ///
    /// # Errors
    ///
    /// [`Violation::CloseLength`], [`Violation::CloseCode`] or [`Violation::Utf8`].
    pub fn parse(body: &'a [u8]) -> Result<Option<Self>, Violation> {
        let (code, reason) = match body {
            [] => return Ok(None),
            [_] => return Err(Violation::CloseLength),
            [high, low, reason @ ..] => (CloseCode(u16::from_be_bytes([*high, *low])), reason),
        };
        if !code.may_be_sent() {
            return Err(Violation::CloseCode(code));
        }
        let reason = std::str::from_utf8(reason).map_err(|_| Violation::Utf8)?;
        Ok(Some(Self { code, reason }))
    }

    /// The body of a Close that says this.
    ///
    /// # Errors
    ///
    /// A [`CloseError`] if the code or the length of the reason is illegal.
    pub fn encode(&self) -> Result<ControlPayload, CloseError> {
        if !self.code.may_be_sent() {
            return Err(CloseError::Code(self.code));
        }
        let mut body = ControlPayload::default();
        body.extend(&self.code.0.to_be_bytes());
        if body.extend(self.reason.as_bytes()) < self.reason.len() {
            return Err(CloseError::ReasonTooLong { len: self.reason.len() });
        }
        Ok(body)
    }
}

/// Why a Close cannot be sent. The mistake is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseError {
    /// A code that is never on the wire (RFC 6455 §7.4).
    Code(CloseCode),
    /// More than 123 bytes of reason (RFC 6455 §5.5).
    ReasonTooLong {
        /// How many.
        len: usize,
    },
}

impl fmt::Display for CloseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "close code {} must not be sent", code.0),
            Self::ReasonTooLong { len } => {
                write!(f, "close reason of {len} bytes exceeds the limit {}", CONTROL_LEN - 2)
            }
        }
    }
}

impl std::error::Error for CloseError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6455 §7.4.1 and §7.4.2, and the registry's later codes.
    #[test]
    fn knows_which_codes_may_be_sent() {
        for number in 0..=u16::MAX {
            let legal = match number {
                1004..=1006 => false,
                1000..=1014 | 3000..=4999 => true,
                _ => false,
            };
            let body = number.to_be_bytes();
            assert_eq!(CloseCode::new(number).may_be_sent(), legal, "{number}");
            assert_eq!(Close::parse(&body).is_ok(), legal, "{number}");
            assert_eq!(Close::new(CloseCode::new(number)).encode().is_ok(), legal, "{number}");
        }
    }

    /// RFC 6455 §5.5.1.
    #[test]
    fn reads_and_writes_bodies() {
        assert_eq!(Close::parse(b""), Ok(None));
        assert_eq!(Close::parse(b"\x03"), Err(Violation::CloseLength));
        let bye = Close { code: CloseCode::NORMAL, reason: "bye" };
        assert_eq!(Close::parse(b"\x03\xe8bye"), Ok(Some(bye)));
        assert_eq!(&*bye.encode().expect("legal"), b"\x03\xe8bye");
        assert_eq!(Close::parse(b"\x03\xe8\xff"), Err(Violation::Utf8));
        let longest = "r".repeat(123);
        let close = Close { code: CloseCode::NORMAL, reason: &longest };
        assert_eq!(close.encode().expect("legal").len(), CONTROL_LEN);
        let long = "r".repeat(124);
        let close = Close { code: CloseCode::NORMAL, reason: &long };
        assert_eq!(close.encode(), Err(CloseError::ReasonTooLong { len: 124 }));
    }
}
