//! From bytes to values.

mod access;
mod context;
mod de;
pub(crate) mod error;
mod input;
mod message;
mod plan;
mod raw;
mod reader;
mod scan;
mod zero;

use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;

pub(crate) use self::context::{Ahead, Context};
pub(crate) use self::de::Deserializer;
use self::error::{DecodeError, DecodeErrorKind as Kind, Result};
pub use self::input::Input;
use self::message::{Front, front};
use self::plan::{Plans, SharedPlans};
pub use self::raw::RawValue;
use self::reader::Reader;
use self::scan::{Scan, Walked};
use crate::types::{Graph, Slot, Table};
use crate::{Limits, Registry};

/// One direction of a connection, or a file: reads values, one after another, and remembers the types that the sender
/// has defined.
///
/// It does no IO. Give it what has been received, again and again: as long as a value is not whole it answers `None`
/// and leaves the rest of the input alone, which then must come again in front of what is received next. Asking again
/// costs nothing, however long the value is.
///
/// ```
/// use hijack_gob::Decoder;
/// use serde::Deserialize;
///
/// #[derive(Deserialize, Debug, PartialEq)]
/// #[serde(rename_all = "PascalCase")]
/// struct Point { x: i64, y: i64 }
///
/// // From the documentation of encoding/gob: the type, and Point{22, 33}.
/// let stream = b"\x1f\xff\x81\x03\x01\x01\x05Point\x01\xff\x82\x00\x01\x02\x01\x01X\x01\x04\x00\x01\x01Y\x01\x04\x00\x00\x00\
///                \x07\xff\x82\x01\x2c\x01\x42\x00";
/// let mut decoder = Decoder::new();
/// let mut received = bytes::BytesMut::new();
/// received.extend_from_slice(&stream[..35]);
/// assert_eq!(decoder.decode::<Point>(&mut received)?, None);
/// received.extend_from_slice(&stream[35..]);
/// assert_eq!(decoder.decode(&mut received)?, Some(Point { x: 22, y: 33 }));
/// # Ok::<(), hijack_gob::DecodeError>(())
/// ```
///
/// # Errors
/// Every method that reads fails with a [`DecodeError`]. Unless it [is fatal](DecodeError::is_fatal) it is about one
/// value, which has been taken from the input; the next call reads the next value.
#[derive(Debug)]
pub struct Decoder {
    limits: Limits,
    registry: Arc<Registry>,
    table: Table,
    plans: Plans,
    /// Those of values that were taken undecoded, which may be anywhere by now.
    raw_plans: Arc<SharedPlans>,
    /// The value that the input starts with, as far as it was walked.
    walk: Option<Walk>,
    /// That value, if it was asked for whether it is whole, and is.
    whole: Option<Found>,
    is_broken: bool,
}

/// A value that may go on in further messages.
#[derive(Debug)]
struct Walk {
    scan: Scan,
    value: Found,
}

/// A value that is whole.
#[derive(Debug)]
struct Found {
    slot: Slot,
    /// The parts of its messages that are it: the first one, and those that follow.
    first: Range<usize>,
    later: Vec<Range<usize>>,
    /// What it takes of the input.
    len: usize,
}

impl Decoder {
    /// With the default limits.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    /// With limits of one's own.
    #[must_use]
    pub fn with_limits(limits: Limits) -> Self {
        Self {
            limits,
            registry: Arc::default(),
            table: Table::new(),
            plans: Plans::default(),
            raw_plans: Arc::default(),
            walk: None,
            whole: None,
            is_broken: false,
        }
    }

    /// With names for what interfaces may hold.
    #[must_use]
    pub fn with_registry(mut self, registry: Registry) -> Self {
        self.registry = Arc::new(registry);
        self
    }

    /// The limits.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Bounds the messages that come next, such as those of a header, by their length in bytes.
    pub fn set_message_limit(&mut self, len: usize) {
        self.limits.message_len = len;
    }

