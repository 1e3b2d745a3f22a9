//! The parts of a value as serde asks for them, one after another.

use serde::de::{self, DeserializeSeed, Visitor};

use super::context::{Ahead, Context, Held};
use super::de::{Deserializer, name};
use super::error::{DecodeError, DecodeErrorKind as Kind, Result};
use super::plan::{Plan, ZeroFields};
use super::zero::Zero;
use crate::types::{Field, Slot};

/// Elements of a slice or an array.
#[derive(Debug)]
pub(super) struct ListAccess<'c, 'a, 'de> {
    pub(super) cx: &'c mut Context<'a, 'de>,
    pub(super) elem: Slot,
    pub(super) count: usize,
    pub(super) at: usize,
}

impl<'de> de::SeqAccess<'de> for ListAccess<'_, '_, 'de> {
    type Error = DecodeError;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        if self.at == self.count {
            return Ok(None);
        }
        self.cx.charge(size_of::<T::Value>())?;
        match seed.deserialize(Deserializer::new(self.cx, self.elem)) {
            Ok(value) => {
                self.at += 1;
                Ok(Some(value))
            }
            Err(error) => Err(error.at_index(self.at)),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.count - self.at)
    }
}

/// Entries of a map.
#[derive(Debug)]
pub(super) struct MapAccess<'c, 'a, 'de> {
    pub(super) cx: &'c mut Context<'a, 'de>,
    pub(super) key: Slot,
    pub(super) elem: Slot,
    pub(super) count: usize,
    pub(super) at: usize,
}

impl<'de> de::MapAccess<'de> for MapAccess<'_, '_, 'de> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        if self.at == self.count {
            return Ok(None);
        }
        self.at += 1;
        self.cx.charge(size_of::<K::Value>())?;
        seed.deserialize(Deserializer::new(self.cx, self.key)).map(Some).map_err(DecodeError::in_key)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        self.cx.charge(size_of::<V::Value>())?;
        seed.deserialize(Deserializer::new(self.cx, self.elem)).map_err(DecodeError::in_element)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.count - self.at)
    }
}

/// Fields of a struct: those that were sent, and zeros for those that the sender left out because they are zero.
#[derive(Debug)]
pub(super) struct StructAccess<'c, 'a, 'de> {
    cx: &'c mut Context<'a, 'de>,
    fields: &'a [Field],
    /// Which fields the target has; without a plan, all.
    plan: Option<&'a Plan>,
    ahead: Ahead,
    /// Common fields that were given so far.
    at: usize,
    /// Fields of the target alone that are given behind those.
    zeros: Option<&'a ZeroFields>,
    value: Next,
}

/// Where the value of the key that was given last comes from.
#[derive(Debug)]
enum Next {
    /// A field of the stream.
    Common(usize),
    /// A field that the stream does not have.
    Missing(&'static str),
}

impl<'c, 'a, 'de> StructAccess<'c, 'a, 'de> {
    /// Enters the struct.
    #[inline]
    pub(super) fn new(
        cx: &'c mut Context<'a, 'de>,
        fields: &'a [Field],
        plan: Option<&'a Plan>,
    ) -> Result<Self> {
        cx.enter()?;
        let ahead = Ahead::start(fields.len(), &mut cx.reader)?;
        let zeros = plan.map(|plan| &plan.zeros);
        Ok(Self { cx, fields, plan, ahead, at: 0, zeros, value: Next::Missing("") })
    }

    /// The index of the next field to be given, as far as the stream has it.
    #[inline]
    fn common(&self) -> Option<usize> {
        match self.plan {
            Some(plan) => plan.common.get(self.at).copied(),
            None => (self.at < self.fields.len()).then_some(self.at),
        }
    }

    /// Passes over what the target does not have, up to the field `until`.
    #[inline]
    fn skip_to(&mut self, until: usize) -> Result<()> {
        while self.ahead.index() < until {
            self.skip_field()?;
        }
        Ok(())
    }

    fn skip_field(&mut self) -> Result<()> {
        let field = &self.fields[self.ahead.index()];
        self.cx.skip(field.slot).map_err(|error| error.in_field(&field.name))?;
        self.ahead.go_on(&mut self.cx.reader)
    }

    /// Passes over what the target did not ask for.
    #[inline]
    pub(super) fn finish(mut self) -> Result<()> {
        self.skip_to(self.fields.len())?;
        self.cx.leave();
        Ok(())
    }

    /// The next of the fields that only the target has.
    fn missing(&mut self) -> Result<Option<&'static str>> {
        self.skip_to(self.fields.len())?;
        Ok(self.zeros.and_then(ZeroFields::next).map(|(field, behind)| {
            self.zeros = Some(behind);
            *field
        }))
    }

    /// A complaint of a missing field is noted, so that it can be met in a second attempt.
    pub(super) fn owns(&self, error: DecodeError) -> DecodeError {
        if let (Kind::MissingField { field }, Some(plan)) = (error.kind(), self.plan)
            && !error.is_retriable()
            && plan.needs_zero(field)
        {
            return error.retriable();
        }
        error
    }
}

impl<'de> de::MapAccess<'de> for StructAccess<'_, '_, 'de> {
    type Error = DecodeError;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        let Some(index) = self.common() else {
            let Some(missing) = self.missing()? else { return Ok(None) };
            self.value = Next::Missing(missing);
            return name(seed, missing).map(Some);
        };
        self.skip_to(index)?;
        self.at += 1;
        self.value = Next::Common(index);
        if self.plan.is_none() {
            // A byte of the stream may stand for many fields that are all zero, and nobody knows what becomes of them.
            self.cx.charge(size_of::<K::Value>() + 16)?;
        }
        name(seed, &self.fields[index].name).map(Some)
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        let index = match self.value {
            Next::Common(index) => index,
            Next::Missing(field) => return seed.deserialize(Zero::missing(field)),
        };
        let field = &self.fields[index];
        if self.ahead.index() != index {
            let zero = Zero::declared(self.cx.graph, field.slot);
            return seed.deserialize(zero).map_err(|error| error.in_field(&field.name));
        }
        match seed.deserialize(Deserializer::new(self.cx, field.slot)) {
            Ok(value) => {
                self.ahead.go_on(&mut self.cx.reader)?;
                Ok(value)
            }
            Err(error) => Err(error.in_field(&field.name)),
        }
    }
}

/// An interface as an enum: the name says the variant, what it holds is the content.
#[derive(Debug)]
pub(super) struct EnumAccess<'c, 'a, 'de> {
    pub(super) cx: &'c mut Context<'a, 'de>,
    pub(super) held: Held<'de>,
}

impl<'c, 'a, 'de> de::EnumAccess<'de> for EnumAccess<'c, 'a, 'de> {
    type Error = DecodeError;
    type Variant = Deserializer<'c, 'a, 'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self::Variant)> {
        let text = std::str::from_utf8(self.held.name).map_err(|_| DecodeError::new(Kind::NotUtf8))?;
        Ok((name(seed, text)?, Deserializer::new(self.cx, self.held.slot)))
    }
}

impl<'de> de::VariantAccess<'de> for Deserializer<'_, '_, 'de> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<()> {
        self.cx.skip(self.slot)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value> {
        de::Deserializer::deserialize_tuple(self, len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        de::Deserializer::deserialize_struct(self, "", fields, visitor)
    }
}
