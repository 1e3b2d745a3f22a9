//! Whether an answer is the one that the server sends, the same code for every client.

use std::io;

use http::StatusCode;

use crate::wire::{ECHO_PROTOCOL, PLAIN_BODY, PLAIN_DATE, PLAIN_TYPE};

/// Checks status and fields of the answer to `/plain`.
pub(super) fn plain_head<'a>(
    status: StatusCode,
    lines: impl Iterator<Item = (&'a [u8], &'a [u8])>,
) -> io::Result<()> {
    let expected = [("content-type", PLAIN_TYPE), ("content-length", "13"), ("date", PLAIN_DATE)];
    head(status, StatusCode::OK, lines, &expected)
}

/// Checks status and fields of the answer to `/echo`.
pub(super) fn echo_head<'a>(
    status: StatusCode,
    lines: impl Iterator<Item = (&'a [u8], &'a [u8])>,
) -> io::Result<()> {
    let expected = [("connection", "upgrade"), ("upgrade", ECHO_PROTOCOL)];
    head(status, StatusCode::SWITCHING_PROTOCOLS, lines, &expected)
}

/// Names may come in any case, values only as they were sent.
fn head<'a>(
    status: StatusCode,
    expected: StatusCode,
    mut lines: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    fields: &[(&str, &str)],
) -> io::Result<()> {
    let mut right = status == expected;
    for (name, value) in fields {
        right &= lines.next().is_some_and(|(got_name, got_value)| {
            got_name.eq_ignore_ascii_case(name.as_bytes()) && got_value == value.as_bytes()
        });
    }
    if right && lines.next().is_none() {
        return Ok(());
    }
    Err(io::Error::other(format!("{expected} with {fields:?} expected, got {status} or other fields")))
}

/// The body of the answer to `/plain`, as far as it has come.
#[derive(Debug, Default)]
pub(super) struct PlainBody {
    seen: usize,
}

impl PlainBody {
    /// Checks what comes next.
    pub(super) fn check(&mut self, data: &[u8]) -> io::Result<()> {
        let expected = &PLAIN_BODY.as_bytes()[self.seen..];
        if !expected.starts_with(data) {
            let (expected, got) = (expected.escape_ascii(), data.escape_ascii());
            return Err(io::Error::other(format!("\"{expected}\" expected, got \"{got}\"")));
        }
        self.seen += data.len();
        Ok(())
    }

    /// Checks that all has come.
    pub(super) fn end(self) -> io::Result<()> {
        let Self { seen } = self;
        let expected = PLAIN_BODY.len();
        if seen == expected {
            return Ok(());
        }
        Err(io::Error::other(format!("{expected} bytes expected, got {seen}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: [(&str, &str); 3] =
        [("Content-Type", PLAIN_TYPE), ("Content-Length", "13"), ("Date", PLAIN_DATE)];

    fn plain(status: StatusCode, fields: &[(&'static str, &'static str)]) -> io::Result<()> {
        plain_head(status, fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())))
    }

    #[test]
    fn accepts_the_right_head_only() {
        plain(StatusCode::OK, &PLAIN).expect("the right head");
        assert!(plain(StatusCode::ACCEPTED, &PLAIN).is_err());
        for at in 0..PLAIN.len() {
            let mut changed = PLAIN;
            changed[at].1 = "other";
            assert!(plain(StatusCode::OK, &changed).is_err(), "{} changed", PLAIN[at].0);
            changed = PLAIN;
            changed[at].0 = "Other";
            assert!(plain(StatusCode::OK, &changed).is_err(), "{} renamed", PLAIN[at].0);
        }
        assert!(plain(StatusCode::OK, &PLAIN[..2]).is_err());
        assert!(plain(StatusCode::OK, &[&PLAIN[..], &[("Upgrade", ECHO_PROTOCOL)]].concat()).is_err());
    }

    #[test]
    fn expects_the_length_that_the_body_has() {
        assert_eq!(PLAIN[1].1, PLAIN_BODY.len().to_string());
    }

    #[test]
    fn accepts_the_whole_body_in_any_pieces_only() {
        for at in 0..PLAIN_BODY.len() {
            let mut body = PlainBody::default();
            body.check(&PLAIN_BODY.as_bytes()[..at]).expect("a right beginning");
            assert!(PlainBody { ..body }.end().is_err(), "ended after {at}");
            assert!(body.check(b"x").is_err(), "changed at {at}");
            body.check(&PLAIN_BODY.as_bytes()[at..]).expect("a right rest");
            assert!(body.check(b"!").is_err());
            body.end().expect("the whole body");
        }
    }
}
