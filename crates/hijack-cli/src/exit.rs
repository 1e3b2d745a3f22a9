//! What a run ends with: a few lines on stderr, and an exit code that scripts can tell apart.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | it worked; for `ws`: the connection was closed with 1000, 1001, or without a code |
//! | 1 | it did not: stderr says what was tried, why it failed and what to do |
//! | 2 | the command line is wrong (clap's own code) |
//! | 3 | `ws`: the server cannot be reached; `conns`: the gateway cannot |
//! | 4 | `ws`: the server was reached and opens no WebSocket; `conns`: the gateway refused |
//! | 5 | `ws`: the server closed with another code than 1000 and 1001 |
//! | 6 | `ws`, `conns`: the connection broke, or the server broke the protocol |
//! | 7 | `conns`: there is no such connection, or none matched |
//! | 1 to 255 | `docker`: Docker's own, see `docker::failure`: the process's, 125 to 127, 128 and a signal's number |
//! | 130 | `ws`: a second signal came before the server had answered the Close that the first one brought |

use std::fmt;
use std::process::ExitCode;

/// Why a run failed.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    text: String,
}

/// The exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Other = 1,
    Unreachable = 3,
    Refused = 4,
    Closed = 5,
    Broken = 6,
    Unmatched = 7,
}

impl Failure {
    pub(crate) fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    pub(crate) fn system(tried: &str, error: &std::io::Error) -> Self {
        Self::new(Kind::Other, format!("cannot {tried}: {error}"))
    }

    pub(crate) fn is(&self, kind: Kind) -> bool {
        self.kind == kind
    }

    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(self.kind as u8)
    }
}

impl From<hijack::Error> for Failure {
    fn from(error: hijack::Error) -> Self {
        Self::new(Kind::Other, error.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
