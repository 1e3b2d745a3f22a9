//! The types that the receiver has been told, and how they are told.

use std::any::TypeId;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::go_type::{GoType, Kind};
use super::put_len;
use crate::types::Marshaler;
use crate::wire::{put_int, put_uint};

/// Every type that the receiver knows, by what it is here.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    types: HashMap<TypeId, Known, BuildHasherDefault<TypeIdHasher>>,
    /// In the order in which they were told, so that the last ones can be taken back.
    order: Vec<TypeId>,
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
        for id in self.order.drain(mark..) {
            self.types.remove(&id);
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
        let count = i64::try_from(self.order.len()).expect("types fit into memory");
        let known = Known { id: FIRST_ID + count, is_struct: go_type.is_struct() };
        self.types.insert(go_type.id(), known);
        self.order.push(go_type.id());
        known
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
