//! The types of a stream by the ids that its sender gave them.

use std::collections::VecDeque;
use std::sync::Arc;

use super::definition::Parser;
use super::{Graph, Shape, Slot, id};
use crate::Limits;
use crate::decode::error::{DecodeError, DecodeErrorKind as Kind, Result};

/// The types that a stream has defined so far, and those that these speak of.
#[derive(Debug)]
pub(crate) struct Table {
    /// Shared with values that were taken from the stream undecoded.
    graph: Arc<Graph>,
    /// What is known of a slot's values, by slot. Only kept when nothing is undefined, so that it stays true.
    spans: Vec<Option<bool>>,
    undefined: usize,
    definitions_len: usize,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self { graph: Arc::new(Graph::new()), spans: Vec::new(), undefined: 0, definitions_len: 0 }
    }

    pub(crate) fn graph(&self) -> &Arc<Graph> {
        &self.graph
    }

    /// The type of a value.
    pub(crate) fn resolve(&self, id: i64) -> Result<Slot> {
        self.graph.slot(id).ok_or_else(|| DecodeError::new(Kind::UnknownType { id }))
    }

    /// The complaint of a type that is spoken of and not defined.
    pub(crate) fn unknown(&self, slot: Slot) -> DecodeError {
        DecodeError::new(Kind::UnknownType { id: self.graph.id(slot) })
    }

    /// The type that a definition speaks of, which may be defined later.
    pub(super) fn mention(&mut self, id: i64, limits: &Limits) -> Result<Slot> {
        if let Some(slot) = self.graph.mentioned(id) {
            return Ok(slot);
        }
        if id < id::FIRST_OF_USER || id > i64::from(i32::MAX) {
            return Err(DecodeError::new(Kind::UnknownType { id }));
        }
        if self.graph.len() - id::BUILTIN >= limits.types {
            return Err(DecodeError::new(Kind::TooManyTypes { limit: limits.types }));
        }
        let slot = Arc::make_mut(&mut self.graph).reserve(id);
        self.undefined += 1;
        Ok(slot)
    }

    /// Reads the definition of type `id` at the front of `bytes`, and says how long it is.
    pub(crate) fn define(&mut self, id: i64, bytes: &[u8], limits: &Limits) -> Result<usize> {
        if id < id::FIRST_OF_USER || self.resolve(id).is_ok() {
            return Err(DecodeError::new(Kind::DuplicateType { id }));
        }
        let slot = self.mention(id, limits)?;
        let mut parser = Parser::new(bytes, self, limits);
        let definition = parser.definition()?;
        let len = bytes.len() - parser.left();
        self.definitions_len += len;
        if self.definitions_len > limits.definitions_len {
            let (len, limit) = (self.definitions_len, limits.definitions_len);
            return Err(DecodeError::new(Kind::DefinitionsTooLong { len, limit }));
        }
        Arc::make_mut(&mut self.graph).define(slot, definition);
        self.undefined -= 1;
        Ok(len)
    }

    /// Whether values of this type may be spread over several messages: whether there may be an interface in them,
    /// which alone can introduce a type in the middle of a value.
    pub(crate) fn may_span(&mut self, slot: Slot, limits: &Limits) -> Result<bool> {
        if self.undefined > 0 {
            return Ok(true);
        }
        if let Some(known) = self.spans.get(slot.index()).copied().flatten() {
            return Ok(known);
        }
        let spans = self.reaches_interface(slot, limits)?;
        self.spans.resize(self.graph.len(), None);
        self.spans[slot.index()] = Some(spans);
        Ok(spans)
    }

    /// Goes through all types of a value, the nearest first.
    fn reaches_interface(&self, root: Slot, limits: &Limits) -> Result<bool> {
        let mut seen = vec![false; self.graph.len()];
        let mut ahead = VecDeque::from([(root, 1)]);
        let mut found = false;
        seen[root.index()] = true;
        while let Some((slot, depth)) = ahead.pop_front() {
            if depth > limits.type_depth {
                return Err(DecodeError::new(Kind::TypeTooDeep { limit: limits.type_depth }));
            }
            let mut visit = |slot: Slot| {
                if !std::mem::replace(&mut seen[slot.index()], true) {
                    ahead.push_back((slot, depth + 1));
                }
            };
            match self.graph.get(slot).map(|definition| &definition.shape) {
                Some(Shape::Interface) | None => found = true,
                Some(Shape::Slice(elem) | Shape::Array(elem, _)) => visit(*elem),
                Some(Shape::Map(key, elem)) => [*key, *elem].into_iter().for_each(visit),
                Some(Shape::Struct(fields)) => fields.iter().for_each(|field| visit(field.slot)),
                Some(_) => {}
            }
        }
        Ok(found)
    }
}
