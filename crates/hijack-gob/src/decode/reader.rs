//! The bytes of one value, which may lie in several messages.

use std::ops::Range;

use crate::decode::error::{DecodeError, DecodeErrorKind as Kind, Result};
use crate::wire::{self, Uint, read_uint};

/// What is left of a value.
///
/// Messages are cut behind a type definition only, so that nothing but [`next_message`](Self::next_message) has to
/// know of them.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a, 'de> {
    /// What is left of the message that is read.
    rest: &'de [u8],
    /// What the ranges are of.
    whole: &'de [u8],
    /// The later messages.
    messages: &'a [Range<usize>],
    text: Text<'de>,
}

/// A part of the message that is known to be UTF-8, strings and the lengths between them alike.
#[derive(Clone, Copy, Debug, Default)]
struct Text<'de> {
    text: &'de str,
    /// How much of the message was left where it starts.
    left: usize,
}

impl<'de> Text<'de> {
    /// Whether it reaches beyond where `left` bytes of the message are left.
    fn covers(self, left: usize) -> bool {
        self.left.checked_sub(left).is_some_and(|start| start < self.text.len())
    }

    /// The `len` bytes that stand where `left` bytes of the message are left.
    #[inline]
    fn at(self, left: usize, len: usize) -> Option<&'de str> {
        let start = self.left.checked_sub(left)?;
        self.text.get(start..start.checked_add(len)?)
    }
}

impl<'a, 'de> Reader<'a, 'de> {
    /// Its messages are ranges of `whole`.
    pub(crate) fn new(whole: &'de [u8], first: Range<usize>, messages: &'a [Range<usize>]) -> Self {
        Self { rest: &whole[first], whole, messages, text: Text::default() }
    }

    /// One message only.
    pub(crate) fn of_message(rest: &'de [u8]) -> Self {
        Self { rest, whole: &[], messages: &[], text: Text::default() }
    }

    /// What is left of this message.
    pub(crate) fn rest(&self) -> &'de [u8] {
        self.rest
    }

    /// No less than the bytes that are left.
    pub(crate) fn left(&self) -> usize {
        let later = match self.messages {
            [] => 0,
            [first, ..] => self.messages[self.messages.len() - 1].end - first.start,
        };
        self.rest.len() + later
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_empty() && self.messages.is_empty()
    }

    /// Goes on with the next message if this one is at its end.
    pub(crate) fn next_message(&mut self) {
        if let ([], Some((next, later))) = (self.rest, self.messages.split_first()) {
            self.rest = &self.whole[next.clone()];
            self.messages = later;
            self.text = Text::default();
        }
    }

    pub(crate) fn skip(&mut self, len: usize) {
        self.rest = &self.rest[len..];
    }

    #[inline]
    pub(crate) fn uint(&mut self) -> Result<u64> {
        match self.rest.split_first() {
            Some((&first, rest)) if first < 0x80 => {
                self.rest = rest;
                Ok(u64::from(first))
            }
            _ => self.long_uint(),
        }
    }

    fn long_uint(&mut self) -> Result<u64> {
        match read_uint(self.rest) {
            Uint::Whole(value, len) => {
                self.rest = &self.rest[len..];
                Ok(value)
            }
            Uint::Cut => Err(cut()),
            Uint::TooLong(_) => Err(DecodeError::malformed("an integer of more than eight bytes")),
        }
    }

    #[inline]
    pub(crate) fn int(&mut self) -> Result<i64> {
        self.uint().map(wire::int_of_uint)
    }

    #[inline]
    pub(crate) fn float(&mut self) -> Result<f64> {
        self.uint().map(wire::float_of_uint)
    }

    #[inline]
    pub(crate) fn bool(&mut self) -> Result<bool> {
        match self.uint()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(DecodeError::malformed("a bool that is neither 0 nor 1")),
        }
    }

    /// A run of bytes behind its length.
    #[inline]
    pub(crate) fn bytes(&mut self) -> Result<&'de [u8]> {
        let count = self.uint()?;
        let parts = usize::try_from(count).ok().and_then(|len| self.rest.split_at_checked(len));
        let Some((bytes, rest)) = parts else {
            return Err(DecodeError::new(Kind::CountTooLarge { count, left: self.rest.len() }));
        };
        self.rest = rest;
        Ok(bytes)
    }

    /// A run of bytes that is UTF-8.
    #[inline]
    pub(crate) fn text(&mut self) -> Result<&'de str> {
        let bytes = self.bytes()?;
        match self.text.at(self.rest.len() + bytes.len(), bytes.len()) {
            Some(text) => Ok(text),
            None => std::str::from_utf8(bytes).map_err(|_| DecodeError::new(Kind::NotUtf8)),
        }
    }

    /// Many strings follow: looks at all of them at once, which takes less time as long as they are short.
    ///
    /// It is linear however many lists there are: nothing is looked at again within what is known already.
    pub(crate) fn foresee_text(&mut self) {
        let left = self.rest.len();
        if !self.text.covers(left) {
            let text = std::str::from_utf8(self.rest)
                .or_else(|error| std::str::from_utf8(&self.rest[..error.valid_up_to()]));
            self.text = Text { text: text.unwrap_or_default(), left };
        }
    }

    /// The number of elements that follow, each of which has one byte at least.
    #[inline]
    pub(crate) fn count(&mut self, bytes_each: usize) -> Result<usize> {
        let count = self.uint()?;
        let left = self.left();
        match usize::try_from(count) {
            Ok(elements) if elements <= left / bytes_each => Ok(elements),
            _ => Err(DecodeError::new(Kind::CountTooLarge { count, left })),
        }
    }

    /// The zero in front of every value that is not a struct where it stands alone.
    pub(crate) fn singleton(&mut self) -> Result<()> {
        match self.uint()? {
            0 => Ok(()),
            _ => Err(DecodeError::malformed("a single value without a zero in front")),
        }
    }
}

#[cold]
pub(crate) fn cut() -> DecodeError {
    DecodeError::malformed("a value that ends too early")
}
