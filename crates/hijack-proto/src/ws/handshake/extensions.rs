//! `Sec-WebSocket-Extensions` (RFC 6455 §9.1): names with parameters, whose values may be quoted.

use std::borrow::Cow;

use crate::tokens::{is_token, is_token_byte, trim};

/// One element of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension<'h> {
    /// Its name, a token; compared without case.
    pub name: &'h str,
    /// Its parameters in order, each with its value if it has one.
    pub parameters: Vec<(&'h str, Option<Cow<'h, str>>)>,
}

/// The extensions in all lines of the field, in order. What follows none of the rules is `None`, and nothing more
/// is read of its line.
pub fn extensions<'h>(
    lines: impl IntoIterator<Item = &'h [u8]>,
) -> impl Iterator<Item = Option<Extension<'h>>> {
    lines.into_iter().flat_map(|line| Elements { rest: line })
}

struct Elements<'h> {
    rest: &'h [u8],
}

impl<'h> Iterator for Elements<'h> {
    type Item = Option<Extension<'h>>;

    fn next(&mut self) -> Option<Self::Item> {
        // Empty elements do not count (RFC 9110 §5.6.1.2).
        while let [b' ' | b'\t' | b',', rest @ ..] = self.rest {
            self.rest = rest;
        }
        if self.rest.is_empty() {
            return None;
        }
        let (rest, extension) =
            read_extension(self.rest).map_or((&b""[..], None), |(rest, read)| (rest, Some(read)));
        self.rest = rest;
        Some(extension)
    }
}

/// An extension, and what follows it: nothing, or a comma.
fn read_extension(text: &[u8]) -> Option<(&[u8], Extension<'_>)> {
    let (mut rest, name) = read_token(text)?;
    let mut parameters = Vec::new();
    while let [b';', more @ ..] = rest {
        let (more, parameter) = read_parameter(more)?;
        parameters.push(parameter);
        rest = more;
    }
    matches!(rest, [] | [b',', ..]).then_some((rest, Extension { name, parameters }))
}

type Parameter<'h> = (&'h str, Option<Cow<'h, str>>);

fn read_parameter(text: &[u8]) -> Option<(&[u8], Parameter<'_>)> {
    let (rest, name) = read_token(text)?;
    let [b'=', value @ ..] = rest else { return Some((rest, (name, None))) };
    let (rest, value) = match trim(value) {
        [b'"', quoted @ ..] => read_quoted(quoted)?,
        value => read_token(value).map(|(rest, value)| (rest, Cow::Borrowed(value)))?,
    };
    Some((rest, (name, Some(value))))
}

/// A token with white space around it, and what follows.
fn read_token(text: &[u8]) -> Option<(&[u8], &str)> {
    let text = trim(text);
    let len = text.iter().take_while(|byte| is_token_byte(**byte)).count();
    let (token, rest) = text.split_at(len);
    let token = std::str::from_utf8(token).ok().filter(|token| !token.is_empty())?;
    Some((trim(rest), token))
}

/// What stands before the closing quote, which must be a token (RFC 6455 §9.1), and what follows.
fn read_quoted(mut text: &[u8]) -> Option<(&[u8], Cow<'_, str>)> {
    let mut value = String::new();
    loop {
        let (byte, rest) = match text {
            [b'"', rest @ ..] => {
                return is_token(value.as_bytes()).then(|| (trim(rest), Cow::Owned(value)));
            }
            [b'\\', byte, rest @ ..] | [byte, rest @ ..] => (*byte, rest),
            [] => return None,
        };
        value.push(char::from(byte));
        text = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'h>(lines: &[&'h str]) -> Vec<Option<Extension<'h>>> {
        extensions(lines.iter().map(|line| line.as_bytes())).collect()
    }

    fn of<'h>(name: &'h str, parameters: &[(&'h str, Option<&'h str>)]) -> Option<Extension<'h>> {
        let owned = |(name, value): &(&'h str, Option<&'h str>)| (*name, value.map(Cow::Borrowed));
        Some(Extension { name, parameters: parameters.iter().map(owned).collect() })
    }

    /// RFC 6455 §9.1: several lines are one list.
    #[test]
    fn reads_lists() {
        assert_eq!(read(&["", " , ,", "a"]), [of("a", &[])]);
        assert_eq!(
            read(&["a, b;c;d=e", "f"]),
            [of("a", &[]), of("b", &[("c", None), ("d", Some("e"))]), of("f", &[])]
        );
        assert_eq!(read(&["a ; b = \"c\" , d"]), [of("a", &[("b", Some("c"))]), of("d", &[])]);
        assert_eq!(read(&["a;b=\"1\\0\",c"]), [of("a", &[("b", Some("10"))]), of("c", &[])]);
    }

    #[test]
    fn gives_up_a_line_that_keeps_no_rule() {
        for line in [
            "a;",
            "a b",
            "a;=b",
            "a;b=",
            "a;b=\"\"",
            "a;b=\"c d\"",
            "a;b=\"c",
            "a;b=\"c\\",
            "\"a\"",
            "a=b",
            "\u{e9}",
        ] {
            assert_eq!(read(&[line, "next"]), [None, of("next", &[])], "{line}");
        }
        assert_eq!(read(&["a, b;, c"]), [of("a", &[]), None]);
    }
}
