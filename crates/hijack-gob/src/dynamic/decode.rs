//! Any value of a stream.

use std::sync::Arc;

use super::{Interface, Type, Value};
use crate::decode::Context;
use crate::decode::error::{DecodeError, Result};
use crate::decode::{Ahead, Deserializer};
use crate::text::{Complex, GoString};
use crate::types::{Field, Graph, Shape, Slot};

impl Deserializer<'_, '_, '_> {
    /// Reads a value of whatever type it is.
    pub(crate) fn dynamic(self) -> Result<super::Dynamic> {
        let ty = Type::new(self.cx.graph, self.slot);
        let value = value(self.cx, self.slot)?;
        Ok(super::Dynamic { ty, value })
    }
}

fn value(cx: &mut Context<'_, '_>, slot: Slot) -> Result<Value> {
    Ok(match cx.shape(slot)? {
        Shape::Bool => Value::Bool(cx.reader.bool()?),
        Shape::Int => Value::Int(cx.reader.int()?),
        Shape::Uint => Value::Uint(cx.reader.uint()?),
        Shape::Float => Value::Float(cx.reader.float()?),
        Shape::Complex => Value::Complex(Complex { re: cx.reader.float()?, im: cx.reader.float()? }),
        Shape::Bytes => Value::Bytes(bytes(cx)?),
        Shape::String => Value::String(GoString(bytes(cx)?)),
        Shape::Marshaled(_) => Value::Marshaled(bytes(cx)?),
        Shape::Slice(elem) => Value::List(list(cx, *elem, None)?),
        Shape::Array(elem, len) => Value::List(list(cx, *elem, Some(*len))?),
        Shape::Map(key, elem) => Value::Map(map(cx, *key, *elem)?),
        Shape::Struct(fields) => Value::Struct(structure(cx, fields)?),
        Shape::Interface => interface(cx)?,
    })
}

fn bytes(cx: &mut Context<'_, '_>) -> Result<Vec<u8>> {
    let bytes = cx.reader.bytes()?;
    cx.charge(bytes.len())?;
    Ok(bytes.to_vec())
}

fn list(cx: &mut Context<'_, '_>, elem: Slot, len: Option<u64>) -> Result<Vec<Value>> {
    cx.enter()?;
    let count = cx.list(len)?;
    cx.charge(count.saturating_mul(size_of::<Value>()))?;
    let mut list = Vec::with_capacity(count);
    for index in 0..count {
        list.push(value(cx, elem).map_err(|error| error.at_index(index))?);
    }
    cx.leave();
    Ok(list)
}

fn map(cx: &mut Context<'_, '_>, key: Slot, elem: Slot) -> Result<Vec<(Value, Value)>> {
    cx.enter()?;
    let count = cx.reader.count(2)?;
    cx.charge(count.saturating_mul(size_of::<(Value, Value)>()))?;
    let mut map = Vec::with_capacity(count);
    for _ in 0..count {
        let key = value(cx, key).map_err(DecodeError::in_key)?;
        map.push((key, value(cx, elem).map_err(DecodeError::in_element)?));
    }
    cx.leave();
    Ok(map)
}

fn structure(cx: &mut Context<'_, '_>, fields: &[Field]) -> Result<Vec<(Arc<str>, Value)>> {
    cx.enter()?;
    cx.charge(fields.len().saturating_mul(size_of::<(Arc<str>, Value)>()))?;
    let mut values = Vec::with_capacity(fields.len());
    let mut ahead = Ahead::start(fields.len(), &mut cx.reader)?;
    for (index, Field { name, slot }) in fields.iter().enumerate() {
        let value = if ahead.index() == index {
            let value = value(cx, *slot).map_err(|error| error.in_field(name))?;
            ahead.go_on(&mut cx.reader)?;
            value
        } else {
            zero(cx.graph, *slot)
        };
        values.push((Arc::clone(name), value));
    }
    cx.leave();
    Ok(values)
}

fn interface(cx: &mut Context<'_, '_>) -> Result<Value> {
    let Some(held) = cx.open_interface()? else { return Ok(Value::Nil) };
    cx.charge(size_of::<Interface>() + held.name.len())?;
    let (name, ty) = (GoString(held.name.to_vec()), Type::new(cx.graph, held.slot));
    let value = value(cx, held.slot)?;
    cx.leave();
    Ok(Value::Interface(Box::new(Interface { name, ty, value })))
}

/// What a field is that was not sent. A struct or an array is always sent unless a pointer to it is nil.
pub(crate) fn zero(graph: &Graph, slot: Slot) -> Value {
    match graph.get(slot).map(|definition| &definition.shape) {
        Some(Shape::Bool) => Value::Bool(false),
        Some(Shape::Int) => Value::Int(0),
        Some(Shape::Uint) => Value::Uint(0),
        Some(Shape::Float) => Value::Float(0.0),
        Some(Shape::Complex) => Value::Complex(Complex::default()),
        Some(Shape::Bytes) => Value::Bytes(Vec::new()),
        Some(Shape::String) => Value::String(GoString::default()),
        Some(Shape::Slice(_)) => Value::List(Vec::new()),
        Some(Shape::Marshaled(_)) => Value::Marshaled(Vec::new()),
        Some(Shape::Array(..) | Shape::Map(..) | Shape::Struct(_) | Shape::Interface) | None => Value::Nil,
    }
}
