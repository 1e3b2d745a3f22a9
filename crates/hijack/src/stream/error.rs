//! What can go wrong on a process's streams, by whose doing it is.

use std::{fmt, io};

use hijack_proto::stream::FrameError;

/// Why streams ended otherwise than with the process.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The connection failed, or was ended by us: see [`ended_by`](crate::ended_by).
    Io(io::Error),
    /// What the server sent is no output: its own error, a cut frame, or no frame at all.
    Frame(FrameError),
    /// The caller's own sink did not take the output.
    Sink(io::Error),
    /// The caller's own source of input failed.
    Source(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Frame(error) => error.fmt(f),
            Self::Sink(error) => write!(f, "cannot write the output: {error}"),
            Self::Source(error) => write!(f, "cannot read the input: {error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => error.source(),
            Self::Frame(error) => error.source(),
            Self::Sink(error) | Self::Source(error) => Some(error),
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<FrameError> for Error {
    fn from(error: FrameError) -> Self {
        Self::Frame(error)
    }
}

impl From<Error> for io::Error {
    /// A cut frame is [`io::ErrorKind::UnexpectedEof`], any other mistake in frames [`io::ErrorKind::InvalidData`] and
    /// the daemon's own error [`io::ErrorKind::Other`], each with the [`FrameError`] inside.
    fn from(error: Error) -> Self {
        match error {
            Error::Io(error) | Error::Sink(error) | Error::Source(error) => error,
            Error::Frame(error) => {
                let kind = match error {
                    FrameError::Truncated { .. } => io::ErrorKind::UnexpectedEof,
                    FrameError::Daemon(_) => io::ErrorKind::Other,
                    _ => io::ErrorKind::InvalidData,
                };
                Self::new(kind, error)
            }
        }
    }
}

impl From<Error> for crate::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Io(error) => Self::Io(error),
            error => Self::other(error),
        }
    }
}