    /// Takes a value from the front of the input; `None` if it is not whole.
    ///
    /// A target's field that the sender's type does not have, or that was not sent because it is zero, gets its zero
    /// value as in Go, or its `#[serde(default)]` in the first case.
    ///
    /// # Errors
    /// See [`Decoder`].
    pub fn decode<T: DeserializeOwned>(&mut self, input: &mut (impl Input + ?Sized)) -> Result<Option<T>> {
        let Some(found) = self.find(input)? else { return Ok(None) };
        let value = self.value(&found, input.bytes());
        self.take(input, found);
        value.map(Some)
    }

    /// As [`decode`](Self::decode), into a target that may borrow from the input.
    ///
    /// # Errors
    /// See [`Decoder`].
    pub fn decode_borrowed<'de, T: Deserialize<'de>>(&mut self, input: &mut &'de [u8]) -> Result<Option<T>> {
        let Some(found) = self.find(input)? else { return Ok(None) };
        let value = self.value(&found, input);
        self.take(input, found);
        value.map(Some)
    }

    /// Takes a value undecoded, with its types: for whoever knows its target later, or elsewhere.
    ///
    /// # Errors
    /// See [`Decoder`].
    pub fn take_raw(&mut self, input: &mut (impl Input + ?Sized)) -> Result<Option<RawValue>> {
        let Some(found) = self.find(input)? else { return Ok(None) };
        let raw = RawValue::new(self, &found, input.bytes());
        self.take(input, found);
        Ok(Some(raw))
    }

    /// Passes over a value; `None` if it is not whole. Types that it introduces are known from then on.
    ///
    /// # Errors
    /// See [`Decoder`]. The value is not looked into where its length is known without.
    pub fn skip(&mut self, input: &mut (impl Input + ?Sized)) -> Result<Option<()>> {
        let Some(found) = self.find(input)? else { return Ok(None) };
        self.take(input, found);
        Ok(Some(()))
    }

    /// Whether a value is whole at the front of the input: for whoever wants to have two of them or none. Types that are
    /// defined in front of it are taken from the input.
    ///
    /// # Errors
    /// See [`Decoder`].
    pub fn is_whole(&mut self, input: &mut (impl Input + ?Sized)) -> Result<bool> {
        self.whole = self.find(input)?;
        Ok(self.whole.is_some())
    }

    /// The input has ended.
    ///
    /// # Errors
    /// [`DecodeErrorKind::UnexpectedEnd`](crate::DecodeErrorKind::UnexpectedEnd) if it ends within a value. What is
    /// behind the last value may be definitions only.
    pub fn finish(&self, input: &(impl Input + ?Sized)) -> Result<()> {
        if self.is_broken {
            return Err(DecodeError::new(Kind::Broken).fatal());
        }
        if self.walk.is_some() || !input.bytes().is_empty() {
            return Err(DecodeError::new(Kind::UnexpectedEnd).fatal());
        }
        Ok(())
    }

    fn value<'de, T: Deserialize<'de>>(&mut self, found: &Found, whole: &'de [u8]) -> Result<T> {
        let source = Source {
            whole,
            messages: (found.first.clone(), &found.later),
            slot: found.slot,
            graph: self.table.graph(),
            registry: &self.registry,
            limits: &self.limits,
        };
        source.decode(&mut self.plans)
    }

    fn take(&mut self, input: &mut (impl Input + ?Sized), found: Found) {
        input.consume(found.len);
        drop(found);
    }

    /// Reads definitions until a value stands at the front of the input, whole.
    fn find(&mut self, input: &mut (impl Input + ?Sized)) -> Result<Option<Found>> {
        if self.is_broken {
            return Err(DecodeError::new(Kind::Broken).fatal());
        }
        if let Some(found) = self.whole.take() {
            return Ok(Some(found));
        }
        let found = self.try_find(input);
        self.is_broken = found.is_err();
        found.map_err(DecodeError::fatal)
    }

