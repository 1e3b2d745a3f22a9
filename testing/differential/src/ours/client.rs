//! `hijack-proto`'s client session, driven as the simplest shell would.

use hijack_proto::body::{BodyError, BodyEvent};
use hijack_proto::h1::{AnswerBody, Answered, ClientSession, Outgoing};
use hijack_proto::{Limits, ResponseHead};
use http::header::{HeaderMap, HeaderValue};
use http::{Method, Version};

use super::{Message, Ours};
use crate::{Accepted, Ask, Stream};

pub(super) fn read(stream: &Stream, piece: usize) -> Ours {
    let session = ClientSession::new(Limits::default());
    Shell { session, stream, fed: 0, piece, messages: Vec::new() }.run()
}

/// A client without sockets: sends one request after the other and reads every answer.
struct Shell<'s> {
    session: ClientSession,
    stream: &'s Stream,
    fed: usize,
    /// Bytes fed at once.
    piece: usize,
    messages: Vec<Message>,
}

impl Shell<'_> {
    fn run(mut self) -> Ours {
        let stream = self.stream;
        let end = stream.asks.iter().find_map(|ask| self.exchange(ask).err());
        Ours { messages: self.messages, end: end.unwrap_or_else(|| "nothing more to ask".to_owned()) }
    }

    /// One request and its answer; an error ends the connection, and says why.
    fn exchange(&mut self, ask: &Ask) -> Result<(), String> {
        self.expect_silence()?;
        self.send(ask)?;
        let start = self.consumed();
        let (head, closes) = self.head()?;
        let head_end = self.consumed();
        let body = self.body().map_err(|error| format!("body: {error}"))?;
        self.messages.push(Message {
            accepted: Accepted { start: head.status().as_str().into(), body },
            head: start..head_end,
            body: head_end..self.consumed(),
        });
        if closes {
            return Err("closed behind a response".to_owned());
        }
        assert!(self.session.finish(), "the body was read to its end");
        Ok(())
    }

    /// Hears everything that the server has said so far: nothing of it may be left for the next request.
    fn expect_silence(&mut self) -> Result<(), String> {
        while self.is_within_segment() {
            self.feed();
        }
        match self.session.poll_head().map_err(|error| format!("between exchanges: {error}"))? {
            Answered::NeedInput => Ok(()),
            other => Err(format!("between exchanges: {other:?}")),
        }
    }

    fn send(&mut self, ask: &Ask) -> Result<(), String> {
        let method = Method::from_bytes(ask.method.as_bytes()).expect("a method");
        let request = Outgoing {
            method: &method,
            target: if method == Method::CONNECT { b"a:1" } else { b"/" },
            version: Version::HTTP_11,
            host: Some(&HeaderValue::from_static("a")),
            upgrade: None,
            headers: &HeaderMap::new(),
            body: AnswerBody::Exact(0),
        };
        let mut out = Vec::new();
        self.session.send(&request, &mut out).map_err(|error| format!("not sent: {error}"))?;
        self.session.end_request(None, &mut out).map_err(|error| format!("not sent: {error}"))
    }

    /// The final head, and whether the connection ends behind its body.
    fn head(&mut self) -> Result<(ResponseHead, bool), String> {
        loop {
            match self.session.poll_head().map_err(|error| format!("head: {error}"))? {
                Answered::Final { head, closes, .. } => return Ok((head, closes)),
                Answered::Interim(_) => {}
                Answered::NeedInput => self.feed(),
                Answered::Ended => return Err("end of the stream".to_owned()),
            }
        }
    }

    fn body(&mut self) -> Result<Vec<u8>, BodyError> {
        let mut body = Vec::new();
        loop {
            match self.session.poll_body(usize::MAX)? {
                BodyEvent::Data(bytes) => body.extend_from_slice(&bytes),
                BodyEvent::NeedInput => self.feed(),
                BodyEvent::End(_) => return Ok(body),
            }
        }
    }

    /// The next piece, or the end of the stream; a piece does not reach into the next segment.
    fn feed(&mut self) {
        let Some(segment) = self.stream.segments().find(|segment| segment.end > self.fed) else {
            return self.session.feed_eof();
        };
        let end = self.fed.saturating_add(self.piece).min(segment.end);
        self.session.feed(&self.stream.bytes[self.fed..end]);
        self.fed = end;
    }

    fn is_within_segment(&self) -> bool {
        self.stream.segments().any(|segment| segment.start < self.fed && self.fed < segment.end)
    }

    fn consumed(&self) -> usize {
        self.fed - self.session.unread().len()
    }
}

#[cfg(test)]
mod tests {
    use super::{Ours, Stream};
    use crate::escape::unescape;

    /// Status and body of each answer, and why there are no more of them.
    fn read(text: &str) -> (Vec<(String, String)>, String) {
        let read = unescape(text).expect("well-formed");
        let stream = Stream { name: "test".to_owned(), bytes: read.bytes, asks: read.asks, expected: None };
        let ours = Ours::of(&stream, usize::MAX);
        assert_eq!(Ours::of(&stream, 1), ours);
        let text = |bytes| String::from_utf8(bytes).expect("ASCII");
        let answers = ours.messages.into_iter().map(|message| message.accepted);
        (answers.map(|answer| (text(answer.start), text(answer.body))).collect(), ours.end)
    }

    fn answer(status: &str, body: &str) -> (String, String) {
        (status.to_owned(), body.to_owned())
    }

    #[test]
    fn asks_again_behind_an_answer() {
        let script = r"\{GET}HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na\{HEAD}HTTP/1.1 404 No\r\n\r\n";
        let answers = vec![answer("200", "a"), answer("404", "")];
        assert_eq!(read(script), (answers, "nothing more to ask".to_owned()));
    }

    #[test]
    fn takes_what_came_unasked_for_no_answer() {
        let script = r"\{GET}HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1\{GET}.1 404 No\r\n\r\n";
        let end = "between exchanges: answer to no request".to_owned();
        assert_eq!(read(script), (vec![answer("200", "a")], end));
    }

    #[test]
    fn reads_on_where_an_answer_is_incomplete() {
        let script = r"\{GET}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na\{GET}b\{GET}";
        assert_eq!(read(script), (vec![answer("200", "ab")], "end of the stream".to_owned()));
    }
}
