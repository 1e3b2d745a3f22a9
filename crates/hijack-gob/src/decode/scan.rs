//! Finds the end of a value in which there may be interfaces.
//!
//! An interface may introduce the type of what it holds. Where it does, Go ends the message in the middle of the value
//! and goes on in the next one, and the lengths that it writes in front of what interfaces hold no longer tell
//! anything. So such a value is walked by its types, once, message by message as they arrive: types are registered,
//! the messages noted, and whoever decodes the value then knows them all.

use super::error::{DecodeError, DecodeErrorKind as Kind, Result};
use super::reader::Reader;
use crate::Limits;
use crate::types::{Shape, Slot, Table};

/// A walk through a value, which stops where the next message is needed.
#[derive(Debug)]
pub(crate) struct Scan {
    /// What the walk is in, the innermost last. `Inside` counts: its length is the depth.
    stack: Vec<Frame>,
    /// Bytes that were walked.
    len: usize,
}

#[derive(Clone, Copy, Debug)]
enum Frame {
    /// In a struct, behind the field of this number, from 1.
    Struct { slot: Slot, field: u64 },
    /// In a list.
    List { elem: Slot, left: usize },
    /// In a map, behind as many keys as values if `left` is even.
    Map { key: Slot, elem: Slot, left: usize },
    /// In an interface, behind the name: definitions, then the id of a type.
    Introduction,
    /// In what an interface holds.
    Inside,
}

/// How far a walk came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Walked {
    /// To the end of the value.
    End,
    /// To the end of the message.
    Message,
}

impl Scan {
    /// Starts in front of a value of the type `slot`, in its first message, behind the id and the singleton's zero.
    pub(crate) fn start(
        slot: Slot,
        first: &mut Reader<'_, '_>,
        table: &Table,
        limits: &Limits,
    ) -> Result<Self> {
        let mut scan = Self { stack: Vec::new(), len: 0 };
        scan.enter(slot, first, table, limits)?;
        Ok(scan)
    }

    /// Goes on, as far as this message reaches.
    pub(crate) fn walk(
        &mut self,
        message: &mut Reader<'_, '_>,
        table: &mut Table,
        limits: &Limits,
    ) -> Result<Walked> {
        self.len += message.rest().len();
        while let Some(frame) = self.stack.last_mut() {
            let next = match frame {
                Frame::Struct { slot, field } => match message.uint()? {
                    0 => None,
                    delta => {
                        *field = field.checked_add(delta).ok_or_else(no_such_field)?;
                        Some(field_slot(table, *slot, *field)?)
                    }
                },
                Frame::List { elem, left } => (*left > 0).then(|| {
                    *left -= 1;
                    *elem
                }),
                Frame::Map { key, elem, left } => (*left > 0).then(|| {
                    *left -= 1;
                    if *left % 2 == 1 { *key } else { *elem }
                }),
                Frame::Inside => None,
                Frame::Introduction => match introduction(message, table, limits)? {
                    Some(slot) => {
                        *frame = Frame::Inside;
                        Some(slot)
                    }
                    None => return Ok(Walked::Message),
                },
            };
            match next {
                Some(slot) => self.enter(slot, message, table, limits)?,
                None => drop(self.stack.pop()),
            }
        }
        Ok(Walked::End)
    }

    /// Walks a value without parts, or pushes what its parts need.
    fn enter(
        &mut self,
        slot: Slot,
        message: &mut Reader<'_, '_>,
        table: &Table,
        limits: &Limits,
    ) -> Result<()> {
        let definition = table.graph().get(slot).ok_or_else(|| table.unknown(slot))?;
        let frame = match &definition.shape {
            Shape::Bool => return message.bool().map(drop),
            Shape::Int | Shape::Uint | Shape::Float => return message.uint().map(drop),
            Shape::Complex => return message.uint().and_then(|_| message.uint()).map(drop),
            Shape::Bytes | Shape::String | Shape::Marshaled(_) => return message.bytes().map(drop),
            Shape::Struct(_) => Frame::Struct { slot, field: 0 },
            Shape::Slice(elem) => Frame::List { elem: *elem, left: self.count(message, 1, limits)? },
            Shape::Array(elem, len) => {
                let left = self.count(message, 1, limits)?;
                check_array(left, *len)?;
                Frame::List { elem: *elem, left }
            }
            Shape::Map(key, elem) => {
                let left = 2 * self.count(message, 2, limits)?;
                Frame::Map { key: *key, elem: *elem, left }
            }
            Shape::Interface => {
                let name = message.bytes()?;
                check_name(name, limits)?;
                if name.is_empty() {
                    return Ok(());
                }
                Frame::Introduction
            }
        };
        if self.stack.len() >= limits.value_depth {
            return Err(DecodeError::new(Kind::ValueTooDeep { limit: limits.value_depth }));
        }
        self.stack.push(frame);
        Ok(())
    }

    /// A number of elements. They may go on in messages that are not here yet.
    fn count(&self, message: &mut Reader<'_, '_>, bytes_each: usize, limits: &Limits) -> Result<usize> {
        let count = message.uint()?;
        let left = limits.message_len.saturating_sub(self.len) + message.rest().len();
        match usize::try_from(count) {
            Ok(elements) if elements <= left / bytes_each => Ok(elements),
            _ => Err(DecodeError::new(Kind::CountTooLarge { count, left })),
        }
    }
}

/// What stands between the name in an interface and what it holds. Nothing if it goes on in the next message.
fn introduction(message: &mut Reader<'_, '_>, table: &mut Table, limits: &Limits) -> Result<Option<Slot>> {
    while !message.rest().is_empty() {
        let id = message.int()?;
        if id >= 0 {
            let slot = table.resolve(id)?;
            // The length of what follows, which is not to be trusted.
            message.uint()?;
            if !table.graph().get(slot).is_some_and(|definition| definition.shape.is_struct()) {
                message.singleton()?;
            }
            return Ok(Some(slot));
        }
        let len = table.define(id.saturating_neg(), message.rest(), limits)?;
        message.skip(len);
        // Within the message of another interface's content the rest has a length in front.
        if !message.rest().is_empty() {
            message.uint()?;
        }
    }
    Ok(None)
}

fn field_slot(table: &Table, slot: Slot, field: u64) -> Result<Slot> {
    let Some(Shape::Struct(fields)) = table.graph().get(slot).map(|definition| &definition.shape) else {
        unreachable!("a frame of a struct has a struct's slot");
    };
    let index = usize::try_from(field - 1).map_err(|_| no_such_field())?;
    Ok(fields.get(index).ok_or_else(no_such_field)?.slot)
}

#[cold]
pub(crate) fn no_such_field() -> DecodeError {
    DecodeError::malformed("a struct with more fields than its type")
}

pub(crate) fn check_array(count: usize, len: u64) -> Result<()> {
    if count as u64 != len {
        return Err(DecodeError::malformed("an array whose length is not its type's"));
    }
    Ok(())
}

pub(crate) fn check_name(name: &[u8], limits: &Limits) -> Result<()> {
    if name.len() > limits.name_len {
        return Err(DecodeError::new(Kind::NameTooLong { len: name.len() as u64, limit: limits.name_len }));
    }
    Ok(())
}
