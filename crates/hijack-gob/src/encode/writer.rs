//! Where a value writes itself to.

use super::error::{EncodeError, EncodeErrorKind as Kind};
use super::go_type::GoType;
use super::sent::{Known, Sent};
use super::{Gob, put_len};
use crate::wire::{copy, low_byte, put_float, put_int, put_uint};
use crate::{Interface, Registry};

/// The message that a value is written to. Only implementations of [`Gob`] see it.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
    sent: &'a mut Sent,
    registry: &'a Registry,
    /// Definitions of types that interfaces introduced on the way.
    introduced: Vec<u8>,
    depth: usize,
    max_depth: usize,
}

impl<'a> Writer<'a> {
    pub(super) fn new(
        out: &'a mut Vec<u8>,
        sent: &'a mut Sent,
        registry: &'a Registry,
        max_depth: usize,
    ) -> Self {
        Self { out, sent, registry, introduced: Vec::new(), depth: 0, max_depth }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.introduced
    }

    /// A bool.
    #[inline]
    pub fn bool(&mut self, value: bool) {
        self.out.push(u8::from(value));
    }

    /// A signed integer.
    #[inline]
    pub fn int(&mut self, value: i64) {
        put_int(self.out, value);
    }

    /// An unsigned integer.
    #[inline]
    pub fn uint(&mut self, value: u64) {
        put_uint(self.out, value);
    }

    /// A float.
    #[inline]
    pub fn float(&mut self, value: f64) {
        put_float(self.out, value);
    }

    /// Bytes behind their length: of a string, a `[]byte`, or a type that makes its bytes itself.
    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) {
        put_uint(self.out, bytes.len() as u64);
        self.out.extend_from_slice(bytes);
    }

    /// A list of `len` elements, which are those that the iterator gives.
    ///
    /// # Errors
    /// Those of the elements, and if the value is too deep.
    #[inline]
    pub fn list<T: Gob>(
        &mut self,
        len: usize,
        elements: impl IntoIterator<Item = T>,
    ) -> Result<(), EncodeError> {
        self.enter()?;
        put_uint(self.out, len as u64);
        for element in elements {
            element.encode(self)?;
        }
        self.leave();
        Ok(())
    }

    /// A list of strings. If all of them are short their places are known at once, and none waits for those in front.
    pub(super) fn strings(&mut self, strings: &[String]) -> Result<(), EncodeError> {
        if strings.iter().any(|text| text.len() >= 0x80) {
            return self.list(strings.len(), strings);
        }
        self.enter()?;
        put_uint(self.out, strings.len() as u64);
        let (start, len) = (self.out.len(), strings.iter().map(|text| 1 + text.len()).sum::<usize>());
        self.out.resize(start + len, 0);
        let mut rest = &mut self.out[start..];
        for text in strings {
            let (run, behind) = rest.split_at_mut(1 + text.len());
            run[0] = low_byte(text.len() as u64);
            copy(&mut run[1..], text.as_bytes());
            rest = behind;
        }
        self.leave();
        Ok(())
    }

    /// A map of `len` entries, which are those that the iterator gives.
    ///
    /// # Errors
    /// Those of keys and values, and if the value is too deep.
    pub fn map<K: Gob, V: Gob>(
        &mut self,
        len: usize,
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Result<(), EncodeError> {
        self.enter()?;
        put_uint(self.out, len as u64);
        for (key, value) in entries {
            key.encode(self)?;
            value.encode(self)?;
        }
        self.leave();
        Ok(())
    }

    /// A struct, whose fields follow.
    ///
    /// # Errors
    /// If the value is too deep.
    #[inline]
    pub fn structure(&mut self) -> Result<StructWriter<'_, 'a>, EncodeError> {
        self.enter()?;
        Ok(StructWriter { writer: self, last: 0 })
    }

    /// An interface that is nil.
    pub fn nil_interface(&mut self) {
        self.out.push(0);
    }

    /// An interface that holds `value`, whose type has this name in Go.
    ///
    /// # Errors
    /// Those of the value, and if it is too deep.
    pub fn interface<T: Gob + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), EncodeError> {
        self.interface_with(name, &T::go_type(), |writer| value.encode(writer))
    }

    pub(crate) fn interface_with(
        &mut self,
        name: &str,
        go_type: &GoType,
        encode: impl FnOnce(&mut Self) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        self.bytes(name.as_bytes());
        let known = self.sent.define(go_type, &mut self.introduced);
        self.held(known, encode)
    }

    /// An interface that holds a dynamic value, which `encode` writes.
    pub(crate) fn dynamic_interface(
        &mut self,
        interface: &Interface,
        encode: impl FnOnce(&mut Self) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        self.bytes(&interface.name.0);
        let (graph, slot) = interface.ty.parts();
        let known = self.sent.define_dynamic(graph, slot, &mut self.introduced)?;
        self.held(known, encode)
    }

    /// What an interface holds, behind its name.
    fn held(
        &mut self,
        known: Known,
        encode: impl FnOnce(&mut Self) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        self.enter()?;
        self.int(known.id);
        let start = self.out.len();
        self.out.push(0);
        if !known.is_struct {
            self.out.push(0);
        }
        encode(self)?;
        put_len(self.out, start, 1);
        self.leave();
        Ok(())
    }

    /// What the encoder's registry calls a type.
    ///
    /// # Errors
    /// If it does not know it.
    pub(crate) fn registered(&self, go_type: &GoType) -> Result<&'a str, EncodeError> {
        self.registry
            .name(go_type.id())
            .ok_or_else(|| EncodeError::new(Kind::Unregistered { type_name: go_type.describe() }))
    }

    #[inline]
    pub(crate) fn enter(&mut self) -> Result<(), EncodeError> {
        self.depth += 1;
        if self.depth > self.max_depth {
            return Err(EncodeError::new(Kind::ValueTooDeep { limit: self.max_depth }));
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn leave(&mut self) {
        self.depth -= 1;
    }
}

/// A struct under way.
#[derive(Debug)]
#[must_use = "a struct without `end` is not whole"]
pub struct StructWriter<'w, 'a> {
    writer: &'w mut Writer<'a>,
    /// One behind the index of the field that was written last.
    last: usize,
}

impl StructWriter<'_, '_> {
    /// The field with this index and name, unless it is zero. Indices ascend.
    ///
    /// # Errors
    /// Those of its value.
    #[inline]
    pub fn field<T: Gob + ?Sized>(&mut self, index: usize, name: &str, value: &T) -> Result<(), EncodeError> {
        if value.is_zero() {
            return Ok(());
        }
        put_uint(self.writer.out, (index + 1 - self.last) as u64);
        self.last = index + 1;
        value.encode(self.writer).map_err(|error| error.in_field(name))
    }

    /// The field with this index, not zero, which `encode` writes.
    pub(crate) fn field_with(
        &mut self,
        index: usize,
        encode: impl FnOnce(&mut Writer<'_>) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        put_uint(self.writer.out, (index + 1 - self.last) as u64);
        self.last = index + 1;
        encode(self.writer)
    }

    /// Ends the struct.
    #[inline]
    pub fn end(self) {
        self.writer.out.push(0);
        self.writer.leave();
    }
}
