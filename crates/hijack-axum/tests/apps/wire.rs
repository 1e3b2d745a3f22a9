//! The client: it says which bytes are sent, and takes every answer apart by RFC 9112 §6 itself.

use std::fmt;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One request, and the status that it is to get.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    method: &'static str,
    target: String,
    version: &'static str,
    fields: Vec<String>,
    body: Sent,
    expects: bool,
    /// Everything above, if it was written by hand.
    raw: Option<Vec<u8>>,
    pub(crate) gives: u16,
}

#[derive(Debug, Clone)]
enum Sent {
    Nothing,
    Whole(Vec<u8>),
    Chunks(Vec<Vec<u8>>),
}

/// The status of a request that finds the connection closed.
pub(crate) const UNANSWERED: u16 = 0;

/// Asks for `target` and expects a 200.
pub(crate) fn ask(method: &'static str, target: impl Into<String>) -> Ask {
    Ask {
        method,
        target: target.into(),
        version: "HTTP/1.1",
        fields: vec!["Host: app.test".into()],
        body: Sent::Nothing,
        expects: false,
        raw: None,
        gives: 200,
    }
}

pub(crate) fn get(target: impl Into<String>) -> Ask {
    ask("GET", target)
}

/// Sends exactly `bytes`, whose request's method is `method`.
pub(crate) fn raw(method: &'static str, bytes: impl Into<Vec<u8>>) -> Ask {
    Ask { raw: Some(bytes.into()), ..ask(method, "") }
}

impl Ask {
    pub(crate) fn field(mut self, field: impl Into<String>) -> Self {
        self.fields.push(field.into());
        self
    }

    /// A body with its length.
    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Sent::Whole(body.into());
        self
    }

    pub(crate) fn json(self, body: &str) -> Self {
        self.field("Content-Type: application/json").body(body)
    }

    /// A body in chunks.
    pub(crate) fn chunks<B: Into<Vec<u8>>>(mut self, chunks: impl IntoIterator<Item = B>) -> Self {
        self.body = Sent::Chunks(chunks.into_iter().map(Into::into).collect());
        self
    }

    /// Sends the body only behind a `100 Continue` (RFC 9110 §10.1.1).
    pub(crate) fn expecting(mut self) -> Self {
        self.expects = true;
        self.field("Expect: 100-continue")
    }

    pub(crate) fn http10(mut self) -> Self {
        self.version = "HTTP/1.0";
        self
    }

    pub(crate) fn gives(mut self, status: u16) -> Self {
        self.gives = status;
        self
    }

    /// The head and the body as they travel.
    fn bytes(&self) -> (Vec<u8>, Vec<u8>) {
        if let Some(raw) = &self.raw {
            return (raw.clone(), Vec::new());
        }
        let mut head = format!("{} {} {}\r\n", self.method, self.target, self.version);
        for field in &self.fields {
            head += &format!("{field}\r\n");
        }
        let mut sent = Vec::new();
        match &self.body {
            Sent::Nothing => {}
            Sent::Whole(body) => {
                head += &format!("Content-Length: {}\r\n", body.len());
                sent.clone_from(body);
            }
            Sent::Chunks(chunks) => {
                head += "Transfer-Encoding: chunked\r\n";
                for chunk in chunks {
                    sent.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
                    sent.extend(chunk);
                    sent.extend(b"\r\n");
                }
                sent.extend(b"0\r\n\r\n");
            }
        }
        (format!("{head}\r\n").into_bytes(), sent)
    }
}

/// How the end of an answer's body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    None,
    Length,
    Chunked,
    Close,
}

/// An answer without its framing.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case, sorted.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) framing: Framing,
    pub(crate) body: Vec<u8>,
    /// Fields behind the last chunk.
    pub(crate) trailers: Vec<(String, String)>,
}

impl Answer {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = &self.body[..self.body.len().min(60)];
        write!(f, "{} {:?} {:?} ", self.status, self.fields, self.framing)?;
        write!(f, "{} bytes \"{}\" {:?}", self.body.len(), body.escape_ascii(), self.trailers)
    }
}

