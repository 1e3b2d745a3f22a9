//! Types in Go's own words.

use std::fmt;
use std::str::FromStr;

use super::ty::{Builder, Type};
use crate::types::{Field, Marshaler, Shape, Slot, id};

/// A text that is no type: what was expected, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeError {
    /// The byte at which something else was expected.
    pub position: usize,
    expected: &'static str,
}

impl fmt::Display for TypeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no type of Go: {} expected at byte {}", self.expected, self.position)
    }
}

impl std::error::Error for TypeError {}

/// Go's type literals, without names other than the builtin ones, `time.Time` and `big.Int`.
impl FromStr for Type {
    type Err = TypeError;

    fn from_str(text: &str) -> Result<Self, TypeError> {
        let mut parser = Parser { text, at: 0, builder: Builder::default(), depth: 0 };
        let slot = parser.ty()?;
        parser.spaces();
        if parser.at < text.len() {
            return Err(parser.expected("the end"));
        }
        Ok(parser.builder.build(slot))
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    builder: Builder,
    depth: usize,
}

/// How deep a type may be written.
const MAX_DEPTH: usize = 64;

impl<'a> Parser<'a> {
    fn ty(&mut self) -> Result<Slot, TypeError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.expected("a type that is less deep"));
        }
        let slot = self.any_type();
        self.depth -= 1;
        slot
    }

    fn any_type(&mut self) -> Result<Slot, TypeError> {
        if self.take("*") {
            return self.ty();
        }
        if self.take("[") {
            return self.list();
        }
        let start = self.at;
        let word = self.word();
        let builtin = match word {
            "bool" => id::BOOL,
            "int" | "int8" | "int16" | "int32" | "int64" | "rune" => id::INT,
            "uint" | "uint8" | "uint16" | "uint32" | "uint64" | "uintptr" | "byte" => id::UINT,
            "float32" | "float64" => id::FLOAT,
            "complex64" | "complex128" => id::COMPLEX,
            "string" => id::STRING,
            "any" => id::INTERFACE,
            "interface" if self.take("{") && self.take("}") => id::INTERFACE,
            "map" => return self.map(),
            "struct" => return self.structure(),
            "time.Time" => return Ok(self.builder.add("Time", Shape::Marshaled(Marshaler::Gob))),
            "big.Int" => return Ok(self.builder.add("Int", Shape::Marshaled(Marshaler::Gob))),
            _ => {
                self.at = start;
                return Err(self.expected("a type"));
            }
        };
        Ok(Slot::of_builtin(builtin))
    }

    fn list(&mut self) -> Result<Slot, TypeError> {
        if self.take("]") {
            let start = self.at;
            if matches!(self.word(), "byte" | "uint8") {
                return Ok(Slot::of_builtin(id::BYTES));
            }
            self.at = start;
            let elem = self.ty()?;
            return Ok(self.builder.add("", Shape::Slice(elem)));
        }
        let len = self.word().parse().map_err(|_| self.expected("a length"))?;
        self.must("]")?;
        let elem = self.ty()?;
        Ok(self.builder.add("", Shape::Array(elem, len)))
    }

    fn map(&mut self) -> Result<Slot, TypeError> {
        self.must("[")?;
        let key = self.ty()?;
        self.must("]")?;
        let elem = self.ty()?;
        Ok(self.builder.add("", Shape::Map(key, elem)))
    }

    fn structure(&mut self) -> Result<Slot, TypeError> {
        self.must("{")?;
        let mut fields = Vec::new();
        while !self.take("}") {
            let mut names = vec![self.field_name()?];
            while self.take(",") {
                names.push(self.field_name()?);
            }
            let slot = self.ty()?;
            fields.extend(names.into_iter().map(|name| Field { name: name.into(), slot }));
            if !self.take(";") {
                self.must("}")?;
                break;
            }
        }
        Ok(self.builder.add("", Shape::Struct(fields.into())))
    }

    fn field_name(&mut self) -> Result<String, TypeError> {
        let name = self.word();
        match name.chars().next() {
            Some(first) if first.is_uppercase() && !name.contains('.') => Ok(name.to_owned()),
            _ => Err(self.expected("a field's name, which begins with a capital letter,")),
        }
    }

    fn spaces(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    /// Letters, digits, and the dot between package and type.
    fn word(&mut self) -> &'a str {
        self.spaces();
        let rest = &self.text[self.at..];
        let is_part = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '.';
        let len = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
        self.at += len;
        &rest[..len]
    }

    fn take(&mut self, sign: &str) -> bool {
        self.spaces();
        let is_next = self.text[self.at..].starts_with(sign);
        if is_next {
            self.at += sign.len();
        }
        is_next
    }

    fn must(&mut self, sign: &'static str) -> Result<(), TypeError> {
        if self.take(sign) { Ok(()) } else { Err(self.expected(sign)) }
    }

    fn expected(&self, expected: &'static str) -> TypeError {
        TypeError { position: self.at, expected }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_types() {
        for (text, written) in [
            ("int32", "int"),
            ("[]byte", "[]byte"),
            ("[ 4 ]uint8", "[4]uint"),
            ("map[string]*[]interface {}", "map[string][]any"),
            ("struct{}", "struct{}"),
            ("struct { A, B int; T time.Time }", "struct{A int; B int; T Time}"),
            ("struct{C struct{D complex64};}", "struct{C struct{D complex128}}"),
        ] {
            assert_eq!(text.parse::<Type>().expect(text).to_string(), written);
        }
    }

    #[test]
    fn says_where_a_text_is_no_type() {
        for (text, position) in
            [("", 0), ("chan int", 0), ("struct{a int}", 8), ("[x]int", 2), ("int int", 4)]
        {
            assert_eq!(text.parse::<Type>().expect_err(text).position, position, "{text}");
        }
        assert!("*".repeat(100_000).parse::<Type>().is_err());
    }
}
