//! The types that the receiver has been told, and how they are told.

use std::any::TypeId;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use super::error::EncodeError;
use super::go_type::{GoType, Kind};
use super::put_len;
use crate::types::{Definition, Graph, Marshaler, Shape, Slot};
use crate::wire::{put_int, put_uint};

/// Every type that the receiver knows, by what it is here.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    types: HashMap<TypeId, Known, BuildHasherDefault<TypeIdHasher>>,
    /// Those of dynamic values, by the address of their definition, which is kept so that no other gets it.
    dynamic: HashMap<usize, (Arc<Definition>, Known)>,
    /// In the order in which they were told, so that the last ones can be taken back.
    order: Vec<Key>,
}

#[derive(Clone, Copy, Debug)]
enum Key {
    Static(TypeId),
    Dynamic(usize),
}

/// What a type is called on the wire.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) id: i64,
    pub(crate) is_struct: bool,
}

/// The first id that is ours: as in the documentation of encoding/gob, one more than Go's own.
const FIRST_ID: i64 = 65;

impl Sent {
    /// Where [`roll_back`](Self::roll_back) goes back to.
    pub(crate) fn mark(&self) -> usize {
        self.order.len()
    }

    /// Forgets all types since the mark.
    pub(crate) fn roll_back(&mut self, mark: usize) {
        for key in self.order.drain(mark..) {
            match key {
                Key::Static(id) => drop(self.types.remove(&id)),
                Key::Dynamic(address) => drop(self.dynamic.remove(&address)),
            }
        }
    }

    /// The id of a type; appends its definition, and those of its parts, if they are news.
    #[inline]
    pub(crate) fn define(&mut self, go_type: &GoType, out: &mut Vec<u8>) -> Known {
        if let Some(id) = go_type.builtin() {
            return Known { id, is_struct: false };
        }
        match self.types.get(&go_type.id()) {
            Some(known) => *known,
            None => self.introduce(go_type, out),
        }
    }

    /// Appends the definition of a type, then those of its parts: Go's order, and the only one for recursive types.
    #[cold]
    fn introduce(&mut self, go_type: &GoType, out: &mut Vec<u8>) -> Known {
        let known = self.reserve(go_type);
        let mut ahead = vec![(known.id, *go_type)];
        // The parts of a part stand behind it. A list instead of calls: how deep types go is the caller's affair.
        while let Some((id, go_type)) = ahead.pop() {
            let mut news = Vec::new();
            let start = out.len();
            out.push(0);
            put_int(out, -id);
            self.definition(id, &go_type, &mut news, out);
            put_len(out, start, 1);
            ahead.extend(news.into_iter().rev());
        }
        known
    }

    fn reserve(&mut self, go_type: &GoType) -> Known {
        let known = Known { id: self.next_id(), is_struct: go_type.is_struct() };
        self.types.insert(go_type.id(), known);
        self.order.push(Key::Static(go_type.id()));
        known
    }

    fn next_id(&self) -> i64 {
        FIRST_ID + i64::try_from(self.order.len()).expect("types fit into memory")
    }

    /// The id of a part, which is defined later if it is news.
    fn part(&mut self, go_type: fn() -> GoType, news: &mut Vec<(i64, GoType)>) -> i64 {
        let go_type = go_type();
        if let Some(id) = go_type.builtin() {
            return id;
        }
        if let Some(known) = self.types.get(&go_type.id()) {
            return known.id;
        }
        let known = self.reserve(&go_type);
        news.push((known.id, go_type));
        known.id
    }

    /// A `wireType`: the one field that says what the type is made of, each with its `CommonType` in front.
    fn definition(&mut self, id: i64, go_type: &GoType, news: &mut Vec<(i64, GoType)>, out: &mut Vec<u8>) {
        match *go_type.kind() {
            Kind::Array(elem, len) => {
                common(out, 1, "", id);
                out.push(1);
                put_int(out, self.part(elem, news));
                if len > 0 {
                    out.push(1);
                    put_int(out, i64::try_from(len).expect("arrays fit into memory"));
                }
            }
            Kind::Slice(elem) => {
                common(out, 2, "", id);
                out.push(1);
                put_int(out, self.part(elem, news));
            }
            Kind::Struct(name, fields) => {
                common(out, 3, name, id);
                if !fields.is_empty() {
                    out.push(1);
                    put_uint(out, fields.len() as u64);
                }
                for field in fields {
                    out.push(1);
                    put_str(out, field.name);
                    out.push(1);
                    put_int(out, self.part(field.go_type, news));
                    out.push(0);
                }
            }
            Kind::Map(key, elem) => {
                common(out, 4, "", id);
                out.push(1);
                put_int(out, self.part(key, news));
                out.push(1);
                put_int(out, self.part(elem, news));
            }
            Kind::Marshaled(marshaler, name) => common(out, field_of(marshaler), name, id),
            _ => unreachable!("builtin types are not defined"),
        }
        // Ends the alternative, and the definition.
        out.extend_from_slice(&[0, 0]);
    }
}

