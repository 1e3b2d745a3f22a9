//! Go's `encoding/gob` (`gob/`), which says what its streams hold and what it thinks of ours.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use crate::peer::go;

/// The running program. It ends when this is dropped.
#[derive(Debug)]
pub struct Judge {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Judge {
    /// Starts it; `None` if Go is missing here.
    ///
    /// # Panics
    /// If it does not start, or if Go is missing and `CI=true`.
    #[must_use]
    pub fn start() -> Option<Self> {
        let mut command = go("./gob")?;
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program starts");
        let questions = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        Some(Self { child, questions, answers })
    }

    /// Sends a line.
    ///
    /// # Panics
    /// If the program has ended.
    pub fn tell(&mut self, line: &str) {
        let questions = self.questions.as_mut().expect("it is taken on drop only");
        questions.write_all(format!("{line}\n").as_bytes()).expect("the program listens");
    }

    /// Waits for a line.
    ///
    /// # Panics
    /// If the program has ended.
    pub fn hear(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the program speaks");
        assert!(line.ends_with('\n'), "the program has ended: {line}");
        line.trim_end_matches('\n').to_owned()
    }

    /// Lines up to an empty one.
    ///
    /// # Panics
    /// If the program has ended.
    pub fn hear_all(&mut self) -> Vec<String> {
        std::iter::from_fn(|| Some(self.hear()).filter(|line| !line.is_empty())).collect()
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        // `go run` has a child of its own, which ends with its standard input; nothing is killed.
        drop(self.questions.take());
        let _ = self.child.wait();
    }
}

/// Bytes in hexadecimal, as the program reads them.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(HEX[usize::from(digit)]))
        .collect()
}

/// Bytes from hexadecimal.
///
/// # Panics
/// If it is none.
#[must_use]
pub fn from_hex(text: &str) -> Vec<u8> {
    let digit = |letter: u8| HEX.iter().position(|other| *other == letter).expect("a hexadecimal digit");
    let pair =
        |pair: &[u8]| u8::try_from(digit(pair[0]) * 16 + digit(pair[1])).expect("two digits are a byte");
    text.as_bytes().chunks_exact(2).map(pair).collect()
}

const HEX: &[u8; 16] = b"0123456789abcdef";
