//! Whom TLS says that the other end is.

use bytes::Bytes;

/// Whom the peer's certificates name, as the configuration of TLS has verified them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub(crate) certificates: Vec<Bytes>,
}

impl Identity {
    /// The peer's certificates in DER, its own first; none if it was not asked for any.
    #[must_use]
    pub fn certificates(&self) -> &[Bytes] {
        &self.certificates
    }
}
