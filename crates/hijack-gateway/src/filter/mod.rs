#![doc = include_str!("../../docs/filter.md")]

mod error;
mod field;
mod parse;
#[cfg(test)]
mod tests;
mod value;

use std::fmt;
use std::str::FromStr;

use field::{FIELDS, Field, Kind};
use value::{Comparison, Network, Pattern};

use crate::view::ConnectionView;

pub use error::FilterError;

/// Which connections are meant.
///
/// The language is described in `docs/filter.md`; one example: `user=alice and idle>30s`. The empty filter means all.
/// Filters are read and asked in time that is linear in the lengths of filter and connection, whoever wrote either.
///
/// ```
/// use hijack_gateway::{ConnectionView, Filter};
///
/// let filter: Filter = "route=chat and not (peer=10.0.0.0/8 or bytes_out>1MiB)".parse()?;
/// let mut view = ConnectionView::default();
/// view.route = "chat".into();
/// view.peer = "192.0.2.7:40001".into();
/// assert!(filter.matches(&view));
/// view.bytes_out = 2 << 20;
/// assert!(!filter.matches(&view));
/// # Ok::<(), hijack_gateway::FilterError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    expression: Option<Expression>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Expression {
    /// Two or more, all of which must hold.
    All(Vec<Expression>),
    /// Two or more, one of which must hold.
    Any(Vec<Expression>),
    Not(Box<Expression>),
    Test(Test),
}

/// A field compared with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Test {
    field: &'static Field,
    /// Whether it was `!=`: the opposite of `=`, also where the field is missing.
    negated: bool,
    check: Check,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Check {
    Is(Pattern),
    Contains(String),
    Within(Network),
    Chosen(&'static str),
    Compares(Comparison, u64),
}

impl Filter {
    /// Bytes of a filter's text.
    pub const MAX_LEN: usize = 4096;
    /// Parentheses and `not`s around a test.
    pub const MAX_DEPTH: usize = 32;

    /// Whether this connection is meant.
    #[must_use]
    pub fn matches(&self, view: &ConnectionView) -> bool {
        self.expression.as_ref().is_none_or(|expression| expression.matches(view))
    }

    /// Whether it says `state=closed`, under an even number of negations. Only then ended connections are looked
    /// through too; which of them are meant, [`matches`](Self::matches) tells.
    #[must_use]
    pub fn asks_for_closed(&self) -> bool {
        self.expression.as_ref().is_some_and(|expression| expression.asks_for_closed(true))
    }

    /// Whether it is empty, so that all are meant.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.expression.is_none()
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    /// Reads a filter.
    fn from_str(text: &str) -> Result<Self, FilterError> {
        Ok(Self { expression: parse::parse(text)? })
    }
}

impl fmt::Display for Filter {
    /// The same filter as it is read again, spelled out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expression.as_ref().map_or(Ok(()), |expression| expression.fmt(f))
    }
}

impl Expression {
    fn matches(&self, view: &ConnectionView) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.matches(view)),
            Self::Any(parts) => parts.iter().any(|part| part.matches(view)),
            Self::Not(part) => !part.matches(view),
            Self::Test(test) => test.matches(view),
        }
    }

    fn asks_for_closed(&self, positive: bool) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(|part| part.asks_for_closed(positive)),
            Self::Not(part) => part.asks_for_closed(!positive),
            Self::Test(test) => test.asks_for_closed(positive),
        }
    }

    /// Writes it as a part of `All` or behind `not`.
    fn fmt_part(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(_) | Self::Any(_) => write!(f, "({self})"),
            Self::Not(_) | Self::Test(_) => write!(f, "{self}"),
        }
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(parts) => {
                for (i, part) in parts.iter().enumerate() {
                    f.write_str(if i > 0 { " and " } else { "" })?;
                    part.fmt_part(f)?;
                }
                Ok(())
            }
            Self::Any(parts) => {
                for (i, part) in parts.iter().enumerate() {
                    f.write_str(if i > 0 { " or " } else { "" })?;
                    // `and` binds closer and needs no parentheses.
                    if matches!(part, Self::All(_)) { write!(f, "{part}")? } else { part.fmt_part(f)? }
                }
                Ok(())
            }
            Self::Not(part) => {
                f.write_str("not ")?;
                part.fmt_part(f)
            }
            Self::Test(test) => test.fmt(f),
        }
    }
}

impl Test {
    fn matches(&self, view: &ConnectionView) -> bool {
        let holds = match self.field.kind {
            Kind::Text(text) | Kind::Choice(_, text) | Kind::Peer(text) => {
                self.check.holds_for_text(text(view))
            }
            // Without tags there is the empty one.
            Kind::Tags if view.tags.is_empty() => self.check.holds_for_text(""),
            Kind::Tags => view.tags.iter().any(|tag| self.check.holds_for_text(tag)),
            Kind::Number(number) | Kind::Duration(number) | Kind::Size(number) => {
                number(view).is_some_and(|number| self.check.holds_for_number(number))
            }
        };
        holds != self.negated
    }

    fn asks_for_closed(&self, positive: bool) -> bool {
        self.field.name == "state" && self.check == Check::Chosen("closed") && positive != self.negated
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operator = match &self.check {
            _ if self.negated => "!=",
            Check::Contains(_) => "~",
            Check::Compares(comparison, _) => comparison.as_str(),
            Check::Is(_) | Check::Within(_) | Check::Chosen(_) => "=",
        };
        write!(f, "{}{operator}", self.field.name)?;
        match (&self.check, self.field.kind) {
            (Check::Is(pattern), _) => pattern.fmt(f),
            (Check::Contains(text), _) => Pattern::new(vec![text.clone()]).fmt(f),
            (Check::Within(network), _) => network.fmt(f),
            (Check::Chosen(word), _) => f.write_str(word),
            (Check::Compares(_, ms), Kind::Duration(_)) => f.write_str(&crate::units::show_ms(*ms)),
            (Check::Compares(_, bytes), Kind::Size(_)) => f.write_str(&crate::units::show_size(*bytes)),
            (Check::Compares(_, number), _) => number.fmt(f),
        }
    }
}

impl Check {
    fn holds_for_text(&self, text: &str) -> bool {
        match self {
            Self::Is(pattern) => pattern.matches(text),
            Self::Contains(part) => text.contains(part.as_str()),
            Self::Within(network) => value::address_of(text).is_some_and(|address| network.contains(address)),
            Self::Chosen(word) => *word == text,
            Self::Compares(..) => false,
        }
    }

    fn holds_for_number(&self, number: u64) -> bool {
        matches!(self, Self::Compares(comparison, with) if comparison.holds(number, *with))
    }
}

/// Writes the names of all fields.
fn field_names(f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (i, field) in FIELDS.iter().enumerate() {
        write!(f, "{}{}", if i > 0 { ", " } else { "" }, field.name)?;
    }
    Ok(())
}