/// Asks on one connection, `rounds` one after the other, the asks of a round in one write.
///
/// Gives one list of answers for each ask, interim ones included, and what came behind the last until the end.
pub(crate) async fn converse(address: SocketAddr, rounds: &[Vec<Ask>]) -> (Vec<Vec<Answer>>, Vec<u8>) {
    let stream = TcpStream::connect(address).await.unwrap();
    let mut client = Client { stream, unread: Vec::new() };
    let mut answers = Vec::new();
    for round in rounds {
        client.send(round).await;
        for ask in round {
            let Some(answered) = client.answers(ask).await else { return (answers, client.unread) };
            answers.push(answered);
        }
    }
    let _ = client.stream.shutdown().await;
    while client.more().await {}
    (answers, client.unread)
}

struct Client {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Client {
    async fn send(&mut self, round: &[Ask]) {
        let mut bytes = Vec::new();
        for ask in round {
            let (head, body) = ask.bytes();
            bytes.extend(head);
            if !ask.expects {
                bytes.extend(body);
            }
        }
        // A server may have answered and closed before it read all; the answer tells.
        let _ = self.stream.write_all(&bytes).await;
    }

    /// The interim answers and the final one; none if the connection ends instead.
    async fn answers(&mut self, ask: &Ask) -> Option<Vec<Answer>> {
        let mut answers = Vec::new();
        loop {
            let answer = self.answer(ask.method).await?;
            if answer.status == 100 && ask.expects {
                let _ = self.stream.write_all(&ask.bytes().1).await;
            }
            let is_final = answer.status >= 200;
            answers.push(answer);
            if is_final {
                return Some(answers);
            }
        }
    }

    async fn answer(&mut self, method: &str) -> Option<Answer> {
        let head = self.through(b"\r\n\r\n").await?;
        let head = String::from_utf8(head).expect("heads of these apps are text");
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().expect("a status");
        let mut answer = Answer {
            status,
            fields: fields(lines),
            framing: Framing::None,
            body: Vec::new(),
            trailers: Vec::new(),
        };
        let bodiless = method == "HEAD" || status < 200 || matches!(status, 204 | 304);
        if !bodiless {
            self.body(&mut answer).await;
        }
        Some(answer)
    }

    async fn body(&mut self, answer: &mut Answer) {
        let coded = answer.field("transfer-encoding").is_some();
        let length = answer.field("content-length").map(|length| length.parse().expect("a length"));
        match (coded, length) {
            (true, None) => {
                answer.framing = Framing::Chunked;
                self.chunks(answer).await;
            }
            (false, Some(length)) => {
                answer.framing = Framing::Length;
                answer.body = self.exactly(length).await;
            }
            (false, None) => {
                answer.framing = Framing::Close;
                while self.more().await {}
                answer.body = std::mem::take(&mut self.unread);
            }
            (true, Some(_)) => panic!("length beside a coding: {answer:?}"),
        }
    }

    async fn chunks(&mut self, answer: &mut Answer) {
        loop {
            let line = self.through(b"\r\n").await.expect("a chunk's line");
            let line = std::str::from_utf8(&line).expect("hex").trim_end();
            let len = usize::from_str_radix(line, 16).expect("hex");
            if len == 0 {
                break;
            }
            answer.body.extend(self.exactly(len).await);
            assert_eq!(self.exactly(2).await, b"\r\n");
        }
        let mut lines = Vec::new();
        loop {
            let line = self.through(b"\r\n").await.expect("a trailer's line");
            if line == b"\r\n" {
                break;
            }
            lines.push(String::from_utf8(line).expect("text").trim_end().to_owned());
        }
        answer.trailers = fields(lines.iter().map(String::as_str));
    }

    async fn through(&mut self, end: &[u8]) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = self.unread.windows(end.len()).position(|bytes| bytes == end) {
                return Some(self.unread.drain(..at + end.len()).collect());
            }
            if !self.more().await {
                return None;
            }
        }
    }

    async fn exactly(&mut self, len: usize) -> Vec<u8> {
        while self.unread.len() < len {
            assert!(self.more().await, "{} of {len} bytes came", self.unread.len());
        }
        self.unread.drain(..len).collect()
    }

    /// Reads what has come; no if the connection ended, in order or not.
    async fn more(&mut self) -> bool {
        let mut part = vec![0; 64 * 1024];
        let Ok(len @ 1..) = self.stream.read(&mut part).await else { return false };
        self.unread.extend(&part[..len]);
        true
    }
}

fn fields<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<(String, String)> {
    let split = |line: &str| {
        let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("no field: {line:?}"));
        (name.to_ascii_lowercase(), value.trim().to_owned())
    };
    let mut fields: Vec<_> = lines.filter(|line| !line.is_empty()).map(split).collect();
    fields.sort();
    fields
}
