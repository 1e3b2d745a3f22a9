//! Type definitions, as bytes. Each is a value of the struct `wireType`, whose own types are never sent: exactly one of
//! its seven fields is present, and says what the type is made of.

use std::sync::Arc;

use super::{Definition, Field, Marshaler, Shape, Table};
use crate::Limits;
use crate::decode::error::{DecodeError, DecodeErrorKind as Kind, Result};
use crate::wire::{Uint, int_of_uint, read_uint};

/// A definition at the front of a slice.
#[derive(Debug)]
pub(super) struct Parser<'a> {
    bytes: &'a [u8],
    table: &'a mut Table,
    limits: &'a Limits,
}

impl<'a> Parser<'a> {
    pub(super) fn new(bytes: &'a [u8], table: &'a mut Table, limits: &'a Limits) -> Self {
        Self { bytes, table, limits }
    }

    pub(super) fn left(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn definition(&mut self) -> Result<Definition> {
        let field =
            self.delta(0)?.ok_or_else(|| DecodeError::malformed("a type definition without a type"))?;
        let (name, shape) = match field {
            1 => self.array()?,
            2 => self.slice()?,
            3 => self.structure()?,
            4 => self.map()?,
            5 => self.marshaled(Marshaler::Gob)?,
            6 => self.marshaled(Marshaler::Binary)?,
            7 => self.marshaled(Marshaler::Text)?,
            _ => return Err(DecodeError::malformed("a type definition of an unknown kind")),
        };
        if self.delta(field)?.is_some() {
            return Err(DecodeError::malformed("a type definition of two types"));
        }
        Ok(Definition { name, shape })
    }

    /// `struct { CommonType; Elem typeId; Len int }`
    fn array(&mut self) -> Result<(Arc<str>, Shape)> {
        let (mut common, mut elem, mut len, mut at) = (None, None, 0, 0);
        while let Some(field) = self.delta(at)? {
            match field {
                1 => common = Some(self.common()?),
                2 => elem = Some(self.int()?),
                3 => len = self.int()?,
                _ => return Err(unknown_field()),
            }
            at = field;
        }
        let len = u64::try_from(len).map_err(|_| DecodeError::malformed("an array of negative length"))?;
        let elem = self.mention(elem)?;
        Ok((common.ok_or_else(nameless)?, Shape::Array(elem, len)))
    }

    /// `struct { CommonType; Elem typeId }`
    fn slice(&mut self) -> Result<(Arc<str>, Shape)> {
        let (mut common, mut elem, mut at) = (None, None, 0);
        while let Some(field) = self.delta(at)? {
            match field {
                1 => common = Some(self.common()?),
                2 => elem = Some(self.int()?),
                _ => return Err(unknown_field()),
            }
            at = field;
        }
        let elem = self.mention(elem)?;
        Ok((common.ok_or_else(nameless)?, Shape::Slice(elem)))
    }

    /// `struct { CommonType; Key, Elem typeId }`
    fn map(&mut self) -> Result<(Arc<str>, Shape)> {
        let (mut common, mut key, mut elem, mut at) = (None, None, None, 0);
        while let Some(field) = self.delta(at)? {
            match field {
                1 => common = Some(self.common()?),
                2 => key = Some(self.int()?),
                3 => elem = Some(self.int()?),
                _ => return Err(unknown_field()),
            }
            at = field;
        }
        let (key, elem) = (self.mention(key)?, self.mention(elem)?);
        Ok((common.ok_or_else(nameless)?, Shape::Map(key, elem)))
    }

    /// `struct { CommonType; Field []struct { Name string; Id typeId } }`
    fn structure(&mut self) -> Result<(Arc<str>, Shape)> {
        let (mut common, mut fields, mut at) = (None, Vec::new(), 0);
        while let Some(field) = self.delta(at)? {
            match field {
                1 => common = Some(self.common()?),
                2 => fields = self.fields()?,
                _ => return Err(unknown_field()),
            }
            at = field;
        }
        Ok((common.ok_or_else(nameless)?, Shape::Struct(fields.into_boxed_slice())))
    }

    fn fields(&mut self) -> Result<Vec<Field>> {
        let count = self.uint()?;
        if count > self.limits.fields as u64 {
            return Err(DecodeError::new(Kind::TooManyFields { count, limit: self.limits.fields }));
        }
        let mut fields = Vec::new();
        for _ in 0..count {
            fields.push(self.field()?);
        }
        Ok(fields)
    }

    fn field(&mut self) -> Result<Field> {
        let (mut name, mut id, mut at) = (None, None, 0);
        while let Some(field) = self.delta(at)? {
            match field {
                1 => name = Some(self.name()?),
                2 => id = Some(self.int()?),
                _ => return Err(unknown_field()),
            }
            at = field;
        }
        let name = name.ok_or_else(|| DecodeError::malformed("a field without a name"))?;
        Ok(Field { name, slot: self.mention(id)? })
    }

    /// `struct { CommonType }`
    fn marshaled(&mut self, marshaler: Marshaler) -> Result<(Arc<str>, Shape)> {
        let (mut common, mut at) = (None, 0);
        while let Some(field) = self.delta(at)? {
            match field {
                1 => common = Some(self.common()?),
                _ => return Err(unknown_field()),
            }
            at = field;
        }
        Ok((common.ok_or_else(nameless)?, Shape::Marshaled(marshaler)))
    }

    /// `struct { Name string; Id typeId }`, of which the name counts. The id is the one in front of the definition,
    /// or, for a pointer to a type that encodes itself, one that Go never speaks of again.
    fn common(&mut self) -> Result<Arc<str>> {
        let (mut name, mut at) = (None, 0);
        while let Some(field) = self.delta(at)? {
            match field {
                1 => name = Some(self.name()?),
                2 => drop(self.int()?),
                _ => return Err(unknown_field()),
            }
            at = field;
        }
        Ok(name.unwrap_or_default())
    }

    fn mention(&mut self, id: Option<i64>) -> Result<super::Slot> {
        self.table.mention(
            id.ok_or_else(|| DecodeError::malformed("a type definition without an element"))?,
            self.limits,
        )
    }

    /// The number of the next field, from 1; `None` at the end of the struct.
    fn delta(&mut self, last: u64) -> Result<Option<u64>> {
        match self.uint()? {
            0 => Ok(None),
            delta => last.checked_add(delta).map(Some).ok_or_else(unknown_field),
        }
    }

    fn name(&mut self) -> Result<Arc<str>> {
        let len = self.uint()?;
        if len > self.limits.name_len as u64 {
            return Err(DecodeError::new(Kind::NameTooLong { len, limit: self.limits.name_len }));
        }
        let len = usize::try_from(len).expect("less than the limit");
        let (name, rest) = self.bytes.split_at_checked(len).ok_or_else(cut)?;
        self.bytes = rest;
        let name =
            std::str::from_utf8(name).map_err(|_| DecodeError::malformed("a name that is not UTF-8"))?;
        Ok(name.into())
    }

    fn int(&mut self) -> Result<i64> {
        self.uint().map(int_of_uint)
    }

    fn uint(&mut self) -> Result<u64> {
        match read_uint(self.bytes) {
            Uint::Whole(value, len) => {
                self.bytes = &self.bytes[len..];
                Ok(value)
            }
            Uint::Cut => Err(cut()),
            Uint::TooLong(_) => Err(DecodeError::malformed("an integer of more than eight bytes")),
        }
    }
}

fn cut() -> DecodeError {
    DecodeError::malformed("a type definition that ends too early")
}

fn nameless() -> DecodeError {
    DecodeError::malformed("a type definition without an id")
}

fn unknown_field() -> DecodeError {
    DecodeError::malformed("a type definition with an unknown field")
}
