//! The server's side of a connection.

use std::fmt;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, DATE, HeaderMap, TRANSFER_ENCODING, UPGRADE};
use http::{Method, StatusCode, Version};

use super::inbound::Inbound;
use crate::body::{BodyError, BodyEvent, Decoder, EncodeError, Encoder};
use crate::date::FixDate;
use crate::head::{
    Field, Fields, HeadError, Reason, RequestHead, put_decimal, put_headers, put_line, put_status_line,
};
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
    version: Version,
    is_head: bool,
    is_connect: bool,
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

/// The length of an answer's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerBody {
    /// So many bytes.
    Exact(u64),
    /// Not known beforehand: chunks toward HTTP/1.1, the end of the connection toward HTTP/1.0.
    Unknown,
}

/// An answer's head.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// A final status: not 1xx.
    pub status: StatusCode,
    /// Words for the status line, if not the usual ones.
    pub reason: Option<&'a Reason>,
    /// Header fields. `Transfer-Encoding` is left out, framing being the session's; `Content-Length` must fit
    /// the body.
    pub headers: &'a HeaderMap,
    /// The length of the body.
    pub body: AnswerBody,
    /// `Date`, unless the headers have one (RFC 9110 §6.6.1).
    pub date: Option<&'a FixDate>,
    /// End the connection behind this answer.
    pub close: bool,
}

/// The last head of HTTP, in front of a takeover.
#[derive(Debug, Clone, Copy)]
pub struct Handover<'a> {
    /// The status.
    pub status: StatusCode,
    /// Words for the status line, if not the usual ones.
    pub reason: Option<&'a Reason>,
    /// `Date`, unless the headers have one.
    pub date: Option<&'a FixDate>,
    /// The protocol of a 101: written as `Connection` and `Upgrade`. One that
    /// [`tokens::is_protocol`] accepts.
    pub upgrade: Option<&'a str>,
    /// Further header fields, as they are; with `upgrade`, those two excepted.
    pub headers: &'a HeaderMap,
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

/// Why a connection cannot be taken over now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TakeOverError {
    /// No request is open: none came yet, or its head was refused.
    NoExchange,
    /// The answer is complete: the connection is HTTP's again.
    AnswerComplete,
    /// It was taken over before.
    Taken,
    /// (Client) Answers are still to come, so many.
    Pending(usize),
    /// (Client) The body of the last answer was not read to its end.
    BodyUnread,
}

impl fmt::Display for TakeOverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoExchange => f.write_str("no open exchange to take over"),
            Self::AnswerComplete => f.write_str("the answer is already complete"),
            Self::Taken => f.write_str("the connection was already taken over"),
            Self::Pending(count) => write!(f, "{count} answers are still to come"),
            Self::BodyUnread => f.write_str("the answer's body is not read to its end"),
        }
    }
}

