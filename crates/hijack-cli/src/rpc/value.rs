//! Values of JSON: what Go type they seem to have, and the way back.

use std::fmt::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hijack::rpc::GobDynamic;
use hijack_gob::{Dynamic, Type};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Arguments in gob, of the type that was said or that they seem to have.
pub(super) fn dynamic(json: &Value, ty: Option<&Type>) -> Result<GobDynamic, String> {
    let (guessed, json) = match ty {
        Some(ty) => (ty.clone(), json.clone()),
        None => {
            let json = without_nulls(json);
            (guess(&json)?.ok_or("null is nothing that could be sent")?.to_type()?, json)
        }
    };
    Dynamic::from_json(&guessed, &json).map(GobDynamic).map_err(|error| error.to_string())
}

/// A type in Go's words.
pub(super) fn parse_type(text: &str) -> Result<Type, String> {
    text.trim_start_matches('*').parse().map_err(|error: hijack_gob::TypeError| error.to_string())
}

/// Gob has no word for nil but to say nothing.
fn without_nulls(json: &Value) -> Value {
    match json {
        Value::Object(members) => {
            let told = members.iter().filter(|(_, value)| !value.is_null());
            Value::Object(told.map(|(name, value)| (name.clone(), without_nulls(value))).collect())
        }
        Value::Array(elements) => Value::Array(elements.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}

/// The Go type that a value seems to have.
#[derive(Debug, Clone, PartialEq)]
enum Guess {
    Plain(&'static str),
    /// None of an empty list, which may be one of anything.
    List(Option<Box<Guess>>),
    Map(Option<Box<Guess>>),
    Struct(Vec<(String, Guess)>),
}

const INT: Guess = Guess::Plain("int");
const FLOAT: Guess = Guess::Plain("float64");

fn guess(json: &Value) -> Result<Option<Guess>, String> {
    Ok(Some(match json {
        Value::Null => return Ok(None),
        Value::Bool(_) => Guess::Plain("bool"),
        Value::String(_) => Guess::Plain("string"),
        Value::Number(number) if number.is_f64() => FLOAT,
        Value::Number(number) if number.is_i64() => INT,
        Value::Number(_) => Guess::Plain("uint"),
        Value::Array(elements) => Guess::List(common(elements.iter())?.map(Box::new)),
        Value::Object(members) if is_struct(members) => {
            let mut fields = Vec::new();
            for (name, value) in members {
                fields.extend(guess(value)?.map(|guess| (name.clone(), guess)));
            }
            Guess::Struct(fields)
        }
        Value::Object(members) => Guess::Map(common(members.values())?.map(Box::new)),
    }))
}

/// Whether all keys begin as exported names of Go do.
fn is_struct(members: &Map<String, Value>) -> bool {
    members.keys().all(|name| name.starts_with(char::is_uppercase))
}

/// The one type that all values have.
fn common<'v>(values: impl Iterator<Item = &'v Value>) -> Result<Option<Guess>, String> {
    let mut common: Option<Guess> = None;
    for value in values {
        let Some(guess) = guess(value)? else {
            return Err("null in a list is nothing that could be sent".into());
        };
        common = Some(match common {
            None => guess,
            Some(common) => common.clone().with(guess.clone()).ok_or_else(|| {
                format!("{common} and {guess} in one list or map: say which type it is by --type")
            })?,
        });
    }
    Ok(common)
}

impl Guess {
    /// The type of both, if there is one.
    fn with(self, other: Self) -> Option<Self> {
        let inner = |one: Option<Box<Self>>, other: Option<Box<Self>>| match (one, other) {
            (Some(one), Some(other)) => one.with(*other).map(|both| Some(Box::new(both))),
            (one, other) => Some(one.or(other)),
        };
        match (self, other) {
            (one, other) if one == other => Some(one),
            (INT, FLOAT) | (FLOAT, INT) => Some(FLOAT),
            (Self::List(one), Self::List(other)) => inner(one, other).map(Self::List),
            (Self::Map(one), Self::Map(other)) => inner(one, other).map(Self::Map),
            (Self::Struct(mut fields), Self::Struct(others)) => {
                for (name, guess) in others {
                    match fields.iter_mut().find(|field| field.0 == name) {
                        Some(field) => field.1 = field.1.clone().with(guess)?,
                        None => fields.push((name, guess)),
                    }
                }
                Some(Self::Struct(fields))
            }
            _ => None,
        }
    }

    fn to_type(&self) -> Result<Type, String> {
        self.to_string().parse().map_err(|error| format!("{self} is no type of Go's: {error}"))
    }
}

impl fmt::Display for Guess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(name) => f.write_str(name),
            Self::List(None) => f.write_str("[]int"),
            Self::List(Some(elements)) => write!(f, "[]{elements}"),
            Self::Map(None) => f.write_str("map[string]int"),
            Self::Map(Some(values)) => write!(f, "map[string]{values}"),
            Self::Struct(fields) => {
                f.write_str("struct{")?;
                for (index, (name, guess)) in fields.iter().enumerate() {
                    write!(f, "{}{name} {guess}", if index == 0 { "" } else { "; " })?;
                }
                f.write_char('}')
            }
        }
    }
}

/// An answer in MessagePack as JSON; bytes that are no text are base64.
#[derive(Debug)]
pub(super) struct MsgPackReply(pub(super) Value);

impl<'de> Deserialize<'de> for MsgPackReply {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ReplyVisitor).map(Self)
    }
}

struct ReplyVisitor;

impl<'de> Visitor<'de> for ReplyVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Value, E> {
        Ok(std::str::from_utf8(bytes).map_or_else(|_| STANDARD.encode(bytes), str::to_owned).into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(MsgPackReply(element)) = seq.next_element()? {
            elements.push(element);
        }
        Ok(elements.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some((MsgPackReply(key), MsgPackReply(value))) = map.next_entry()? {
            let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
            members.insert(key, value);
        }
        Ok(members.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seen(json: &Value) -> Result<String, String> {
        guess(&without_nulls(json)).map(|guess| guess.map_or_else(String::new, |guess| guess.to_string()))
    }

    #[test]
    fn types_are_seen_in_json() {
        let table = [
            (json!(7), "int"),
            (json!(-7), "int"),
            (json!(7.0), "float64"),
            (json!(1e3), "float64"),
            (json!(u64::MAX), "uint"),
            (json!("a"), "string"),
            (json!(true), "bool"),
            (json!([1, 2]), "[]int"),
            (json!([1, 2.5]), "[]float64"),
            (json!([]), "[]int"),
            (json!([[], ["a"]]), "[][]string"),
            (json!({"A": 7, "B": 8}), "struct{A int; B int}"),
            (json!({"A": 7, "B": null}), "struct{A int}"),
            (json!({"a": 7, "B": 8}), "map[string]int"),
            (json!({"Name": "x", "Tags": {"k": ["v"]}}), "struct{Name string; Tags map[string][]string}"),
            (json!([{"A": 1}, {"A": 2.5, "B": "x"}]), "[]struct{A float64; B string}"),
            (json!({}), "struct{}"),
            (json!(null), ""),
        ];
        for (json, ty) in table {
            assert_eq!(seen(&json).as_deref(), Ok(ty), "{json}");
        }
        for json in [json!([1, "a"]), json!({"a": 1, "b": "x"}), json!([null])] {
            assert!(seen(&json).is_err(), "{json}");
        }
    }
}
