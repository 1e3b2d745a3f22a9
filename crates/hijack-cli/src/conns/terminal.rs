//! Where things are shown: how wide it is, whether it has colours, and whether anybody still reads.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::exit::{Failure, Kind};
use crate::ws::printable;

/// Standard output and error.
pub(super) struct Terminal {
    stdout: bool,
    colours: bool,
}

impl Terminal {
    pub(super) fn new() -> Self {
        let stdout = io::stdout().is_terminal();
        let colours = stdout && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { stdout, colours }
    }

    pub(super) fn is_terminal(&self) -> bool {
        self.stdout
    }

    pub(super) fn colours(&self) -> bool {
        self.colours
    }

    /// Characters in a line; none where output is a file or pipe.
    pub(super) fn width(&self) -> Option<usize> {
        self.size().map(|(columns, _)| columns)
    }

    /// Lines that are seen at once.
    pub(super) fn height(&self) -> Option<usize> {
        self.size().map(|(_, rows)| rows)
    }

    fn size(&self) -> Option<(usize, usize)> {
        if !self.stdout {
            return None;
        }
        let size = rustix::termios::tcgetwinsize(io::stdout()).ok();
        let size = size.filter(|size| size.ws_col > 0 && size.ws_row > 0);
        Some(size.map_or(DEFAULT_SIZE, |size| (size.ws_col.into(), size.ws_row.into())))
    }

    /// Writes to standard output. A reader that is gone ends the program, as it ends others in a pipe.
    pub(super) fn print(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
            result => result.map_err(|error| Failure::system("write to stdout", &error)),
        }
    }

    /// Says something beside the output.
    pub(super) fn note(&self, text: &str) {
        eprintln!("{}", printable(text));
    }

    /// Asks a person for a yes; whoever is no person is not asked.
    pub(super) fn confirm(&self, question: &str) -> Result<(), Failure> {
        if !io::stdin().is_terminal() {
            return Ok(());
        }
        eprint!("{} [y/N] ", printable(question));
        let mut answer = String::new();
        let read = io::stdin().lock().read_line(&mut answer);
        read.map_err(|error| Failure::system("read the answer", &error))?;
        if matches!(answer.trim(), "y" | "Y" | "yes") {
            return Ok(());
        }
        Err(Failure::new(Kind::Other, "nothing was done"))
    }
}

/// Columns and rows of a terminal that does not say.
const DEFAULT_SIZE: (usize, usize) = (80, 24);
