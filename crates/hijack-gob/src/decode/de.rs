//! A value of the stream as serde sees it.

use std::fmt;

use serde::de::value::{SeqDeserializer, StrDeserializer, U32Deserializer};
use serde::de::{self, DeserializeSeed, Visitor};

use super::access::{EnumAccess, ListAccess, MapAccess, StructAccess};
use super::context::Context;
use super::error::{DecodeError, DecodeErrorKind as Kind, Result};
use super::plan::{Plan, Target};
use crate::dynamic;
use crate::through_serde::{self, Guest};
use crate::types::{Field, Shape, Slot};

/// A value that comes next in the stream.
#[derive(Debug)]
pub(crate) struct Deserializer<'c, 'a, 'de> {
    pub(crate) cx: &'c mut Context<'a, 'de>,
    pub(crate) slot: Slot,
}

impl<'c, 'a, 'de> Deserializer<'c, 'a, 'de> {
    pub(crate) fn new(cx: &'c mut Context<'a, 'de>, slot: Slot) -> Self {
        Self { cx, slot }
    }

    /// Looks through an interface, or says that the types do not fit.
    #[cold]
    fn through<V: Visitor<'de>>(
        self,
        target: impl fmt::Display,
        visit: impl FnOnce(Deserializer<'_, 'a, 'de>) -> Result<V::Value>,
    ) -> Result<V::Value> {
        let Shape::Interface = self.cx.shape(self.slot)? else {
            return Err(mismatch(self.cx.graph.describe(self.slot), target));
        };
        let Some(held) = self.cx.open_interface()? else {
            return Err(mismatch("a nil interface".to_owned(), target));
        };
        let value = visit(Deserializer::new(self.cx, held.slot))?;
        self.cx.leave();
        Ok(value)
    }

    fn list<V: Visitor<'de>>(self, elem: Slot, len: Option<u64>, visitor: V) -> Result<V::Value> {
        self.cx.enter()?;
        let count = self.cx.list(len)?;
        if elem == Slot::STRING && count >= 8 {
            self.cx.reader.foresee_text();
        }
        let mut access = ListAccess { cx: self.cx, elem, count, at: 0 };
        let value = visitor.visit_seq(&mut access)?;
        if access.at < count {
            return Err(mismatch(format!("{count} elements"), format_args!("{} elements", access.at)));
        }
        self.cx.leave();
        Ok(value)
    }

    fn map<V: Visitor<'de>>(self, (key, elem): (Slot, Slot), visitor: V) -> Result<V::Value> {
        self.cx.enter()?;
        let count = self.cx.reader.count(2)?;
        let mut access = MapAccess { cx: self.cx, key, elem, count, at: 0 };
        let value = visitor.visit_map(&mut access)?;
        if access.at < count {
            return Err(mismatch(format!("{count} entries"), format_args!("{} entries", access.at)));
        }
        self.cx.leave();
        Ok(value)
    }

    fn structure<V: Visitor<'de>>(
        self,
        fields: &'a [Field],
        target: Option<Target>,
        visitor: V,
    ) -> Result<V::Value> {
        let plan = target.map(|target| self.plan(target)).transpose()?;
        let mut access = StructAccess::new(self.cx, fields, plan)?;
        let value = visitor.visit_map(&mut access).map_err(|error| access.owns(error))?;
        access.finish()?;
        Ok(value)
    }

    /// What the struct of the stream has in common with the target's.
    #[inline]
    fn plan(&self, target: Target) -> Result<&'a Plan> {
        let plan = self.cx.plans.find(self.slot, target, self.cx.graph);
        if self.cx.is_whole() {
            plan.check_whole(self.slot, self.cx.graph)?;
        }
        Ok(plan)
    }
}

/// The types of the stream and of the target do not fit.
#[cold]
pub(super) fn mismatch(stream: String, target: impl fmt::Display) -> DecodeError {
    DecodeError::new(Kind::Mismatch { stream, target: target.to_string() })
}

#[cold]
pub(super) fn out_of_range(value: impl fmt::Display, target: &'static str) -> DecodeError {
    DecodeError::new(Kind::OutOfRange { value: value.to_string(), target })
}

/// What a visitor wants, in its own words.
struct Expected<'v, V>(&'v V);

impl<'de, V: Visitor<'de>> fmt::Display for Expected<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }
}

