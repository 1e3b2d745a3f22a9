//! The names under which concrete types stand in interfaces.

use std::any::TypeId;
use std::collections::{HashMap, HashSet};

use crate::decode::error::{DecodeError, DecodeErrorKind, Result};
use crate::{Complex, Gob};

/// The names that one codec knows for what interfaces hold, as `gob.Register` keeps them for a whole Go program.
///
/// Go names a type by its package's path and its own name (`example.org/shapes.Circle`; in a program's own package
/// `main.Circle`), a pointer by the last part of the path (`*shapes.Circle`), and builtin types by themselves
/// (`int`, `[]string`). The encoder of an [`Any`](crate::Any) takes its name from here.
///
/// A decoder knows every type by what the stream says of it, so it needs no registry. A [strict](Self::strict) one
/// refuses what is not registered.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    by_type: HashMap<TypeId, String>,
    names: HashSet<String>,
    is_strict: bool,
}

impl Registry {
    /// Go's builtin types, and no others.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Refuses names on decoding that are neither registered nor those of builtin types.
    #[must_use]
    pub fn strict(mut self) -> Self {
        self.is_strict = true;
        self
    }

    /// Names a type. A later name replaces an earlier one for encoding; for decoding both are known.
    pub fn register<T: Gob + 'static>(&mut self, name: impl Into<String>) {
        let name = name.into();
        self.names.insert(name.clone());
        self.by_type.insert(T::go_type().id(), name);
    }

    /// Knows a name whose type is nothing that could be encoded here.
    pub fn allow(&mut self, name: impl Into<String>) {
        self.names.insert(name.into());
    }

    /// The name of a type.
    pub(crate) fn name(&self, id: TypeId) -> Option<&str> {
        self.by_type.get(&id).map(String::as_str).or_else(|| builtin_name(id))
    }

    /// Whether an interface may hold a type of this name.
    pub(crate) fn check(&self, name: &[u8]) -> Result<()> {
        if !self.is_strict {
            return Ok(());
        }
        let known = std::str::from_utf8(name).is_ok_and(|name| is_builtin(name) || self.names.contains(name));
        if known {
            return Ok(());
        }
        let name = String::from_utf8_lossy(name).into_owned();
        Err(DecodeError::new(DecodeErrorKind::UnregisteredName { name }))
    }
}

/// The name of a type that has one everywhere.
fn builtin_name(id: TypeId) -> Option<&'static str> {
    fn entry<T: Gob>(name: &'static str, list: &'static str) -> [(TypeId, &'static str); 2] {
        [(T::go_type().id(), name), (T::slice_type().id(), list)]
    }
    let table = [
        entry::<bool>("bool", "[]bool"),
        entry::<isize>("int", "[]int"),
        entry::<i8>("int8", "[]int8"),
        entry::<i16>("int16", "[]int16"),
        entry::<i32>("int32", "[]int32"),
        entry::<i64>("int64", "[]int64"),
        entry::<usize>("uint", "[]uint"),
        entry::<u8>("uint8", "[]uint8"),
        entry::<u16>("uint16", "[]uint16"),
        entry::<u32>("uint32", "[]uint32"),
        entry::<u64>("uint64", "[]uint64"),
        entry::<f32>("float32", "[]float32"),
        entry::<f64>("float64", "[]float64"),
        entry::<Complex>("complex128", "[]complex128"),
        entry::<String>("string", "[]string"),
        entry::<char>("int32", "[]int32"),
    ];
    table.iter().flatten().find_map(|(other, name)| (*other == id).then_some(*name))
}

/// What Go registers itself.
fn is_builtin(name: &str) -> bool {
    let name = name.strip_prefix("[]").unwrap_or(name);
    BUILTIN.contains(&name)
}

const BUILTIN: [&str; 17] = [
    "int",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float32",
    "float64",
    "complex64",
    "complex128",
    "uintptr",
    "bool",
    "string",
];
