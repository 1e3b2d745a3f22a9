//! The client's side of a connection.

use std::collections::VecDeque;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderValue, TRANSFER_ENCODING, UPGRADE};
use http::{Method, StatusCode, Version};

use super::answer::{AnswerBody, declared_length};
use super::inbound::Inbound;
use super::takeover::TakeOverError;
use crate::body::{BodyError, BodyEvent, BodyLength, Decoder, EncodeError, Encoder, response_length};
use crate::head::{Fields, HeadError, ResponseHead, put_decimal, put_headers, put_line, put_request_line};
use crate::{Limits, tokens};

/// One HTTP/1.1 connection as a client sees it: requests go out one by one or ahead of their answers, answers
/// come in order.
///
/// ```
/// use http::{HeaderMap, Method, Version};
/// use hijack_proto::h1::{AnswerBody, Answered, ClientSession, Outgoing};
///
/// let mut session = ClientSession::new(hijack_proto::Limits::default());
/// let mut out = Vec::new();
/// let (method, headers) = (Method::CONNECT, HeaderMap::new());
/// let request = Outgoing {
///     method: &method, target: b"a:1", version: Version::HTTP_10, host: None, upgrade: None,
///     headers: &headers, body: AnswerBody::Exact(0),
/// };
/// session.send(&request, &mut out).unwrap();
/// session.end_request(None, &mut out).unwrap();
/// assert_eq!(out, b"CONNECT a:1 HTTP/1.0\r\n\r\n");
///
/// session.feed(b"HTTP/1.1 200 OK\r\n\r\nfirst bytes");
/// let Ok(Answered::Final { head, .. }) = session.poll_head() else { panic!("a whole head") };
/// assert_eq!(head.status(), 200);
/// assert_eq!(&session.take_over().unwrap()[..], b"first bytes");
/// ```
#[derive(Debug)]
pub struct ClientSession {
    limits: Limits,
    inbound: Inbound,
    /// Requests whose final answer's head has not come, oldest first.
    pending: VecDeque<Pending>,
    /// The body of the newest request, while it is being written.
    sending: Option<Encoder>,
    reading: Reading,
    next_id: u64,
    /// Nobody has said so far that the connection ends.
    keep_alive: bool,
}

#[derive(Debug)]
struct Pending {
    id: RequestId,
    method: Method,
}

#[derive(Debug)]
enum Reading {
    /// Before a head; so many interim ones came for the same request.
    Head(usize),
    /// Behind a final head; whether anything of its body was given out.
    Body {
        touched: bool,
    },
    Taken,
    Failed(HeadError),
}

/// Names a request on its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(u64);

/// A request's head.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// The method.
    pub method: &'a Method,
    /// The target as it is to stand in the start line.
    pub target: &'a [u8],
    /// HTTP/1.0 or HTTP/1.1.
    pub version: Version,
    /// `Host`, unless the headers have one. RFC 9112 §3.2: HTTP/1.1 must send it, and best first.
    pub host: Option<&'a HeaderValue>,
    /// Protocols to upgrade to, as a list: written as `Connection` and `Upgrade` in place of those of the headers.
    pub upgrade: Option<&'a HeaderValue>,
    /// Further header fields. `Transfer-Encoding` is left out; `Content-Length` must fit the body.
    pub headers: &'a HeaderMap,
    /// The length of the body.
    pub body: AnswerBody,
}

/// What [`ClientSession::poll_head`] gives.
#[derive(Debug)]
pub enum Answered {
    /// An interim answer (1xx but 101); the final one is still to come.
    Interim(ResponseHead),
    /// The final answer to the oldest request.
    Final {
        /// Which request it answers.
        id: RequestId,
        /// Its head.
        head: ResponseHead,
        /// The length of its body.
        body: BodyLength,
        /// The server will end the connection behind it: no further request is answered.
        closes: bool,
    },
    /// More bytes are needed.
    NeedInput,
    /// The server ended the connection; nothing was under way that began to be answered.
    Ended,
}

