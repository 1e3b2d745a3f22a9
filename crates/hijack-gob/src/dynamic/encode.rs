//! Dynamic values as bytes.

use super::{Dynamic, Interface, Type, Value};
use crate::encode::{EncodeError, EncodeErrorKind as ErrorKind, GoType, Gob, Kind, Writer};
use crate::types::{Field, Shape, Slot};

impl Dynamic {
    /// Writes the value, behind its id.
    pub(crate) fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        value(&self.ty, &self.value, writer)
    }
}

/// An interface, which is nil as `None`.
impl Gob for Interface {
    fn go_type() -> GoType {
        GoType::new::<Self>(Kind::Interface)
    }

    fn is_zero(&self) -> bool {
        false
    }

    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.dynamic_interface(self, |writer| value(&self.ty, &self.value, writer))
    }
}

fn value(ty: &Type, value: &Value, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
    let Some(definition) = ty.definition() else {
        return Err(EncodeError::custom("a type that its stream has not defined"));
    };
    match (&definition.shape, value) {
        (Shape::Bool, Value::Bool(value)) => writer.bool(*value),
        (Shape::Int, Value::Int(value)) => writer.int(*value),
        (Shape::Uint, Value::Uint(value)) => writer.uint(*value),
        (Shape::Float, Value::Float(value)) => writer.float(*value),
        (Shape::Complex, Value::Complex(value)) => value.encode(writer)?,
        (Shape::Bytes, Value::Bytes(bytes)) | (Shape::Marshaled(_), Value::Marshaled(bytes)) => {
            writer.bytes(bytes);
        }
        (Shape::String, Value::String(text)) => writer.bytes(&text.0),
        (Shape::Slice(elem), Value::List(list)) => elements(ty, *elem, list, writer)?,
        (Shape::Array(elem, len), Value::List(list)) if list.len() as u64 == *len => {
            elements(ty, *elem, list, writer)?;
        }
        (Shape::Map(key, elem), Value::Map(map)) => entries(ty, (*key, *elem), map, writer)?,
        (Shape::Struct(fields), Value::Struct(values)) => structure(ty, fields, values, writer)?,
        (Shape::Interface, Value::Interface(interface)) => interface.encode(writer)?,
        (Shape::Interface, Value::Nil) => writer.nil_interface(),
        (_, Value::Nil) => return Err(EncodeError::new(ErrorKind::Nil)),
        (_, value) => {
            return Err(EncodeError::new(ErrorKind::Mismatch {
                expected: ty.to_string(),
                got: value.word(),
            }));
        }
    }
    Ok(())
}

fn elements(ty: &Type, elem: Slot, list: &[Value], writer: &mut Writer<'_>) -> Result<(), EncodeError> {
    let elem = Type::new(&ty.graph, elem);
    writer.enter()?;
    writer.uint(list.len() as u64);
    for element in list {
        value(&elem, element, writer)?;
    }
    writer.leave();
    Ok(())
}

fn entries(
    ty: &Type,
    (key, elem): (Slot, Slot),
    map: &[(Value, Value)],
    writer: &mut Writer<'_>,
) -> Result<(), EncodeError> {
    let (key_type, elem) = (Type::new(&ty.graph, key), Type::new(&ty.graph, elem));
    writer.enter()?;
    writer.uint(map.len() as u64);
    for (key, element) in map {
        value(&key_type, key, writer)?;
        value(&elem, element, writer)?;
    }
    writer.leave();
    Ok(())
}

/// Fields by name, in the order of the type; what the value does not have is zero, and what the type does not have an
/// error.
fn structure(
    ty: &Type,
    fields: &[Field],
    values: &[(std::sync::Arc<str>, Value)],
    writer: &mut Writer<'_>,
) -> Result<(), EncodeError> {
    let mut found = 0;
    let mut structure = writer.structure()?;
    for (index, field) in fields.iter().enumerate() {
        // In the same order, which is what decoding makes, each is found at once.
        let at_place = values.get(index).filter(|(name, _)| *name == field.name);
        let Some((_, inner)) = at_place.or_else(|| values.iter().find(|(name, _)| *name == field.name))
        else {
            continue;
        };
        found += 1;
        let field_type = Type::new(&ty.graph, field.slot);
        if !is_zero(&field_type, inner) {
            structure
                .field_with(index, |writer| value(&field_type, inner, writer))
                .map_err(|error| error.in_field(&field.name))?;
        }
    }
    structure.end();
    if found < values.len() {
        return Err(EncodeError::new(ErrorKind::Mismatch {
            expected: ty.to_string(),
            got: "a struct with other fields",
        }));
    }
    Ok(())
}

/// Whether a field with this value is left out.
fn is_zero(ty: &Type, value: &Value) -> bool {
    match value {
        Value::Nil => true,
        Value::Bool(value) => !value,
        Value::Int(value) => *value == 0,
        Value::Uint(value) => *value == 0,
        Value::Float(value) => value.is_zero(),
        Value::Complex(value) => value.is_zero(),
        Value::Bytes(bytes) | Value::Marshaled(bytes) => bytes.is_empty(),
        Value::String(text) => text.is_zero(),
        // An array without elements is there, or it would be nil.
        Value::List(list) => {
            list.is_empty()
                && ty.definition().is_none_or(|definition| !matches!(definition.shape, Shape::Array(..)))
        }
        Value::Map(_) | Value::Struct(_) | Value::Interface(_) => false,
    }
}
