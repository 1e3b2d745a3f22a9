//! Paths and queries of Docker's API.

use std::fmt::{self, Write};

/// A path with a query, percent-encoded (RFC 3986 §2.1): no name of a container gets out of its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    text: String,
    has_query: bool,
}

impl Path {
    /// The path of these segments.
    pub(crate) fn of<'s>(segments: impl IntoIterator<Item = &'s str>) -> Self {
        let mut text = String::new();
        for segment in segments {
            text.push('/');
            encode(&mut text, segment);
        }
        Self { text, has_query: false }
    }

    /// Adds `name=value` to the query.
    pub(crate) fn query(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.text.push(if self.has_query { '&' } else { '?' });
        self.has_query = true;
        encode(&mut self.text, name);
        self.text.push('=');
        encode(&mut self.text, &value.to_string());
        self
    }

    /// Adds `name=1` if `is` so.
    pub(crate) fn flag(self, name: &str, is: bool) -> Self {
        if is { self.query(name, 1) } else { self }
    }

    /// Adds `name=value` if there is one.
    pub(crate) fn option(self, name: &str, value: Option<impl fmt::Display>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

fn encode(out: &mut String, text: &str) {
    // A segment of dots would be a step within the path.
    let dots = matches!(text, "." | "..");
    for byte in text.bytes() {
        match byte {
            b'.' if dots => out.push_str("%2E"),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(byte.into()),
            byte => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_what_is_not_its_own() {
        let path = Path::of(["containers", "a b/../c?d", "..", "attach"])
            .flag("stream", true)
            .flag("logs", false)
            .option("detachKeys", Some("ctrl-p,ctrl-\\"))
            .query("h", 3);
        assert_eq!(
            path.as_str(),
            "/containers/a%20b%2F..%2Fc%3Fd/%2E%2E/attach?stream=1&detachKeys=ctrl-p%2Cctrl-%5C&h=3"
        );
    }
}
