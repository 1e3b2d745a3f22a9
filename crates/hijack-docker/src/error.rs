//! What can go wrong between us and a daemon.

use std::fmt;

use hijack::{BoxError, ConnectFailure, Decline};
use http::StatusCode;
use serde::Deserialize;

use crate::host::Host;

/// Why the daemon did not do what it was asked for.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// There is no connection to the daemon.
    Unreachable {
        /// Where it should be.
        host: String,
        /// What was tried, and what came of it.
        source: BoxError,
    },
    /// This user may not use the daemon's socket.
    Denied {
        /// Where it is.
        host: String,
        /// What was tried.
        source: BoxError,
    },
    /// The daemon was reached, and the TLS handshake failed.
    Tls {
        /// Where it is.
        host: String,
        /// Why.
        source: BoxError,
    },
    /// The command `ssh` did not lead to a daemon.
    Ssh {
        /// Where it should be.
        host: String,
        /// What the command said.
        said: String,
        /// What became of the connection over it.
        source: BoxError,
    },
    /// The daemon refused, and says why.
    Daemon {
        /// The status of its answer.
        status: StatusCode,
        /// Its text.
        message: String,
    },
    /// The container does not run: attached to it, nothing would ever come.
    NotRunning {
        /// The container, as it was named.
        container: String,
        /// What it is instead: `created`, `exited`, `paused`…
        state: String,
    },
    /// The connection failed, took too long, or what came over it is no HTTP.
    Connection {
        /// Where the daemon is.
        host: String,
        /// What happened.
        source: Box<hijack::Error>,
    },
    /// The answer is none that Docker's daemon gives.
    Unexpected {
        /// Where it came from.
        host: String,
        /// What is wrong with it.
        what: String,
    },
    /// A host, a version, a certificate or an environment variable cannot be used; the text says which and why.
    Config(String),
}

impl Error {
    /// The status of the daemon's refusal, if it was one.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Daemon { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// What a failed attempt to connect was.
    pub(crate) fn connecting(host: &Host, error: hijack::Error) -> Self {
        let name = host.to_string();
        let failure = match &error {
            hijack::Error::Connect(connect) => connect.failure(),
            _ => ConnectFailure::Other,
        };
        let source = error.into();
        match failure {
            ConnectFailure::Denied => Self::Denied { host: name, source },
            ConnectFailure::Tls => Self::Tls { host: name, source },
            _ => Self::Unreachable { host: name, source },
        }
    }

    /// What a failure on an open connection was.
    pub(crate) fn talking(host: &Host, error: hijack::Error) -> Self {
        match error {
            hijack::Error::Declined(decline) => Self::declined(host, &decline),
            error => Self::Connection { host: host.to_string(), source: Box::new(error) },
        }
    }

    fn declined(host: &Host, decline: &Decline) -> Self {
        let status = decline.head.status();
        if status.is_client_error() || status.is_server_error() {
            return Self::daemon(status, &decline.body);
        }
        Self::unexpected(host, decline)
    }

    pub(crate) fn unexpected(host: &Host, what: impl fmt::Display) -> Self {
        Self::Unexpected { host: host.to_string(), what: what.to_string() }
    }

    /// A refusal, whose text stands in JSON, or alone.
    pub(crate) fn daemon(status: StatusCode, body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Refusal {
            message: String,
        }
        let message = match serde_json::from_slice::<Refusal>(body) {
            Ok(refusal) => refusal.message,
            Err(_) => String::from_utf8_lossy(body).into_owned(),
        };
        // A terminal must not be written to by a daemon; lines may be several.
        let printable = message.replace(|c: char| c.is_control() && c != '\n' && c != '\t', " ");
        let message = match printable.trim() {
            "" => status.canonical_reason().unwrap_or("no reason given"),
            text => text,
        };
        Self::Daemon { status, message: message.to_owned() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { host, .. } => {
                write!(f, "Cannot connect to the Docker daemon at {host}. Is the docker daemon running?")
            }
            Self::Denied { host, .. } => {
                write!(f, "permission denied while trying to connect to the docker API at {host}")
            }
            Self::Tls { host, source } => write!(f, "no TLS with the Docker daemon at {host}: {source}"),
            Self::Ssh { host, said, source } if said.is_empty() => {
                write!(f, "no way to the Docker daemon at {host}: {source}")
            }
            Self::Ssh { host, said, .. } => {
                write!(f, "no way to the Docker daemon at {host}: the command ssh says: {said}")
            }
            Self::Daemon { message, .. } => write!(f, "Error response from daemon: {message}"),
            Self::NotRunning { container, state } => {
                write!(f, "container {container} is {state}: start it first, nothing would come from it")
            }
            Self::Connection { host, source } => {
                write!(f, "the connection to the Docker daemon at {host} failed: {source}")
            }
            Self::Unexpected { host, what } => {
                write!(f, "is there a Docker daemon at {host}? Its answer is none: {what}")
            }
            Self::Config(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreachable { source, .. }
            | Self::Denied { source, .. }
            | Self::Tls { source, .. }
            | Self::Ssh { source, .. } => Some(&**source),
            Self::Connection { source, .. } => Some(source),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_the_daemons_words() {
        let table: [(&[u8], &str); 5] = [
            (br#"{"message":"No such container: nope"}"#, "No such container: nope"),
            (b"No such container: nope\r\n", "No such container: nope"),
            (br#"{"cause":"x","message":"no such image","response":404}"#, "no such image"),
            (b"\x1b[31mred\nline", "[31mred\nline"),
            (b"", "Not Found"),
        ];
        for (body, message) in table {
            let error = Error::daemon(StatusCode::NOT_FOUND, body);
            assert_eq!(error.to_string(), format!("Error response from daemon: {message}"));
            assert_eq!(error.status(), Some(StatusCode::NOT_FOUND));
        }
    }
}
