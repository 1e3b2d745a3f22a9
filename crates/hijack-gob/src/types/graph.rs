//! The graph of types: slots and what is defined in them.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::sync::Arc;

use super::id;

/// Where a type stands in the graph of its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Slot(u32);

/// The types that need no definition stand in the same slots everywhere, and nowhere else.
impl Slot {
    pub(crate) const BOOL: Self = Self::of_builtin(id::BOOL);
    pub(crate) const INT: Self = Self::of_builtin(id::INT);
    pub(crate) const UINT: Self = Self::of_builtin(id::UINT);
    pub(crate) const FLOAT: Self = Self::of_builtin(id::FLOAT);
    pub(crate) const STRING: Self = Self::of_builtin(id::STRING);

    pub(crate) const fn of_builtin(id: i64) -> Self {
        assert!(id >= id::BOOL && id <= id::INTERFACE);
        // The assertion keeps it within a byte.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Self(id as u32 - 1)
    }

    /// Its id, if it is one of the format's own types.
    pub(crate) fn builtin(self) -> Option<i64> {
        (self.index() < id::BUILTIN).then_some(i64::from(self.0) + 1)
    }

    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }

    pub(crate) fn at(index: usize) -> Self {
        Self(u32::try_from(index).expect("types are limited to less than their ids"))
    }
}

/// A type: its name, which may be empty, and what it is made of.
#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) name: Arc<str>,
    pub(crate) shape: Shape,
}

/// What a type is made of.
#[derive(Debug)]
pub(crate) enum Shape {
    Bool,
    Int,
    Uint,
    Float,
    Bytes,
    String,
    Complex,
    Interface,
    Slice(Slot),
    Array(Slot, u64),
    Map(Slot, Slot),
    Struct(Box<[Field]>),
    Marshaled(Marshaler),
}

impl Shape {
    /// Whether its values stand in messages and interfaces as they are. All others have a zero in front, as if they
    /// were the only field of a struct.
    pub(crate) fn is_struct(&self) -> bool {
        matches!(self, Self::Struct(_))
    }
}

/// A field of a struct.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: Arc<str>,
    pub(crate) slot: Slot,
}

/// Which of Go's interfaces makes the bytes of a type that encodes itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Marshaler {
    /// `gob.GobEncoder`, as of `big.Int` and `time.Time`.
    Gob,
    /// `encoding.BinaryMarshaler`, as of `netip.Addr`.
    Binary,
    /// `encoding.TextMarshaler`. Go reads it and does not write it.
    Text,
}

/// Every type that a stream has spoken of so far.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    /// `None` is a type that others speak of and that is not defined yet.
    slots: Vec<Option<Arc<Definition>>>,
    /// The sender's own types by their ids; a tree, since they are the peer's choice.
    ids: BTreeMap<i64, Slot>,
}

impl Graph {
    /// The types that every stream knows.
    pub(crate) fn new() -> Self {
        let builtin = |name: &str, shape| Some(Arc::new(Definition { name: name.into(), shape }));
        let slots = vec![
            builtin("bool", Shape::Bool),
            builtin("int", Shape::Int),
            builtin("uint", Shape::Uint),
            builtin("float64", Shape::Float),
            builtin("[]byte", Shape::Bytes),
            builtin("string", Shape::String),
            builtin("complex128", Shape::Complex),
            builtin("any", Shape::Interface),
        ];
        Self { slots, ids: BTreeMap::new() }
    }

    /// The slot of a defined type.
    pub(crate) fn slot(&self, id: i64) -> Option<Slot> {
        self.mentioned(id).filter(|slot| self.get(*slot).is_some())
    }

    /// The slot of a type that is at least spoken of.
    pub(crate) fn mentioned(&self, id: i64) -> Option<Slot> {
        match id {
            id::BOOL..=id::INTERFACE => Some(Slot::of_builtin(id)),
            _ => self.ids.get(&id).copied(),
        }
    }

