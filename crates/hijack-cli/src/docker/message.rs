//! One direction of a traced connection: where its heads, bodies and frames are.
//!
//! Made to be shown, not to be believed: what it cannot read is bytes. `hijack-proto` judges.

use std::sync::{Arc, Mutex, PoisonError};

use hijack_docker::stream::{Framing, MULTIPLEXED_STREAM, StreamType};
use hijack_proto::stream::{Decoded, Decoder, FrameError};

/// What there is to show.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A line of a head.
    Line(String),
    /// A body has ended that was so long.
    Body(u64),
    /// So many bytes of a stream.
    Bytes(usize),
    /// A frame begins.
    Frame(StreamType, u32),
    /// No frame comes any more, and this is why.
    Unframed(FrameError),
}

/// Whose messages they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Client,
    Server,
}

pub(super) struct Message {
    side: Side,
    state: State,
    /// Bytes of a head or of a chunk's line that is not whole.
    held: Vec<u8>,
    /// Bytes of the body so far.
    body: u64,
    /// The first line of the last head.
    first: String,
    /// How output is framed where nothing says so.
    framing: Arc<Mutex<Framing>>,
    /// Finds the frames of output; none if it has none, or none any more.
    frames: Option<Decoder>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    /// So many bytes of a body are to come.
    Length(u64),
    /// In front of a chunk, of a process's output or not, or of the trailers.
    Chunk {
        output: bool,
    },
    /// So many bytes of a chunk are to come, with the end of its line.
    InChunk {
        left: u64,
        output: bool,
    },
    Trailers,
    /// Taken over, or a body without an end of its own.
    Stream,
}

/// Bytes that are held at the most.
const MOST_HELD: usize = 64 * 1024;

impl Message {
    pub(super) fn new(side: Side, framing: Arc<Mutex<Framing>>) -> Self {
        Self {
            side,
            state: State::Head,
            held: Vec::new(),
            body: 0,
            first: String::new(),
            framing,
            frames: None,
        }
    }

    /// The first line of the last request.
    pub(super) fn asked(&self) -> &str {
        &self.first
    }

    /// Whether what follows is no HTTP.
    pub(super) fn is_taken(&self) -> bool {
        self.state == State::Stream
    }

    /// The other direction was taken over.
    pub(super) fn take_over(&mut self) {
        self.state = State::Stream;
    }

    /// Takes bytes; `asked` is what an answer answers.
    pub(super) fn feed(&mut self, mut bytes: &[u8], asked: &str) -> Vec<Event> {
        let mut events = Vec::new();
        while !bytes.is_empty() {
            bytes = self.step(bytes, asked, &mut events);
        }
        events
    }

