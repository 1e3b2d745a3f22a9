//! What a run ends with: one line on stderr, and an exit code that scripts can tell apart.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | it worked |
//! | 1 | it did not: the line on stderr says what was tried, why it failed and what to do |
//! | 2 | the command line is wrong (clap's own code) |

use std::fmt;
use std::process::ExitCode;

/// Why a run failed.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn system(tried: &str, error: &std::io::Error) -> Self {
        Self(format!("cannot {tried}: {error}"))
    }

    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(1)
    }
}

impl From<hijack::Error> for Failure {
    fn from(error: hijack::Error) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
