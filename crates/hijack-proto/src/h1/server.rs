//! The server's side of a connection.

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use http::{StatusCode, Version};

use super::answer::{Answer, Asked, Framing, Handover, put_answer_head};
use super::inbound::Inbound;
use super::takeover::TakeOverError;
use crate::body::{BodyError, BodyEvent, Decoder, EncodeError, Encoder};
use crate::date::FixDate;
use crate::head::{Field, Fields, HeadError, RequestHead, put_headers, put_line, put_status_line};
use crate::{Limits, tokens};

/// One HTTP/1.1 connection as a server sees it.
///
/// The order of calls is: [`poll_head`](Self::poll_head) until it gives a head; then, in any order and only as
/// far as wanted, [`poll_body`](Self::poll_body) and the answer; then [`finish`](Self::finish). Instead of
/// finishing, [`take_over`](Self::take_over) ends HTTP on the connection at any moment before the answer is
/// complete.
///
/// ```
/// use hijack_proto::h1::{After, Answer, AnswerBody, Next, ServerSession};
///
/// let mut session = ServerSession::new(hijack_proto::Limits::default());
/// session.feed(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nand some more");
/// let Ok(Next::Head(head)) = session.poll_head() else { panic!("a whole head") };
/// assert_eq!(head.target(), b"/");
/// assert_eq!(&session.take_over().unwrap()[..], b"and some more");
/// ```
#[derive(Debug)]
pub struct ServerSession {
    limits: Limits,
    inbound: Inbound,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Before a head.
    Idle,
    /// Between a head and the end of its answer.
    Open(Open),
    /// The connection is no longer HTTP's.
    Taken,
    /// A head was refused: nothing further is parsed.
    Failed(HeadError),
}

/// What must be remembered of a request until it is answered.
#[derive(Debug)]
struct Open {
    asked: Asked,
    /// Both sides agree so far that the connection goes on.
    keep_alive: bool,
    /// The client waits for a 100 that was not sent yet.
    expects: bool,
    answer: Progress,
}

#[derive(Debug)]
enum Progress {
    None,
    Body(Encoder),
    Complete,
}

/// What [`ServerSession::poll_head`] gives.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "a box would be an allocation per request")]
pub enum Next {
    /// A whole head. Its body is next, if it has one.
    Head(RequestHead),
    /// More bytes are needed.
    NeedInput,
    /// The client ended the connection between two requests.
    Ended,
}

/// What happens on the connection behind a complete answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// The next head may be polled.
    NextHead,
    /// The request's body is not read yet: poll it to its end and ask again, or close.
    Drain,
    /// The connection is to be closed.
    Close,
}

