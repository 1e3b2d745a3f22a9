//! Dynamic values from and to JSON, as Go's `encoding/json` has them.
//!
//! | Go | JSON |
//! |---|---|
//! | numbers | numbers; floats that JSON has no word for are strings |
//! | complex numbers | a list of two numbers |
//! | `[]byte`, and what marshalers made | base64 in a string |
//! | `time.Time` | RFC 3339 in a string |
//! | a map whose keys are no strings or whole numbers | a list of pairs |
//! | an interface | what it holds |
//! | nil | `null` |

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde_json::{Map, Number, Value as Json};

use crate::dynamic::ty::Builder;
use crate::dynamic::{Dynamic, Interface, Type, TypeKind, Value, zero};
use crate::text::{Complex, GoString};
use crate::time::Time;
use crate::types::{Definition, Field, Marshaler, Shape, Slot, id};

/// JSON that is no value of the wanted type, or of no type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// From the innermost step to the outermost.
    path: Vec<String>,
    message: String,
}

impl JsonError {
    #[cold]
    fn new(message: impl Into<String>) -> Self {
        Self { path: Vec::new(), message: message.into() }
    }

    #[cold]
    fn expected(ty: &Type, json: &Json) -> Self {
        let got = match json {
            Json::Null => "null",
            Json::Bool(_) => "a bool",
            Json::Number(_) => "a number",
            Json::String(_) => "a string",
            Json::Array(_) => "a list",
            Json::Object(_) => "an object",
        };
        Self::new(format!("{ty} is expected, not {got}"))
    }

