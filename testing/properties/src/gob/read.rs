//! What a decoder says of a stream.

use hijack_gob::{DecodeError, Decoder, Dynamic, Limits, RawValue};
use serde::de::IgnoredAny;

/// Everything that it says, to the end or to where the stream is lost.
#[derive(Debug, PartialEq)]
pub(super) struct Read {
    pub(super) items: Vec<Seen>,
    /// Whether the stream may end there.
    is_whole: bool,
}

/// One value.
#[derive(Debug)]
pub(super) enum Seen {
    Value(Dynamic),
    Error {
        text: String,
        is_fatal: bool,
    },
    /// Passed over.
    Skipped,
}

/// Values as they are shown: a NaN is not equal to itself.
impl PartialEq for Seen {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Value(one), Self::Value(other)) => {
                format!("{:?}", one.value) == format!("{:?}", other.value)
            }
            (Self::Error { text, is_fatal }, Self::Error { text: other, is_fatal: is_other_fatal }) => {
                text == other && is_fatal == is_other_fatal
            }
            (Self::Skipped, Self::Skipped) => true,
            _ => false,
        }
    }
}

impl From<Result<Dynamic, DecodeError>> for Seen {
    fn from(result: Result<Dynamic, DecodeError>) -> Self {
        match result {
            Ok(value) => Self::Value(value),
            Err(error) => Self::Error { text: error.to_string(), is_fatal: error.is_fatal() },
        }
    }
}

impl Read {
    /// Reads all values, in pieces of one more than these lengths.
    pub(super) fn of(stream: &[u8], limits: &Limits, lengths: &[u8]) -> Self {
        let (mut whole, mut raw) = (Decoder::with_limits(*limits), Decoder::with_limits(*limits));
        let read = Self::with(stream, lengths, |input| {
            let mut copy = *input;
            let value = raw.take_raw(&mut copy);
            let seen = whole.decode::<Dynamic>(input).transpose().map(Seen::from);
            agrees(&value, seen.as_ref());
            seen
        });
        let finished = whole.finish(&read.1).is_ok();
        Self { items: read.0, is_whole: finished }
    }

    /// Passes over all values.
    pub(super) fn by_skipping(stream: &[u8], limits: &Limits) -> Self {
        let mut decoder = Decoder::with_limits(*limits);
        let (items, rest) = Self::with(stream, &[255], |input| match decoder.skip(input) {
            Ok(Some(())) => Some(Seen::Skipped),
            Ok(None) => None,
            Err(error) => Some(Seen::from(Err(error))),
        });
        Self { items, is_whole: decoder.finish(&rest).is_ok() }
    }

    fn with<'s>(
        stream: &'s [u8],
        lengths: &[u8],
        mut next: impl FnMut(&mut &'s [u8]) -> Option<Seen>,
    ) -> (Vec<Seen>, &'s [u8]) {
        let (mut items, mut taken, mut received) = (Vec::new(), 0, 0);
        for index in 0.. {
            let len = lengths.get(index % lengths.len().max(1)).map_or(7, |len| usize::from(*len) + 1);
            // In one piece if it is the largest.
            received = if len == 256 { stream.len() } else { stream.len().min(received + len) };
            loop {
                let mut input = &stream[taken..received];
                let before = input.len();
                let seen = next(&mut input);
                taken += before - input.len();
                let Some(seen) = seen else { break };
                let is_lost = matches!(seen, Seen::Error { is_fatal: true, .. });
                items.push(seen);
                if is_lost {
                    return (items, &stream[taken..]);
                }
            }
            if received == stream.len() {
                break;
            }
        }
        (items, &stream[taken..])
    }
}

/// An undecoded value is the same value; and whoever reads it and keeps nothing accepts no less.
fn agrees(raw: &Result<Option<RawValue>, DecodeError>, seen: Option<&Seen>) {
    match (raw, seen) {
        (Ok(Some(raw)), Some(seen)) => {
            assert_eq!(Seen::from(raw.decode::<Dynamic>()), *seen);
            if matches!(seen, Seen::Value(_)) {
                raw.decode::<IgnoredAny>().expect("nothing that the value was refused for");
            }
        }
        (Ok(None), None) | (Err(_), Some(Seen::Error { is_fatal: true, .. })) => {}
        (raw, seen) => panic!("{raw:?} is not {seen:?}"),
    }
}