impl ServerSession {
    /// A session for a new connection.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, inbound: Inbound::new(), state: State::Idle }
    }

    /// Hands over bytes that the client sent.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.inbound.feed(bytes);
    }

    /// Says that the client sends nothing any more. The answer may still be written.
    pub fn feed_eof(&mut self) {
        self.inbound.feed_eof();
    }

    /// Whether [`feed_eof`](Self::feed_eof) was called.
    #[must_use]
    pub fn is_eof(&self) -> bool {
        self.inbound.is_eof()
    }

    /// Bytes fed and not given out yet.
    #[must_use]
    pub fn unread(&self) -> &[u8] {
        self.inbound.unread()
    }

    /// The next request's head.
    ///
    /// # Errors
    ///
    /// A [`HeadError`], again at each further call; [`put_refusal`](Self::put_refusal) writes the answer to it.
    ///
    /// # Panics
    ///
    /// When an exchange is still open or the connection was taken over: a mistake of the shell's.
    pub fn poll_head(&mut self) -> Result<Next, HeadError> {
        match &self.state {
            State::Idle => {}
            State::Failed(error) => return Err(*error),
            State::Open(_) | State::Taken => panic!("poll_head within an exchange"),
        }
        let next = self.next_head();
        if let Err(error) = &next {
            self.state = State::Failed(*error);
        }
        next
    }

    fn next_head(&mut self) -> Result<Next, HeadError> {
        self.inbound.skip_blank_lines(&self.limits)?;
        let Some(raw) = self.inbound.next_head(&self.limits)? else {
            return match (self.inbound.is_eof(), self.inbound.unread().is_empty()) {
                (true, true) => Ok(Next::Ended),
                (true, false) => Err(HeadError::Truncated),
                (false, _) => {
                    self.inbound.shrink();
                    Ok(Next::NeedInput)
                }
            };
        };
        let head = RequestHead::parse(raw, &self.limits)?;
        self.state = State::Open(Open::new(&head)?);
        self.inbound.body = Decoder::new(head.body_length());
        Ok(Next::Head(head))
    }

    /// The next up to `max` bytes of the request's body. Nothing behind them is consumed; a
    /// `max` of zero counts as one.
    ///
    /// # Errors
    ///
    /// A [`BodyError`], again at each further call.
    pub fn poll_body(&mut self, max: usize) -> Result<BodyEvent, BodyError> {
        if let State::Open(open) = &mut self.state {
            open.expects = false;
        }
        self.inbound.next_body(max, &self.limits)
    }

    /// Whether the request's body was read to its end, or there is none.
    #[must_use]
    pub fn body_is_read(&self) -> bool {
        self.inbound.body.is_done()
    }

    /// Bytes of the request's body that are still to be read, if the head told.
    #[must_use]
    pub fn body_remaining(&self) -> Option<u64> {
        self.inbound.body.remaining()
    }

    /// Whether the client holds its body back until it sees a 100 (RFC 9110 §10.1.1).
    ///
    /// Call [`put_continue`](Self::put_continue) before the body is polled then.
    #[must_use]
    pub fn expects_continue(&self) -> bool {
        matches!(&self.state, State::Open(Open { expects: true, answer: Progress::None, .. }))
    }

    /// Writes the 100 if one is expected, once.
    pub fn put_continue(&mut self, out: &mut Vec<u8>) {
        if let State::Open(open @ Open { expects: true, answer: Progress::None, .. }) = &mut self.state {
            open.expects = false;
            out.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
    }

    /// Writes an interim answer: any 1xx but 101 (RFC 9110 §15.2).
    ///
    /// # Errors
    ///
    /// [`EncodeError::Status`] for another status or a client of HTTP/1.0, [`EncodeError::NotOpen`] once the
    /// answer has begun.
    pub fn put_interim(
        &mut self,
        status: StatusCode,
        headers: &HeaderMap,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let State::Open(open @ Open { answer: Progress::None, .. }) = &mut self.state else {
            return Err(EncodeError::NotOpen);
        };
        let interim = status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS;
        if !interim || open.asked.version == Version::HTTP_10 {
            return Err(EncodeError::Status(status));
        }
        open.expects &= status != StatusCode::CONTINUE;
        put_status_line(out, Version::HTTP_11, status, None);
        put_headers(out, headers, |name| *name == CONTENT_LENGTH || *name == TRANSFER_ENCODING);
        out.extend_from_slice(b"\r\n");
        Ok(())
    }

    /// Writes the head of the answer and decides the framing of its body.
    ///
    /// # Errors
    ///
    /// An [`EncodeError`]; nothing was written then.
    pub fn put_answer(&mut self, answer: &Answer<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let State::Open(open @ Open { answer: Progress::None, .. }) = &mut self.state else {
            return Err(EncodeError::NotOpen);
        };
        if answer.status.is_informational() {
            return Err(EncodeError::Status(answer.status));
        }
        let fields = Fields::of(answer.headers);
        let framing = open.asked.frame(answer, fields)?;
        let body_held_back = open.expects && !self.inbound.body.is_done();
        let says_close =
            fields.has(Field::Connection) && tokens::contains(answer.headers, &CONNECTION, "close");
        open.decide_keep_alive(answer, framing, body_held_back || says_close);
        let connection = open.connection_line(answer, says_close);
        put_answer_head(answer, framing, fields, connection, out);
        open.answer = Progress::Body(framing.encoder);
        Ok(())
    }

    /// Writes a part of the answer's body, copied.
    ///
    /// # Errors
    ///
    /// An [`EncodeError`]; nothing was written then.
    pub fn put_data(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.encoder()?.put(data, out)
    }

    /// Writes what stands in front of `len` bytes of body, which the shell then writes itself, uncopied, before
    /// it calls [`close_data`](Self::close_data). `false`: this answer has no body, the bytes are to be dropped.
    ///
    /// # Errors
    ///
    /// An [`EncodeError`]; nothing was written then.
    pub fn open_data(&mut self, len: usize, out: &mut Vec<u8>) -> Result<bool, EncodeError> {
        self.encoder()?.open(len, out)
    }

    /// Writes what stands behind the bytes of [`open_data`](Self::open_data).
    pub fn close_data(&mut self, out: &mut Vec<u8>) {
        if let Ok(encoder) = self.encoder() {
            encoder.close(out);
        }
    }

    /// Ends the answer.
    ///
    /// # Errors
    ///
    /// [`EncodeError::TooShort`] if bytes of the declared length are missing: the connection can then only be
    /// closed. [`EncodeError::NotOpen`] without an answer under way.
    pub fn end_answer(&mut self, trailers: Option<&HeaderMap>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.encoder()?.end(trailers, out)?;
        if let State::Open(open) = &mut self.state {
            open.answer = Progress::Complete;
        }
        Ok(())
    }

    /// Whether nothing of the answer was written yet, interim answers aside.
    #[must_use]
    pub fn is_unanswered(&self) -> bool {
        matches!(&self.state, State::Open(Open { answer: Progress::None, .. }))
    }

    fn encoder(&mut self) -> Result<&mut Encoder, EncodeError> {
        match &mut self.state {
            State::Open(Open { answer: Progress::Body(encoder), .. }) => Ok(encoder),
            _ => Err(EncodeError::NotOpen),
        }
    }

    /// Writes a head that belongs to a takeover: as given, with no framing added. Call it before
    /// [`take_over`](Self::take_over); what may be answered here is decided in [`crate::handover`].
    ///
    /// # Errors
    ///
    /// [`EncodeError::NotOpen`] once the answer has begun.
    pub fn put_handover(&mut self, head: &Handover<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        if !self.is_unanswered() {
            return Err(EncodeError::NotOpen);
        }
        head.put(out);
        Ok(())
    }

    /// Ends HTTP on this connection and gives every byte that the client sent and nobody was given yet: of an
    /// unread or half-read body the raw rest, and whatever follows it.
    ///
    /// # Errors
    ///
    /// A [`TakeOverError`]; the session is as it was.
    pub fn take_over(&mut self) -> Result<Bytes, TakeOverError> {
        match &self.state {
            State::Open(Open { answer: Progress::Complete, .. }) => Err(TakeOverError::AnswerComplete),
            // An answer whose declared length is written is complete for the client, ended or not; so is one
            // without a body, unless it opens a tunnel.
            State::Open(Open { answer: Progress::Body(Encoder::Exact(0)), .. }) => {
                Err(TakeOverError::AnswerComplete)
            }
            State::Open(Open { answer: Progress::Body(Encoder::Discard), asked, .. })
                if !asked.is_connect =>
            {
                Err(TakeOverError::AnswerComplete)
            }
            State::Open(_) => {
                self.state = State::Taken;
                Ok(self.inbound.take_unread())
            }
            State::Idle | State::Failed(_) => Err(TakeOverError::NoExchange),
            State::Taken => Err(TakeOverError::Taken),
        }
    }

    /// Says what follows a complete answer; [`After::NextHead`] makes the session ready for it.
    ///
    /// A `CONNECT` that was answered closes, so that nothing behind it is parsed (RFC 9931).
    pub fn finish(&mut self) -> After {
        match &self.state {
            State::Open(open @ Open { answer: Progress::Complete, .. }) if open.keep_alive => {
                if !self.inbound.body.is_done() {
                    return After::Drain;
                }
                self.state = State::Idle;
                After::NextHead
            }
            _ => After::Close,
        }
    }

    /// Writes the answer to a head that was refused: its status, its sentence, and the end of the connection.
    pub fn put_refusal(error: &HeadError, date: Option<&FixDate>, out: &mut Vec<u8>) {
        let text = format!("{error}\n");
        put_status_line(out, Version::HTTP_11, error.status(), None);
        if let Some(date) = date {
            put_line(out, b"Date: ", date);
        }
        put_line(out, b"Content-Type: ", b"text/plain; charset=utf-8");
        put_line(out, b"Content-Length: ", text.len().to_string().as_bytes());
        put_line(out, b"Connection: ", b"close");
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(text.as_bytes());
    }
}

