//! Whether an answer is the one that the server sends, the same code for every client.

use std::io;

use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderName, UPGRADE};
use http::{HeaderMap, StatusCode};

use crate::wire::{ECHO_PROTOCOL, PLAIN_BODY, PLAIN_DATE, PLAIN_TYPE};

/// Checks status and fields of the answer to `/plain`.
pub(super) fn plain_head(status: StatusCode, headers: &HeaderMap) -> io::Result<()> {
    let fields = [(CONTENT_TYPE, PLAIN_TYPE), (CONTENT_LENGTH, "13"), (DATE, PLAIN_DATE)];
    head(status, StatusCode::OK, headers, &fields)
}

/// Checks status and fields of the answer to `/echo`.
pub(super) fn echo_head(status: StatusCode, headers: &HeaderMap) -> io::Result<()> {
    let fields = [(CONNECTION, "upgrade"), (UPGRADE, ECHO_PROTOCOL)];
    head(status, StatusCode::SWITCHING_PROTOCOLS, headers, &fields)
}

fn head(
    status: StatusCode,
    expected: StatusCode,
    headers: &HeaderMap,
    fields: &[(HeaderName, &str)],
) -> io::Result<()> {
    let right = |(name, value): &(HeaderName, &str)| headers.get(name).is_some_and(|got| got == value);
    if status == expected && headers.len() == fields.len() && fields.iter().all(right) {
        return Ok(());
    }
    Err(io::Error::other(format!("{expected} with {fields:?} expected, got {status} with {headers:?}")))
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
    use http::HeaderValue;

    use super::*;

    fn plain() -> HeaderMap {
        HeaderMap::from_iter([
            (CONTENT_TYPE, HeaderValue::from_static(PLAIN_TYPE)),
            (CONTENT_LENGTH, HeaderValue::from(PLAIN_BODY.len())),
            (DATE, HeaderValue::from_static(PLAIN_DATE)),
        ])
    }

    #[test]
    fn accepts_the_right_head_only() {
        plain_head(StatusCode::OK, &plain()).expect("the right head");
        assert!(plain_head(StatusCode::ACCEPTED, &plain()).is_err());
        for name in [CONTENT_TYPE, CONTENT_LENGTH, DATE] {
            let mut changed = plain();
            changed.insert(&name, HeaderValue::from_static("other"));
            assert!(plain_head(StatusCode::OK, &changed).is_err(), "{name} changed");
            changed.remove(&name);
            assert!(plain_head(StatusCode::OK, &changed).is_err(), "{name} missing");
        }
        let mut more = plain();
        more.insert(UPGRADE, HeaderValue::from_static(ECHO_PROTOCOL));
        assert!(plain_head(StatusCode::OK, &more).is_err());
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
