//! Why a stream or a value was not understood.

use std::fmt;

use serde::de;

pub(crate) type Result<T> = std::result::Result<T, DecodeError>;

/// Why a stream or a value was not understood: what, where in the value, and whether the stream can go on.
pub struct DecodeError(Box<Inner>);

struct Inner {
    kind: DecodeErrorKind,
    /// From the innermost step to the outermost.
    path: Vec<Step>,
    is_fatal: bool,
    /// Whether a second attempt knows how to avoid it.
    is_retriable: bool,
}

enum Step {
    Field(Box<str>),
    Index(usize),
    Key,
    Element,
}

/// What was wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// A message, or a value with all its messages, is longer than [`Limits::message_len`](crate::Limits::message_len).
    MessageTooLong {
        /// Its length in bytes, as far as it is known.
        len: u64,
        /// The limit in bytes.
        limit: usize,
    },
    /// The stream speaks of more types than [`Limits::types`](crate::Limits::types).
    TooManyTypes {
        /// The limit.
        limit: usize,
    },
    /// The type definitions of the stream are longer than [`Limits::definitions_len`](crate::Limits::definitions_len).
    DefinitionsTooLong {
        /// Their length in bytes.
        len: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A struct has more fields than [`Limits::fields`](crate::Limits::fields).
    TooManyFields {
        /// Its fields.
        count: u64,
        /// The limit.
        limit: usize,
    },
    /// A name is longer than [`Limits::name_len`](crate::Limits::name_len).
    NameTooLong {
        /// Its length in bytes.
        len: u64,
        /// The limit in bytes.
        limit: usize,
    },
    /// A value lies deeper than [`Limits::value_depth`](crate::Limits::value_depth).
    ValueTooDeep {
        /// The limit.
        limit: usize,
    },
    /// A type lies further from the type of its value than [`Limits::type_depth`](crate::Limits::type_depth).
    TypeTooDeep {
        /// The limit.
        limit: usize,
    },
    /// The value would take more memory than [`Limits::allocation`](crate::Limits::allocation).
    AllocationTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The value was decoded again for more than [`Limits::decoded_again`](crate::Limits::decoded_again).
    DecodedTooOften {
        /// The limit in bytes.
        limit: u64,
    },
    /// Bytes that are no gob.
    Malformed(&'static str),
    /// A list says that it has more elements than the stream has bytes for.
    CountTooLarge {
        /// What it says.
        count: u64,
        /// The bytes that are left, at least one of which is needed for each.
        left: usize,
    },
    /// A type that the stream has not defined.
    UnknownType {
        /// Its id.
        id: i64,
    },
    /// A type that is defined twice, or in the place of a predefined one.
    DuplicateType {
        /// Its id.
        id: i64,
    },
    /// The stream has one type, the target another.
    Mismatch {
        /// The type in the stream, in Go's words.
        stream: String,
        /// What the target wants.
        target: String,
    },
    /// Two structs without a common field.
    NoFieldsMatch {
        /// The struct in the stream, in Go's words.
        stream: String,
        /// The target and its fields.
        target: String,
    },
    /// A number that the target has no room for.
    OutOfRange {
        /// The number.
        value: String,
        /// The target's type.
        target: &'static str,
    },
    /// A string that is not UTF-8; Go's need not be. [`GoString`](crate::GoString) takes any.
    NotUtf8,
    /// An interface holds a type whose name is not in the [`Registry`](crate::Registry), and that one is strict.
    UnregisteredName {
        /// The name.
        name: String,
    },
    /// The target has a field that it cannot do without, and that has no zero value.
    MissingField {
        /// The field.
        field: &'static str,
    },
    /// What the target's `Deserialize` says.
    Custom(String),
    /// The stream ends within a value.
    UnexpectedEnd,
    /// An earlier error left nothing that could be read on.
    Broken,
}

use DecodeErrorKind as Kind;

impl DecodeError {
    /// Of one value: the next one can be read.
    #[cold]
    pub(crate) fn new(kind: Kind) -> Self {
        Self(Box::new(Inner { kind, path: Vec::new(), is_fatal: false, is_retriable: false }))
    }

    #[cold]
    pub(crate) fn malformed(what: &'static str) -> Self {
        Self::new(Kind::Malformed(what))
    }

    /// Of the stream: nothing behind it can be trusted.
    #[cold]
    pub(crate) fn fatal(mut self) -> Self {
        self.0.is_fatal = true;
        self
    }

    #[cold]
    pub(crate) fn retriable(mut self) -> Self {
        self.0.is_retriable = true;
        self
    }

    pub(crate) fn is_retriable(&self) -> bool {
        self.0.is_retriable
    }

    #[cold]
    pub(crate) fn in_field(mut self, name: &str) -> Self {
        self.0.path.push(Step::Field(name.into()));
        self
    }

    #[cold]
    pub(crate) fn at_index(mut self, index: usize) -> Self {
        self.0.path.push(Step::Index(index));
        self
    }

    #[cold]
    pub(crate) fn in_key(mut self) -> Self {
        self.0.path.push(Step::Key);
        self
    }

    #[cold]
    pub(crate) fn in_element(mut self) -> Self {
        self.0.path.push(Step::Element);
        self
    }

    /// What was wrong.
    #[must_use]
    pub fn kind(&self) -> &DecodeErrorKind {
        &self.0.kind
    }

    /// Whether the stream is lost: every further call answers with [`DecodeErrorKind::Broken`]. Otherwise only this
    /// value was not understood, it has been taken from the input, and the next one can be decoded.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        self.0.is_fatal
    }

    /// Where in the value, by Go's names, such as `Items[3].Name`; nothing if at its top.
    #[must_use]
    pub fn path(&self) -> String {
        let mut path = String::new();
        for step in self.0.path.iter().rev() {
            let dot = if path.is_empty() { "" } else { "." };
            match step {
                Step::Field(name) => path.extend([dot, name]),
                Step::Index(index) => path.push_str(&format!("[{index}]")),
                Step::Key => path.push_str("[key]"),
                Step::Element => path.push_str("[]"),
            }
        }
        path
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.path.is_empty() {
            write!(f, "{}: ", self.path())?;
        }
        self.0.kind.fmt(f)
    }
}

