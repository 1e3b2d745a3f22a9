//! What one role writes the other one reads: start line, headers, body, trailers, and whether the connection
//! goes on.

use std::collections::BTreeMap;

use hijack_proto::body::{BodyEvent, BodyLength, EncodeError};
use hijack_proto::h1::{
    After, Answer, AnswerBody, Answered, ClientSession, Handover, Next, Outgoing, ServerSession,
};
use hijack_proto::{HeadError, Limits, Reason, RequestHead, date, tokens};
use http::header::{
    CONNECTION, CONTENT_LENGTH, DATE, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use http::{Method, StatusCode, Version};

use crate::source::Source;

/// The input chooses up to four exchanges on one connection between a client's and a server's session.
///
/// # Panics
///
/// Where what is read is not what was to be written.
pub fn round_trip(data: &[u8]) {
    let mut source = Source::new(data);
    let mut pair =
        Pair { client: ClientSession::new(Limits::default()), server: ServerSession::new(Limits::default()) };
    for _ in 0..4 {
        if !pair.exchange(&mut source) {
            break;
        }
    }
}

/// A message to be written.
struct Message {
    headers: HeaderMap,
    pieces: Vec<Vec<u8>>,
    length: AnswerBody,
    trailers: Option<HeaderMap>,
}

impl Message {
    fn choose(source: &mut Source<'_>) -> Self {
        let headers = choose_headers(source);
        let pieces: Vec<Vec<u8>> = (0..source.below(4)).map(|_| source.some(40).to_vec()).collect();
        let length = pieces.iter().map(Vec::len).sum::<usize>() as u64;
        let fits = declared(&headers).is_none_or(|declared| declared == length);
        let unknown = source.below(2) != 0 && fits;
        let length = if unknown { AnswerBody::Unknown } else { AnswerBody::Exact(length) };
        let trailers = (source.below(3) == 0).then(|| choose_headers(source));
        Self { headers, pieces, length, trailers }
    }

    fn body(&self) -> Vec<u8> {
        self.pieces.concat()
    }
}

fn declared(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// A request to be written.
struct Request {
    method: Method,
    version: Version,
    target: Vec<u8>,
    message: Message,
}

impl Request {
    fn choose(source: &mut Source<'_>) -> Option<Self> {
        let method = choose_method(source)?;
        let version = source.one_of(&[Version::HTTP_11, Version::HTTP_10]);
        let target = choose_target(source);
        let mut message = Message::choose(source);
        message.headers.remove(EXPECT);
        message.headers.insert(HOST, HeaderValue::from_static("a:1"));
        if source.below(4) == 0 {
            message.headers.insert(EXPECT, HeaderValue::from_static("100-continue"));
        }
        Some(Self { method, version, target, message })
    }
}

/// What was read of a message behind its head.
#[derive(Debug, Default)]
struct Content {
    body: Vec<u8>,
    trailers: Option<HeaderMap>,
}

struct Pair {
    client: ClientSession,
    server: ServerSession,
}

impl Pair {
    /// One request and its answer; `false` if the connection is over.
    fn exchange(&mut self, source: &mut Source<'_>) -> bool {
        let Some(head) = self.request(source) else { return false };
        self.answer(&head, source)
    }

    /// A request that is written and read, or one that either side refuses for a reason.
    fn request(&mut self, source: &mut Source<'_>) -> Option<RequestHead> {
        let request = Request::choose(source)?;
        let head = self.send(&request)?;
        let Request { method, version, target, message } = &request;
        assert_eq!((head.method(), head.target(), head.version()), (method, &target[..], *version));
        assert_headers(&message.headers, head.headers());
        let expects = message.headers.contains_key(EXPECT) && *version == Version::HTTP_11;
        assert_eq!(self.server.expects_continue(), expects && !head.body_length().is_empty());
        self.go_on(&head, source);
        if source.below(4) != 0 {
            self.read_request(&head, message);
        }
        Some(head)
    }

    /// The head as the server reads it.
    fn send(&mut self, request: &Request) -> Option<RequestHead> {
        let Request { method, version, target, message } = request;
        let (headers, body) = (&message.headers, message.length);
        let outgoing =
            Outgoing { method, target, version: *version, host: None, upgrade: None, headers, body };
        let mut wire = Vec::new();
        if let Err(error) = self.client.send(&outgoing, &mut wire) {
            check_unsent(error, &outgoing, &wire);
            return None;
        }
        for piece in &message.pieces {
            self.client.put_data(piece, &mut wire).expect("as long as it said");
        }
        self.client.end_request(message.trailers.as_ref(), &mut wire).expect("as long as it said");
        self.server.feed(&wire);
        match self.server.poll_head() {
            Ok(Next::Head(head)) => Some(head),
            Err(HeadError::Target) => None, // not every target of legal bytes has a legal form
            Err(HeadError::StartLine) if std::str::from_utf8(target).is_err() => None,
            other => panic!("{} is read as {other:?}", wire.escape_ascii()),
        }
    }

    /// Interim answers.
    fn go_on(&mut self, head: &RequestHead, source: &mut Source<'_>) {
        let mut wire = Vec::new();
        let mut expected = Vec::new();
        if self.server.expects_continue() && source.below(2) == 0 {
            self.server.put_continue(&mut wire);
            expected.push((StatusCode::CONTINUE, HeaderMap::new()));
        }
        if source.below(4) == 0 {
            let status = StatusCode::from_u16(100 + u16::from(source.below(100))).expect("legal");
            let headers = choose_headers(source);
            let written = self.server.put_interim(status, &headers, &mut wire);
            let legal = status != StatusCode::SWITCHING_PROTOCOLS && head.version() == Version::HTTP_11;
            assert_eq!(written.is_ok(), legal, "{status}");
            if legal {
                expected.push((status, headers));
            }
        }
        self.client.feed(&wire);
        for (status, headers) in expected {
            let read = self.client.poll_head();
            let Ok(Answered::Interim(head)) = read else { panic!("{status} is read as {read:?}") };
            assert_eq!(head.status(), status);
            assert_headers(&headers, head.headers());
        }
    }

    fn read_request(&mut self, head: &RequestHead, message: &Message) {
        let read = read_all(|| self.server.poll_body(usize::MAX));
        assert_eq!(read.body, message.body());
        if head.body_length() == BodyLength::Chunked {
            assert_trailers(message.trailers.as_ref(), read.trailers.as_ref());
        }
        assert!(self.server.body_is_read());
    }

    /// An answer, or a takeover in its place; `false` if the connection is over.
    fn answer(&mut self, request: &RequestHead, source: &mut Source<'_>) -> bool {
        if source.below(5) == 0 {
            self.hand_over(source);
            return false;
        }
        let message = Message::choose(source);
        let status = StatusCode::from_u16(100 + u16::from(source.byte()) * 3).expect("legal");
        let reason = Reason::new(&String::from_utf8_lossy(source.some(5)));
        let date = date::fixdate(u64::from(source.byte()) << 24);
        let answer = Answer {
            status,
            reason: reason.as_ref(),
            headers: &message.headers,
            body: message.length,
            date: (source.below(2) == 0).then_some(&date),
            close: source.below(4) == 0,
        };
        let Some(wire) = self.write_answer(&answer, &message, source) else { return false };
        self.client.feed(&wire);
        let closes = self.read_answer(request, &answer, &message);
        self.check_after(closes)
    }

    /// The answer's bytes, or none if the session refuses it for a reason.
    fn write_answer(
        &mut self,
        answer: &Answer<'_>,
        message: &Message,
        source: &mut Source<'_>,
    ) -> Option<Vec<u8>> {
        let mut wire = Vec::new();
        if let Err(error) = self.server.put_answer(answer, &mut wire) {
            let expected = [EncodeError::Status(answer.status), EncodeError::WrongLength];
            assert!(expected.contains(&error), "{error:?}");
            assert!(answer.status.is_informational() || message.headers.contains_key(CONTENT_LENGTH));
            assert!(wire.is_empty(), "an error writes nothing");
            return None;
        }
        for piece in &message.pieces {
            self.put_piece(piece, &mut wire, source);
        }
        self.server.end_answer(message.trailers.as_ref(), &mut wire).expect("as long as it said");
        Some(wire)
    }

    /// In one call or around bytes written by the caller.
    fn put_piece(&mut self, piece: &[u8], wire: &mut Vec<u8>, source: &mut Source<'_>) {
        if source.below(2) == 0 {
            return self.server.put_data(piece, wire).expect("as long as it said");
        }
        if self.server.open_data(piece.len(), wire).expect("as long as it said") {
            wire.extend_from_slice(piece);
            self.server.close_data(wire);
        }
    }

    /// Gives whether the connection ends behind the answer.
    fn read_answer(&mut self, request: &RequestHead, answer: &Answer<'_>, message: &Message) -> bool {
        let read = self.client.poll_head();
        let Ok(Answered::Final { head, body, closes, .. }) = read else {
            panic!("an answer is read as {read:?}")
        };
        assert_eq!((head.status(), head.version()), (answer.status, Version::HTTP_11));
        let usual = answer.status.canonical_reason().unwrap_or_default();
        assert_eq!(head.reason(), answer.reason.map_or(usual, Reason::as_str).as_bytes());
        assert_headers(answer.headers, head.headers());
        if let (Some(date), None) = (answer.date, answer.headers.get(DATE)) {
            assert_eq!(head.headers()[DATE], date[..]);
        }
        if closes {
            self.client.feed_eof();
        }
        let content = read_all(|| self.client.poll_body(usize::MAX));
        let tunnel = *request.method() == Method::CONNECT && answer.status.is_success();
        let bodiless = *request.method() == Method::HEAD || [204, 304].contains(&answer.status.as_u16());
        let expected = if tunnel || bodiless { Vec::new() } else { message.body() };
        assert_eq!(content.body, expected);
        if body == BodyLength::Chunked {
            assert_trailers(message.trailers.as_ref(), content.trailers.as_ref());
        }
        assert!(self.client.unread().is_empty(), "nothing stands behind the answer");
        closes
    }

    /// Both sides agree whether the connection goes on; `false` if it does not.
    fn check_after(&mut self, closes: bool) -> bool {
        let mut after = self.server.finish();
        if after == After::Drain {
            read_all(|| self.server.poll_body(5));
            after = self.server.finish();
        }
        assert_eq!(after == After::Close, closes);
        if !closes {
            assert!(self.client.finish());
        }
        self.client.can_send()
    }

    /// Both sides leave HTTP behind a head of any status, and find the other's raw bytes.
    fn hand_over(&mut self, source: &mut Source<'_>) {
        let status = source.one_of(&[StatusCode::SWITCHING_PROTOCOLS, StatusCode::OK]);
        let raw = source.some(40);
        let headers = choose_headers(source);
        let mut wire = Vec::new();
        let head = Handover { status, reason: None, date: None, upgrade: None, headers: &headers };
        self.server.put_handover(&head, &mut wire).expect("unanswered");
        wire.extend_from_slice(raw);
        self.client.feed(&wire);
        match self.client.poll_head() {
            Ok(Answered::Final { head, .. }) => {
                assert_eq!((head.status(), head.version()), (status, Version::HTTP_11));
                assert_headers(&headers, head.headers());
                assert_eq!(self.client.take_over().as_deref(), Ok(raw));
            }
            Err(HeadError::Framing(_)) => {
                assert!(headers.contains_key(CONTENT_LENGTH) || headers.contains_key(TRANSFER_ENCODING));
            }
            other => panic!("{} is read as {other:?}", wire.escape_ascii()),
        }
        let unread = self.server.unread().to_vec();
        self.server.feed(raw);
        assert_eq!(self.server.take_over().as_deref(), Ok(&[&unread, raw].concat()[..]));
    }
}

/// A refused request was not written, and is one that may be refused.
fn check_unsent(error: EncodeError, request: &Outgoing<'_>, wire: &[u8]) {
    assert!(wire.is_empty(), "an error writes nothing");
    match error {
        EncodeError::WrongLength => assert!(request.headers.contains_key(CONTENT_LENGTH)),
        EncodeError::UnknownLength => assert_eq!(request.version, Version::HTTP_10),
        EncodeError::Target => assert!(request.target.iter().any(|byte| !byte.is_ascii_graphic())),
        other => panic!("refused with {other:?}"),
    }
}

fn read_all<E: std::fmt::Debug>(mut poll: impl FnMut() -> Result<BodyEvent, E>) -> Content {
    let mut content = Content::default();
    loop {
        match poll().expect("a legal body") {
            BodyEvent::Data(data) => content.body.extend_from_slice(&data),
            BodyEvent::End(trailers) => return Content { trailers, ..content },
            BodyEvent::NeedInput => panic!("the body is all there"),
        }
    }
}

fn choose_method(source: &mut Source<'_>) -> Option<Method> {
    match source.below(8) {
        0 => Method::from_bytes(source.some(9)).ok(),
        1 => Some(Method::HEAD),
        2 => Some(Method::CONNECT),
        3 => Some(Method::PUT),
        4 => Some(Method::OPTIONS),
        5 => Some(Method::GET),
        _ => Some(Method::POST),
    }
}

fn choose_target(source: &mut Source<'_>) -> Vec<u8> {
    let start: &[u8] = source.one_of(&[&b"/"[..], b"a:1", b"http://a/", b"*", b""]);
    let more = if source.below(3) == 0 { source.some(12) } else { b"" };
    let target = [start, more].concat();
    if target.is_empty() { b"/".to_vec() } else { target }
}

/// Up to four fields; what is no legal name or value is left out.
fn choose_headers(source: &mut Source<'_>) -> HeaderMap {
    const NAMES: [HeaderName; 5] = [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, DATE, HOST];
    const VALUES: [&[u8]; 5] = [b"close", b"Keep-Alive, x", b"chunked", b"5", b""];
    let mut headers = HeaderMap::new();
    for _ in 0..source.below(5) {
        let name = match source.below(8) {
            chosen @ 0..5 => Some(NAMES[usize::from(chosen)].clone()),
            _ => HeaderName::from_bytes(source.some(9)).ok(),
        };
        let value = match source.below(8) {
            chosen @ 0..5 => VALUES[usize::from(chosen)],
            _ => source.some(20),
        };
        if let (Some(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    headers
}

/// Every field written is read, trimmed; framing and `Connection` are the session's, which adds to them.
fn assert_headers(written: &HeaderMap, read: &HeaderMap) {
    let session_writes = |name: &HeaderName| {
        [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING].contains(name)
            || (*name == DATE && !written.contains_key(DATE))
    };
    assert_eq!(fields(read, |name| !session_writes(name)), fields(written, |name| !session_writes(name)));
    for value in written.get_all(CONNECTION) {
        assert!(read.get_all(CONNECTION).iter().any(|found| found == tokens::trim(value.as_bytes())));
    }
}

/// What may trail was read (RFC 9110 §6.5.1).
fn assert_trailers(written: Option<&HeaderMap>, read: Option<&HeaderMap>) {
    const DROPPED: [&str; 10] = [
        "content-length",
        "transfer-encoding",
        "host",
        "connection",
        "upgrade",
        "te",
        "trailer",
        "content-encoding",
        "content-type",
        "content-range",
    ];
    let keep = |name: &HeaderName| !DROPPED.contains(&name.as_str());
    let fields = |headers: Option<&HeaderMap>, keep: &dyn Fn(&HeaderName) -> bool| {
        headers.map(|headers| fields(headers, keep)).unwrap_or_default()
    };
    assert_eq!(fields(read, &|_| true), fields(written, &keep));
}

type Fields = BTreeMap<String, Vec<Vec<u8>>>;

fn fields(headers: &HeaderMap, keep: impl Fn(&HeaderName) -> bool) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in headers.iter().filter(|(name, _)| keep(name)) {
        let value = tokens::trim(value.as_bytes()).to_vec();
        fields.entry(name.as_str().to_owned()).or_default().push(value);
    }
    fields
}
