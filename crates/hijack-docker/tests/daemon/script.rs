//! A daemon that answers what the test says, byte by byte.

use std::future::Future;
use std::time::Duration;

use hijack_docker::{ApiVersion, Docker, DockerBuilder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// How long anything may take that must happen.
const PATIENCE: Duration = Duration::from_secs(10);

/// Waits for what must happen soon.
pub(crate) async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(output) => output,
        Err(_) => panic!("{what} did not happen within {PATIENCE:?}"),
    }
}

/// A connection from the client.
pub(crate) struct Peer {
    io: TcpStream,
    /// Read behind the last request.
    early: Vec<u8>,
}

impl Peer {
    /// The next request: its first line, and its body if it has a length.
    pub(crate) async fn request(&mut self) -> (String, String) {
        let (head, body) = self.whole_request().await;
        (head.lines().next().expect("a line").trim_end_matches(" HTTP/1.1").to_owned(), body)
    }

    /// The next request: its head and its body.
    pub(crate) async fn whole_request(&mut self) -> (String, String) {
        let head_end = loop {
            if let Some(at) = self.early.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            let len = soon("a request", self.io.read_buf(&mut self.early)).await.expect("open");
            assert!(len > 0, "the client closed; it had sent {}", self.early.escape_ascii());
        };
        let head = String::from_utf8(self.early.drain(..head_end).collect()).expect("text");
        let header =
            |line: &str| Some(line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().to_owned());
        let len = head.lines().find_map(header).map_or(0, |len| len.parse().expect("a length"));
        while self.early.len() < len {
            soon("a body", self.io.read_buf(&mut self.early)).await.expect("open");
        }
        (head, String::from_utf8(self.early.drain(..len).collect()).expect("text"))
    }

    /// Expects a request by its first line, and answers.
    pub(crate) async fn answer(&mut self, request: &str, answer: impl AsRef<[u8]>) -> String {
        let (line, body) = self.request().await;
        assert_eq!(line, request);
        self.send(answer).await;
        body
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        soon("sending", self.io.write_all(bytes.as_ref())).await.expect("open");
    }

    /// Sends without end, until the client has enough.
    pub(crate) async fn flood(&mut self, bytes: &[u8]) {
        while soon("sending", self.io.write_all(bytes)).await.is_ok() {}
    }

    /// What the client sent behind its last request, now.
    pub(crate) fn early(&mut self) -> &[u8] {
        let _ = self.io.try_read_buf(&mut self.early);
        &self.early
    }

    /// Everything up to the client's end.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut rest = std::mem::take(&mut self.early);
        let _ = soon("the client's end", self.io.read_to_end(&mut rest)).await;
        rest
    }

    /// Waits for the client's end, whatever it is.
    pub(crate) async fn gone(&mut self) {
        let _ = self.rest().await;
    }
}

/// A daemon whose connections, in their order, are `serve`d one by one.
pub(crate) struct Daemon {
    listener: TcpListener,
}

impl Daemon {
    pub(crate) async fn listen() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.expect("a free port") }
    }

    pub(crate) fn address(&self) -> String {
        format!("tcp://{}", self.listener.local_addr().expect("bound"))
    }

    /// A client that waits a second for an answer.
    pub(crate) fn builder(&self) -> DockerBuilder {
        let builder = Docker::builder().host(self.address().parse().expect("a host"));
        builder.configure(|config| {
            config.answer_timeout = Some(Duration::from_secs(1));
            config.declined_timeout = Duration::from_millis(300);
        })
    }

    /// A client that speaks a version without asking for it.
    pub(crate) fn speaking(&self, major: u32, minor: u32) -> Docker {
        self.builder().api_version(ApiVersion::new(major, minor)).build()
    }

    pub(crate) async fn accept(&self) -> Peer {
        let (io, _) = soon("a connection", self.listener.accept()).await.expect("a connection");
        io.set_nodelay(true).expect("an open socket");
        Peer { io, early: Vec::new() }
    }

    /// Runs a script for the first connection; the daemon is given back.
    pub(crate) fn script<F>(self, script: impl FnOnce(Peer) -> F + Send + 'static) -> JoinHandle<Self>
    where
        F: Future<Output = ()> + Send,
    {
        tokio::spawn(async move {
            script(self.accept().await).await;
            self
        })
    }
}

/// An answer with a JSON body.
pub(crate) fn json(status: &str, body: &str) -> String {
    let len = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len}\r\n\r\n{body}")
}

/// A 101 to `tcp`, with a media type.
pub(crate) fn switched(media_type: &str) -> String {
    format!(
        "HTTP/1.1 101 UPGRADED\r\nContent-Type: {media_type}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
    )
}

pub(crate) const RAW: &str = "application/vnd.docker.raw-stream";
pub(crate) const MULTIPLEXED: &str = "application/vnd.docker.multiplexed-stream";

/// A frame of stdout.
pub(crate) const FRAME: &[u8] = b"\x01\0\0\0\0\0\0\x05hello";
