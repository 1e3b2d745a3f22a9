//! The bytes of what is at rest: four of a mark, one of the subject, one of the version, and MessagePack with named fields.
//!
//! A field that is added has a default and needs no new version, so that a process may be replaced by a newer one and,
//! if that was a mistake, by the older one again. A version that is not known is refused.

use std::fmt;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::observe::Snapshot;

/// What of a [`Conn`](crate::Conn) goes on elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConnState {
    pub(super) kind: Kind,
    pub(super) record: Snapshot,
    #[serde(default)]
    pub(super) unread: Bytes,
    #[serde(default)]
    pub(super) unsent: Bytes,
}

/// What the socket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    Tcp,
    Unix,
}

/// Whose state it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Subject {
    Conn = 1,
    Relay = 2,
}

/// Why bytes are not what [`to_bytes`](crate::PackedRelay::to_bytes) gave.
#[derive(Debug)]
#[non_exhaustive]
pub enum PackError {
    /// They do not begin as such bytes do, or are those of something else.
    Foreign,
    /// They were written by another version than can be read here.
    Version {
        /// The version that they have.
        found: u8,
        /// The one that is read here.
        known: u8,
    },
    /// They begin right and are broken further on; the text says how.
    Malformed(String),
}

/// The bytes of `state`.
pub(crate) fn encode(subject: Subject, state: &impl Serialize) -> Vec<u8> {
    let mut bytes = MARK.to_vec();
    bytes.extend_from_slice(&[subject as u8, VERSION]);
    rmp_serde::encode::write_named(&mut bytes, state).expect("plain data into memory");
    bytes
}

/// The state whose bytes these are.
pub(crate) fn decode<T: DeserializeOwned>(subject: Subject, bytes: &[u8]) -> Result<T, PackError> {
    let (head, body) = bytes.split_at_checked(MARK.len() + 2).ok_or(PackError::Foreign)?;
    if head[..MARK.len()] != *MARK || head[MARK.len()] != subject as u8 {
        return Err(PackError::Foreign);
    }
    match head[MARK.len() + 1] {
        VERSION => rmp_serde::from_slice(body).map_err(|error| PackError::Malformed(error.to_string())),
        found => Err(PackError::Version { found, known: VERSION }),
    }
}

impl fmt::Display for PackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => f.write_str("these bytes are not the state that was expected"),
            Self::Version { found, known } => {
                write!(f, "state of version {found}, and only version {known} is understood")
            }
            Self::Malformed(text) => write!(f, "malformed state: {text}"),
        }
    }
}

impl std::error::Error for PackError {}

impl From<PackError> for std::io::Error {
    fn from(error: PackError) -> Self {
        Self::new(std::io::ErrorKind::InvalidData, error)
    }
}

const MARK: &[u8; 4] = b"hjck";

const VERSION: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> ConnState {
        let (unread, unsent) = (Bytes::from_static(b"unread"), Bytes::from_static(b"\0\xffunsent"));
        ConnState { kind: Kind::Unix, record: Snapshot::default(), unread, unsent }
    }

    #[test]
    fn reads_what_it_wrote() {
        let bytes = encode(Subject::Conn, &state());
        assert_eq!(decode::<ConnState>(Subject::Conn, &bytes).expect("own bytes"), state());
    }

    #[test]
    fn refuses_other_subjects_versions_and_pieces() {
        let bytes = encode(Subject::Conn, &state());
        assert!(matches!(decode::<ConnState>(Subject::Relay, &bytes), Err(PackError::Foreign)));
        let mut newer = bytes.clone();
        newer[5] = 2;
        let refused = decode::<ConnState>(Subject::Conn, &newer);
        assert!(matches!(refused, Err(PackError::Version { found: 2, known: 1 })), "{refused:?}");
        for len in 0..bytes.len() {
            assert!(decode::<ConnState>(Subject::Conn, &bytes[..len]).is_err(), "a piece of {len} bytes");
        }
    }

    #[test]
    fn reads_states_with_more_and_with_fewer_fields() {
        #[derive(Serialize)]
        struct Other {
            kind: Kind,
            record: Snapshot,
            colour: &'static str,
        }
        let other = Other { kind: Kind::Tcp, record: Snapshot::default(), colour: "green" };
        let read: ConnState = decode(Subject::Conn, &encode(Subject::Conn, &other)).expect("understood");
        assert_eq!((read.kind, read.unread.len()), (Kind::Tcp, 0));
    }
}
