//! The zero value of whatever a target is, for fields that are not in the stream because they are zero.

use std::sync::Arc;

use serde::de::value::{MapDeserializer, SeqDeserializer, StrDeserializer};
use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::de::mismatch;
use super::error::{DecodeError, DecodeErrorKind as Kind, Result};
use crate::dynamic::{self, Dynamic, Type};
use crate::through_serde::{self, Guest};
use crate::types::{Graph, Shape, Slot};

/// A zero. Where the stream says of which type it is, only a target of that type gets it, as in Go, where types are
/// compared before there are values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Zero<'a> {
    of: Option<(&'a Arc<Graph>, Slot)>,
    field: &'static str,
}

impl<'a> Zero<'a> {
    /// Of a type of the stream.
    pub(crate) fn declared(graph: &'a Arc<Graph>, slot: Slot) -> Self {
        Self { of: Some((graph, slot)), field: "" }
    }

    /// Of a field that the stream does not have.
    pub(crate) fn missing(field: &'static str) -> Self {
        Self { of: None, field }
    }

    fn shape(self) -> Option<&'a Shape> {
        self.of.and_then(|(graph, slot)| graph.get(slot)).map(|definition| &definition.shape)
    }

    /// Nothing fits an interface better or worse than anything else.
    fn check(self, target: &str, fits: impl FnOnce(&Shape) -> bool) -> Result<()> {
        match (self.shape(), self.of) {
            (Some(Shape::Interface), _) | (None, _) | (_, None) => Ok(()),
            (Some(shape), _) if fits(shape) => Ok(()),
            (_, Some((graph, slot))) => Err(mismatch(graph.describe(slot), target)),
        }
    }

    /// A target that has no zero: an enum, say.
    fn none<T>(self, target: &str) -> Result<T> {
        match self.of {
            None => Err(DecodeError::new(Kind::MissingField { field: self.field })),
            Some((graph, slot)) => Err(mismatch(format!("no {}", graph.describe(slot)), target)),
        }
    }
}

macro_rules! zeros {
    ($($method:ident $visit:ident $zero:expr, $shapes:pat, $target:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            self.check($target, |shape| matches!(shape, $shapes))?;
            visitor.$visit($zero)
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Zero<'_> {
    type Error = DecodeError;

    zeros!(
        deserialize_bool visit_bool false, Shape::Bool, "bool";
        deserialize_i8 visit_i8 0, Shape::Int, "i8";
        deserialize_i16 visit_i16 0, Shape::Int, "i16";
        deserialize_i32 visit_i32 0, Shape::Int, "i32";
        deserialize_i64 visit_i64 0, Shape::Int, "i64";
        deserialize_i128 visit_i128 0, Shape::Int, "i128";
        deserialize_u8 visit_u8 0, Shape::Uint, "u8";
        deserialize_u16 visit_u16 0, Shape::Uint, "u16";
        deserialize_u32 visit_u32 0, Shape::Uint, "u32";
        deserialize_u64 visit_u64 0, Shape::Uint, "u64";
        deserialize_u128 visit_u128 0, Shape::Uint, "u128";
        deserialize_f32 visit_f32 0.0, Shape::Float, "f32";
        deserialize_f64 visit_f64 0.0, Shape::Float, "f64";
        deserialize_char visit_char '\0', Shape::Int, "char";
        deserialize_str visit_borrowed_str "", Shape::String, "string";
        deserialize_string visit_borrowed_str "", Shape::String, "string";
        deserialize_bytes visit_borrowed_bytes &[], Shape::Bytes | Shape::Marshaled(_), "bytes";
        deserialize_byte_buf visit_borrowed_bytes &[], Shape::Bytes | Shape::Marshaled(_), "bytes";
    );

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_none()
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value> {
        match through_serde::guest(name) {
            None => visitor.visit_newtype_struct(self),
            Some(Guest::GoString) => {
                self.check("string", |shape| matches!(shape, Shape::String))?;
                visitor.visit_borrowed_bytes(&[])
            }
            Some(Guest::Complex) => {
                self.check("complex number", |shape| matches!(shape, Shape::Complex))?;
                visitor.visit_seq(SeqDeserializer::new([0.0, 0.0].into_iter()))
            }
            Some(Guest::Dynamic) => match self.of {
                Some((graph, slot)) => {
                    let value = dynamic::zero(graph, slot);
                    dynamic::hand_over(Dynamic { ty: Type::new(graph, slot), value }, visitor)
                }
                None => self.none("dynamic value"),
            },
            Some(Guest::Marshaled) => {
                self.check("bytes of a marshaler", |shape| matches!(shape, Shape::Marshaled(_)))?;
                visitor.visit_borrowed_bytes(&[])
            }
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.check("a list", |shape| matches!(shape, Shape::Slice(_) | Shape::Array(..) | Shape::Bytes))?;
        visitor.visit_seq(SeqDeserializer::new(std::iter::empty::<()>()))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value> {
        let fits = |shape: &Shape| matches!(shape, Shape::Array(..) | Shape::Complex);
        self.check("an array", fits)?;
        visitor.visit_seq(SeqDeserializer::new((0..len).map(|_| Zero { of: None, field: self.field })))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.check("a map", |shape| matches!(shape, Shape::Map(..) | Shape::Struct(_)))?;
        visitor.visit_map(MapDeserializer::new(std::iter::empty::<((), ())>()))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.check(name, Shape::is_struct)?;
        visitor.visit_map(ZeroFields { fields, last: "" })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        match self.shape() {
            // The zero of a string is a variant if one is called so.
            Some(Shape::String) | None if variants.contains(&"") => {
                visitor.visit_enum(StrDeserializer::new(""))
            }
            Some(Shape::Int | Shape::Uint) => visitor.visit_enum(0_u32.into_deserializer()),
            _ => self.none(name),
        }
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.shape() {
            Some(Shape::Bool) => visitor.visit_bool(false),
            Some(Shape::Int) => visitor.visit_i64(0),
            Some(Shape::Uint) => visitor.visit_u64(0),
            Some(Shape::Float) => visitor.visit_f64(0.0),
            Some(Shape::Bytes) => visitor.visit_borrowed_bytes(&[]),
            Some(Shape::String) => visitor.visit_borrowed_str(""),
            Some(Shape::Slice(_)) => self.deserialize_seq(visitor),
            Some(Shape::Complex) => visitor.visit_seq(SeqDeserializer::new([0.0, 0.0].into_iter())),
            _ => visitor.visit_unit(),
        }
    }

    forward_to_deserialize_any! { identifier ignored_any }

    fn is_human_readable(&self) -> bool {
        false
    }
}

impl<'de> IntoDeserializer<'de, DecodeError> for Zero<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// All fields of a struct that is zero.
#[derive(Debug)]
struct ZeroFields {
    fields: &'static [&'static str],
    last: &'static str,
}

impl<'de> de::MapAccess<'de> for ZeroFields {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        let Some((first, rest)) = self.fields.split_first() else { return Ok(None) };
        (self.last, self.fields) = (first, rest);
        super::de::name(seed, first).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        seed.deserialize(Zero::missing(self.last)).map_err(|error| error.in_field(self.last))
    }
}
