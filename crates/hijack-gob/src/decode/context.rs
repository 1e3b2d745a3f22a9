//! What a value is decoded with: its bytes, its types, and what is left of the limits.

use std::sync::Arc;

use super::error::{DecodeError, DecodeErrorKind as Kind, Result};
use super::plan::Plans;
use super::reader::{Reader, cut};
use super::scan::check_name;
use crate::types::{Graph, Shape, Slot};
use crate::wire::{Uint, read_uint};
use crate::{Limits, Registry};

/// The state of decoding one value.
#[derive(Debug)]
pub(crate) struct Context<'a, 'de> {
    pub(crate) reader: Reader<'a, 'de>,
    pub(crate) graph: &'a Arc<Graph>,
    pub(crate) plans: &'a Plans,
    pub(crate) registry: &'a Registry,
    pub(crate) limits: &'a Limits,
    /// How much deeper the value may go.
    levels_left: usize,
    /// How much more memory the value may take, in bytes.
    memory_left: usize,
    /// Whether what comes next is the whole value, or all that an interface holds.
    is_whole: bool,
}

/// What an interface holds.
#[derive(Debug)]
pub(crate) struct Held<'de> {
    pub(crate) name: &'de [u8],
    pub(crate) slot: Slot,
}

impl<'a, 'de> Context<'a, 'de> {
    pub(crate) fn new(
        reader: Reader<'a, 'de>,
        graph: &'a Arc<Graph>,
        plans: &'a Plans,
        (registry, limits): (&'a Registry, &'a Limits),
    ) -> Self {
        let (levels_left, memory_left) = (limits.value_depth, limits.allocation);
        Self { reader, graph, plans, registry, limits, levels_left, memory_left, is_whole: true }
    }

    #[inline]
    pub(crate) fn shape(&self, slot: Slot) -> Result<&'a Shape> {
        match self.graph.get(slot) {
            Some(definition) => Ok(&definition.shape),
            None => Err(DecodeError::new(Kind::UnknownType { id: self.graph.id(slot) })),
        }
    }

    /// One level deeper. Whoever enters leaves again, unless there is an error.
    #[inline]
    pub(crate) fn enter(&mut self) -> Result<()> {
        let Some(left) = self.levels_left.checked_sub(1) else {
            return Err(DecodeError::new(Kind::ValueTooDeep { limit: self.limits.value_depth }));
        };
        self.levels_left = left;
        self.is_whole = false;
        Ok(())
    }

    #[inline]
    pub(crate) fn leave(&mut self) {
        self.levels_left += 1;
        self.is_whole = false;
    }

    /// Whether what comes next is the whole value, or all that an interface holds.
    pub(crate) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Counts memory that the value takes.
    #[inline]
    pub(crate) fn charge(&mut self, len: usize) -> Result<()> {
        let Some(left) = self.memory_left.checked_sub(len) else {
            return Err(DecodeError::new(Kind::AllocationTooLarge { limit: self.limits.allocation }));
        };
        self.memory_left = left;
        Ok(())
    }

    /// What an interface holds: the next thing to be read, one level deeper, is its value. `None` if it is nil.
    pub(crate) fn open_interface(&mut self) -> Result<Option<Held<'de>>> {
        let name = self.reader.bytes()?;
        check_name(name, self.limits)?;
        if name.is_empty() {
            return Ok(None);
        }
        self.registry.check(name)?;
        self.enter()?;
        self.is_whole = true;
        loop {
            self.reader.next_message();
            let id = self.reader.int()?;
            if id >= 0 {
                let slot = self.graph.slot(id).ok_or_else(|| DecodeError::new(Kind::UnknownType { id }))?;
                self.reader.uint()?;
                if !self.shape(slot)?.is_struct() {
                    self.reader.singleton()?;
                }
                return Ok(Some(Held { name, slot }));
            }
            self.skip_definition()?;
        }
    }

    /// The walk that found the end of this value has read the definition.
    fn skip_definition(&mut self) -> Result<()> {
        let len = definition_len(self.reader.rest())?;
        self.reader.skip(len);
        if !self.reader.rest().is_empty() {
            self.reader.uint()?;
        }
        Ok(())
    }

    /// Reads a value and keeps nothing of it.
    pub(crate) fn skip(&mut self, slot: Slot) -> Result<()> {
        match self.shape(slot)? {
            Shape::Bool => self.reader.bool().map(drop),
            Shape::Int | Shape::Uint | Shape::Float => self.reader.uint().map(drop),
            Shape::Complex => self.reader.uint().and_then(|_| self.reader.uint()).map(drop),
            Shape::Bytes | Shape::String | Shape::Marshaled(_) => self.reader.bytes().map(drop),
            Shape::Struct(fields) => {
                self.enter()?;
                let mut ahead = Ahead::start(fields.len(), &mut self.reader)?;
                while let Some(field) = fields.get(ahead.index()) {
                    self.skip(field.slot)?;
                    ahead.go_on(&mut self.reader)?;
                }
                self.leave();
                Ok(())
            }
            Shape::Slice(elem) => self.skip_list(*elem, None),
            Shape::Array(elem, len) => self.skip_list(*elem, Some(*len)),
            Shape::Map(key, elem) => {
                self.enter()?;
                for _ in 0..self.reader.count(2)? {
                    self.skip(*key)?;
                    self.skip(*elem)?;
                }
                self.leave();
                Ok(())
            }
            Shape::Interface => {
                let Some(held) = self.open_interface()? else { return Ok(()) };
                self.skip(held.slot)?;
                self.leave();
                Ok(())
            }
        }
    }

    fn skip_list(&mut self, elem: Slot, len: Option<u64>) -> Result<()> {
        self.enter()?;
        let count = self.list(len)?;
        for _ in 0..count {
            self.skip(elem)?;
        }
        self.leave();
        Ok(())
    }

    /// The number of elements of a list, which for an array is its type's.
    #[inline]
    pub(crate) fn list(&mut self, len: Option<u64>) -> Result<usize> {
        let count = self.reader.count(1)?;
        if let Some(len) = len {
            super::scan::check_array(count, len)?;
        }
        Ok(count)
    }
}