/// The same for types that are known at run time only.
impl Sent {
    /// As [`define`](Self::define). Types that their stream has not defined cannot be told.
    pub(crate) fn define_dynamic(
        &mut self,
        graph: &Graph,
        slot: Slot,
        out: &mut Vec<u8>,
    ) -> Result<Known, EncodeError> {
        let mut news = Vec::new();
        let known = self.dynamic_part(graph, slot, &mut news)?;
        while let Some((id, slot)) = news.pop() {
            let start = out.len();
            out.push(0);
            put_int(out, -id);
            let mut parts = Vec::new();
            self.dynamic_definition(graph, slot, id, &mut parts, out)?;
            put_len(out, start, 1);
            news.extend(parts.into_iter().rev());
        }
        Ok(known)
    }

    fn dynamic_part(
        &mut self,
        graph: &Graph,
        slot: Slot,
        news: &mut Vec<(i64, Slot)>,
    ) -> Result<Known, EncodeError> {
        if let Some(id) = slot.builtin() {
            return Ok(Known { id, is_struct: false });
        }
        let Some(definition) = graph.shared(slot) else {
            return Err(EncodeError::custom("a type that its stream has not defined"));
        };
        let address = Arc::as_ptr(definition).addr();
        if let Some((_, known)) = self.dynamic.get(&address) {
            return Ok(*known);
        }
        let known = Known { id: self.next_id(), is_struct: definition.shape.is_struct() };
        self.dynamic.insert(address, (Arc::clone(definition), known));
        self.order.push(Key::Dynamic(address));
        news.push((known.id, slot));
        Ok(known)
    }

    fn dynamic_definition(
        &mut self,
        graph: &Graph,
        slot: Slot,
        id: i64,
        news: &mut Vec<(i64, Slot)>,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let definition = graph.shared(slot).expect("it was looked up as a part");
        let mut part = |out: &mut Vec<u8>, slot| {
            let known = self.dynamic_part(graph, slot, news)?;
            out.push(1);
            put_int(out, known.id);
            Ok(())
        };
        let name = &*definition.name;
        match &definition.shape {
            Shape::Array(elem, len) => {
                common(out, 1, name, id);
                part(out, *elem)?;
                if *len > 0 {
                    out.push(1);
                    put_int(out, i64::try_from(*len).expect("an array's length is an int"));
                }
            }
            Shape::Slice(elem) => {
                common(out, 2, name, id);
                part(out, *elem)?;
            }
            Shape::Struct(fields) => {
                common(out, 3, name, id);
                if !fields.is_empty() {
                    out.push(1);
                    put_uint(out, fields.len() as u64);
                }
                for field in fields {
                    out.push(1);
                    put_str(out, &field.name);
                    part(out, field.slot)?;
                    out.push(0);
                }
            }
            Shape::Map(key, elem) => {
                common(out, 4, name, id);
                part(out, *key)?;
                part(out, *elem)?;
            }
            Shape::Marshaled(marshaler) => common(out, field_of(*marshaler), name, id),
            _ => unreachable!("builtin types are not defined"),
        }
        out.extend_from_slice(&[0, 0]);
        Ok(())
    }
}

/// The number of the field of `wireType`.
pub(crate) fn field_of(marshaler: Marshaler) -> u8 {
    match marshaler {
        Marshaler::Gob => 5,
        Marshaler::Binary => 6,
        Marshaler::Text => 7,
    }
}

/// Field `field` of `wireType`, and in it `CommonType { Name, Id }`.
pub(crate) fn common(out: &mut Vec<u8>, field: u8, name: &str, id: i64) {
    out.extend_from_slice(&[field, 1]);
    if name.is_empty() {
        out.push(2);
    } else {
        out.push(1);
        put_str(out, name);
        out.push(1);
    }
    put_int(out, id);
    out.push(0);
}

fn put_str(out: &mut Vec<u8>, text: &str) {
    put_uint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// The identity of a type is a hash already.
#[derive(Debug, Default)]
pub(crate) struct TypeIdHasher(u64);

impl Hasher for TypeIdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}
