//! Values whose types are known at run time only.

mod decode;
mod encode;
mod parse;
pub(crate) mod ty;

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};

pub(crate) use self::decode::zero;
pub use self::parse::TypeError;
pub use self::ty::{Type, TypeKind};
use crate::text::{Complex, GoString};
use crate::through_serde;

/// A value of Go, whatever its type.
///
/// It can be decoded, as a whole or as a part of a typed value, from gob only.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// A nil pointer, map or interface. In structs they are not sent.
    #[default]
    Nil,
    /// `bool`
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    Uint(u64),
    /// `float64`, `float32`
    Float(f64),
    /// `complex128`, `complex64`
    Complex(Complex),
    /// `[]byte`
    Bytes(Vec<u8>),
    /// `string`
    String(GoString),
    /// A slice or an array.
    List(Vec<Value>),
    /// A map, its entries in the order of the stream.
    Map(Vec<(Value, Value)>),
    /// A struct: all fields of its type, zeros as well.
    Struct(Vec<(Arc<str>, Value)>),
    /// An interface that is not nil.
    Interface(Box<Interface>),
    /// What a type made of itself. See [`Marshaler`](crate::Marshaler).
    Marshaled(Vec<u8>),
}

/// What an interface holds.
#[derive(Clone, Debug)]
pub struct Interface {
    /// The name under which Go registers the type.
    pub name: GoString,
    /// The type.
    pub ty: Type,
    /// A value of it.
    pub value: Value,
}

/// A value and its type: what a stream says of it, and what another stream needs to know of it.
#[derive(Clone, Debug)]
pub struct Dynamic {
    /// The type.
    pub ty: Type,
    /// A value of it.
    pub value: Value,
}

impl Value {
    /// The field of a struct, or of a struct in an interface.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Struct(fields) => {
                fields.iter().find_map(|(other, value)| (**other == *name).then_some(value))
            }
            Self::Interface(interface) => interface.value.get(name),
            _ => None,
        }
    }

    /// What it is, in a word.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Bool(_) => "a bool",
            Self::Int(_) => "a signed integer",
            Self::Uint(_) => "an unsigned integer",
            Self::Float(_) => "a float",
            Self::Complex(_) => "a complex number",
            Self::Bytes(_) => "bytes",
            Self::String(_) => "a string",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
            Self::Struct(_) => "a struct",
            Self::Interface(_) => "an interface",
            Self::Marshaled(_) => "bytes of a marshaler",
        }
    }
}

/// By name and value: two ends may describe one type in different ways.
impl PartialEq for Interface {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.value == other.value
    }
}

/// By value.
impl PartialEq for Dynamic {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

thread_local! {
    /// Where our deserializer leaves a value for the visitor that it calls next: serde's model has no place for the
    /// description of a type.
    static HANDED_OVER: Cell<Option<Dynamic>> = const { Cell::new(None) };
}

/// Gives a value to a visitor of this module.
pub(crate) fn hand_over<'de, V: Visitor<'de>, E: de::Error>(
    value: Dynamic,
    visitor: V,
) -> Result<V::Value, E> {
    HANDED_OVER.set(Some(value));
    visitor.visit_unit()
}

impl<'de> Deserialize<'de> for Dynamic {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Receiver;

        impl<'de> Visitor<'de> for Receiver {
            type Value = Dynamic;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value of a gob stream")
            }

            fn visit_unit<E: de::Error>(self) -> Result<Dynamic, E> {
                HANDED_OVER.take().ok_or_else(|| E::custom("dynamic values come from gob streams only"))
            }
        }

        deserializer.deserialize_newtype_struct(through_serde::DYNAMIC, Receiver)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Dynamic::deserialize(deserializer).map(|dynamic| dynamic.value)
    }
}

/// From an interface that is not nil; `Option<Interface>` takes any.
impl<'de> Deserialize<'de> for Interface {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Interface(interface) => Ok(*interface),
            other => {
                Err(de::Error::custom(format_args!("an interface is needed, and is not {}", other.word())))
            }
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Uint(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::String(value.into())
    }
}
