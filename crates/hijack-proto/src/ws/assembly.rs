//! Whole messages out of pieces.

use std::borrow::Cow;

use super::receive::{Payload, Piece};

/// A whole message: borrowed from the input if it lay there in one piece, its own otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message<'a> {
    /// UTF-8 text.
    Text(Cow<'a, str>),
    /// Arbitrary bytes.
    Binary(Cow<'a, [u8]>),
}

/// The pieces of the message under way. It grows with what arrives, never by what a header promises, and is empty
/// between messages: the memory leaves with the message. [`Limits::message_len`](super::Limits::message_len)
/// bounds it.
#[derive(Debug, Clone, Default)]
pub struct Assembly {
    text: String,
    bytes: Vec<u8>,
    /// Whether what comes up to the end of the message under way is thrown away.
    skipping: bool,
}

/// A message that is longer than it may be; what follows of it is skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skipped;

impl Assembly {
    /// Adds the next piece; gives the message if that was its last one.
    #[inline]
    pub fn push<'a>(&mut self, piece: Piece<'a>) -> Option<Message<'a>> {
        if piece.first && piece.last {
            return Some(match piece.payload {
                Payload::Text(text) => Message::Text(Cow::Borrowed(text)),
                Payload::Binary(bytes) => Message::Binary(Cow::Borrowed(bytes)),
            });
        }
        self.append(&piece)
    }

    /// As [`push`](Self::push), but a message of more than `most` bytes is given up as soon as that shows: nothing is
    /// held of it, and its further pieces are skipped.
    ///
    /// # Errors
    ///
    /// [`Skipped`], once for each such message.
    #[inline]
    pub fn push_within<'a>(&mut self, piece: Piece<'a>, most: u64) -> Result<Option<Message<'a>>, Skipped> {
        let len = match &piece.payload {
            Payload::Text(text) => text.len(),
            Payload::Binary(bytes) => bytes.len(),
        };
        if self.skipping || (self.held_len() + len) as u64 <= most {
            return Ok(self.push(piece));
        }
        *self = Self { skipping: !piece.last, ..Self::default() };
        Err(Skipped)
    }

    /// Bytes held of the message under way.
    #[must_use]
    pub fn held_len(&self) -> usize {
        self.text.len() + self.bytes.len()
    }

    fn append(&mut self, piece: &Piece<'_>) -> Option<Message<'static>> {
        if self.skipping {
            self.skipping = !piece.last;
            return None;
        }
        match &piece.payload {
            Payload::Text(text) => self.text.push_str(text),
            Payload::Binary(bytes) => self.bytes.extend_from_slice(bytes),
        }
        piece.last.then(|| match piece.payload {
            Payload::Text(_) => Message::Text(Cow::Owned(std::mem::take(&mut self.text))),
            Payload::Binary(_) => Message::Binary(Cow::Owned(std::mem::take(&mut self.bytes))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str, first: bool, last: bool) -> Piece<'_> {
        Piece { payload: Payload::Text(text), first, last }
    }

    #[test]
    fn borrows_what_is_whole_and_owns_what_is_not() {
        let mut assembly = Assembly::default();
        assert_eq!(assembly.push(text("a", true, true)), Some(Message::Text(Cow::Borrowed("a"))));
        assert_eq!(assembly.push(text("b", true, false)), None);
        assert_eq!(assembly.held_len(), 1);
        assert_eq!(assembly.push(text("c", false, true)), Some(Message::Text(Cow::Owned("bc".into()))));
        let mut bytes = [1, 2];
        let piece = Piece { payload: Payload::Binary(&mut bytes), first: true, last: false };
        assert_eq!(assembly.push(piece), None);
        let end = Piece { payload: Payload::Binary(&mut []), first: false, last: true };
        assert_eq!(assembly.push(end), Some(Message::Binary(Cow::Owned(vec![1, 2]))));
        assert_eq!((assembly.held_len(), assembly.bytes.capacity()), (0, 0));
    }

    #[test]
    fn skips_what_is_too_long_and_nothing_else() {
        let mut assembly = Assembly::default();
        let mut push = |piece| {
            assembly.push_within(piece, 4).map(|message| match message {
                Some(Message::Text(text)) => text.into_owned(),
                other => format!("{other:?}"),
            })
        };
        let message = |text: &str| Ok(text.to_owned());
        let nothing = || message("None");
        assert_eq!(push(text("four", true, true)), message("four"));
        assert_eq!(push(text("three", true, true)), Err(Skipped));
        assert_eq!(push(text("a", true, true)), message("a"));
        for (first, rest) in [("three", ""), ("fou", "r+"), ("", "three")] {
            let begun = push(text(first, true, false));
            let gone_on = push(text(rest, false, false));
            assert_eq!(
                [begun, gone_on].iter().filter(|said| **said == Err(Skipped)).count(),
                1,
                "{first} {rest}"
            );
            assert_eq!(push(text("longer than four", false, false)), nothing());
            assert_eq!(push(text("end", false, true)), nothing());
        }
        assert_eq!(push(text("fo", true, false)), nothing());
        assert_eq!(push(text("ur", false, true)), message("four"));
        assert_eq!((assembly.held_len(), assembly.text.capacity()), (0, 0));
    }
}
