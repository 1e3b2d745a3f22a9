//! A whole message.

use std::fmt;

use hijack_proto::ws::{Message as Borrowed, MessageKind};

/// A whole message of the peer's or for it.
#[derive(Clone, PartialEq, Eq)]
pub enum Message {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
}

impl Message {
    /// Its bytes, whichever it is.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// Its bytes, whichever it is.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.into_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// The text, if it is that.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    /// Which it is.
    #[must_use]
    pub fn kind(&self) -> MessageKind {
        match self {
            Self::Text(_) => MessageKind::Text,
            Self::Binary(_) => MessageKind::Binary,
        }
    }
}

impl From<Borrowed<'_>> for Message {
    fn from(message: Borrowed<'_>) -> Self {
        match message {
            Borrowed::Text(text) => Self::Text(text.into_owned()),
            Borrowed::Binary(bytes) => Self::Binary(bytes.into_owned()),
        }
    }
}

macro_rules! from {
    ($($source:ty => $variant:ident),* $(,)?) => {$(
        impl From<$source> for Message {
            fn from(source: $source) -> Self {
                Self::$variant(source.into())
            }
        }
    )*};
}

from! { &str => Text, String => Text, &[u8] => Binary, Vec<u8> => Binary, bytes::Bytes => Binary }

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.debug_tuple("Text").field(text).finish(),
            Self::Binary(bytes) => write!(f, "Binary({})", bytes.escape_ascii()),
        }
    }
}
