//! Whether output is framed. Never guessed from its bytes: a terminal may well print 0x01 first.

use http::header::{CONTENT_TYPE, HeaderMap};

/// The media type of output in frames.
pub const MULTIPLEXED_STREAM: &str = "application/vnd.docker.multiplexed-stream";

/// The media type of output as it is; of any output before version 1.42 of the API, and behind a bare 200.
pub const RAW_STREAM: &str = "application/vnd.docker.raw-stream";

/// How the outputs of a process share a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Framing {
    /// stdout and stderr in frames: a process without a terminal.
    Multiplexed,
    /// One output as it is: a terminal.
    Raw,
}

impl Framing {
    /// How a process with a terminal, or without, is to be read.
    #[must_use]
    pub const fn of_tty(tty: bool) -> Self {
        if tty { Self::Raw } else { Self::Multiplexed }
    }

    /// What the headers of an answer call it; none if they name neither media type.
    ///
    /// A [`RAW_STREAM`] is to be believed only behind a 101, or on `logs`, of a daemon of version 1.42 or later:
    /// earlier ones say so of everything.
    #[must_use]
    pub fn named_in(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(CONTENT_TYPE)?.as_bytes();
        let media_type = value.split(|&byte| byte == b';').next()?.trim_ascii();
        if media_type.eq_ignore_ascii_case(MULTIPLEXED_STREAM.as_bytes()) {
            Some(Self::Multiplexed)
        } else if media_type.eq_ignore_ascii_case(RAW_STREAM.as_bytes()) {
            Some(Self::Raw)
        } else {
            None
        }
    }

    /// The media type that says so.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Multiplexed => MULTIPLEXED_STREAM,
            Self::Raw => RAW_STREAM,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn reads_the_media_types() {
        let table = [
            ("application/vnd.docker.multiplexed-stream", Some(Framing::Multiplexed)),
            ("Application/vnd.docker.raw-stream ; x=y", Some(Framing::Raw)),
            ("application/vnd.docker.raw-streams", None),
            ("text/plain", None),
        ];
        for (value, expected) in table {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(value))]);
            assert_eq!(Framing::named_in(&headers), expected, "{value}");
        }
        assert_eq!(Framing::named_in(&HeaderMap::new()), None);
        assert_eq!(Framing::of_tty(true).media_type(), RAW_STREAM);
    }
}
