//! The Go type of a Rust type, as the compiler knows it.

use std::any::TypeId;

use crate::types::{Marshaler, id};

/// The Go type that values of a Rust type are sent as.
#[derive(Clone, Copy, Debug)]
pub struct GoType {
    id: TypeId,
    kind: Kind,
}

/// What a Go type is made of. The types of parts are functions, since types may be recursive.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Kind {
    /// `bool`
    Bool,
    /// Signed integers of every width.
    Int,
    /// Unsigned integers of every width.
    Uint,
    /// `float32`, `float64`
    Float,
    /// `complex64`, `complex128`
    Complex,
    /// `[]byte`
    Bytes,
    /// `string`
    String,
    /// An interface.
    Interface,
    /// A slice.
    Slice(fn() -> GoType),
    /// An array, and its length.
    Array(fn() -> GoType, usize),
    /// A map: key and value.
    Map(fn() -> GoType, fn() -> GoType),
    /// A struct: its name, which Go does not compare, and its fields.
    Struct(&'static str, &'static [Field]),
    /// A type that makes its bytes itself: by which of Go's interfaces, and its name.
    Marshaled(Marshaler, &'static str),
}

/// A field of a struct.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name in Go.
    pub name: &'static str,
    /// Its type.
    pub go_type: fn() -> GoType,
}

impl GoType {
    /// The Go type of `T`, which tells it from all others.
    #[must_use]
    pub fn new<T: ?Sized>(kind: Kind) -> Self {
        Self { id: typeid::of::<T>(), kind }
    }

    /// What it is made of.
    #[must_use]
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    pub(crate) fn id(&self) -> TypeId {
        self.id
    }

    pub(crate) fn is_struct(&self) -> bool {
        matches!(self.kind, Kind::Struct(..))
    }

    /// The id of a type that needs no definition.
    pub(crate) fn builtin(&self) -> Option<i64> {
        match self.kind {
            Kind::Bool => Some(id::BOOL),
            Kind::Int => Some(id::INT),
            Kind::Uint => Some(id::UINT),
            Kind::Float => Some(id::FLOAT),
            Kind::Complex => Some(id::COMPLEX),
            Kind::Bytes => Some(id::BYTES),
            Kind::String => Some(id::STRING),
            Kind::Interface => Some(id::INTERFACE),
            _ => None,
        }
    }

    /// In Go's words, a few levels deep.
    pub(crate) fn describe(&self) -> String {
        self.describe_to(3)
    }

    fn describe_to(&self, depth: usize) -> String {
        let part = |go_type: fn() -> Self| match depth {
            0 => "…".to_owned(),
            _ => go_type().describe_to(depth - 1),
        };
        match self.kind {
            Kind::Bool => "bool".to_owned(),
            Kind::Int => "int".to_owned(),
            Kind::Uint => "uint".to_owned(),
            Kind::Float => "float64".to_owned(),
            Kind::Complex => "complex128".to_owned(),
            Kind::Bytes => "[]byte".to_owned(),
            Kind::String => "string".to_owned(),
            Kind::Interface => "any".to_owned(),
            Kind::Slice(elem) => format!("[]{}", part(elem)),
            Kind::Array(elem, len) => format!("[{len}]{}", part(elem)),
            Kind::Map(key, elem) => format!("map[{}]{}", part(key), part(elem)),
            Kind::Struct(name, _) => format!("struct {name}"),
            Kind::Marshaled(_, name) => name.to_owned(),
        }
    }
}