    /// Takes some bytes; the rest.
    fn step<'b>(&mut self, bytes: &'b [u8], asked: &str, events: &mut Vec<Event>) -> &'b [u8] {
        match self.state {
            State::Head => match self.held(bytes, is_whole_head) {
                Some((head, rest)) => {
                    self.read_head(&head, asked, events);
                    rest
                }
                None => &[],
            },
            State::Length(left) => {
                let len = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                self.body += len as u64;
                self.state = State::Length(left - len as u64);
                if left == len as u64 {
                    self.end_body(events);
                }
                &bytes[len..]
            }
            State::Chunk { output } => match self.held(bytes, is_whole_line) {
                Some((line, rest)) => {
                    let size = String::from_utf8_lossy(&line);
                    let size = size.split(';').next().unwrap_or_default().trim();
                    self.state = match u64::from_str_radix(size, 16) {
                        Ok(0) => State::Trailers,
                        // The line ends behind it.
                        Ok(left) => State::InChunk { left: left.saturating_add(2), output },
                        Err(_) => State::Stream,
                    };
                    rest
                }
                None => &[],
            },
            State::InChunk { left, output } => {
                let len = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                let left = left - len as u64;
                // At the end of what came there may be the end of the line, or a part of that.
                let ending = usize::try_from(2_u64.saturating_sub(left)).unwrap_or_default();
                let payload = &bytes[..len.saturating_sub(ending)];
                self.body += payload.len() as u64;
                if output {
                    self.show_output(payload, events);
                }
                self.state =
                    if left == 0 { State::Chunk { output } } else { State::InChunk { left, output } };
                &bytes[len..]
            }
            State::Trailers => match self.held(bytes, is_whole_line) {
                Some((line, rest)) => {
                    if line.trim_ascii().is_empty() {
                        self.end_body(events);
                    }
                    rest
                }
                None => &[],
            },
            State::Stream => {
                self.show_output(bytes, events);
                &[]
            }
        }
    }

    /// What was held and as much of `bytes` as makes it whole; the rest.
    fn held<'b>(&mut self, bytes: &'b [u8], is_whole: impl Fn(&[u8]) -> bool) -> Option<(Vec<u8>, &'b [u8])> {
        for (at, byte) in bytes.iter().enumerate() {
            self.held.push(*byte);
            if is_whole(&self.held) {
                return Some((std::mem::take(&mut self.held), &bytes[at + 1..]));
            }
        }
        if self.held.len() > MOST_HELD {
            self.held.clear();
            self.state = State::Stream;
        }
        None
    }

    fn end_body(&mut self, events: &mut Vec<Event>) {
        events.push(Event::Body(self.body));
        self.state = State::Head;
        self.body = 0;
    }

    /// By its frames, or by its length where there are none.
    fn show_output(&mut self, mut bytes: &[u8], events: &mut Vec<Event>) {
        while let Some(decoder) = &mut self.frames {
            match decoder.next(bytes) {
                Ok((_, Decoded::NeedInput)) => return,
                Ok((taken, decoded)) => {
                    if let Decoded::Frame(header) = decoded {
                        events.push(Event::Frame(header.stream, header.len));
                    }
                    bytes = &bytes[taken..];
                }
                Err(error) => {
                    events.push(Event::Unframed(error));
                    self.frames = None;
                }
            }
        }
        if !bytes.is_empty() {
            events.push(Event::Bytes(bytes.len()));
        }
    }

    fn read_head(&mut self, head: &[u8], asked: &str, events: &mut Vec<Event>) {
        let head = String::from_utf8_lossy(head);
        let lines: Vec<&str> = head.lines().filter(|line| !line.is_empty()).collect();
        events.extend(lines.iter().map(|line| Event::Line(without_secrets(line))));
        self.first = lines.first().map(|line| (*line).to_owned()).unwrap_or_default();
        let value = |name: &str| {
            lines.iter().skip(1).find_map(|line| {
                let (of, value) = line.split_once(':')?;
                of.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_lowercase())
            })
        };
        let length = value("content-length").and_then(|value| value.parse().ok());
        let chunked = value("transfer-encoding").is_some_and(|value| value.ends_with("chunked"));
        let media_type = value("content-type").unwrap_or_default();
        let output = self.side == Side::Server
            && (media_type.starts_with("application/vnd.docker.") || asked.contains("/logs?"));
        self.frames = (output && self.is_framed(&media_type)).then(Decoder::default);
        let status = self.first.split(' ').nth(1).unwrap_or_default();
        self.state = match (self.side, status) {
            (Side::Client, _) if chunked => State::Chunk { output },
            (Side::Client, _) => length.filter(|length| *length > 0).map_or(State::Head, State::Length),
            (Side::Server, "101") => State::Stream,
            (Side::Server, "204" | "304") => State::Head,
            (Side::Server, status) if status.starts_with('1') => State::Head,
            _ if asked.starts_with("HEAD ") => State::Head,
            _ if chunked => State::Chunk { output },
            _ => match length {
                Some(0) => State::Head,
                Some(length) => State::Length(length),
                None => State::Stream,
            },
        };
    }

    /// Whether output comes in frames. Only newer daemons say truly what does.
    fn is_framed(&self, media_type: &str) -> bool {
        let framing = *self.framing.lock().unwrap_or_else(PoisonError::into_inner);
        media_type == MULTIPLEXED_STREAM || framing == Framing::Multiplexed
    }
}

fn is_whole_head(held: &[u8]) -> bool {
    held.ends_with(b"\r\n\r\n") || held.ends_with(b"\n\n")
}

fn is_whole_line(held: &[u8]) -> bool {
    held.ends_with(b"\n")
}

/// Headers whose values are nobody's business.
const SECRET: [&str; 8] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-registry-auth",
    "x-registry-config",
    "x-docker-expose-session-sharedkey",
    "x-meta-token",
];

