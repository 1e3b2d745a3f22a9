//! Ways to cut a stream, and the stream under way.

use crate::reader::Session;

/// How a stream reaches a session.
#[derive(Debug, Clone, Copy)]
pub enum Cut<'c> {
    /// At once, its end included, before anything is read.
    AtOnce,
    /// In one piece when the first byte is needed, its end when more is.
    Whole,
    /// One byte whenever more is needed.
    Bytes,
    /// In pieces of one more than these lengths, over and over.
    Lengths(&'c [u8]),
}

impl<'c> Cut<'c> {
    /// Every way, of which one is chosen by `lengths`.
    #[must_use]
    pub fn every(lengths: &'c [u8]) -> [Self; 4] {
        [Self::AtOnce, Self::Whole, Self::Bytes, Self::Lengths(lengths)]
    }

    /// Bytes of the `index`th piece, at least one.
    fn len(self, index: usize) -> usize {
        match self {
            Self::AtOnce | Self::Whole => usize::MAX,
            Self::Bytes => 1,
            Self::Lengths([]) => 7,
            Self::Lengths(lengths) => usize::from(lengths[index % lengths.len()]) + 1,
        }
    }
}

/// A stream under way to its receiver.
#[derive(Debug)]
pub struct Wire<'w> {
    bytes: &'w [u8],
    fed: usize,
    pieces: usize,
    ended: bool,
    cut: Cut<'w>,
}

impl<'w> Wire<'w> {
    /// All of `bytes`, to be cut as `cut` says.
    pub fn new(bytes: &'w [u8], cut: Cut<'w>, receiver: &mut impl Session) -> Self {
        let mut wire = Self { bytes, fed: 0, pieces: 0, ended: false, cut };
        if matches!(cut, Cut::AtOnce) {
            receiver.feed(bytes);
            receiver.feed_eof();
            (wire.fed, wire.ended) = (bytes.len(), true);
        }
        wire
    }

    /// Feeds the next piece, or the end behind the last one.
    ///
    /// # Panics
    ///
    /// If the end was fed already: nobody may ask for more then.
    pub fn feed_next(&mut self, receiver: &mut impl Session) {
        assert!(!self.ended, "more is asked for behind the end");
        let rest = &self.bytes[self.fed..];
        let piece = &rest[..self.cut.len(self.pieces).min(rest.len())];
        self.pieces += 1;
        self.fed += piece.len();
        if piece.is_empty() {
            self.ended = true;
            receiver.feed_eof();
        } else {
            receiver.feed(piece);
        }
    }

    /// Bytes that the receiver gave out so far.
    ///
    /// # Panics
    ///
    /// If what it has not given out is not what was fed last, to the byte.
    pub fn position(&self, receiver: &impl Session) -> usize {
        let unread = receiver.unread();
        let position = self.fed - unread.len();
        assert_eq!(&self.bytes[position..self.fed], unread, "unread bytes are the stream's");
        position
    }

    /// Checks that `given` are the bytes that the receiver gave out last.
    ///
    /// # Panics
    ///
    /// If they are not.
    pub fn check_last(&self, given: &[u8], receiver: &impl Session) {
        let end = self.position(receiver);
        assert!(self.bytes[..end].ends_with(given), "bytes given out are the stream's");
    }
}
