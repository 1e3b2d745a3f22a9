//! Why a value cannot be sent.

use std::fmt;

/// Why a value cannot be sent: what, and where in it.
pub struct EncodeError(Box<Inner>);

struct Inner {
    kind: EncodeErrorKind,
    /// From the innermost field to the outermost.
    path: Vec<String>,
}

/// What cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeErrorKind {
    /// A message is longer than [`Limits::message_len`](crate::Limits::message_len).
    MessageTooLong {
        /// Its length in bytes.
        len: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A value lies deeper than [`Limits::value_depth`](crate::Limits::value_depth).
    ValueTooDeep {
        /// The limit.
        limit: usize,
    },
    /// `None` where Go has no place for nil: as an element, as a key, as a whole value.
    Nil,
    /// A type in an interface that the [`Registry`](crate::Registry) has no name for.
    Unregistered {
        /// The type, in Go's words.
        type_name: String,
    },
    /// A dynamic value that is not of its type.
    Mismatch {
        /// The type, in Go's words.
        expected: String,
        /// What the value is.
        got: &'static str,
    },
    /// What a marshaler of one's own says.
    Custom(String),
}

use EncodeErrorKind as Kind;

impl EncodeError {
    #[cold]
    pub(crate) fn new(kind: EncodeErrorKind) -> Self {
        Self(Box::new(Inner { kind, path: Vec::new() }))
    }

    /// With words of one's own.
    #[cold]
    #[must_use]
    pub fn custom(message: impl fmt::Display) -> Self {
        Self::new(Kind::Custom(message.to_string()))
    }

    #[cold]
    pub(crate) fn in_field(mut self, name: &str) -> Self {
        self.0.path.push(name.to_owned());
        self
    }

    /// What cannot be sent.
    #[must_use]
    pub fn kind(&self) -> &EncodeErrorKind {
        &self.0.kind
    }

    /// Where in the value, by Go's names; nothing if at its top.
    #[must_use]
    pub fn path(&self) -> String {
        let names: Vec<&str> = self.0.path.iter().rev().map(String::as_str).collect();
        names.join(".")
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.path.is_empty() {
            write!(f, "{}: ", self.path())?;
        }
        match &self.0.kind {
            Kind::MessageTooLong { len, limit } => write!(f, "message of {len} bytes exceeds limit {limit}"),
            Kind::ValueTooDeep { limit } => write!(f, "value is nested deeper than limit {limit}"),
            Kind::Nil => f.write_str("None where Go has no nil: as an element, a key or a whole value"),
            Kind::Unregistered { type_name } => {
                write!(f, "no name is registered for {type_name}, which stands in an interface")
            }
            Kind::Mismatch { expected, got } => write!(f, "the type is {expected}, the value {got}"),
            Kind::Custom(message) => f.write_str(message),
        }
    }
}

impl fmt::Debug for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncodeError").field("kind", &self.0.kind).field("path", &self.path()).finish()
    }
}

impl std::error::Error for EncodeError {}
