//! A bar: a number that may not be passed.

use std::fmt;

use serde_json::{Value, json};

/// One bar and what was measured against it.
#[derive(Debug)]
pub(crate) struct Bar {
    pub(crate) what: &'static str,
    /// None where a program it needs is missing.
    pub(crate) value: Option<f64>,
    /// The largest value that passes.
    pub(crate) limit: f64,
}

impl Bar {
    pub(crate) fn is_missed(&self) -> bool {
        self.value.is_some_and(|value| value > self.limit)
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({ "what": self.what, "value": self.value, "limit": self.limit, "verdict": self.verdict() })
    }

    fn verdict(&self) -> &'static str {
        match self.value {
            None => "not measured",
            Some(_) if self.is_missed() => "MISS",
            Some(_) => "pass",
        }
    }
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"));
        let limit = (self.limit * 1_000.0).round() / 1_000.0;
        write!(f, "{:<54} {value:>9}  ≤ {limit:<8} {}", self.what, self.verdict())
    }
}
