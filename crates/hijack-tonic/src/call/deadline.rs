//! Deadlines of whole calls. tonic's own end with the head of the answer, and say `CANCELLED`.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::{Instant, Sleep};
use tonic::Status;

/// When a call is over, whatever its state.
pub(crate) struct Deadline {
    within: Duration,
    sleep: Pin<Box<Sleep>>,
}

impl Deadline {
    pub(crate) fn new(within: Duration) -> Self {
        // Beyond a few years a timer would overflow, and nobody waits.
        let within = within.min(LONGEST);
        Self { within, sleep: Box::pin(tokio::time::sleep_until(Instant::now() + within)) }
    }

    /// The deadline that a request's head names.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        timeout_of(headers).map(Self::new)
    }

    pub(crate) fn poll_passed(&mut self, cx: &mut Context<'_>) -> Poll<Status> {
        self.sleep.as_mut().poll(cx).map(|()| self.status())
    }

    pub(crate) fn at(&self) -> Instant {
        self.sleep.deadline()
    }

    pub(crate) fn status(&self) -> Status {
        Status::deadline_exceeded(format!("the call took longer than its deadline of {:?}", self.within))
    }
}

const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

pub(crate) const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// What `grpc-timeout` says: up to eight digits and a unit. Anything else is no deadline.
pub(crate) fn timeout_of(headers: &HeaderMap) -> Option<Duration> {
    let (unit, digits) = headers.get(GRPC_TIMEOUT)?.as_bytes().split_last()?;
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits.iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0'));
    Some(match unit {
        b'H' => Duration::from_secs(value * 3600),
        b'M' => Duration::from_secs(value * 60),
        b'S' => Duration::from_secs(value),
        b'm' => Duration::from_millis(value),
        b'u' => Duration::from_micros(value),
        b'n' => Duration::from_nanos(value),
        _ => return None,
    })
}

/// `within` as `grpc-timeout` says it, in the finest unit that has room for it.
pub(crate) fn to_header(within: Duration) -> HeaderValue {
    let units = [
        (within.as_nanos(), 'n'),
        (within.as_micros(), 'u'),
        (within.as_millis(), 'm'),
        (within.as_secs().into(), 'S'),
        ((within.as_secs() / 60).into(), 'M'),
    ];
    let fits = units.into_iter().find(|(value, _)| *value <= MOST);
    let (value, unit) = fits.unwrap_or((u128::from(within.as_secs() / 3600).min(MOST), 'H'));
    HeaderValue::try_from(format!("{value}{unit}")).expect("digits and a letter")
}

const MOST: u128 = 99_999_999;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Duration> {
        timeout_of(&HeaderMap::from_iter([(GRPC_TIMEOUT, HeaderValue::from_str(text).unwrap())]))
    }

    #[test]
    fn reads_what_the_protocol_allows() {
        assert_eq!(read("1H"), Some(Duration::from_secs(3600)));
        assert_eq!(read("2M"), Some(Duration::from_secs(120)));
        assert_eq!(read("99999999S"), Some(Duration::from_secs(99_999_999)));
        assert_eq!(read("200m"), Some(Duration::from_millis(200)));
        assert_eq!(read("7u"), Some(Duration::from_micros(7)));
        assert_eq!(read("0n"), Some(Duration::ZERO));
        for text in ["", "S", "1", "1s", "123456789S", "-1S", "1.5S", "+1S", "1 S"] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }

    #[test]
    fn writes_what_it_reads_without_growing() {
        for within in [
            Duration::ZERO,
            Duration::from_nanos(99_999_999),
            Duration::from_millis(200),
            Duration::from_secs(100),
            Duration::from_secs(100_000),
            Duration::from_secs(200_000_000),
            Duration::from_secs(u64::MAX),
        ] {
            let header = to_header(within);
            let again = read(header.to_str().unwrap()).expect("legal");
            assert!(
                again <= within && within.as_secs().saturating_sub(again.as_secs()) <= 3600
                    || within > LONGEST
            );
        }
        assert_eq!(to_header(Duration::from_millis(200)), "200000u");
    }
}
