//! One row of the table: a request, what must come back, and the bytes that ask for it by hand.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hijack::{Answered, ClientConnection};
use hijack_interop::server::pattern;
use hijack_interop::transcript::{Answer, ask, split};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Version};
use http_body::{Frame, SizeHint};

use crate::peer::Peer;

/// A request and its answer.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) method: Method,
    pub(crate) version: Version,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    pub(crate) upload: Upload,
    /// The final answer's status.
    pub(crate) status: u16,
    /// Its body, where it is not the server's own affair.
    pub(crate) body: Option<Vec<u8>>,
    /// Our client may close where the server would keep the connection.
    pub(crate) may_close: bool,
    /// Who has this.
    at: Vec<Peer>,
}

impl Row {
    pub(crate) fn new(name: &'static str, method: Method, path: impl Into<String>) -> Self {
        let (headers, body) = (Vec::new(), Some(Vec::new()));
        let at = Peer::PLAIN.to_vec();
        Self {
            name,
            method,
            version: Version::HTTP_11,
            path: path.into(),
            headers,
            upload: Upload::None,
            status: 200,
            body,
            may_close: false,
            at,
        }
    }

    pub(crate) fn get(name: &'static str, path: impl Into<String>) -> Self {
        Self::new(name, Method::GET, path)
    }

    /// The request is of HTTP/1.0. nginx wants its `Host` there too.
    pub(crate) fn http10(self) -> Self {
        Self { version: Version::HTTP_10, ..self.header("Host", "x") }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn upload(self, upload: Upload) -> Self {
        Self { upload, ..self }
    }

    pub(crate) fn answers(self, status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, body: Some(body.into()), ..self }
    }

    /// The body's words are the server's own.
    pub(crate) fn answers_in_own_words(self, status: u16) -> Self {
        Self { status, body: None, ..self }
    }

    /// Our client may close where the server would keep the connection, and this is why.
    pub(crate) fn may_close(self, _why: &'static str) -> Self {
        Self { may_close: true, ..self }
    }

    /// Only these have it.
    pub(crate) fn only(self, at: &[Peer]) -> Self {
        Self { at: at.to_vec(), ..self }
    }

    /// These do not have it, and this is why.
    pub(crate) fn except(mut self, peers: &[Peer], _why: &'static str) -> Self {
        self.at.retain(|peer| !peers.contains(peer));
        self
    }

    pub(crate) fn is_at(&self, peer: Peer) -> bool {
        self.at.contains(&peer)
    }

    /// The request for our client.
    pub(crate) fn request(&self) -> Request<Upload> {
        let mut request = Request::new(self.upload.clone());
        *request.method_mut() = self.method.clone();
        *request.version_mut() = self.version;
        *request.uri_mut() = self.path.parse().expect("a path");
        for (name, value) in &self.headers {
            request.headers_mut().append(*name, HeaderValue::from_static(value));
        }
        request
    }

