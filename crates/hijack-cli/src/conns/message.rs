//! A message as `tail` prints it: when, from whom to whom, what, how long, and the payload without anything that
//! could steer a terminal.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hijack_gateway::MessageView;
use serde_json::Value;

use super::args::Form;
use super::units::{short_size, time_of_day};
use crate::ws::printable;

/// How messages look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub(super) form: Form,
    pub(super) colours: bool,
}

impl Style {
    /// The lines of a message.
    pub(super) fn show(self, message: &MessageView) -> String {
        let (on, off) = match (self.colours, message.from.as_str()) {
            (false, _) => ("", ""),
            (true, "client") => ("\x1b[36m", PLAIN),
            (true, "upstream") => ("\x1b[32m", PLAIN),
            (true, "operator") => ("\x1b[33m", PLAIN),
            (true, _) => ("\x1b[2m", PLAIN),
        };
        let (from, to) = (printable(&message.from), printable(&message.to));
        let head = format!(
            "{} {:<20} {:<6} {:>7}",
            time_of_day(message.at_ms),
            format!("{from} -> {to}"),
            printable(&message.opcode),
            short_size(message.size),
        );
        let payload = self.payload(message);
        let space = if payload.is_empty() || payload.starts_with('\n') { "" } else { "  " };
        format!("{on}{head}{off}{space}{payload}\n")
    }

    fn payload(self, message: &MessageView) -> String {
        if message.compressed {
            return "(compressed; the route's compression = \"inflate\" would show it)".into();
        }
        let code = message.code.map(|code| format!("{code} ")).unwrap_or_default();
        let shown = match (&message.text, &message.base64) {
            (Some(text), _) => self.text(text),
            (None, Some(base64)) => match STANDARD.decode(base64) {
                Ok(bytes) => self.bytes(&bytes),
                Err(error) => format!("(no base64: {error})"),
            },
            (None, None) => String::new(),
        };
        let more = if message.truncated { " … (its beginning)" } else { "" };
        let whole = format!("{code}{shown}{more}");
        whole.trim_end().to_owned()
    }

    fn text(self, text: &str) -> String {
        match self.form {
            Form::Auto | Form::Text => printable(text),
            Form::Json => json(text).unwrap_or_else(|| printable(text)),
            Form::Hex => dump(text.as_bytes()),
        }
    }

    fn bytes(self, bytes: &[u8]) -> String {
        match self.form {
            Form::Auto => line(bytes),
            Form::Text => printable(&String::from_utf8_lossy(bytes)),
            Form::Json => std::str::from_utf8(bytes).ok().and_then(json).unwrap_or_else(|| line(bytes)),
            Form::Hex => dump(bytes),
        }
    }
}

const PLAIN: &str = "\x1b[0m";

/// JSON over as many lines as it has values.
fn json(text: &str) -> Option<String> {
    let value: Value = serde_json::from_str(text).ok()?;
    let pretty = serde_json::to_string_pretty(&value).ok()?;
    let lines: Vec<String> = pretty.lines().map(|line| format!("\n  {}", printable(line))).collect();
    Some(lines.concat())
}

/// The first bytes in hex, in one line.
fn line(bytes: &[u8]) -> String {
    let shown: Vec<String> = bytes.iter().take(LINE_LEN).map(|byte| format!("{byte:02x}")).collect();
    let more = if bytes.len() > LINE_LEN { " …" } else { "" };
    shown.join(" ") + more
}

/// Bytes in one line of hex.
const LINE_LEN: usize = 32;

/// All bytes: places, hex and characters, sixteen in a line.
fn dump(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (i, row) in bytes.chunks(16).enumerate() {
        let hex: Vec<String> = row.iter().map(|byte| format!("{byte:02x}")).collect();
        let plain =
            |byte: &u8| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '.' };
        let characters: String = row.iter().map(plain).collect();
        text += &format!("\n  {:06x}  {:<47}  {characters}", i * 16, hex.join(" "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: Option<&str>, bytes: Option<&[u8]>) -> MessageView {
        let mut message = MessageView::default();
        message.at_ms = 1_700_000_000_123;
        message.from = "client".into();
        message.to = "upstream".into();
        message.opcode = if text.is_some() { "text" } else { "binary" }.into();
        message.size = text.map_or(0, str::len) as u64 + bytes.map_or(0, <[u8]>::len) as u64;
        message.text = text.map(str::to_owned);
        message.base64 = bytes.map(|bytes| STANDARD.encode(bytes));
        message
    }

    fn shown(form: Form, message: &MessageView) -> String {
        Style { form, colours: false }.show(message)
    }

    #[test]
    fn a_line_says_when_who_what_and_how_long() {
        let text = message(Some("{\"a\":1}"), None);
        let head = "22:13:20.123Z client -> upstream   text        7B";
        assert_eq!(shown(Form::Auto, &text), format!("{head}  {{\"a\":1}}\n"));
        assert_eq!(shown(Form::Json, &text), format!("{head}\n  {{\n    \"a\": 1\n  }}\n"));
        let dump = "\n  000000  7b 22 61 22 3a 31 7d                             {\"a\":1}\n";
        assert_eq!(shown(Form::Hex, &text), format!("{head}{dump}"));
        let coloured = Style { form: Form::Auto, colours: true }.show(&text);
        assert_eq!(coloured, format!("\x1b[36m{head}\x1b[0m  {{\"a\":1}}\n"));
    }

    #[test]
    fn nothing_in_a_payload_steers_the_terminal() {
        let hostile = "a\x1b[2J\r\n\u{202e}b\u{9b}31m";
        for form in [Form::Auto, Form::Text, Form::Json, Form::Hex] {
            for message in [message(Some(hostile), None), message(None, Some(hostile.as_bytes()))] {
                let text = shown(form, &message);
                let bad = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
                assert!(!text.contains(bad), "{form:?}: {text:?}");
            }
        }
        let json = shown(Form::Json, &message(Some("{\"a\u{9b}\":\"\u{202e}\"}"), None));
        assert!(!json.contains(['\u{9b}', '\u{202e}']), "{json:?}");
        let mut field = message(Some(""), None);
        field.from = "\x1b[2J".into();
        field.opcode = "\x07".into();
        assert!(!shown(Form::Auto, &field).contains(['\x1b', '\x07']));
    }

    #[test]
    fn says_what_is_not_shown() {
        let mut compressed = message(None, None);
        compressed.compressed = true;
        assert!(shown(Form::Auto, &compressed).contains("(compressed; "));
        let mut cut = message(None, Some(&[0xff; 40]));
        cut.truncated = true;
        assert!(shown(Form::Auto, &cut).ends_with(&format!("  {}… … (its beginning)\n", "ff ".repeat(32))));
        let mut close = message(Some("bye"), None);
        close.code = Some(1000);
        close.opcode = "close".into();
        assert!(shown(Form::Auto, &close).ends_with("close       3B  1000 bye\n"));
        let mut close = message(None, None);
        close.code = Some(1005);
        assert!(shown(Form::Auto, &close).ends_with("  1005\n"));
    }
}
