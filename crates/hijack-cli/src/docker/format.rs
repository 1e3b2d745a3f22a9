//! `--format`: JSON as Go writes it, and as much of Go's templates as a line of fields takes.

use serde_json::Value;

/// A line with fields in it.
#[derive(Debug, PartialEq)]
pub(super) struct Template(Vec<Part>);

#[derive(Debug, PartialEq)]
enum Part {
    Text(String),
    /// `{{.Name}}`
    Field(String),
    /// `{{json .Name}}`
    Json(String),
    /// `{{json .}}`
    All,
}

impl Template {
    /// Reads text with `{{.Name}}`, `{{json .Name}}` and `{{json .}}` in it, and `\t` and `\n` for a tab and a new line.
    pub(super) fn of(text: &str) -> Result<Self, String> {
        let text = text.replace("\\t", "\t").replace("\\n", "\n");
        let (mut parts, mut rest) = (Vec::new(), text.as_str());
        while let Some((before, behind)) = rest.split_once("{{") {
            parts.push(Part::Text(before.to_owned()));
            let (action, behind) =
                behind.split_once("}}").ok_or("template parsing error: template: :1: unclosed action")?;
            parts.push(Part::of(action)?);
            rest = behind;
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self(parts))
    }

    /// The names of the fields in it.
    pub(super) fn fields(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Field(name) | Part::Json(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Whether a field's value shows in it.
    pub(super) fn shows(&self, field: &str) -> bool {
        self.0.contains(&Part::All) || self.fields().any(|name| name == field)
    }

    /// The line, with its fields' values.
    pub(super) fn line(&self, field: impl Fn(&str) -> Option<String>, all: impl Fn() -> String) -> String {
        let value = |name: &String| field(name).unwrap_or_default();
        let shown = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Field(name) => value(name),
            Part::Json(name) => json(&Value::from(value(name))),
            Part::All => all(),
        };
        self.0.iter().map(shown).collect()
    }
}

impl Part {
    fn of(action: &str) -> Result<Self, String> {
        let words: Vec<&str> = action.split_whitespace().collect();
        let name = |word: &str| {
            let name = word.strip_prefix('.')?;
            (!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric()))
                .then(|| name.to_owned())
        };
        let part = match words[..] {
            ["json", "."] => Some(Self::All),
            [word] => name(word).map(Self::Field),
            ["json", word] => name(word).map(Self::Json),
            _ => None,
        };
        part.ok_or_else(|| {
            format!("template parsing error: {{{{{action}}}}} is not one of {{{{.Name}}}}, {{{{json .Name}}}}, {{{{json .}}}}")
        })
    }
}

/// JSON in one line, in which Go hides what a web page could take for its own.
pub(super) fn json(value: &Value) -> String {
    as_go(&value.to_string())
}

/// The same of what is JSON already.
pub(super) fn as_go(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

/// A text in quotes, as Go writes one.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            c if c.is_ascii_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// At most so many characters, with a mark where text is cut.
pub(super) fn cut(text: &str, len: usize) -> String {
    if text.chars().count() <= len {
        return text.to_owned();
    }
    text.chars().take(len - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_template_is_a_line_with_fields() {
        let template = Template::of("{{.ID}}\\t{{ json .Names }} {{json .}}!").expect("a template");
        assert_eq!(template.fields().collect::<Vec<_>>(), ["ID", "Names"]);
        let line = template.line(|name| Some(format!("<{name}>")), || "{}".to_owned());
        assert_eq!(line, "<ID>\t\"\\u003cNames\\u003e\" {}!");
        for text in ["{{.ID", "{{range .}}", "{{.ID.More}}", "{{if .ID}}x{{end}}", "{{.}}"] {
            assert!(Template::of(text).is_err(), "{text}");
        }
    }

    #[test]
    fn texts_look_as_go_writes_them() {
        assert_eq!(json(&json!({ "b": "<&>", "a": 1 })), r#"{"a":1,"b":"\u003c\u0026\u003e"}"#);
        assert_eq!(quoted("sh -c 'a\n\"b\"' \\ü\u{1}"), r#""sh -c 'a\n\"b\"' \\ü\x01""#);
        assert_eq!(cut("sh -c 'while true; do'", 20), "sh -c 'while true; …");
        assert_eq!(cut("short", 20), "short");
    }
}
