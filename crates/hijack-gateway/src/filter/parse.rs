//! From text to expression: one pass, one look ahead, a bounded depth.

use super::error::{FilterError, Problem, quoted, shown};
use super::field::{FIELDS, Field, Kind};
use super::value::{Comparison, Network, Pattern, address_of};
use super::{Check, Expression, Filter, Test};
use crate::{nearest, units};

/// The expression that `text` is; none where it is empty.
pub(super) fn parse(text: &str) -> Result<Option<Expression>, FilterError> {
    if text.len() > Filter::MAX_LEN {
        return Err(FilterError::new(1, Problem::TooLong(text.len())));
    }
    let mut parser = Parser { text, at: 0 };
    parser.skip_space();
    if parser.rest().is_empty() {
        return Ok(None);
    }
    let expression = parser.any(0)?;
    if !parser.rest().is_empty() {
        return Err(parser.unexpected("`and`, `or` or the end"));
    }
    Ok(Some(expression))
}

struct Parser<'a> {
    text: &'a str,
    /// The byte in `text` that is read next; never whitespace, except behind an operator.
    at: usize,
}

/// What stands behind an operator.
struct Value {
    at: usize,
    /// What stands between the stars.
    pieces: Vec<String>,
}

impl Value {
    /// All of it; stars are themselves.
    fn text(&self) -> String {
        self.pieces.join("*")
    }
}

impl<'a> Parser<'a> {
    /// One or more, joined by `or`.
    fn any(&mut self, depth: usize) -> Result<Expression, FilterError> {
        let first = self.all(depth)?;
        let mut parts = vec![first];
        while self.take_word("or") {
            parts.push(self.all(depth)?);
        }
        Ok(one_or(parts, Expression::Any))
    }

    /// One or more, joined by `and`.
    fn all(&mut self, depth: usize) -> Result<Expression, FilterError> {
        let first = self.one(depth)?;
        let mut parts = vec![first];
        while self.take_word("and") {
            parts.push(self.one(depth)?);
        }
        Ok(one_or(parts, Expression::All))
    }

    /// A test, the opposite of something, or something in parentheses.
    fn one(&mut self, depth: usize) -> Result<Expression, FilterError> {
        if depth > Filter::MAX_DEPTH {
            return Err(self.error(self.at, Problem::TooDeep));
        }
        if self.take_word("not") {
            return Ok(Expression::Not(Box::new(self.one(depth + 1)?)));
        }
        if !self.rest().starts_with('(') {
            return self.test().map(Expression::Test);
        }
        self.skip(1);
        let within = self.any(depth + 1)?;
        if !self.rest().starts_with(')') {
            return Err(self.unexpected("`and`, `or` or `)`"));
        }
        self.skip(1);
        Ok(within)
    }

    fn test(&mut self) -> Result<Test, FilterError> {
        let at = self.at;
        let name = self.word();
        if name.is_empty() {
            return Err(self.unexpected("a field, `not` or `(`"));
        }
        let Some(field) = Field::named(name) else {
            let nearest = nearest::nearest(name, FIELDS.iter().flat_map(Field::names));
            return Err(self.error(at, Problem::UnknownField { name: shown(name), nearest }));
        };
        self.skip(name.len());
        let at = self.at;
        let operator = self.operator()?;
        let allowed = allowed(field);
        if !allowed.split(' ').any(|known| known == operator) {
            let problem = Problem::Operator { field: field.name, operator, allowed };
            return Err(self.error(at, problem));
        }
        let value = self.value()?;
        let check = check(field, operator, &value)
            .map_err(|expected| self.error(value.at, not_this(field, &value, expected)))?;
        Ok(Test { field, negated: operator == "!=", check })
    }