/// The fields of a struct that were sent, one ahead of what is decoded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ahead {
    /// The next one as the format counts them, from 1; behind the last one, one more than there are.
    number: usize,
    len: usize,
}

impl Ahead {
    /// Reads which field comes first, of a struct that has so many.
    #[inline]
    pub(crate) fn start(len: usize, reader: &mut Reader<'_, '_>) -> Result<Self> {
        let mut ahead = Self { number: 0, len };
        ahead.go_on(reader)?;
        Ok(ahead)
    }

    /// The index of the next field that was sent; behind the last one, the number of fields.
    #[inline]
    pub(crate) fn index(&self) -> usize {
        self.number - 1
    }

    /// Reads which field comes next.
    #[inline]
    pub(crate) fn go_on(&mut self, reader: &mut Reader<'_, '_>) -> Result<()> {
        match usize::try_from(reader.uint()?) {
            Ok(0) => self.number = self.len + 1,
            Ok(delta) if delta <= self.len - self.number => self.number += delta,
            _ => return Err(super::scan::no_such_field()),
        }
        Ok(())
    }
}

/// The length of a definition that is known to be well formed: of nested structs, all of whose fields are numbers,
/// names, and one list of structs.
fn definition_len(bytes: &[u8]) -> Result<usize> {
    let mut reader = Reader::of_message(bytes);
    let kind = reader.uint()?;
    let mut field = 0_u64;
    loop {
        match reader.uint()? {
            0 => break,
            delta => field = u64::saturating_add(field, delta),
        }
        match (kind, field) {
            (_, 1) => skip_named(&mut reader)?,
            (3, 2) => {
                for _ in 0..reader.count(1)? {
                    skip_named(&mut reader)?;
                }
            }
            _ => drop(reader.uint()?),
        }
    }
    // The end of the definition itself.
    match read_uint(reader.rest()) {
        Uint::Whole(0, len) => Ok(bytes.len() - reader.rest().len() + len),
        _ => Err(cut()),
    }
}

/// `struct { Name string; Id typeId }`
fn skip_named(reader: &mut Reader<'_, '_>) -> Result<()> {
    let mut field = 0_u64;
    loop {
        match reader.uint()? {
            0 => return Ok(()),
            delta => field = u64::saturating_add(field, delta),
        }
        if field == 1 { reader.bytes().map(drop)? } else { reader.uint().map(drop)? }
    }
}
