//! The types of one stream, as its sender defines them: a graph, since types may be recursive and may be spoken of
//! before they are defined.

mod definition;
mod graph;
mod table;

pub use graph::Marshaler;
pub(crate) use graph::{Definition, Field, Graph, Shape, Slot};
pub(crate) use table::Table;

/// Ids of the format's own types, and the first one of the sender's.
pub(crate) mod id {
    pub(crate) const BOOL: i64 = 1;
    pub(crate) const INT: i64 = 2;
    pub(crate) const UINT: i64 = 3;
    pub(crate) const FLOAT: i64 = 4;
    pub(crate) const BYTES: i64 = 5;
    pub(crate) const STRING: i64 = 6;
    pub(crate) const COMPLEX: i64 = 7;
    pub(crate) const INTERFACE: i64 = 8;
    /// How many those are.
    pub(crate) const BUILTIN: usize = 8;
    /// Go's first one is 64, its documentation shows 65.
    pub(crate) const FIRST_OF_USER: i64 = 64;
}
