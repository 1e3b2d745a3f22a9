//! The server's session: the same events, the same bytes out and the same place in the stream, however the
//! bytes in are cut and whatever the handler does.

use hijack_proto::body::BodyLength;
use hijack_proto::h1::{After, Answer, AnswerBody, Handover, Next, ServerSession, TakeOverError};
use hijack_proto::{HeadError, Limits, RequestHead};
use http::StatusCode;
use http::header::{CONNECTION, HeaderMap, HeaderValue, UPGRADE};

use crate::chunked::{put_chunk, put_last};
use crate::heads::{check_error, write_request};
use crate::pieces::Cut;
use crate::reader::{Event, Reader, Said};
use crate::source::Source;

/// A connection's life.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// What the session said.
    pub events: Vec<Event>,
    /// What it wrote.
    pub out: Vec<u8>,
}

/// The input is control (limits, the handler's script, lengths of pieces) and the client's bytes.
///
/// # Panics
///
/// Where the law is broken.
pub fn session(data: &[u8]) {
    let mut source = Source::new(data);
    let limits = source.limits();
    let script = source.some(8);
    let lengths = source.some(8);
    let bytes = source.rest();
    every_cut(bytes, lengths, limits, script);
    check_rewritten(&run(bytes, Cut::Whole, limits, &READ_ALL), bytes);
}

/// Runs `script` over `bytes` in every cut; gives the record, which is the same for all.
///
/// # Panics
///
/// If it is not.
pub fn every_cut(bytes: &[u8], lengths: &[u8], limits: Limits, script: &[u8]) -> Record {
    let [first, others @ ..] = Cut::every(lengths);
    let record = run(bytes, first, limits, script);
    for cut in others {
        assert_eq!(run(bytes, cut, limits, script), record, "cut as {cut:?}");
    }
    record
}

/// The script of a handler that reads each body to its end and answers then.
pub const READ_ALL: [u8; 2] = [3, 1];

/// Runs a handler over `bytes`: each request takes two bytes of `script`, over and over.
#[must_use]
pub fn run(bytes: &[u8], cut: Cut<'_>, limits: Limits, script: &[u8]) -> Record {
    let reader = Reader::new(ServerSession::new(limits), bytes, cut);
    let mut handler = Handler { reader, out: Vec::new() };
    let mut script = script.iter().copied().cycle();
    loop {
        let mut act = || script.next().unwrap_or_default();
        if !handler.serve(Acts { read: act(), answer: act() }) {
            return Record { events: handler.reader.events, out: handler.out };
        }
    }
}

/// What a handler does with one request.
#[derive(Debug, Clone, Copy)]
struct Acts {
    read: u8,
    answer: u8,
}

impl Acts {
    /// Bytes of the body to be read before the answer.
    fn first_read(self) -> usize {
        match self.read & 3 {
            0 => 0,
            1 => usize::from(self.read >> 4) + 1,
            _ => usize::MAX,
        }
    }

    /// Bytes to be asked for at once.
    fn step(self) -> usize {
        match self.answer >> 4 {
            0 => usize::MAX,
            step => step.into(),
        }
    }
}

struct Handler<'w> {
    reader: Reader<'w, ServerSession>,
    out: Vec<u8>,
}