impl fmt::Debug for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, is_fatal, .. } = &*self.0;
        let mut shown = f.debug_struct("DecodeError");
        shown.field("kind", kind).field("path", &self.path()).field("is_fatal", is_fatal).finish()
    }
}

impl fmt::Display for DecodeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MessageTooLong { len, limit } => write!(f, "message of {len} bytes exceeds limit {limit}"),
            Self::TooManyTypes { limit } => write!(f, "number of types exceeds limit {limit}"),
            Self::DefinitionsTooLong { len, limit } => {
                write!(f, "type definitions of {len} bytes exceed limit {limit}")
            }
            Self::TooManyFields { count, limit } => {
                write!(f, "struct of {count} fields exceeds limit {limit}")
            }
            Self::NameTooLong { len, limit } => write!(f, "name of {len} bytes exceeds limit {limit}"),
            Self::ValueTooDeep { limit } => write!(f, "value is nested deeper than limit {limit}"),
            Self::TypeTooDeep { limit } => write!(f, "type is nested deeper than limit {limit}"),
            Self::AllocationTooLarge { limit } => {
                write!(f, "value would take more than {limit} bytes of memory")
            }
            Self::DecodedTooOften { limit } => {
                write!(f, "value lacks so many fields that more than {limit} bytes would be decoded again")
            }
            Self::Malformed(what) => write!(f, "malformed gob: {what}"),
            Self::CountTooLarge { count, left } => {
                write!(f, "malformed gob: {count} elements in {left} bytes")
            }
            Self::UnknownType { id } => write!(f, "type {id} is not defined in this stream"),
            Self::DuplicateType { id } => write!(f, "type {id} is defined already"),
            Self::Mismatch { stream, target } => write!(f, "the stream has {stream}, the target {target}"),
            Self::NoFieldsMatch { stream, target } => {
                write!(f, "no fields match: the stream has {stream}, the target {target}")
            }
            Self::OutOfRange { value, target } => write!(f, "{value} is out of the range of {target}"),
            Self::NotUtf8 => f.write_str("string is not UTF-8 (GoString takes any)"),
            Self::UnregisteredName { name } => {
                write!(f, "interface holds a type whose name {name:?} is not registered")
            }
            Self::MissingField { field } => {
                write!(f, "field {field} is missing in the stream and has no zero value")
            }
            Self::Custom(message) => f.write_str(message),
            Self::UnexpectedEnd => f.write_str("the stream ends within a value"),
            Self::Broken => f.write_str("an earlier error has broken this stream"),
        }
    }
}

impl std::error::Error for DecodeError {}

impl de::Error for DecodeError {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Kind::Custom(message.to_string()))
    }

    #[cold]
    fn missing_field(field: &'static str) -> Self {
        Self::new(Kind::MissingField { field })
    }
}
