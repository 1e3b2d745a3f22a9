//! What both roles have in common: a session at the end of a cut stream, and the record of what it said.

use bytes::Bytes;
use hijack_proto::HeadError;
use hijack_proto::body::{BodyError, BodyEvent, BodyLength};
use hijack_proto::h1::{After, ClientSession, RequestId, ServerSession, TakeOverError};
use http::HeaderMap;

use crate::pieces::{Cut, Wire};

/// A session in either role.
pub trait Session {
    /// Takes bytes.
    fn feed(&mut self, bytes: &[u8]);
    /// Takes the end.
    fn feed_eof(&mut self);
    /// Bytes taken and not given out.
    fn unread(&self) -> &[u8];
    /// The next up to `max` bytes of the body.
    ///
    /// # Errors
    ///
    /// As the session's method of this name.
    fn poll_body(&mut self, max: usize) -> Result<BodyEvent, BodyError>;
    /// Every byte not given out.
    ///
    /// # Errors
    ///
    /// As the session's method of this name.
    fn take_over(&mut self) -> Result<Bytes, TakeOverError>;
}

/// What a session said, with the place in the stream behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Bytes of the stream given out so far.
    pub position: usize,
    /// What was said.
    pub said: Said,
}

/// What a session said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// The head of a request or of an interim answer, as it came.
    Head(Bytes),
    /// The head of a final answer: which request it answers, how its body is framed, whether the connection
    /// ends behind it.
    Final(Bytes, RequestId, BodyLength, bool),
    /// No head.
    NoHead(HeadError),
    /// The connection's end between two messages.
    Ended,
    /// Body bytes; neighbours are joined.
    Data(Vec<u8>),
    /// The body's end.
    End(Option<HeaderMap>),
    /// No more of the body.
    NoBody(BodyError),
    /// What follows the answer.
    After(After),
    /// The connection became raw.
    Taken,
    /// It could not become raw.
    NotTaken(TakeOverError),
}

/// A session that reads a stream.
#[derive(Debug)]
pub struct Reader<'w, S> {
    /// The session.
    pub session: S,
    /// What it said.
    pub events: Vec<Event>,
    wire: Wire<'w>,
}

impl<'w, S: Session> Reader<'w, S> {
    /// Puts `session` at the end of `bytes`, cut as `cut` says.
    pub fn new(mut session: S, bytes: &'w [u8], cut: Cut<'w>) -> Self {
        let wire = Wire::new(bytes, cut, &mut session);
        Self { session, events: Vec::new(), wire }
    }

    /// Feeds what comes next.
    pub fn feed_next(&mut self) {
        self.wire.feed_next(&mut self.session);
    }

    /// Records what was said last.
    pub fn say(&mut self, said: Said) {
        let position = self.wire.position(&self.session);
        match (said, self.events.last_mut()) {
            (Said::Data(more), Some(Event { said: Said::Data(data), position: end })) => {
                data.extend_from_slice(&more);
                *end = position;
            }
            (said, _) => self.events.push(Event { position, said }),
        }
    }

    /// Checks that `given` are the bytes given out last.
    ///
    /// # Panics
    ///
    /// If they are not.
    pub fn check_last(&self, given: &[u8]) {
        self.wire.check_last(given, &self.session);
    }

    /// Reads up to `len` bytes of the body, `step` at once.
    ///
    /// # Panics
    ///
    /// If they are not those of the stream, or too many, or if an end is not for ever.
    pub fn read(&mut self, len: usize, step: usize) {
        let mut left = len;
        while left > 0 {
            let max = left.min(step);
            match self.session.poll_body(max) {
                Ok(BodyEvent::Data(data)) => {
                    assert!(!data.is_empty() && data.len() <= max);
                    self.check_last(&data);
                    left -= data.len();
                    self.say(Said::Data(data.to_vec()));
                }
                Ok(BodyEvent::NeedInput) => {
                    self.check_nothing_taken();
                    self.feed_next();
                }
                Ok(BodyEvent::End(trailers)) => {
                    assert_eq!(self.session.poll_body(1), Ok(BodyEvent::End(trailers.clone())));
                    return self.say(Said::End(trailers));
                }
                Err(error) => {
                    assert_eq!(self.session.poll_body(1), Err(error), "an error stays");
                    assert!(!error.to_string().is_empty());
                    self.check_nothing_taken();
                    return self.say(Said::NoBody(error));
                }
            }
        }
    }

    /// No byte is gone since something was said last, so that nothing is lost if nobody reads on.
    fn check_nothing_taken(&self) {
        let last = self.events.last().map_or(0, |event| event.position);
        assert_eq!(self.wire.position(&self.session), last, "bytes are taken without being given out");
    }

    /// Makes the connection raw, if the session allows it.
    ///
    /// # Panics
    ///
    /// If it gives other bytes than those not given out, or allows it twice.
    pub fn take_over(&mut self) -> bool {
        self.check_nothing_taken();
        let position = self.wire.position(&self.session);
        let unread = self.session.unread().to_vec();
        let taken = self.session.take_over();
        match &taken {
            Ok(bytes) => {
                assert_eq!(*bytes, unread);
                assert_eq!(self.session.take_over(), Err(TakeOverError::Taken));
                self.events.push(Event { position, said: Said::Taken });
            }
            Err(error) => self.say(Said::NotTaken(*error)),
        }
        taken.is_ok()
    }
}

macro_rules! impl_session {
    ($($role:ty),*) => {$(
        impl Session for $role {
            fn feed(&mut self, bytes: &[u8]) {
                self.feed(bytes);
            }
            fn feed_eof(&mut self) {
                self.feed_eof();
            }
            fn unread(&self) -> &[u8] {
                self.unread()
            }
            fn poll_body(&mut self, max: usize) -> Result<BodyEvent, BodyError> {
                self.poll_body(max)
            }
            fn take_over(&mut self) -> Result<Bytes, TakeOverError> {
                self.take_over()
            }
        }
    )*};
}

impl_session!(ServerSession, ClientSession);