impl ClientSession {
    /// A session for a new connection.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            inbound: Inbound::new(),
            pending: VecDeque::new(),
            sending: None,
            reading: Reading::Head(0),
            next_id: 0,
            keep_alive: true,
        }
    }

    /// Numbers the requests from `first` on: where several sessions begin far enough from each other, none takes
    /// another's [`RequestId`] for its own.
    #[must_use]
    pub fn numbered_from(mut self, first: u64) -> Self {
        self.next_id = first;
        self
    }

    /// Hands over bytes that the server sent.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.inbound.feed(bytes);
    }

    /// Says that the server sends nothing any more.
    pub fn feed_eof(&mut self) {
        self.inbound.feed_eof();
    }

    /// Bytes fed and not given out yet.
    #[must_use]
    pub fn unread(&self) -> &[u8] {
        self.inbound.unread()
    }

    /// Requests sent whose final answer's head has not come yet.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// The request that the next final answer belongs to.
    #[must_use]
    pub fn next_pending(&self) -> Option<RequestId> {
        self.pending.front().map(|pending| pending.id)
    }

    /// Whether the body of the last request is still being written.
    #[must_use]
    pub fn is_sending(&self) -> bool {
        self.sending.is_some()
    }

    /// Whether an answer's body is under way.
    #[must_use]
    pub fn is_in_body(&self) -> bool {
        matches!(self.reading, Reading::Body { .. })
    }

    /// Whether nobody has announced the end of the connection.
    #[must_use]
    pub fn keeps_alive(&self) -> bool {
        self.keep_alive
    }

    /// Lets no further request follow: the last one cannot be ended as its head promised, or bytes that are no
    /// request were sent behind it.
    pub fn end_requests(&mut self) {
        self.keep_alive = false;
    }

    /// Whether a further request may be sent: neither side has announced the end, and the body of the last
    /// request is written.
    #[must_use]
    pub fn can_send(&self) -> bool {
        self.keep_alive
            && self.sending.is_none()
            && matches!(self.reading, Reading::Head(_) | Reading::Body { .. })
    }

    /// Writes a request's head.
    ///
    /// # Errors
    ///
    /// An [`EncodeError`]; nothing was written then.
    pub fn send(&mut self, request: &Outgoing<'_>, out: &mut Vec<u8>) -> Result<RequestId, EncodeError> {
        if !self.can_send() {
            return Err(EncodeError::NotOpen);
        }
        if self.pending.len() >= self.limits.pipelined {
            return Err(EncodeError::TooManyPending { limit: self.limits.pipelined });
        }
        if request.target.is_empty()
            || !request.target.iter().all(|byte| matches!(byte, b'!'..=b'~' | 0x80..))
        {
            return Err(EncodeError::Target);
        }
        let (encoder, length) = frame(request)?;
        put_request_line(out, request.method, request.target, request.version);
        if let Some(host) = request.host.filter(|_| !request.headers.contains_key(HOST)) {
            put_line(out, b"Host: ", host.as_bytes());
        }
        if let Some(protocols) = request.upgrade {
            put_line(out, b"Connection: ", b"Upgrade");
            put_line(out, b"Upgrade: ", protocols.as_bytes());
        }
        put_headers(out, request.headers, |name| {
            *name == CONTENT_LENGTH
                || *name == TRANSFER_ENCODING
                || (request.upgrade.is_some() && (*name == CONNECTION || *name == UPGRADE))
        });
        if let Some(len) = length {
            out.extend_from_slice(b"Content-Length: ");
            put_decimal(out, len);
            out.extend_from_slice(b"\r\n");
        }
        if encoder == Encoder::Chunked {
            put_line(out, b"Transfer-Encoding: ", b"chunked");
        }
        out.extend_from_slice(b"\r\n");
        let id = RequestId(self.next_id);
        self.next_id += 1;
        self.pending.push_back(Pending { id, method: request.method.clone() });
        self.sending = Some(encoder);
        self.keep_alive = request.version == Version::HTTP_11
            && (request.upgrade.is_some() || !tokens::contains(request.headers, &CONNECTION, "close"));
        Ok(id)
    }

    /// Writes a part of the body of the request sent last.
    ///
    /// # Errors
    ///
    /// An [`EncodeError`]; nothing was written then.
    pub fn put_data(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.sending.as_mut().ok_or(EncodeError::NotOpen)?.put(data, out)
    }

    /// Writes what stands in front of `len` bytes of the body, for bytes that the shell writes by itself; behind
    /// them it calls [`close_data`](Self::close_data).
    ///
    /// # Errors
    ///
    /// An [`EncodeError`]; nothing was written then.
    pub fn open_data(&mut self, len: usize, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.sending.as_mut().ok_or(EncodeError::NotOpen)?.open(len, out).map(drop)
    }

    /// Writes what stands behind the bytes of [`open_data`](Self::open_data).
    pub fn close_data(&mut self, out: &mut Vec<u8>) {
        if let Some(encoder) = self.sending {
            encoder.close(out);
        }
    }

    /// Ends the request sent last.
    ///
    /// # Errors
    ///
    /// [`EncodeError::TooShort`] if bytes of the declared length are missing, [`EncodeError::NotOpen`] without a
    /// request under way.
    pub fn end_request(
        &mut self,
        trailers: Option<&HeaderMap>,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        self.sending.ok_or(EncodeError::NotOpen)?.end(trailers, out)?;
        self.sending = None;
        Ok(())
    }

    /// The next head that the server sent.
    ///
    /// # Errors
    ///
    /// A [`HeadError`], again at each further call: the connection can then only be closed.
    ///
    /// # Panics
    ///
    /// While the body of an answer is being read, or after a takeover: a mistake of the shell's.
    pub fn poll_head(&mut self) -> Result<Answered, HeadError> {
        match &self.reading {
            Reading::Head(_) => {}
            Reading::Failed(error) => return Err(*error),
            Reading::Body { .. } | Reading::Taken => panic!("poll_head within an answer"),
        }
        self.next_head().inspect_err(|error| self.reading = Reading::Failed(*error))
    }

    fn next_head(&mut self) -> Result<Answered, HeadError> {
        if self.pending.is_empty() && !self.inbound.unread().is_empty() {
            return Err(HeadError::Unasked);
        }
        let Some(raw) = self.inbound.next_head(&self.limits)? else {
            return match (self.inbound.is_eof(), self.inbound.unread().is_empty()) {
                (true, true) if matches!(self.reading, Reading::Head(1..)) => Err(HeadError::Truncated),
                (true, true) => Ok(Answered::Ended),
                (true, false) => Err(HeadError::Truncated),
                (false, _) => {
                    self.inbound.shrink();
                    Ok(Answered::NeedInput)
                }
            };
        };
        let head = ResponseHead::parse(raw, &self.limits)?;
        if head.status().is_informational() && head.status() != StatusCode::SWITCHING_PROTOCOLS {
            return self.count_interim(head);
        }
        self.begin_answer(head)
    }

    fn count_interim(&mut self, head: ResponseHead) -> Result<Answered, HeadError> {
        let Reading::Head(interims) = &mut self.reading else { unreachable!("heads are read here only") };
        *interims += 1;
        if *interims > self.limits.interims {
            return Err(HeadError::TooManyInterims { limit: self.limits.interims });
        }
        Ok(Answered::Interim(head))
    }

    fn begin_answer(&mut self, head: ResponseHead) -> Result<Answered, HeadError> {
        let Some(Pending { id, method }) = self.pending.pop_front() else { return Err(HeadError::Unasked) };
        let body = response_length(&method, head.version(), head.status(), head.known())?;
        let tunnel = head.status() == StatusCode::SWITCHING_PROTOCOLS
            || (method == Method::CONNECT && head.status().is_success());
        let closes = tunnel || body == BodyLength::UntilClose || !persists(&head);
        self.keep_alive &= !closes;
        self.inbound.body = Decoder::new(body);
        self.reading = Reading::Body { touched: false };
        Ok(Answered::Final { id, head, body, closes })
    }

    /// The next up to `max` bytes of the answer's body. Nothing behind them is consumed; a
    /// `max` of zero counts as one.
    ///
    /// # Errors
    ///
    /// A [`BodyError`], again at each further call.
    pub fn poll_body(&mut self, max: usize) -> Result<BodyEvent, BodyError> {
        let event = self.inbound.next_body(max, &self.limits)?;
        if let Reading::Body { touched } = &mut self.reading {
            *touched |= matches!(event, BodyEvent::Data(_));
        }
        Ok(event)
    }

    /// Makes ready for the next answer; `false` if the body of the last one is not read to its end.
    pub fn finish(&mut self) -> bool {
        let done = matches!(self.reading, Reading::Body { .. }) && self.inbound.body.is_done();
        if done {
            self.reading = Reading::Head(0);
        }
        done
    }

    /// Ends HTTP on this connection and gives every byte that the server sent and nobody was given yet.
    ///
    /// It may stand behind the head of an answer of any status, or between two exchanges.
    ///
    /// # Errors
    ///
    /// A [`TakeOverError`] while a request is half sent, answers are still to come or a body is half read; the
    /// session is as it was.
    pub fn take_over(&mut self) -> Result<Bytes, TakeOverError> {
        if self.sending.is_some() {
            return Err(TakeOverError::RequestUnsent);
        }
        if !self.pending.is_empty() {
            return Err(TakeOverError::Pending(self.pending.len()));
        }
        match self.reading {
            Reading::Body { touched: true } if !self.inbound.body.is_done() => Err(TakeOverError::BodyUnread),
            Reading::Head(_) | Reading::Body { .. } => {
                self.reading = Reading::Taken;
                Ok(self.inbound.take_unread())
            }
            Reading::Taken => Err(TakeOverError::Taken),
            Reading::Failed(_) => Err(TakeOverError::NoExchange),
        }
    }
}