    fn try_find(&mut self, input: &mut (impl Input + ?Sized)) -> Result<Option<Found>> {
        while self.walk.is_none() {
            let Front::Message { start, end } = front(input.bytes(), self.limits.message_len)? else {
                return Ok(None);
            };
            let mut message = Reader::of_message(&input.bytes()[start..end]);
            let id = message.int()?;
            if id >= 0 {
                let slot = self.table.resolve(id)?;
                if !self.table.graph().get(slot).is_some_and(|definition| definition.shape.is_struct()) {
                    message.singleton()?;
                }
                let start = end - message.rest().len();
                let found = Found { slot, first: start..end, later: Vec::new(), len: end };
                if !self.table.may_span(slot, &self.limits)? {
                    return Ok(Some(found));
                }
                return self.start_walk(found, message, input.bytes());
            }
            let len = self.table.define(id.saturating_neg(), message.rest(), &self.limits)?;
            if len != message.rest().len() {
                return Err(DecodeError::malformed("bytes behind a type definition"));
            }
            input.consume(end);
        }
        let walk = self.walk.take().expect("the loop ended");
        self.go_on(walk, input.bytes())
    }

    fn start_walk(&mut self, value: Found, mut first: Reader<'_, '_>, bytes: &[u8]) -> Result<Option<Found>> {
        let mut scan = Scan::start(value.slot, &mut first, &self.table, &self.limits)?;
        match scan.walk(&mut first, &mut self.table, &self.limits)? {
            Walked::End => ended(value, &first),
            Walked::Message => self.go_on(Walk { scan, value }, bytes),
        }
    }

    /// Walks on through the messages that have arrived since.
    fn go_on(&mut self, mut walk: Walk, bytes: &[u8]) -> Result<Option<Found>> {
        loop {
            let at = walk.value.len;
            let unread = bytes.get(at..).ok_or_else(|| DecodeError::malformed("the input has lost bytes"))?;
            let limit = self.limits.message_len.saturating_sub(at);
            let Front::Message { start, end } = front(unread, limit)? else {
                self.walk = Some(walk);
                return Ok(None);
            };
            walk.value.later.push(at + start..at + end);
            walk.value.len += end;
            let mut message = Reader::of_message(&unread[start..end]);
            if walk.scan.walk(&mut message, &mut self.table, &self.limits)? == Walked::End {
                return ended(walk.value, &message);
            }
        }
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

fn ended(value: Found, last: &Reader<'_, '_>) -> Result<Option<Found>> {
    if last.rest().is_empty() { Ok(Some(value)) } else { Err(behind()) }
}

fn behind() -> DecodeError {
    DecodeError::malformed("bytes behind a value")
}

/// A value that is whole, and all that decoding it needs.
struct Source<'a, 'de> {
    whole: &'de [u8],
    messages: (Range<usize>, &'a [Range<usize>]),
    slot: Slot,
    graph: &'a Arc<Graph>,
    registry: &'a Registry,
    limits: &'a Limits,
}

impl<'de> Source<'_, 'de> {
    fn decode<T: Deserialize<'de>>(&self, plans: &mut Plans) -> Result<T> {
        plans.fit(self.graph);
        let mut left = self.limits.decoded_again;
        loop {
            let (first, later) = self.messages.clone();
            let reader = Reader::new(self.whole, first, later);
            let mut cx = Context::new(reader, self.graph, plans, (self.registry, self.limits));
            match T::deserialize(Deserializer::new(&mut cx, self.slot)) {
                // A field was missing. It is known now, for all values of its type.
                Err(error) if error.is_retriable() => {
                    let limit = self.limits.decoded_again;
                    left = left
                        .checked_sub(self.whole.len() as u64)
                        .ok_or_else(|| DecodeError::new(Kind::DecodedTooOften { limit }))?;
                }
                Ok(_) if !cx.reader.is_at_end() => return Err(behind()),
                value => return value,
            }
        }
    }
}