impl std::error::Error for TakeOverError {}

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

    /// The next up to `max` bytes of the request's body. Nothing behind them is consumed.
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
        if !interim || open.version == Version::HTTP_10 {
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
        let framing = open.frame(answer, fields)?;
        let body_held_back = open.expects && !self.inbound.body.is_done();
        let says_close =
            fields.has(Field::Connection) && tokens::contains(answer.headers, &CONNECTION, "close");
        open.decide_keep_alive(answer, framing, body_held_back || says_close);
        open.put_head(answer, framing, fields, says_close, out);
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
        put_status_line(out, Version::HTTP_11, head.status, head.reason);
        if let Some(date) = head.date.filter(|_| !head.headers.contains_key(DATE)) {
            put_line(out, b"Date: ", date);
        }
        if let Some(protocol) = head.upgrade {
            put_line(out, b"Connection: ", b"Upgrade");
            put_line(out, b"Upgrade: ", protocol.as_bytes());
        }
        put_headers(out, head.headers, |name| {
            head.upgrade.is_some() && (*name == CONNECTION || *name == UPGRADE)
        });
        out.extend_from_slice(b"\r\n");
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
            // An answer whose declared length is written is complete for the client, ended or not.
            State::Open(Open { answer: Progress::Body(Encoder::Exact(0)), .. }) => {
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

/// How an answer's body is framed, and what its head says of it.
#[derive(Debug, Clone, Copy)]
struct Framing {
    encoder: Encoder,
    content_length: Option<u64>,
}

impl Open {
    fn new(head: &RequestHead) -> Result<Self, HeadError> {
        let expects = head.fields().has(Field::Expect);
        if expects && !head.values("expect").all(|value| value.eq_ignore_ascii_case(b"100-continue")) {
            return Err(HeadError::Expectation);
        }
        Ok(Self {
            version: head.version(),
            is_head: *head.method() == Method::HEAD,
            is_connect: *head.method() == Method::CONNECT,
            keep_alive: wants_keep_alive(head),
            // RFC 9110 §10.1.1: ignored in HTTP/1.0, and where there is no body to hold back.
            expects: expects && head.version() != Version::HTTP_10 && !head.body_length().is_empty(),
            answer: Progress::None,
        })
    }

    /// Decides how the body is framed (RFC 9112 §6).
    fn frame(&self, answer: &Answer<'_>, fields: Fields) -> Result<Framing, EncodeError> {
        if fields.repeats(Field::ContentLength) {
            return Err(EncodeError::WrongLength);
        }
        let length = fields.has(Field::ContentLength).then(|| answer.headers.get(CONTENT_LENGTH)).flatten();
        let declared = match length {
            Some(text) => {
                Some(text.to_str().ok().and_then(|text| text.parse().ok()).ok_or(EncodeError::WrongLength)?)
            }
            None => None,
        };
        let tunnel = self.is_connect && answer.status.is_success();
        if tunnel || answer.status == StatusCode::NO_CONTENT {
            // RFC 9110 §8.6: neither may say a length.
            return Ok(Framing { encoder: Encoder::Discard, content_length: None });
        }
        if self.is_head || answer.status == StatusCode::NOT_MODIFIED {
            // RFC 9110 §9.3.2: the length that GET would have had, where it is known. An empty body given to
            // HEAD says nothing of that length.
            let known = match answer.body {
                AnswerBody::Exact(len) if len > 0 && self.is_head => Some(len),
                _ => None,
            };
            return Ok(Framing { encoder: Encoder::Discard, content_length: declared.or(known) });
        }
        match (answer.body, declared) {
            (AnswerBody::Exact(len), Some(declared)) if len != declared => Err(EncodeError::WrongLength),
            (AnswerBody::Exact(len), _) | (AnswerBody::Unknown, Some(len)) => {
                Ok(Framing { encoder: Encoder::Exact(len), content_length: Some(len) })
            }
            (AnswerBody::Unknown, None) if self.version == Version::HTTP_11 => {
                Ok(Framing { encoder: Encoder::Chunked, content_length: None })
            }
            (AnswerBody::Unknown, None) => Ok(Framing { encoder: Encoder::UntilClose, content_length: None }),
        }
    }

    fn decide_keep_alive(&mut self, answer: &Answer<'_>, framing: Framing, ends: bool) {
        // RFC 9110 §10.1.1: a client that got its answer instead of a 100 may send the body or not, so that
        // `ends` is said too where the body was held back.
        let closes = answer.close
            || ends
            // RFC 9931: a CONNECT that was not taken over is over, whatever was answered.
            || self.is_connect
            || framing.encoder == Encoder::UntilClose
            || self.version == Version::HTTP_2;
        self.keep_alive &= !closes;
    }

    fn put_head(
        &self,
        answer: &Answer<'_>,
        framing: Framing,
        fields: Fields,
        says_close: bool,
        out: &mut Vec<u8>,
    ) {
        // RFC 9112 §2.3: an answer says the highest version that the server speaks, also to HTTP/1.0.
        put_status_line(out, Version::HTTP_11, answer.status, answer.reason);
        if let Some(date) = answer.date.filter(|_| !fields.has(Field::Date)) {
            put_line(out, b"Date: ", date);
        }
        put_headers(out, answer.headers, |name| *name == CONTENT_LENGTH || *name == TRANSFER_ENCODING);
        if let Some(len) = framing.content_length {
            out.extend_from_slice(b"Content-Length: ");
            put_decimal(out, len);
            out.extend_from_slice(b"\r\n");
        }
        if framing.encoder == Encoder::Chunked {
            put_line(out, b"Transfer-Encoding: ", b"chunked");
        }
        if !self.keep_alive {
            if !says_close && !self.is_tunnel(answer) {
                put_line(out, b"Connection: ", b"close");
            }
        } else if self.version == Version::HTTP_10 {
            put_line(out, b"Connection: ", b"keep-alive");
        }
        out.extend_from_slice(b"\r\n");
    }

    fn is_tunnel(&self, answer: &Answer<'_>) -> bool {
        self.is_connect && answer.status.is_success()
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
