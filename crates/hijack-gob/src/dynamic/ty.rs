//! A Go type at run time.

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::encode::{GoType, Gob, Kind};
use crate::types::{Definition, Field, Graph, Marshaler, Shape, Slot, id};

/// A Go type: learned from a stream, taken from a Rust type, or parsed from Go's own words.
///
/// ```
/// use hijack_gob::{Type, TypeKind};
///
/// let ty: Type = "struct { A, B int; Tags map[string][]string }".parse()?;
/// assert_eq!(ty.to_string(), "struct{A int; B int; Tags map[string][]string}");
/// let TypeKind::Struct(fields) = ty.kind() else { panic!("a struct") };
/// assert_eq!(&*fields[2].0, "Tags");
/// # Ok::<(), hijack_gob::TypeError>(())
/// ```
#[derive(Clone)]
pub struct Type {
    pub(crate) graph: Arc<Graph>,
    pub(crate) slot: Slot,
}

/// What a type is made of.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TypeKind {
    /// `bool`
    Bool,
    /// A signed integer.
    Int,
    /// An unsigned integer.
    Uint,
    /// A float.
    Float,
    /// A complex number.
    Complex,
    /// `[]byte`
    Bytes,
    /// `string`
    String,
    /// An interface.
    Interface,
    /// A slice, and its elements.
    Slice(Type),
    /// An array, its elements and its length.
    Array(Type, u64),
    /// A map, its keys and its values.
    Map(Type, Type),
    /// A struct, and its fields.
    Struct(Vec<(Arc<str>, Type)>),
    /// A type that makes its bytes itself.
    Marshaled(Marshaler),
    /// A type that its stream speaks of and has not defined.
    Undefined,
}

impl Type {
    pub(crate) fn new(graph: &Arc<Graph>, slot: Slot) -> Self {
        Self { graph: Arc::clone(graph), slot }
    }

    /// The Go type of a Rust type.
    #[must_use]
    pub fn of<T: Gob + ?Sized>() -> Self {
        let mut builder = Builder::default();
        let slot = builder.add_static(T::go_type());
        builder.build(slot)
    }

    /// Its name, without a package; empty for types that have none.
    #[must_use]
    pub fn name(&self) -> &str {
        self.definition().map_or("", |definition| match definition.shape {
            Shape::Struct(_) | Shape::Marshaled(_) => &definition.name,
            _ => "",
        })
    }

    /// What it is made of.
    #[must_use]
    pub fn kind(&self) -> TypeKind {
        let part = |slot: Slot| Self::new(&self.graph, slot);
        let Some(definition) = self.definition() else { return TypeKind::Undefined };
        match &definition.shape {
            Shape::Bool => TypeKind::Bool,
            Shape::Int => TypeKind::Int,
            Shape::Uint => TypeKind::Uint,
            Shape::Float => TypeKind::Float,
            Shape::Complex => TypeKind::Complex,
            Shape::Bytes => TypeKind::Bytes,
            Shape::String => TypeKind::String,
            Shape::Interface => TypeKind::Interface,
            Shape::Slice(elem) => TypeKind::Slice(part(*elem)),
            Shape::Array(elem, len) => TypeKind::Array(part(*elem), *len),
            Shape::Map(key, elem) => TypeKind::Map(part(*key), part(*elem)),
            Shape::Struct(fields) => TypeKind::Struct(
                fields.iter().map(|field| (Arc::clone(&field.name), part(field.slot))).collect(),
            ),
            Shape::Marshaled(marshaler) => TypeKind::Marshaled(*marshaler),
        }
    }

    pub(crate) fn parts(&self) -> (&Arc<Graph>, Slot) {
        (&self.graph, self.slot)
    }

    pub(crate) fn definition(&self) -> Option<&Definition> {
        self.graph.get(self.slot)
    }
}

/// In Go's words, names in place of what is named and lies deeper.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.graph.describe_whole(self.slot))
    }
}

impl fmt::Debug for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Type({self})")
    }
}

/// A graph under construction. Ids are given in order; they mean nothing outside of it.
#[derive(Debug)]
pub(crate) struct Builder {
    pub(crate) graph: Graph,
    known: HashMap<TypeId, Slot>,
}

impl Default for Builder {
    fn default() -> Self {
        Self { graph: Graph::new(), known: HashMap::new() }
    }
}

impl Builder {
    pub(crate) fn build(self, slot: Slot) -> Type {
        Type { graph: Arc::new(self.graph), slot }
    }

    pub(crate) fn add(&mut self, name: &str, shape: Shape) -> Slot {
        let slot = self.reserve();
        self.graph.define(slot, Definition { name: name.into(), shape });
        slot
    }

    fn reserve(&mut self) -> Slot {
        let count = i64::try_from(self.graph.len()).expect("types fit into memory");
        self.graph.reserve(id::FIRST_OF_USER + count)
    }

    /// A Rust type with all that it is made of, which may be itself.
    fn add_static(&mut self, go_type: GoType) -> Slot {
        if let Some(id) = go_type.builtin() {
            return Slot::of_builtin(id);
        }
        if let Some(slot) = self.known.get(&go_type.id()) {
            return *slot;
        }
        let slot = self.reserve();
        self.known.insert(go_type.id(), slot);
        let (name, shape) = match *go_type.kind() {
            Kind::Slice(elem) => ("", Shape::Slice(self.add_static(elem()))),
            Kind::Array(elem, len) => ("", Shape::Array(self.add_static(elem()), len as u64)),
            Kind::Map(key, elem) => ("", Shape::Map(self.add_static(key()), self.add_static(elem()))),
            Kind::Struct(name, fields) => {
                let field = |field: &crate::Field| Field {
                    name: field.name.into(),
                    slot: self.add_static((field.go_type)()),
                };
                (name, Shape::Struct(fields.iter().map(field).collect()))
            }
            Kind::Marshaled(marshaler, name) => (name, Shape::Marshaled(marshaler)),
            _ => unreachable!("builtin types have ids"),
        };
        self.graph.define(slot, Definition { name: name.into(), shape });
        slot
    }
}
