//! The members of a call and of an answer.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::format::compact;

/// A call or an answer. Members that are null are as good as none.
#[derive(Debug, Default)]
pub(super) struct Envelope<'t> {
    pub(super) method: Option<Cow<'t, str>>,
    pub(super) params: Option<&'t RawValue>,
    pub(super) id: Option<&'t RawValue>,
    pub(super) result: Option<&'t RawValue>,
    error: Option<&'t RawValue>,
}

impl<'t> Envelope<'t> {
    pub(super) fn read(text: &'t str) -> serde_json::Result<Self> {
        let envelope: Option<Self> = serde_json::from_str(text)?;
        // Go takes null for a value with nothing in it.
        Ok(envelope.unwrap_or_default())
    }

    /// The number of the call that is answered.
    pub(super) fn number(&self) -> serde_json::Result<u64> {
        self.id.map_or(Ok(0), |id| serde_json::from_str(id.get()))
    }

    /// What the answer says that went wrong. What is no text is shown as it is.
    pub(super) fn failure(&self) -> Option<String> {
        let error = self.error?.get();
        let text: String = serde_json::from_str(error).unwrap_or_else(|_| error.to_owned());
        Some(if text.is_empty() { "unspecified error".into() } else { text })
    }
}

impl<'de> Deserialize<'de> for Envelope<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Envelope<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    /// Names match without case, and the last of several counts, as in Go.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope<'de>, A::Error> {
        let mut envelope = Envelope::default();
        while let Some(Text(name)) = map.next_key()? {
            match name.to_ascii_lowercase().as_str() {
                "method" => envelope.method = map.next_value::<Option<Text<'de>>>()?.map(|text| text.0),
                "params" => envelope.params = map.next_value()?,
                "id" => envelope.id = map.next_value()?,
                "result" => envelope.result = map.next_value()?,
                "error" => envelope.error = map.next_value()?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(envelope)
    }
}

/// A text, borrowed where it has no escapes.
struct Text<'t>(Cow<'t, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}

/// The id of a call: any JSON value, which comes back in the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonId(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// The usual case.
    Number(u64),
    /// Without white space, as Go writes it.
    Other(Box<[u8]>),
}

impl JsonId {
    pub(super) fn of(id: Option<&RawValue>) -> Self {
        let text = id.map_or("null", RawValue::get);
        let number = text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
        Self(match number {
            Some(number) => Kind::Number(number),
            None => Kind::Other(compact(text).into()),
        })
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        match &self.0 {
            Kind::Number(number) => super::put(out, number).expect("a number is JSON"),
            Kind::Other(text) => out.extend_from_slice(text),
        }
    }
}