    fn operator(&mut self) -> Result<&'static str, FilterError> {
        let Some(operator) = OPERATORS.into_iter().find(|operator| self.rest().starts_with(operator)) else {
            return Err(self.unexpected("one of = != < <= > >= ~"));
        };
        self.skip(operator.len());
        Ok(operator)
    }

    fn value(&mut self) -> Result<Value, FilterError> {
        match self.rest().chars().next() {
            Some(quote @ ('"' | '\'')) => self.quoted(quote),
            _ => self.bare(),
        }
    }

    fn bare(&mut self) -> Result<Value, FilterError> {
        let at = self.at;
        let rest = self.rest();
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '(' | ')')).unwrap_or(rest.len());
        let word = &rest[..end];
        if word.is_empty() {
            return Err(self.unexpected("a value"));
        }
        if word.starts_with(['=', '<', '>', '~', '!']) {
            return Err(self.unexpected("a value (in quotes, if it begins with an operator)"));
        }
        if let Some(wrong) = word.find(|c: char| c.is_control() || c == '"') {
            self.at += wrong;
            return Err(self.unexpected("a value (in quotes, if it has quotes in it)"));
        }
        self.skip(end);
        Ok(Value { at, pieces: word.split('*').map(str::to_owned).collect() })
    }

    fn quoted(&mut self, quote: char) -> Result<Value, FilterError> {
        let at = self.at;
        let mut pieces = vec![String::new()];
        let mut escaped = false;
        for (i, c) in self.rest().char_indices().skip(1) {
            let Some(piece) = pieces.last_mut() else { break };
            match c {
                _ if c.is_control() => {
                    self.at += i;
                    return Err(self.unexpected("text without control characters"));
                }
                '"' | '\'' | '\\' | '*' if escaped => piece.push(c),
                _ if escaped => {
                    self.at += i;
                    return Err(self.unexpected("one of \" ' \\ * behind a backslash"));
                }
                '\\' => {}
                '*' => pieces.push(String::new()),
                _ if c == quote => {
                    self.skip(i + 1);
                    return Ok(Value { at, pieces });
                }
                _ => piece.push(c),
            }
            escaped = c == '\\' && !escaped;
        }
        self.at = self.text.len();
        Err(self.unexpected("the quote at the end of a value"))
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The letters that come next.
    fn word(&self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        &rest[..end]
    }

    /// Steps over `keyword`, if it comes next.
    fn take_word(&mut self, keyword: &str) -> bool {
        let taken = self.word().eq_ignore_ascii_case(keyword);
        if taken {
            self.skip(keyword.len());
        }
        taken
    }

    /// Steps over so many bytes, and the space behind them.
    fn skip(&mut self, len: usize) {
        self.at += len;
        self.skip_space();
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn unexpected(&self, expected: &'static str) -> FilterError {
        let rest = self.rest();
        let end = rest.char_indices().skip(1).find(|(_, c)| c.is_whitespace()).map_or(rest.len(), |(i, _)| i);
        let found = if rest.is_empty() { "the end".into() } else { quoted(&rest[..end]) };
        self.error(self.at, Problem::Unexpected { found, expected })
    }

    fn error(&self, at: usize, problem: Problem) -> FilterError {
        FilterError::new(self.text[..at].chars().count() + 1, problem)
    }
}

/// The longer ones first.
const OPERATORS: [&str; 7] = ["!=", "<=", ">=", "=", "<", ">", "~"];

/// The operators that mean something for `field`.
fn allowed(field: &Field) -> &'static str {
    match (field.is_ordered(), field.is_text()) {
        (true, _) => "= != < <= > >=",
        (_, true) => "= != ~",
        _ => "= !=",
    }
}

fn one_or(mut parts: Vec<Expression>, join: fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            join(parts)
        }
        None => join(parts),
    }
}

/// What is compared, or what was expected.
fn check(field: &Field, operator: &str, value: &Value) -> Result<Check, String> {
    let text = value.text();
    let number = |number: Option<u64>, expected: &str| {
        number.map(|number| Check::Compares(comparison(operator), number)).ok_or_else(|| expected.to_owned())
    };
    match field.kind {
        _ if operator == "~" => Ok(Check::Contains(text)),
        Kind::Text(_) | Kind::Tags => Ok(Check::Is(Pattern::new(value.pieces.clone()))),
        Kind::Choice(words, _) => match words.iter().find(|word| **word == text) {
            Some(word) => Ok(Check::Chosen(word)),
            None => Err(format!("one of {}", words.join(", "))),
        },
        Kind::Peer(_) => peer(value, &text),
        Kind::Number(_) => number(digits(&text), "a whole number"),
        Kind::Duration(_) => number(units::duration_ms(&text), units::DURATION),
        Kind::Size(_) => number(units::size(&text), units::SIZE),
    }
}

/// An address or a network; else the text of an address with its port, or a part of it with stars.
fn peer(value: &Value, text: &str) -> Result<Check, String> {
    if let Some(network) = Network::parse(text) {
        return Ok(Check::Within(network));
    }
    let with_port = text.contains(':') && address_of(text).is_some();
    if with_port || matches!(text, "unix" | "") || value.pieces.len() > 1 {
        return Ok(Check::Is(Pattern::new(value.pieces.clone())));
    }
    Err("an address, a network such as 10.0.0.0/8, an address with its port, `unix`, or a part with `*`"
        .into())
}

fn comparison(operator: &str) -> Comparison {
    match operator {
        "<" => Comparison::Less,
        "<=" => Comparison::AtMost,
        ">" => Comparison::More,
        ">=" => Comparison::AtLeast,
        // `!=` is the opposite of `=`.
        _ => Comparison::Equal,
    }
}

fn digits(text: &str) -> Option<u64> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn not_this(field: &Field, value: &Value, expected: String) -> Problem {
    Problem::Value { field: field.name, value: quoted(&value.text()), expected }
}
