//! How things look: raw for programs, with directions and without control characters on a terminal.

use std::io::{IsTerminal, Write};

use hijack::ws::{CloseFrame, MessageKind};

/// Who reads along.
pub(super) struct Screen {
    raw: bool,
    stdout: bool,
    stderr: bool,
    /// Whether what is sent is on the screen already, since it was typed there.
    typed: bool,
    colours: bool,
}

impl Screen {
    pub(super) fn new(binary: bool) -> Self {
        let stdout = std::io::stdout().is_terminal();
        Self {
            raw: binary && !stdout,
            stdout,
            stderr: std::io::stderr().is_terminal(),
            typed: binary || std::io::stdin().is_terminal(),
            colours: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        }
    }

    /// Whether somebody would see progress, and nothing else is shown in its place.
    pub(super) fn shows_progress(&self) -> bool {
        self.stderr && !self.stdout
    }

    pub(super) fn tell_opened(&self, url: &str, subprotocol: Option<&str>, compressed: bool) {
        let subprotocol = subprotocol.map(|name| format!(", {}", printable(name))).unwrap_or_default();
        let compressed = if compressed { ", compressed" } else { "" };
        self.note(&format!("open: {url}{subprotocol}{compressed}"));
    }

    pub(super) fn tell_closed(&self, close: &CloseFrame) {
        let reason = printable(&close.reason);
        let space = if reason.is_empty() { "" } else { " " };
        self.note(&format!("closed: {}{space}{reason}", close.code.get()));
    }

    /// For people only: programs that read stderr want failures.
    fn note(&self, text: &str) {
        if self.stderr {
            let (on, off) = self.paint(FAINT);
            eprintln!("{on}{text}{off}");
        }
    }

    /// Shows a piece of a message that was sent, unless its sender sees it already.
    pub(super) fn show_sent(&self, text: &str, begun: bool, last: bool) {
        if !self.stdout || self.typed {
            return;
        }
        let (on, off) = self.paint(SENT);
        let mut line = if begun { String::new() } else { format!("{on}> ") };
        line += &printable(text);
        line += &if last { format!("{off}\n") } else { String::new() };
        // A terminal that is gone is noticed by whoever prints what comes.
        let _ = std::io::stdout().write_all(line.as_bytes());
    }

    fn paint(&self, colour: &'static str) -> (&'static str, &'static str) {
        if self.colours { (colour, PLAIN) } else { ("", "") }
    }

    /// What makes output of messages.
    pub(super) fn lines(&self) -> Lines {
        let style = match (self.raw, self.stdout) {
            (true, _) => Style::Raw,
            (false, false) => Style::Plain,
            (false, true) => {
                let (on, off) = self.paint(RECEIVED);
                Style::Terminal { on, off }
            }
        };
        Lines { style, begun: false, tail: Vec::new(), binary_len: 0, noted: false }
    }
}

const FAINT: &str = "\x1b[2m";
const SENT: &str = "\x1b[36m";
const RECEIVED: &str = "\x1b[32m";
const PLAIN: &str = "\x1b[0m";

#[derive(Clone, Copy)]
enum Style {
    /// The bytes of messages and nothing else.
    Raw,
    /// Text as it came and a newline.
    Plain,
    /// With a mark of the direction, and nothing that could steer the terminal.
    Terminal { on: &'static str, off: &'static str },
}

/// Makes output of messages, piece by piece.
pub(super) struct Lines {
    style: Style,
    begun: bool,
    /// The beginning of a character that the next piece goes on with.
    tail: Vec<u8>,
    /// Bytes of the binary message under way.
    binary_len: u64,
    /// Whether it was said how binary messages are shown.
    noted: bool,
}

/// Bytes of a binary message that a terminal shows.
const SHOWN_LEN: u64 = 1024;