    /// What the server at `base` answers to the same request by plain sockets: every answer, interim ones too,
    /// and whether it kept the connection. That shows by a second request behind the first, which HTTP/1.0 does
    /// not expect.
    pub(crate) fn by_hand(&self, base: &str) -> Result<(Vec<Answer>, bool), String> {
        let mut bytes = self.bytes();
        if self.version == Version::HTTP_11 {
            bytes.extend_from_slice(b"GET /bytes/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        }
        let said = ask(base, &bytes, false).map_err(|failure| failure.to_string())?;
        let mut answers = split(&said, &[self.method.as_str(), "GET"])?;
        let finals = answers.iter().filter(|answer| answer.status >= 200).count();
        if finals == 2 {
            answers.pop();
        }
        Ok((answers, finals == 2))
    }

    /// The same by our client.
    pub(crate) async fn by_ours(
        &self,
        connection: &mut ClientConnection,
    ) -> Result<(Vec<Answer>, bool), hijack::Error> {
        connection.send(self.request()).await?;
        let mut answers = Vec::new();
        loop {
            match connection.next_answer().await? {
                Answered::Interim(head) => {
                    answers.push(answer(head.status(), head.headers(), Vec::new(), None));
                }
                Answered::Final(head) => {
                    let (mut body, mut whole) = (connection.body(), Vec::new());
                    while let Some(data) = body.data().await? {
                        whole.extend_from_slice(&data);
                    }
                    let last = answer(head.status(), head.headers(), whole, body.trailers());
                    answers.push(last);
                    return Ok((answers, !head.closes));
                }
            }
        }
    }

    /// Whether the final answer is the one that the row promises.
    pub(crate) fn is_answered_by<E>(&self, answered: &Result<(Vec<Answer>, bool), E>) -> bool {
        let last = answered.as_ref().ok().and_then(|(answers, _)| answers.last());
        let is_it = |body: &[u8]| self.body.as_ref().is_none_or(|expected| body == expected);
        last.is_some_and(|last| last.status == self.status && is_it(&last.body))
    }

    fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} {:?}\r\n", self.method, self.path, self.version);
        if self.version == Version::HTTP_11 {
            head += "Host: x\r\n";
        }
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        let body = match &self.upload {
            Upload::None => Vec::new(),
            Upload::Sized(body) => {
                head += &format!("Content-Length: {}\r\n", body.len());
                body.to_vec()
            }
            Upload::Chunked(body, trailer) => {
                head += "Transfer-Encoding: chunked\r\n";
                let trailer = trailer.map(|value| format!("X-Digest: {value}\r\n")).unwrap_or_default();
                let chunk = match body.len() {
                    0 => Vec::new(),
                    len => [format!("{len:x}\r\n").as_bytes(), body, b"\r\n"].concat(),
                };
                [&chunk, format!("0\r\n{trailer}\r\n").as_bytes()].concat()
            }
        };
        [head.as_bytes(), b"\r\n", &body].concat()
    }
}

/// An answer of our client's in the form of the other reader's.
fn answer(status: StatusCode, headers: &HeaderMap, body: Vec<u8>, trailers: Option<&HeaderMap>) -> Answer {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let values = |name| headers.get_all(name).iter().map(text).collect::<Vec<_>>().join(",");
    Answer {
        status: status.as_u16(),
        headers: headers.keys().map(|name| (name.to_string(), values(name))).collect(),
        body,
        trailers: trailers
            .into_iter()
            .flatten()
            .map(|(name, value)| format!("{name}: {}", text(value)).to_ascii_lowercase())
            .collect(),
    }
}

/// The body of a request: none, one of known length, or pieces whose end nobody knows, perhaps with a trailer
/// `X-Digest`.
#[derive(Clone)]
pub(crate) enum Upload {
    None,
    Sized(Bytes),
    Chunked(Bytes, Option<&'static str>),
}

impl Upload {
    pub(crate) fn sized(len: usize) -> Self {
        Self::Sized(pattern(len).into())
    }

    pub(crate) fn chunked(len: usize) -> Self {
        Self::Chunked(pattern(len).into(), None)
    }
}

impl http_body::Body for Upload {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = match &mut *self {
            Self::Sized(rest) | Self::Chunked(rest, _) if !rest.is_empty() => {
                Some(Frame::data(rest.split_to(rest.len().min(PIECE_LEN))))
            }
            Self::Chunked(_, trailer) => trailer.take().map(|value| {
                let name = HeaderName::from_static("x-digest");
                Frame::trailers(HeaderMap::from_iter([(name, HeaderValue::from_static(value))]))
            }),
            Self::None | Self::Sized(_) => None,
        };
        Poll::Ready(frame.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::None => true,
            Self::Sized(rest) => rest.is_empty(),
            Self::Chunked(..) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::None => SizeHint::with_exact(0),
            Self::Sized(rest) => SizeHint::with_exact(rest.len() as u64),
            Self::Chunked(..) => SizeHint::default(),
        }
    }
}

/// No power of two, no divisor of a usual buffer.
const PIECE_LEN: usize = 10_007;