impl Handler<'_> {
    /// One request; `false` if no other can follow.
    fn serve(&mut self, acts: Acts) -> bool {
        if !self.head() {
            return false;
        }
        self.go_on(acts);
        self.read(acts.first_read(), acts.step());
        match acts.answer & 7 {
            3 => self.take_over(),
            4 => self.answer_in_part(acts) && self.take_over(),
            5 => self.hand_over() && self.take_over(),
            kind => {
                self.answer(kind, acts);
                self.finish(acts)
            }
        }
    }

    /// The next head; `false` if there is none.
    fn head(&mut self) -> bool {
        loop {
            match self.reader.session.poll_head() {
                Ok(Next::Head(head)) => {
                    self.reader.check_last(head.raw());
                    self.reader.say(Said::Head(head.raw().clone()));
                    return true;
                }
                Ok(Next::NeedInput) => self.reader.feed_next(),
                Ok(Next::Ended) => {
                    self.reader.say(Said::Ended);
                    return false;
                }
                Err(error) => {
                    self.refuse(error);
                    return false;
                }
            }
        }
    }

    /// A refusal stays one.
    fn refuse(&mut self, error: HeadError) {
        assert_eq!(self.reader.session.poll_head().err(), Some(error));
        assert_eq!(self.reader.session.take_over(), Err(TakeOverError::NoExchange));
        assert_eq!(self.reader.session.finish(), After::Close);
        check_error(&error);
        self.reader.say(Said::NoHead(error));
    }

    /// Interim answers, if the handler sends any.
    fn go_on(&mut self, acts: Acts) {
        let (session, out) = (&mut self.reader.session, &mut self.out);
        if acts.read & 4 != 0 {
            let before = out.len();
            let result = session.put_interim(StatusCode::EARLY_HINTS, &upgrade_headers(), out);
            assert_eq!(result.is_err(), out.len() == before, "an error writes nothing");
        }
        if acts.read & 8 != 0 {
            session.put_continue(out);
            assert!(!session.expects_continue());
        }
    }

    /// Reads some of the body; its end is known then.
    fn read(&mut self, len: usize, step: usize) {
        self.reader.read(len, step);
        if let Some(Event { said: Said::End(_), .. }) = self.reader.events.last() {
            assert!(self.reader.session.body_is_read());
            assert_eq!(self.reader.session.body_remaining(), Some(0));
        }
    }

    /// An answer of one of five kinds.
    fn answer(&mut self, kind: u8, acts: Acts) {
        let (status, body, data): (u16, AnswerBody, &[u8]) = match kind {
            0 => (200, AnswerBody::Exact(3), b"abc"),
            1 => (404, AnswerBody::Unknown, b"not here"),
            2 => (204, AnswerBody::Exact(0), b""),
            6 => (304, AnswerBody::Unknown, b""),
            _ => (500, AnswerBody::Exact(0), b""),
        };
        let headers = HeaderMap::new();
        let status = StatusCode::from_u16(status).expect("legal");
        let close = acts.answer & 8 != 0;
        let answer = Answer { status, reason: None, headers: &headers, body, date: None, close };
        let (session, out) = (&mut self.reader.session, &mut self.out);
        session.put_answer(&answer, out).expect("an open exchange");
        session.put_data(data, out).expect("as long as it said");
        session.end_answer(None, out).expect("as long as it said");
        assert!(session.put_answer(&answer, out).is_err() && session.put_data(b"x", out).is_err());
        assert_eq!(session.take_over(), Err(TakeOverError::AnswerComplete));
    }

    fn answer_in_part(&mut self, acts: Acts) -> bool {
        let body = if acts.answer & 8 == 0 { AnswerBody::Unknown } else { AnswerBody::Exact(9) };
        let headers = HeaderMap::new();
        let answer = Answer {
            status: StatusCode::OK,
            reason: None,
            headers: &headers,
            body,
            date: None,
            close: false,
        };
        let (session, out) = (&mut self.reader.session, &mut self.out);
        session.put_answer(&answer, out).expect("an open exchange");
        session.put_data(b"part", out).is_ok()
    }

    fn hand_over(&mut self) -> bool {
        let status = StatusCode::SWITCHING_PROTOCOLS;
        let headers = upgrade_headers();
        let head = Handover { status, reason: None, date: None, upgrade: None, headers: &headers };
        self.reader.session.put_handover(&head, &mut self.out).is_ok()
    }

    /// The end of HTTP, or of the connection where it may not be taken over.
    fn take_over(&mut self) -> bool {
        if self.reader.take_over() {
            assert_eq!(self.reader.session.finish(), After::Close);
        }
        false
    }

    /// Reads what is left of the body, if the session asks for it.
    fn finish(&mut self, acts: Acts) -> bool {
        let mut after = self.reader.session.finish();
        self.reader.say(Said::After(after));
        if after == After::Drain {
            self.read(usize::MAX, acts.step());
            after = self.reader.session.finish();
            self.reader.say(Said::After(after));
        }
        after == After::NextHead
    }
}

fn upgrade_headers() -> HeaderMap {
    let upgrade = [(CONNECTION, "upgrade"), (UPGRADE, "tcp")];
    upgrade.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect()
}

/// The requests of `record`, written again from their meaning, are read as the same requests.
fn check_rewritten(record: &Record, bytes: &[u8]) {
    let (written, complete) = rewrite(&record.events);
    let again = run(&written, Cut::Whole, Limits::default(), &READ_ALL);
    let (again, first) = (bodies(&again.events), bodies(&record.events));
    let written = written.escape_ascii();
    assert_eq!(again[..], first[..complete], "{} became {written}", bytes.escape_ascii());
}

/// Every request that was read to its end, and how many those are.
fn rewrite(events: &[Event]) -> (Vec<u8>, usize) {
    let (mut written, mut complete) = (Vec::new(), 0);
    let (mut request, mut chunked) = (Vec::new(), false);
    for event in events {
        match &event.said {
            Said::Head(raw) => {
                let head = RequestHead::parse(raw.clone(), &Limits::default()).expect("parses again");
                chunked = head.body_length() == BodyLength::Chunked;
                request = write_request(&head);
            }
            Said::Data(data) if chunked => put_chunk(&mut request, data),
            Said::Data(data) => request.extend_from_slice(data),
            Said::End(trailers) if chunked => put_last(&mut request, trailers.as_ref()),
            Said::After(After::NextHead) => {
                written.append(&mut request);
                complete += 1;
            }
            _ => {}
        }
    }
    (written, complete)
}

/// Body and trailers of each request, in order.
fn bodies(events: &[Event]) -> Vec<(Vec<u8>, HeaderMap)> {
    let mut bodies: Vec<(Vec<u8>, HeaderMap)> = Vec::new();
    for event in events {
        match (&event.said, bodies.last_mut()) {
            (Said::Head(_), _) => bodies.push(Default::default()),
            (Said::Data(data), Some((body, _))) => body.clone_from(data),
            (Said::End(Some(trailers)), Some((_, body_trailers))) => body_trailers.clone_from(trailers),
            _ => {}
        }
    }
    bodies
}