impl Lines {
    pub(super) fn put(&mut self, kind: MessageKind, piece: &[u8], last: bool, out: &mut Vec<u8>) {
        match (self.style, kind) {
            (Style::Raw, _) => return out.extend_from_slice(piece),
            (Style::Terminal { on, .. }, _) if !self.begun => {
                out.extend_from_slice(on.as_bytes());
                out.extend_from_slice(b"< ");
            }
            _ => {}
        }
        self.begun = !last;
        match (self.style, kind) {
            (_, MessageKind::Binary) => self.put_binary(piece, last, out),
            (Style::Terminal { .. }, MessageKind::Text) => self.put_printable(piece, out),
            (_, MessageKind::Text) => out.extend_from_slice(piece),
        }
        if last {
            self.end(out);
        }
    }

    fn put_binary(&mut self, piece: &[u8], last: bool, out: &mut Vec<u8>) {
        if !self.noted && matches!(self.style, Style::Plain) {
            eprintln!(
                "hijack: note: a binary message came, and is printed with escapes (--binary writes its bytes)"
            );
        }
        self.noted = true;
        let shown = match self.style {
            Style::Terminal { .. } => SHOWN_LEN.saturating_sub(self.binary_len),
            _ => u64::MAX,
        };
        let shown = piece.len().min(usize::try_from(shown).unwrap_or(usize::MAX));
        out.extend(piece[..shown].escape_ascii());
        self.binary_len += piece.len() as u64;
        if last && matches!(self.style, Style::Terminal { .. }) {
            let more = if self.binary_len > SHOWN_LEN { "… " } else { "" };
            out.extend_from_slice(format!("{more} ({} bytes, binary)", self.binary_len).as_bytes());
        }
    }

    fn put_printable(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        let mut bytes = std::mem::take(&mut self.tail);
        bytes.extend_from_slice(piece);
        let whole = match std::str::from_utf8(&bytes) {
            Ok(text) => text.len(),
            Err(error) => error.valid_up_to(),
        };
        self.tail = bytes.split_off(whole);
        out.extend_from_slice(printable(&String::from_utf8_lossy(&bytes)).as_bytes());
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        if let Style::Terminal { off, .. } = self.style {
            out.extend_from_slice(off.as_bytes());
        }
        out.push(b'\n');
        self.binary_len = 0;
    }
}

/// `text` without what could steer a terminal: control characters as escapes, but for tabs, and with them what turns
/// the direction of writing.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if turns || c.is_control() && c != '\t' { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(style: Style, pieces: &[(MessageKind, &[u8], bool)]) -> String {
        let mut lines = Lines { style, begun: false, tail: Vec::new(), binary_len: 0, noted: true };
        let mut out = Vec::new();
        for (kind, piece, last) in pieces {
            lines.put(*kind, piece, *last, &mut out);
        }
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn a_terminal_sees_directions_and_is_not_steered() {
        let style = Style::Terminal { on: RECEIVED, off: PLAIN };
        // The ü is cut in two.
        let pieces: [(_, &[u8], _); 2] =
            [(MessageKind::Text, b"\x1b[2Jgr\xc3", false), (MessageKind::Text, b"\xbc\xc3\x9fe", true)];
        assert_eq!(shown(style, &pieces), "\x1b[32m< \\u{1b}[2Jgrüße\x1b[0m\n");
        let plain = Style::Terminal { on: "", off: "" };
        assert_eq!(shown(plain, &[(MessageKind::Binary, b"\0a", true)]), "< \\x00a (2 bytes, binary)\n");
        let long = shown(
            plain,
            &[(MessageKind::Binary, &[b'x'; 1000], false), (MessageKind::Binary, &[b'x'; 1000], true)],
        );
        assert_eq!(long, format!("< {}…  (2000 bytes, binary)\n", "x".repeat(1024)));
    }

    #[test]
    fn a_pipe_gets_lines_or_bytes() {
        let pieces: [(_, &[u8], _); 3] = [
            (MessageKind::Text, b"a\x1b", false),
            (MessageKind::Text, b"b", true),
            (MessageKind::Binary, b"\n\xff", true),
        ];
        assert_eq!(shown(Style::Plain, &pieces), "a\x1bb\n\\n\\xff\n");
        assert_eq!(shown(Style::Raw, &pieces[..2]), "a\x1bb");
    }
}
