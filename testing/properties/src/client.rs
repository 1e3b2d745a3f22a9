//! The client's session: the same answers, and the same place in the stream, however the bytes in are cut and
//! whatever was asked.

use hijack_proto::Limits;
use hijack_proto::h1::{AnswerBody, Answered, ClientSession, Outgoing, TakeOverError};
use http::{HeaderMap, Method, Version};

use crate::heads::check_error;
use crate::pieces::Cut;
use crate::reader::{Event, Reader, Said};
use crate::source::Source;

/// The input is control (limits, the user's script, lengths of pieces) and the server's bytes.
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
    let [first, others @ ..] = Cut::every(lengths);
    let events = run(bytes, first, limits, script);
    for cut in others {
        assert_eq!(run(bytes, cut, limits, script), events, "cut as {cut:?}");
    }
}

/// The first byte of `script` says how many requests go out ahead, each further one what is asked and what is
/// done with the answer, over and over.
fn run(bytes: &[u8], cut: Cut<'_>, limits: Limits, script: &[u8]) -> Vec<Event> {
    let mut session = ClientSession::new(limits);
    let (ahead, acts) = script.split_first().unwrap_or((&0, &[]));
    let acts = if acts.is_empty() { &[0] } else { acts };
    for act in acts.iter().cycle().take(usize::from(ahead % 5)) {
        ask(&mut session, *act);
        if session.pending() < usize::from(ahead % 5) {
            end_request(&mut session);
        }
    }
    let mut user = User { reader: Reader::new(session, bytes, cut), closes: false };
    for act in acts.iter().cycle() {
        if !user.read_answer(*act) {
            break;
        }
    }
    user.reader.events
}

/// Sends a request, if the session allows another one.
fn ask(session: &mut ClientSession, act: u8) {
    const METHODS: [Method; 4] = [Method::GET, Method::HEAD, Method::CONNECT, Method::POST];
    let pending = session.pending();
    let version = if act & 4 == 0 { Version::HTTP_11 } else { Version::HTTP_10 };
    let method = &METHODS[usize::from(act & 3)];
    let headers = HeaderMap::new();
    let request = Outgoing {
        method,
        target: b"/",
        version,
        host: None,
        upgrade: None,
        headers: &headers,
        body: AnswerBody::Exact(1),
    };
    let mut out = Vec::new();
    let allowed = session.can_send();
    if session.send(&request, &mut out).is_err() {
        assert!(out.is_empty(), "an error writes nothing");
        return;
    }
    assert!(allowed && !session.can_send() && session.is_sending() && session.pending() == pending + 1);
    // Some answers come before the request is sent to its end.
    if !act.is_multiple_of(5) {
        end_request(session);
    }
}

/// Ends the request under way, if one is; until then nothing can be taken over.
fn end_request(session: &mut ClientSession) {
    if !session.is_sending() {
        return;
    }
    assert_eq!(session.take_over(), Err(TakeOverError::RequestUnsent));
    let mut out = Vec::new();
    session.put_data(b"x", &mut out).expect("as long as it said");
    session.end_request(None, &mut out).expect("as long as it said");
    assert!(session.end_request(None, &mut out).is_err() && !session.is_sending());
}

struct User<'w> {
    reader: Reader<'w, ClientSession>,
    /// An answer said that the connection ends.
    closes: bool,
}

impl User<'_> {
    /// One answer and what is done with it; `false` if no other can follow.
    fn read_answer(&mut self, act: u8) -> bool {
        if !self.heads() {
            return false;
        }
        let most = match act >> 6 {
            0 => 0,
            1 => 2,
            _ => usize::MAX,
        };
        let step = if act & 32 == 0 { usize::MAX } else { 3 };
        self.reader.read(most, step);
        end_request(&mut self.reader.session);
        if act & 8 != 0 && self.take_over() {
            return false;
        }
        self.reader.read(usize::MAX, step);
        let goes_on = self.reader.session.finish();
        if act & 16 != 0 {
            ask(&mut self.reader.session, act);
        }
        goes_on
    }

    /// Interim heads and the final one.
    fn heads(&mut self) -> bool {
        loop {
            match self.reader.session.poll_head() {
                Ok(Answered::Interim(head)) => {
                    self.reader.check_last(head.raw());
                    self.reader.say(Said::Head(head.raw().clone()));
                }
                Ok(Answered::Final { id, head, body, closes }) => {
                    self.reader.check_last(head.raw());
                    self.reader.say(Said::Final(head.raw().clone(), id, body, closes));
                    self.closes |= closes;
                    assert!(!self.closes || !self.reader.session.can_send());
                    return true;
                }
                Ok(Answered::NeedInput) => self.reader.feed_next(),
                Ok(Answered::Ended) => {
                    self.reader.say(Said::Ended);
                    return false;
                }
                Err(error) => {
                    assert_eq!(self.reader.session.poll_head().err(), Some(error), "an error stays");
                    assert!(self.reader.session.take_over().is_err() && !self.reader.session.can_send());
                    check_error(&error);
                    self.reader.say(Said::NoHead(error));
                    return false;
                }
            }
        }
    }

    fn take_over(&mut self) -> bool {
        let taken = self.reader.take_over();
        if taken {
            assert!(!self.reader.session.finish() && !self.reader.session.can_send());
        }
        taken
    }
}