    /// The sender's id of a type.
    pub(crate) fn id(&self, slot: Slot) -> i64 {
        let sent = || self.ids.iter().find_map(|(id, other)| (*other == slot).then_some(*id));
        slot.builtin().or_else(sent).expect("every slot has an id")
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    #[inline]
    pub(crate) fn get(&self, slot: Slot) -> Option<&Definition> {
        self.slots[slot.index()].as_deref()
    }

    pub(crate) fn shared(&self, slot: Slot) -> Option<&Arc<Definition>> {
        self.slots[slot.index()].as_ref()
    }

    /// A new slot without a definition.
    pub(crate) fn reserve(&mut self, id: i64) -> Slot {
        let slot = Slot::at(self.slots.len());
        self.slots.push(None);
        self.ids.insert(id, slot);
        slot
    }

    pub(crate) fn define(&mut self, slot: Slot, definition: Definition) {
        self.slots[slot.index()] = Some(Arc::new(definition));
    }

    /// A type in Go's words; what lies deeper than a few levels is left out.
    pub(crate) fn describe(&self, slot: Slot) -> String {
        let mut words = String::new();
        self.write(&mut words, slot, 3).expect("a string takes everything");
        words
    }

    /// A struct in Go's words, with its fields.
    pub(crate) fn describe_fields(&self, slot: Slot) -> String {
        match self.get(slot) {
            Some(Definition { name, shape: Shape::Struct(fields) }) => {
                let fields: Vec<&str> = fields.iter().map(|field| &*field.name).collect();
                format!("struct {name}{{{}}}", fields.join("; "))
            }
            _ => self.describe(slot),
        }
    }

    /// A type in Go's words, as far as it is not named.
    pub(crate) fn describe_whole(&self, slot: Slot) -> String {
        let mut words = String::new();
        self.write_whole(&mut words, slot, 16).expect("a string takes everything");
        words
    }

    fn write_whole(&self, f: &mut String, slot: Slot, depth: usize) -> fmt::Result {
        match self.get(slot) {
            Some(Definition { name, .. }) if depth < 16 && !name.is_empty() => f.write_str(name),
            Some(Definition { name, shape: Shape::Struct(fields) }) => {
                write!(f, "struct{}{name}{{", if name.is_empty() { "" } else { " " })?;
                for (index, Field { name, slot }) in fields.iter().enumerate() {
                    // Types that are not named may be recursive all the same, and grow with their depth.
                    if depth == 0 || f.len() > 4096 {
                        return f.write_str("…}");
                    }
                    write!(f, "{}{name} ", if index > 0 { "; " } else { "" })?;
                    self.write_whole(f, *slot, depth - 1)?;
                }
                f.write_str("}")
            }
            _ => self.write(f, slot, depth.min(3)),
        }
    }

    fn write(&self, f: &mut String, slot: Slot, depth: usize) -> fmt::Result {
        let Some(Definition { name, shape }) = self.get(slot) else {
            return f.write_str("an undefined type");
        };
        if depth == 0 {
            return f.write_str(if name.is_empty() { "…" } else { name });
        }
        match shape {
            Shape::Slice(elem) => {
                f.write_str("[]")?;
                self.write(f, *elem, depth - 1)
            }
            Shape::Array(elem, len) => {
                write!(f, "[{len}]")?;
                self.write(f, *elem, depth - 1)
            }
            Shape::Map(key, elem) => {
                f.write_str("map[")?;
                self.write(f, *key, depth - 1)?;
                f.write_str("]")?;
                self.write(f, *elem, depth - 1)
            }
            Shape::Struct(_) if !name.is_empty() => write!(f, "struct {name}"),
            Shape::Struct(fields) => {
                f.write_str("struct{")?;
                for (index, Field { name, .. }) in fields.iter().take(8).enumerate() {
                    write!(f, "{}{name}", if index > 0 { "; " } else { "" })?;
                }
                f.write_str(if fields.len() > 8 { "; …}" } else { "}" })
            }
            Shape::Marshaled(marshaler) => {
                let interface = match marshaler {
                    Marshaler::Gob => "GobEncoder",
                    Marshaler::Binary => "BinaryMarshaler",
                    Marshaler::Text => "TextMarshaler",
                };
                write!(f, "{interface} {name}")
            }
            _ => f.write_str(name),
        }
    }
}
