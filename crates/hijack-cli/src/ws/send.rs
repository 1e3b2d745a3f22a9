//! Stdin becomes messages: a line each, or whatever came in one read. Nothing longer than one read is held.

use hijack::ws::{Error, MessageKind, Writer};
use tokio::io::{AsyncReadExt, Stdin};

use super::progress::Meter;
use super::screen::Screen;
use crate::exit::{Failure, Kind};

/// What became of stdin.
pub(super) enum Sent {
    /// It was sent to its end.
    All,
    /// A signal came first.
    Stopped,
    /// The connection takes no more.
    Broken,
}

pub(super) async fn stdin(
    binary: bool,
    screen: &Screen,
    meter: &Meter,
    writer: &Writer,
) -> Result<Sent, Failure> {
    let mut input = Input { stdin: tokio::io::stdin(), bytes: vec![0; READ_LEN], held: 0, line: 1 };
    let sent = if binary {
        input.send_chunks(meter, writer).await
    } else {
        input.send_lines(screen, meter, writer).await
    };
    match sent {
        Ok(()) => Ok(Sent::All),
        // How the connection ended is the receiving side's to tell.
        Err(Stop::Connection) => Ok(Sent::Broken),
        Err(Stop::Input(failure)) => Err(failure),
    }
}

/// Bytes that one read takes: also the longest binary message, and the longest fragment of a line.
const READ_LEN: usize = 64 * 1024;

enum Stop {
    Connection,
    Input(Failure),
}

impl From<Error> for Stop {
    fn from(_: Error) -> Self {
        Self::Connection
    }
}

struct Input {
    stdin: Stdin,
    bytes: Vec<u8>,
    /// Bytes at the front of `bytes` that wait for the rest of their line.
    held: usize,
    /// The line that is read.
    line: u64,
}

impl Input {
    async fn send_chunks(&mut self, meter: &Meter, writer: &Writer) -> Result<(), Stop> {
        loop {
            let len = self.read().await?;
            if len == 0 {
                return Ok(());
            }
            writer.send(&self.bytes[..len]).await?;
            meter.count_sent(len);
        }
    }

    async fn send_lines(&mut self, screen: &Screen, meter: &Meter, writer: &Writer) -> Result<(), Stop> {
        // Whether a part of the line is out already.
        let mut begun = false;
        loop {
            let len = self.read().await?;
            let (mut at, end) = (0, self.held + len);
            let mut lines = self.bytes[..end].split_inclusive(|&byte| byte == b'\n').peekable();
            self.held = 0;
            while let Some(piece) = lines.next() {
                let whole = piece.strip_suffix(b"\n");
                let cut = lines.peek().is_none() && whole.is_none() && len > 0;
                if cut && piece.len() < READ_LEN {
                    break; // the rest of the line comes with the next read
                }
                let text =
                    text_of(whole.unwrap_or(piece), cut).ok_or_else(|| Stop::Input(not_text(self.line)))?;
                at += if whole.is_some() { piece.len() } else { text.len() };
                if cut || begun {
                    writer.send_piece(MessageKind::Text, text.as_bytes(), !cut).await?;
                } else {
                    writer.send(text).await?;
                }
                screen.show_sent(text, begun, !cut);
                begun = cut;
                self.line += u64::from(!cut);
                meter.count_sent(text.len());
            }
            if len == 0 {
                if begun && end == 0 {
                    writer.send_piece(MessageKind::Text, b"", true).await?;
                    screen.show_sent("", true, true);
                }
                return Ok(());
            }
            self.held = end - at;
            self.bytes.copy_within(at..end, 0);
        }
    }

    async fn read(&mut self) -> Result<usize, Stop> {
        let read = self.stdin.read(&mut self.bytes[self.held..]).await;
        read.map_err(|error| Stop::Input(Failure::system("read stdin", &error)))
    }
}

/// `bytes` as text; where they are `cut`, without the beginning of a character at their end.
fn text_of(bytes: &[u8], cut: bool) -> Option<&str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) if cut && error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()
        }
        Err(_) => None,
    }
}

fn not_text(line: u64) -> Failure {
    let text = format!(
        "cannot send line {line} of stdin as text: it is not UTF-8 (--binary sends bytes as they are)"
    );
    Failure::new(Kind::Other, text)
}
