//! What is wrong with a filter, where, and what would be right.

use std::fmt;

use super::Filter;

/// Why a text is no filter. It says where, what stands there, and what was expected.
///
/// ```
/// let error = "usr=alice".parse::<hijack_gateway::Filter>().unwrap_err();
/// assert_eq!(error.to_string(), "at character 1: unknown field `usr`: `user` may be meant");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterError {
    at: usize,
    problem: Problem,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Problem {
    TooLong(usize),
    TooDeep,
    Unexpected { found: String, expected: &'static str },
    UnknownField { name: String, nearest: Option<&'static str> },
    Operator { field: &'static str, operator: &'static str, allowed: &'static str },
    Value { field: &'static str, value: String, expected: String },
}

impl FilterError {
    pub(super) fn new(at: usize, problem: Problem) -> Self {
        Self { at, problem }
    }

    /// Where in the text it stands: the place of a character, counted from 1. Behind the last one at its end.
    #[must_use]
    pub fn position(&self) -> usize {
        self.at
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Problem::TooLong(len) = &self.problem {
            return write!(f, "a filter of {len} bytes exceeds limit {}", Filter::MAX_LEN);
        }
        write!(f, "at character {}: ", self.at)?;
        match &self.problem {
            Problem::TooLong(_) => Ok(()),
            Problem::TooDeep => {
                write!(f, "parentheses and `not` are deeper than limit {}", Filter::MAX_DEPTH)
            }
            Problem::Unexpected { found, expected } => write!(f, "expected {expected}, found {found}"),
            Problem::UnknownField { name, nearest: Some(nearest) } => {
                write!(f, "unknown field `{name}`: `{nearest}` may be meant")
            }
            Problem::UnknownField { name, nearest: None } => {
                write!(f, "unknown field `{name}`: the fields are ")?;
                super::field_names(f)
            }
            Problem::Operator { field, operator, allowed } => {
                write!(f, "`{operator}` means nothing for {field}: expected {allowed}")
            }
            Problem::Value { field, value, expected } => {
                write!(f, "{field} cannot be {value}: expected {expected}")
            }
        }
    }
}

impl std::error::Error for FilterError {}

/// `text` in backquotes, short and without control characters: it may be anybody's.
pub(super) fn quoted(text: &str) -> String {
    format!("`{}`", shown(text))
}

/// As [`quoted`], without the quotes.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_LEN).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN_LEN).is_some() {
        shown.push('…');
    }
    shown
}

/// Characters of somebody's text that an error repeats.
const SHOWN_LEN: usize = 40;