/// How a request's body is framed, and the length that its head tells (RFC 9112 §6).
fn frame(request: &Outgoing<'_>) -> Result<(Encoder, Option<u64>), EncodeError> {
    let declared = declared_length(request.headers, Fields::of(request.headers))?;
    match (request.body, declared) {
        (AnswerBody::Exact(len), Some(declared)) if len != declared => Err(EncodeError::WrongLength),
        // RFC 9110 §8.6: methods that expect a body say its length even when it is empty.
        (AnswerBody::Exact(0), None) => {
            let says = [Method::POST, Method::PUT, Method::PATCH].contains(request.method);
            Ok((Encoder::Exact(0), says.then_some(0)))
        }
        (AnswerBody::Exact(len), _) | (AnswerBody::Unknown, Some(len)) => {
            Ok((Encoder::Exact(len), Some(len)))
        }
        (AnswerBody::Unknown, None) if request.version == Version::HTTP_11 => Ok((Encoder::Chunked, None)),
        (AnswerBody::Unknown, None) => Err(EncodeError::UnknownLength),
    }
}

/// Whether the server goes on behind this answer (RFC 9112 §9.3).
fn persists(head: &ResponseHead) -> bool {
    let has = |option| head.known().connection_has(option);
    !has("close") && (head.version() == Version::HTTP_11 || has("keep-alive"))
}