impl Open {
    fn new(head: &RequestHead) -> Result<Self, HeadError> {
        let expects = head.fields().has(Field::Expect);
        if expects && !head.values("expect").all(|value| value.eq_ignore_ascii_case(b"100-continue")) {
            return Err(HeadError::Expectation);
        }
        Ok(Self {
            asked: Asked::of(head),
            keep_alive: wants_keep_alive(head),
            // RFC 9110 §10.1.1: ignored in HTTP/1.0, and where there is no body to hold back.
            expects: expects && head.version() != Version::HTTP_10 && !head.body_length().is_empty(),
            answer: Progress::None,
        })
    }

    fn decide_keep_alive(&mut self, answer: &Answer<'_>, framing: Framing, ends: bool) {
        // RFC 9110 §10.1.1: a client that got its answer instead of a 100 may send the body or not, so that
        // `ends` is said too where the body was held back.
        let closes = answer.close
            || ends
            // RFC 9931: a CONNECT that was not taken over is over, whatever was answered.
            || self.asked.is_connect
            || framing.encoder == Encoder::UntilClose
            || self.asked.version == Version::HTTP_2;
        self.keep_alive &= !closes;
    }

    /// What the session itself says in `Connection`.
    fn connection_line(&self, answer: &Answer<'_>, says_close: bool) -> Option<&'static [u8]> {
        if self.keep_alive {
            // RFC 9112 §9.3: HTTP/1.0 goes on only where both sides say so.
            return (self.asked.version == Version::HTTP_10).then_some(b"keep-alive");
        }
        (!says_close && !self.asked.opens_tunnel(answer.status)).then_some(b"close")
    }
}

/// Whether the client agrees to further requests on its connection (RFC 9112 §9.3).
fn wants_keep_alive(head: &RequestHead) -> bool {
    match head.version() {
        Version::HTTP_11 => !head.connection_has("close"),
        Version::HTTP_10 => head.connection_has("keep-alive") && !head.connection_has("close"),
        _ => false,
    }
}
