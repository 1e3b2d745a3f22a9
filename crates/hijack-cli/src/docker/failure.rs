//! Ends that are no success, in Docker's words and with its exit codes.

use std::fmt;
use std::io;

use hijack_docker::Error;

/// Why a command did not succeed.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) code: u8,
    /// Nothing where everything was said already, by the process.
    pub(super) text: String,
}

/// The daemon refused, or a flag is wrong.
pub(super) const REFUSED: u8 = 125;

/// There is such a command, and it cannot be run.
const NOT_RUNNABLE: u8 = 126;

/// There is no such command.
const NOT_FOUND: u8 = 127;

/// Behind a signal: so much and its number.
pub(super) const SIGNALLED: u8 = 128;

impl Failed {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { code: 1, text: text.into() }
    }

    pub(super) fn silent(code: u8) -> Self {
        Self { code, text: String::new() }
    }

    /// The process's own code.
    pub(super) fn exited(code: i64) -> Result<(), Self> {
        // The system has a byte for it.
        match code.rem_euclid(256) {
            0 if code == 0 => Ok(()),
            code => Err(Self::silent(u8::try_from(code).unwrap_or(1))),
        }
    }

    /// By `run`, whose code says who is to blame.
    pub(super) fn running(error: impl fmt::Display) -> Self {
        let text = error.to_string();
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        let code = if says(&[
            "executable file not found",
            "no such file or directory",
            "system cannot find the file specified",
        ]) {
            NOT_FOUND
        } else if says(&["permission denied", "is a directory"]) {
            NOT_RUNNABLE
        } else {
            REFUSED
        };
        Self { code, text: with_help(&text, "run") }
    }

    /// A command line of `run` that cannot be meant.
    pub(super) fn unusable(text: impl fmt::Display) -> Self {
        Self { code: REFUSED, text: with_help(&text.to_string(), "run") }
    }

    /// Output that nobody takes ends the program silently, as it ends others in a pipe.
    pub(super) fn writing(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::silent(SIGNALLED + 13),
            _ => Self::new(format!("cannot write the output: {error}")),
        }
    }
}

fn with_help(text: &str, verb: &str) -> String {
    format!("docker: {text}\n\nRun 'hijack docker {verb} --help' for more information")
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::new(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_gives_its_code() {
        assert!(Failed::exited(0).is_ok());
        for (code, expected) in [(1, 1), (7, 7), (137, 137), (255, 255), (-1, 255), (256, 0)] {
            let failed = Failed::exited(code).expect_err("no success");
            assert_eq!((failed.code, failed.text.as_str()), (expected, ""), "{code}");
        }
    }

    #[test]
    fn run_says_who_is_to_blame() {
        let table = [
            ("exec: \"no-such\": executable file not found in $PATH: unknown", 127),
            ("exec: \"/no-such\": stat /no-such: no such file or directory: unknown", 127),
            ("exec: \"/etc\": permission denied: unknown", 126),
            ("exec: \"/etc\": is a directory: unknown", 126),
            ("No such image: nope:latest", 125),
        ];
        for (text, code) in table {
            let failed = Failed::running(text);
            assert_eq!(failed.code, code, "{text}");
            assert_eq!(
                failed.text,
                format!("docker: {text}\n\nRun 'hijack docker run --help' for more information")
            );
        }
    }
}
