//! What a call passes, or an answer brings.

use std::fmt;
use std::ops::Range;

use hijack_proto::rpc::json::Scanner;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::zero;

/// Where the value is, if there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Body {
    /// `params` is missing or null.
    Missing,
    /// `params` is no array, but this.
    NoArray(&'static str),
    /// `params` is an array of nothing.
    Empty,
    /// There is neither a result nor an error.
    Null,
    /// The bytes of the buffer that are the value.
    At(Range<usize>),
}

impl Body {
    /// The first of the parameters within `text`. Go ignores further ones.
    pub(super) fn of_params(params: Option<&RawValue>, text: &str) -> Self {
        let Some(params) = params.map(RawValue::get) else { return Self::Missing };
        match params.as_bytes()[0] {
            b'[' => {}
            b'{' => return Self::NoArray("object"),
            b'"' => return Self::NoArray("string"),
            b't' | b'f' => return Self::NoArray("bool"),
            _ => return Self::NoArray("number"),
        }
        let inside = &params[1..];
        // The whole was found to be JSON, so all that can fail here is the end of an empty array.
        match Scanner::new(usize::MAX).find(inside.as_bytes()) {
            Ok(Some(first)) => Self::At(first).behind(offset(inside, text)),
            _ => Self::Empty,
        }
    }

    /// The result within `text`.
    pub(super) fn of_result(result: Option<&RawValue>, text: &str) -> Self {
        result.map(RawValue::get).map_or(Self::Null, |result| {
            let start = offset(result, text);
            Self::At(start..start + result.len())
        })
    }

    /// The same where the text begins at `start`.
    pub(super) fn behind(self, start: usize) -> Self {
        match self {
            Self::At(place) => Self::At(start + place.start..start + place.end),
            other => other,
        }
    }

    /// The value.
    pub(super) fn read<T: DeserializeOwned>(self, buf: &[u8]) -> Result<T, BodyError> {
        match self {
            Self::Missing => Err(BodyError::Missing),
            Self::NoArray(kind) => Err(BodyError::NoArray(kind)),
            Self::Empty => zero::value().map_err(BodyError::Json),
            Self::Null => serde_json::from_str("null").map_err(|_| BodyError::NoResult),
            Self::At(place) => match &buf[place] {
                // Go leaves alone what null is read into.
                b"null" => serde_json::from_str("null").or_else(|_| zero::value()).map_err(BodyError::Json),
                // Our servers, and some others, say nothing in this way.
                b"{}" => serde_json::from_slice(b"{}")
                    .or_else(|error| serde_json::from_str("null").map_err(|_| error))
                    .map_err(BodyError::Json),
                value => serde_json::from_slice(value).map_err(BodyError::Json),
            },
        }
    }
}

/// Where `part`, a part of `whole`, begins in it.
fn offset(part: &str, whole: &str) -> usize {
    part.as_ptr() as usize - whole.as_ptr() as usize
}

/// Why there is no value. The first two are in Go's words.
#[derive(Debug)]
pub(super) enum BodyError {
    Missing,
    NoArray(&'static str),
    NoResult,
    Json(serde_json::Error),
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("jsonrpc: request body missing params"),
            Self::NoArray(kind) => {
                write!(f, "json: cannot unmarshal {kind} into Go value of type [1]interface {{}}")
            }
            Self::NoResult => f.write_str("jsonrpc: answer with neither result nor error"),
            Self::Json(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for BodyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Json(error) => Some(error),
            _ => None,
        }
    }
}