fn without_secrets(line: &str) -> String {
    match line.split_once(':') {
        Some((name, _)) if SECRET.contains(&name.trim().to_lowercase().as_str()) => {
            format!("{name}: (hidden)")
        }
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(side: Side, tty: bool) -> Message {
        Message::new(side, Arc::new(Mutex::new(Framing::of_tty(tty))))
    }

    fn line(text: &str) -> Event {
        Event::Line(text.to_owned())
    }

    /// The same however the bytes are cut, but for the lengths of bare bytes.
    #[track_caller]
    fn check(side: Side, tty: bool, asked: &str, bytes: &[u8], expected: &[Event]) {
        let mut whole = message(side, tty);
        assert_eq!(whole.feed(bytes, asked), expected);
        let mut cut = message(side, tty);
        let events: Vec<Event> = bytes.chunks(1).flat_map(|byte| cut.feed(byte, asked)).collect();
        let other = |event: &&Event| !matches!(event, Event::Bytes(_));
        assert!(events.iter().filter(other).eq(expected.iter().filter(other)), "{events:?}");
        assert_eq!(cut.state, whole.state);
    }

    #[test]
    fn requests_and_their_bodies() {
        let bytes = b"POST /a HTTP/1.1\r\nX-Registry-Auth: c2VjcmV0\r\nContent-Length: 5\r\n\r\nhelloHEAD /b HTTP/1.1\r\n\r\n";
        let expected = [
            line("POST /a HTTP/1.1"),
            line("X-Registry-Auth: (hidden)"),
            line("Content-Length: 5"),
            Event::Body(5),
            line("HEAD /b HTTP/1.1"),
        ];
        check(Side::Client, false, "", bytes, &expected);
    }

    #[test]
    fn answers_and_their_frames() {
        let frames = b"\x01\0\0\0\0\0\0\x02hi\x02\0\0\0\0\0\0\x01!";
        let head = b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n";
        let lines =
            || vec![line("HTTP/1.1 101 UPGRADED"), line("Content-Type: application/vnd.docker.raw-stream")];
        let mut expected = lines();
        expected.extend([Event::Frame(StreamType::Stdout, 2), Event::Frame(StreamType::Stderr, 1)]);
        check(
            Side::Server,
            false,
            "POST /containers/x/attach?stream=1",
            &[&head[..], frames].concat(),
            &expected,
        );
        let mut expected = lines();
        expected.push(Event::Bytes(frames.len()));
        check(
            Side::Server,
            true,
            "POST /containers/x/attach?stream=1",
            &[&head[..], frames].concat(),
            &expected,
        );
    }

    #[test]
    fn answers_with_chunks() {
        let bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nabcd\r\n10\r\n0123456789abcdef\r\n0\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
        let expected = [
            line("HTTP/1.1 200 OK"),
            line("Transfer-Encoding: chunked"),
            Event::Body(20),
            line("HTTP/1.1 204 No Content"),
        ];
        check(Side::Server, false, "GET /version HTTP/1.1", bytes, &expected);
    }

    /// Logs of a container without a terminal: a frame may begin in one chunk and end in another one.
    #[test]
    fn frames_in_chunks() {
        let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let chunks = b"3\r\n\x01\0\0\r\nb\r\n\0\0\0\0\x04out\n\x02\0\r\n\
            9\r\n\0\0\0\0\0\x03err\r\n0\r\n\r\n";
        let bytes = [&head[..], chunks].concat();
        let lines = || vec![line("HTTP/1.1 200 OK"), line("Transfer-Encoding: chunked")];
        let mut expected = lines();
        let frames = [Event::Frame(StreamType::Stdout, 4), Event::Frame(StreamType::Stderr, 3)];
        expected.extend(frames.into_iter().chain([Event::Body(23)]));
        let asked = "GET /v1.44/containers/x/logs?stdout=1&stderr=1 HTTP/1.1";
        check(Side::Server, false, asked, &bytes, &expected);
        let mut expected = lines();
        expected.extend([3, 11, 9].map(Event::Bytes));
        expected.push(Event::Body(23));
        check(Side::Server, true, asked, &bytes, &expected);
    }

    /// The daemon's own error ends the frames as the client reads them, and so does what is none.
    #[test]
    fn frames_end_as_the_client_reads_them() {
        let ends: [(&[u8], FrameError); 2] = [
            (b"\x03\0\0\0\0\0\0\x04gone", FrameError::Daemon("gone".to_owned())),
            (b"\x01\0\0\0\xff\xff\xff\xff", FrameError::TooLong { len: u32::MAX, limit: 16 << 20 }),
        ];
        for (end, error) in ends {
            let bytes = [&b"HTTP/1.1 101 X\n\n\x01\0\0\0\0\0\0\x02hi"[..], end].concat();
            let expected = [
                line("HTTP/1.1 101 X"),
                Event::Frame(StreamType::Stdout, 2),
                Event::Unframed(error),
                Event::Bytes(end.len()),
            ];
            let mut message = message(Side::Server, false);
            assert_eq!(message.feed(&bytes, "GET /v1.44/containers/x/logs?follow=1 HTTP/1.1"), expected);
        }
    }

    /// What is no HTTP is bytes, and held by no more than a head may have.
    #[test]
    fn nonsense_is_bytes() {
        let mut message = message(Side::Server, false);
        assert_eq!(message.feed(&vec![b'x'; MOST_HELD + 1], "GET / HTTP/1.1"), []);
        assert_eq!(message.feed(b"more", "GET / HTTP/1.1"), [Event::Bytes(4)]);
        let mut message = self::message(Side::Server, false);
        message.feed(
            b"HTTP/1.1 101 X\nContent-Type: application/vnd.docker.raw-stream\n\n\x09\0\0\0\0\0\0\0",
            "",
        );
        assert!(message.is_taken());
        assert_eq!(message.feed(b"more", ""), [Event::Bytes(4)]);
    }
}