/// Numbers: the kind must be the same, the width is checked value by value, as in Go.
macro_rules! numbers {
    ($($method:ident $visit:ident $slot:ident $read:ident $target:ident),*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            if self.slot != Slot::$slot {
                return self.through::<V>(stringify!($target), |held| held.$method(visitor));
            }
            let value = self.cx.reader.$read()?;
            let narrow = $target::try_from(value).map_err(|_| out_of_range(value, stringify!($target)));
            visitor.$visit(narrow?)
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Deserializer<'_, '_, 'de> {
    type Error = DecodeError;

    numbers!(
        deserialize_i8 visit_i8 INT int i8,
        deserialize_i16 visit_i16 INT int i16,
        deserialize_i32 visit_i32 INT int i32,
        deserialize_i64 visit_i64 INT int i64,
        deserialize_i128 visit_i128 INT int i128,
        deserialize_u8 visit_u8 UINT uint u8,
        deserialize_u16 visit_u16 UINT uint u16,
        deserialize_u32 visit_u32 UINT uint u32,
        deserialize_u64 visit_u64 UINT uint u64,
        deserialize_u128 visit_u128 UINT uint u128
    );

    #[inline]
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.slot != Slot::BOOL {
            return self.through::<V>("bool", |held| held.deserialize_bool(visitor));
        }
        visitor.visit_bool(self.cx.reader.bool()?)
    }

    #[inline]
    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.slot != Slot::FLOAT {
            return self.through::<V>("f64", |held| held.deserialize_f64(visitor));
        }
        visitor.visit_f64(self.cx.reader.float()?)
    }

    #[inline]
    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.slot != Slot::FLOAT {
            return self.through::<V>("f32", |held| held.deserialize_f32(visitor));
        }
        visitor.visit_f32(narrow(self.cx.reader.float()?)?)
    }

    /// Go's `rune`, which is an `int32`.
    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.cx.shape(self.slot)? {
            Shape::Int => {
                let value = self.cx.reader.int()?;
                let rune = u32::try_from(value).ok().and_then(char::from_u32);
                visitor.visit_char(rune.ok_or_else(|| out_of_range(value, "char"))?)
            }
            _ => self.through::<V>("char", |held| held.deserialize_char(visitor)),
        }
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.slot != Slot::STRING {
            return self.through::<V>(Expected(&visitor).to_string(), |held| held.deserialize_str(visitor));
        }
        let text = self.cx.reader.text()?;
        self.cx.charge(text.len())?;
        visitor.visit_borrowed_str(text)
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.cx.shape(self.slot)? {
            Shape::Bytes | Shape::Marshaled(_) => {
                let bytes = self.cx.reader.bytes()?;
                self.cx.charge(bytes.len())?;
                visitor.visit_borrowed_bytes(bytes)
            }
            _ => self.through::<V>(Expected(&visitor).to_string(), |held| held.deserialize_bytes(visitor)),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_bytes(visitor)
    }

    /// Nil is what an interface may hold. A pointer that is nil is not sent, so all else is something.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.cx.shape(self.slot)? {
            Shape::Interface if self.cx.reader.rest().first() == Some(&0) => {
                self.cx.open_interface()?;
                visitor.visit_none()
            }
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.cx.skip(self.slot)?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value> {
        match through_serde::guest(name) {
            None => visitor.visit_newtype_struct(self),
            Some(guest) => self.guest(guest, visitor),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.cx.shape(self.slot)? {
            Shape::Slice(elem) => self.list(*elem, None, visitor),
            Shape::Array(elem, len) => self.list(*elem, Some(*len), visitor),
            Shape::Bytes => {
                let bytes = self.cx.reader.bytes()?;
                self.cx.charge(bytes.len())?;
                visitor.visit_seq(SeqDeserializer::new(bytes.iter().copied()))
            }
            Shape::Complex => self.complex(visitor),
            _ => self.through::<V>(Expected(&visitor).to_string(), |held| held.deserialize_seq(visitor)),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value> {
        match self.cx.shape(self.slot)? {
            Shape::Array(_, is) if *is == len as u64 => self.deserialize_seq(visitor),
            Shape::Complex if len == 2 => self.complex(visitor),
            Shape::Interface => self.through::<V>("", |held| held.deserialize_tuple(len, visitor)),
            _ => Err(mismatch(self.cx.graph.describe(self.slot), format_args!("an array of {len}"))),
        }
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
        match self.cx.shape(self.slot)? {
            Shape::Map(key, elem) => self.map((*key, *elem), visitor),
            Shape::Struct(fields) => self.structure(fields, None, visitor),
            _ => self.through::<V>(Expected(&visitor).to_string(), |held| held.deserialize_map(visitor)),
        }
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        match self.cx.shape(self.slot)? {
            Shape::Struct(sent) => self.structure(sent, Some(Target { name, fields }), visitor),
            _ => self.through::<V>(format_args!("struct {name}"), |held| {
                held.deserialize_struct(name, fields, visitor)
            }),
        }
    }

    /// An interface is an enum whose variants are called as Go registers the types that it holds. A string is one
    /// whose variants have no content, and so is an integer, which counts them as `iota` does.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        match self.cx.shape(self.slot)? {
            Shape::String => {
                let bytes = self.cx.reader.bytes()?;
                let text = std::str::from_utf8(bytes).map_err(|_| DecodeError::new(Kind::NotUtf8))?;
                visitor.visit_enum(StrDeserializer::new(text))
            }
            Shape::Int => self.cx.reader.int().and_then(|number| variant(number, name, visitor)),
            Shape::Uint => self.cx.reader.uint().and_then(|number| variant(number, name, visitor)),
            Shape::Interface => {
                let Some(held) = self.cx.open_interface()? else {
                    return Err(mismatch("a nil interface".to_owned(), format_args!("enum {name}")));
                };
                let value = visitor.visit_enum(EnumAccess { cx: self.cx, held })?;
                self.cx.leave();
                Ok(value)
            }
            _ => {
                let stream = self.cx.graph.describe(self.slot);
                Err(mismatch(stream, format_args!("enum {name} of {}", variants.join(", "))))
            }
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.cx.skip(self.slot)?;
        visitor.visit_unit()
    }

    /// As the stream says. An interface is what it holds.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.cx.shape(self.slot)? {
            Shape::Bool => self.deserialize_bool(visitor),
            Shape::Int => self.deserialize_i64(visitor),
            Shape::Uint => self.deserialize_u64(visitor),
            Shape::Float => self.deserialize_f64(visitor),
            Shape::Bytes | Shape::Marshaled(_) => self.deserialize_bytes(visitor),
            Shape::String => {
                let bytes = self.cx.reader.bytes()?;
                self.cx.charge(bytes.len())?;
                match std::str::from_utf8(bytes) {
                    Ok(text) => visitor.visit_borrowed_str(text),
                    Err(_) => visitor.visit_borrowed_bytes(bytes),
                }
            }
            Shape::Complex => self.complex(visitor),
            Shape::Slice(_) | Shape::Array(..) => self.deserialize_seq(visitor),
            Shape::Map(..) | Shape::Struct(_) => self.deserialize_map(visitor),
            Shape::Interface => {
                let Some(held) = self.cx.open_interface()? else { return visitor.visit_unit() };
                let value = Deserializer::new(self.cx, held.slot).deserialize_any(visitor)?;
                self.cx.leave();
                Ok(value)
            }
        }
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

impl<'de> Deserializer<'_, '_, 'de> {
    /// Real and imaginary part.
    fn complex<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let parts = [self.cx.reader.float()?, self.cx.reader.float()?];
        visitor.visit_seq(SeqDeserializer::new(parts.into_iter()))
    }

    /// One of our own types, for which serde has no word.
    fn guest<V: Visitor<'de>>(self, guest: Guest, visitor: V) -> Result<V::Value> {
        match guest {
            Guest::GoString => match self.cx.shape(self.slot)? {
                Shape::String => {
                    let bytes = self.cx.reader.bytes()?;
                    self.cx.charge(bytes.len())?;
                    visitor.visit_borrowed_bytes(bytes)
                }
                _ => self.through::<V>("string", |held| held.guest(guest, visitor)),
            },
            Guest::Complex => match self.cx.shape(self.slot)? {
                Shape::Complex => self.complex(visitor),
                _ => self.through::<V>("complex number", |held| held.guest(guest, visitor)),
            },
            Guest::Dynamic => dynamic::hand_over(self.dynamic()?, visitor),
            Guest::Marshaled => match self.cx.shape(self.slot)? {
                Shape::Marshaled(_) => de::Deserializer::deserialize_bytes(self, visitor),
                _ => self.through::<V>(Expected(&visitor).to_string(), |held| held.guest(guest, visitor)),
            },
        }
    }
}

fn variant<'de, V: Visitor<'de>, N>(number: N, name: &'static str, visitor: V) -> Result<V::Value>
where
    N: fmt::Display + Copy,
    u32: TryFrom<N>,
{
    let Ok(index) = u32::try_from(number) else {
        return Err(mismatch(format!("the number {number}"), format_args!("enum {name}")));
    };
    visitor.visit_enum(U32Deserializer::new(index))
}

/// As Go: too large is an error, too exact is not.
fn narrow(value: f64) -> Result<f32> {
    #[allow(clippy::cast_possible_truncation)]
    let narrow = value as f32;
    if narrow.is_infinite() && value.is_finite() {
        return Err(out_of_range(format_args!("{value:e}"), "f32"));
    }
    Ok(narrow)
}

/// Deserializes a seed from a field's name.
pub(super) fn name<'de, K: DeserializeSeed<'de>>(seed: K, name: &str) -> Result<K::Value> {
    seed.deserialize(StrDeserializer::new(name))
}