    #[cold]
    fn within(mut self, step: impl Into<String>) -> Self {
        self.path.push(step.into());
        self
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path: Vec<&str> = self.path.iter().rev().map(String::as_str).collect();
        if !path.is_empty() {
            write!(f, "{}: ", path.join("."))?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for JsonError {}

/// How deep JSON may be nested, as in `serde_json`.
const MAX_DEPTH: usize = 128;

impl Dynamic {
    /// As JSON.
    #[must_use]
    pub fn to_json(&self) -> Json {
        to_json(&self.ty, &self.value)
    }

    /// A value of a type that is known. Field names match in any case, as in Go; fields that the JSON lacks are zero.
    ///
    /// # Errors
    /// If the JSON does not fit the type.
    pub fn from_json(ty: &Type, json: &Json) -> Result<Self, JsonError> {
        Ok(Self { ty: ty.clone(), value: from_json(ty, json, MAX_DEPTH)? })
    }

    /// A value of the type that the JSON seems to have: whole numbers are `int`, others `float64`, objects structs
    /// without a name, lists slices of what their elements are.
    ///
    /// # Errors
    /// If the elements of a list differ in type, or a key cannot be a field of Go.
    pub fn infer(json: &Json) -> Result<Self, JsonError> {
        let mut builder = Builder::default();
        let slot = infer(&mut builder, json, MAX_DEPTH)?;
        Self::from_json(&builder.build(slot), json)
    }
}

fn to_json(ty: &Type, value: &Value) -> Json {
    let part = |slot: Slot| Type::new(&ty.graph, slot);
    match value {
        Value::Nil => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Int(value) => Json::from(*value),
        Value::Uint(value) => Json::from(*value),
        Value::Float(value) => float(*value),
        Value::Complex(Complex { re, im }) => Json::Array(vec![float(*re), float(*im)]),
        Value::Bytes(bytes) => Json::String(BASE64.encode(bytes)),
        Value::String(text) => Json::String(text.to_str_lossy().into_owned()),
        Value::Marshaled(bytes) => marshaled(ty, bytes),
        Value::List(list) => {
            let elem = match ty.definition().map(|definition| &definition.shape) {
                Some(Shape::Slice(elem) | Shape::Array(elem, _)) => part(*elem),
                _ => ty.clone(),
            };
            Json::Array(list.iter().map(|element| to_json(&elem, element)).collect())
        }
        Value::Map(map) => {
            let (key, elem) = match ty.definition().map(|definition| &definition.shape) {
                Some(Shape::Map(key, elem)) => (part(*key), part(*elem)),
                _ => (ty.clone(), ty.clone()),
            };
            match map.iter().map(|(key, element)| Some((key_text(key)?, to_json(&elem, element)))).collect() {
                Some(object) => Json::Object(object),
                None => {
                    let pair =
                        |(k, v): &(Value, Value)| Json::Array(vec![to_json(&key, k), to_json(&elem, v)]);
                    Json::Array(map.iter().map(pair).collect())
                }
            }
        }
        Value::Struct(values) => {
            let fields = match ty.definition().map(|definition| &definition.shape) {
                Some(Shape::Struct(fields)) => &fields[..],
                _ => &[],
            };
            let member = |(index, (name, value)): (usize, &(Arc<str>, Value))| {
                let at_place = fields.get(index).filter(|field| field.name == *name);
                let field = at_place.or_else(|| fields.iter().find(|field| field.name == *name));
                let ty = field.map_or_else(|| ty.clone(), |field| part(field.slot));
                (name.to_string(), to_json(&ty, value))
            };
            Json::Object(values.iter().enumerate().map(member).collect())
        }
        Value::Interface(interface) => to_json(&interface.ty, &interface.value),
    }
}

fn float(value: f64) -> Json {
    Number::from_f64(value).map_or_else(|| Json::String(value.to_string()), Json::Number)
}

fn key_text(key: &Value) -> Option<String> {
    match key {
        Value::String(text) => Some(text.to_str_lossy().into_owned()),
        Value::Int(key) => Some(key.to_string()),
        Value::Uint(key) => Some(key.to_string()),
        _ => None,
    }
}

fn is_time(definition: &Definition) -> bool {
    matches!(definition.shape, Shape::Marshaled(Marshaler::Gob | Marshaler::Binary))
        && *definition.name == *"Time"
}

fn marshaled(ty: &Type, bytes: &[u8]) -> Json {
    let time = match ty.definition() {
        Some(definition) if is_time(definition) && bytes.is_empty() => Some(Time::default()),
        Some(definition) if is_time(definition) => Time::from_binary(bytes),
        _ => None,
    };
    if let Some(time) = time {
        return Json::String(time.to_string());
    }
    let text =
        matches!(ty.kind(), TypeKind::Marshaled(Marshaler::Text)).then(|| std::str::from_utf8(bytes).ok());
    Json::String(text.flatten().map_or_else(|| BASE64.encode(bytes), str::to_owned))
}

fn from_json(ty: &Type, json: &Json, depth: usize) -> Result<Value, JsonError> {
    let wrong = || JsonError::expected(ty, json);
    let Some(depth) = depth.checked_sub(1) else {
        return Err(JsonError::new(format!("nested deeper than limit {MAX_DEPTH}")));
    };
    if json.is_null() {
        return Ok(zero(&ty.graph, ty.slot));
    }
    let definition = ty.definition().ok_or_else(wrong)?;
    let part = |slot: Slot| Type::new(&ty.graph, slot);
    Ok(match &definition.shape {
        Shape::Bool => Value::Bool(json.as_bool().ok_or_else(wrong)?),
        Shape::Int => Value::Int(json.as_i64().ok_or_else(wrong)?),
        Shape::Uint => Value::Uint(json.as_u64().ok_or_else(wrong)?),
        Shape::Float => Value::Float(to_float(json).ok_or_else(wrong)?),
        Shape::Complex => match json.as_array().map(Vec::as_slice) {
            Some([re, im]) => {
                let part = |json| to_float(json).ok_or_else(wrong);
                Value::Complex(Complex { re: part(re)?, im: part(im)? })
            }
            _ => return Err(wrong()),
        },
        Shape::String => Value::String(GoString::from(json.as_str().ok_or_else(wrong)?)),
        Shape::Bytes => Value::Bytes(from_base64(json).ok_or_else(wrong)?),
        Shape::Marshaled(_) if is_time(definition) => {
            let text = json.as_str().ok_or_else(wrong)?;
            let time = Time::from_text(text).and_then(|time| time.to_binary().ok());
            let (bytes, len) =
                time.ok_or_else(|| JsonError::new(format!("{text:?} is no time of RFC 3339")))?;
            Value::Marshaled(bytes[..len].to_vec())
        }
        Shape::Marshaled(Marshaler::Text) => {
            Value::Marshaled(json.as_str().ok_or_else(wrong)?.as_bytes().to_vec())
        }
        Shape::Marshaled(_) => Value::Marshaled(from_base64(json).ok_or_else(wrong)?),
        Shape::Slice(elem) => Value::List(list(&part(*elem), json.as_array().ok_or_else(wrong)?, depth)?),
        Shape::Array(elem, len) => {
            let json = json.as_array().filter(|list| list.len() as u64 == *len).ok_or_else(wrong)?;
            Value::List(list(&part(*elem), json, depth)?)
        }
        Shape::Map(key, elem) => Value::Map(map(ty, (part(*key), part(*elem)), json, depth)?),
        Shape::Struct(fields) => {
            Value::Struct(structure(ty, fields, json.as_object().ok_or_else(wrong)?, depth)?)
        }
        Shape::Interface => Value::Interface(Box::new(interface(json)?)),
    })
}

fn to_float(json: &Json) -> Option<f64> {
    match json {
        // As they are written above.
        Json::String(text) if matches!(&**text, "NaN" | "inf" | "-inf") => text.parse().ok(),
        _ => json.as_f64(),
    }
}

fn from_base64(json: &Json) -> Option<Vec<u8>> {
    json.as_str().and_then(|text| BASE64.decode(text).ok())
}

fn list(elem: &Type, json: &[Json], depth: usize) -> Result<Vec<Value>, JsonError> {
    let element =
        |(index, json)| from_json(elem, json, depth).map_err(|error| error.within(format!("[{index}]")));
    json.iter().enumerate().map(element).collect()
}

fn map(
    ty: &Type,
    (key, elem): (Type, Type),
    json: &Json,
    depth: usize,
) -> Result<Vec<(Value, Value)>, JsonError> {
    match json {
        Json::Object(object) => object
            .iter()
            .map(|(name, json)| {
                let is_number = matches!(key.kind(), TypeKind::Int | TypeKind::Uint);
                let number =
                    || name.parse::<Number>().map_err(|_| JsonError::new(format!("{name:?} is no {key}")));
                let name_json = if is_number { Json::Number(number()?) } else { Json::String(name.clone()) };
                let element = from_json(&elem, json, depth).map_err(|error| error.within(name.clone()))?;
                Ok((from_json(&key, &name_json, depth)?, element))
            })
            .collect(),
        Json::Array(pairs) => pairs
            .iter()
            .map(|pair| match pair.as_array().map(Vec::as_slice) {
                Some([k, v]) => Ok((from_json(&key, k, depth)?, from_json(&elem, v, depth)?)),
                _ => Err(JsonError::expected(ty, pair)),
            })
            .collect(),
        _ => Err(JsonError::expected(ty, json)),
    }
}

fn structure(
    ty: &Type,
    fields: &[Field],
    json: &Map<String, Json>,
    depth: usize,
) -> Result<Vec<(Arc<str>, Value)>, JsonError> {
    let is_field = |name: &str, field: &Field| name.to_lowercase() == field.name.to_lowercase();
    if let Some(unknown) = json.keys().find(|name| !fields.iter().any(|field| is_field(name, field))) {
        return Err(JsonError::new(format!("{ty} has no field {unknown}")));
    }
    fields
        .iter()
        .map(|field| {
            let exact = json.get(&*field.name);
            let found =
                exact.or_else(|| json.iter().find_map(|(name, json)| is_field(name, field).then_some(json)));
            let field_type = Type::new(&ty.graph, field.slot);
            let value = match found {
                Some(json) => {
                    from_json(&field_type, json, depth).map_err(|error| error.within(&*field.name))?
                }
                None => filled(&field_type, depth)?,
            };
            Ok((Arc::clone(&field.name), value))
        })
        .collect()
}

/// A zero that is there: a struct or an array in place of nil, since JSON said nothing of a pointer.
fn filled(ty: &Type, depth: usize) -> Result<Value, JsonError> {
    // Types that contain themselves do so by pointers, and those are nil.
    match &ty.definition().map(|definition| &definition.shape) {
        Some(Shape::Array(elem, len)) if *len <= 4096 => {
            let elem = filled(&Type::new(&ty.graph, *elem), depth.saturating_sub(1))?;
            Ok(Value::List(vec![elem; usize::try_from(*len).expect("no more than that")]))
        }
        _ => Ok(zero(&ty.graph, ty.slot)),
    }
}

/// What `encoding/json` would make of it, under the names that every Go program has registered.
fn interface(json: &Json) -> Result<Interface, JsonError> {
    let (name, text) = match json {
        Json::Bool(_) => ("bool", "bool"),
        Json::Number(number) if number.is_i64() => ("int", "int"),
        Json::Number(_) => ("float64", "float64"),
        Json::String(_) => ("string", "string"),
        Json::Array(list) if list.iter().all(Json::is_string) => ("[]string", "[]string"),
        Json::Array(list) if list.iter().all(Json::is_i64) => ("[]int", "[]int"),
        Json::Array(list) if list.iter().all(Json::is_number) => ("[]float64", "[]float64"),
        Json::Array(list) if list.iter().all(Json::is_boolean) => ("[]bool", "[]bool"),
        Json::Null | Json::Array(_) | Json::Object(_) => {
            return Err(JsonError::new(
                "an interface is filled from JSON with a bool, a number, a string, or a list of one of them only: \
                 the name of any other type is not known",
            ));
        }
    };
    let ty: Type = text.parse().expect("a type of Go");
    let value = from_json(&ty, json, 2)?;
    Ok(Interface { name: name.into(), ty, value })
}

fn infer(builder: &mut Builder, json: &Json, depth: usize) -> Result<Slot, JsonError> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(JsonError::new(format!("nested deeper than limit {MAX_DEPTH}")));
    };
    Ok(match json {
        Json::Null => Slot::of_builtin(id::INTERFACE),
        Json::Bool(_) => Slot::of_builtin(id::BOOL),
        Json::Number(number) if number.is_i64() => Slot::of_builtin(id::INT),
        Json::Number(number) if number.is_u64() => Slot::of_builtin(id::UINT),
        Json::Number(_) => Slot::of_builtin(id::FLOAT),
        Json::String(_) => Slot::of_builtin(id::STRING),
        Json::Array(list) => {
            let elem = match list.first() {
                None => Slot::of_builtin(id::INTERFACE),
                // One that is not whole makes all of them floats.
                Some(Json::Number(_)) if list.iter().any(Json::is_f64) => Slot::of_builtin(id::FLOAT),
                Some(first) => infer(builder, first, depth)?,
            };
            builder.add("", Shape::Slice(elem))
        }
        Json::Object(object) => {
            let fields = object.iter().map(|(name, json)| {
                if !name.starts_with(char::is_uppercase) {
                    return Err(JsonError::new(format!(
                        "Go has no field {name:?}: its fields begin with a capital letter"
                    )));
                }
                let slot = infer(builder, json, depth).map_err(|error| error.within(name.clone()))?;
                Ok(Field { name: name.as_str().into(), slot })
            });
            let fields: Result<Box<[Field]>, JsonError> = fields.collect();
            let fields = fields?;
            builder.add("", Shape::Struct(fields))
        }
    })
}
