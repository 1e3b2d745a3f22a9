//! `hijack-proto`'s server session, driven as the simplest shell would.

use hijack_proto::Limits;
use hijack_proto::body::{BodyError, BodyEvent};
use hijack_proto::h1::{After, Answer, AnswerBody, Next, ServerSession};
use http::{HeaderMap, Method, StatusCode};

use super::{Message, Ours};
use crate::Accepted;

pub(super) fn read(stream: &[u8], piece: usize) -> Ours {
    Shell::new(stream, piece).run()
}

/// A server without sockets: feeds the session, reads every body, answers 200, and drops the answers.
struct Shell<'s> {
    session: ServerSession,
    stream: &'s [u8],
    fed: usize,
    /// Bytes fed at once.
    piece: usize,
    messages: Vec<Message>,
}

impl<'s> Shell<'s> {
    fn new(stream: &'s [u8], piece: usize) -> Self {
        let session = ServerSession::new(Limits::default());
        Self { session, stream, fed: 0, piece, messages: Vec::new() }
    }

    fn run(mut self) -> Ours {
        let end = loop {
            if let Err(end) = self.serve_one() {
                break end;
            }
        };
        Ours { messages: self.messages, end }
    }

    /// One request and its answer; an error ends the connection, and says why.
    fn serve_one(&mut self) -> Result<(), String> {
        let start = self.consumed();
        let head = loop {
            match self.session.poll_head().map_err(|error| format!("head: {error}"))? {
                Next::Head(head) => break head,
                Next::NeedInput => self.feed(),
                Next::Ended => return Err("end of the stream".to_owned()),
            }
        };
        if head.is_http2_preface() {
            return Err("HTTP/2 preface".to_owned());
        }
        let head_end = self.consumed();
        let is_connect = *head.method() == Method::CONNECT;
        let body =
            if is_connect { Vec::new() } else { self.body().map_err(|error| format!("body: {error}"))? };
        self.messages.push(Message {
            accepted: Accepted { start: head.target().to_vec(), body },
            head: start..head_end,
            body: head_end..self.consumed(),
        });
        if is_connect {
            return Err("taken over by CONNECT".to_owned());
        }
        self.answer()
    }

    fn body(&mut self) -> Result<Vec<u8>, BodyError> {
        self.session.put_continue(&mut Vec::new());
        let mut body = Vec::new();
        loop {
            match self.session.poll_body(usize::MAX)? {
                BodyEvent::Data(bytes) => body.extend_from_slice(&bytes),
                BodyEvent::NeedInput => self.feed(),
                BodyEvent::End(_) => return Ok(body),
            }
        }
    }

    fn answer(&mut self) -> Result<(), String> {
        let headers = HeaderMap::new();
        let answer = Answer {
            status: StatusCode::OK,
            reason: None,
            headers: &headers,
            body: AnswerBody::Exact(0),
            date: None,
            close: false,
        };
        let mut out = Vec::new();
        self.session.put_answer(&answer, &mut out).expect("a legal answer");
        self.session.end_answer(None, &mut out).expect("a legal end");
        match self.session.finish() {
            After::NextHead => Ok(()),
            After::Drain => Err("body not read to its end".to_owned()),
            After::Close => Err("closed behind an answer".to_owned()),
        }
    }

    fn feed(&mut self) {
        let end = self.fed.saturating_add(self.piece).min(self.stream.len());
        self.session.feed(&self.stream[self.fed..end]);
        if self.fed == end {
            self.session.feed_eof();
        }
        self.fed = end;
    }

    fn consumed(&self) -> usize {
        self.fed - self.session.unread().len()
    }
}
