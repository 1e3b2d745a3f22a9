//! An engine with one container, and raw connections to it.

use std::future::Future;
use std::time::Duration;

use hijack::stream::{Broadcast, DetachKeys, ServerStreams, StreamType, Wanted};
use hijack::{Error, Exchange, Listener, Outcome, Server};
use hijack_docker::server::{Attach, ExecStart, Refusal, Target};
use hijack_docker::{ApiVersion, Docker};
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Waits for what must happen soon.
pub(crate) async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(Duration::from_secs(20), future).await {
        Ok(output) => output,
        Err(_) => panic!("{what} did not happen in time"),
    }
}

pub(crate) async fn serve<H, F>(handler: H) -> String
where
    H: Fn(Exchange) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Outcome, Error>> + Send + 'static,
{
    let listener = Listener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_address().to_string();
    tokio::spawn(async move { Server::new().serve(listener, handler).await });
    address
}

pub(crate) fn docker(address: &str) -> Docker {
    let version = ApiVersion::new(1, 44);
    Docker::builder().host(format!("tcp://{address}").parse().expect("a host")).api_version(version).build()
}

/// An engine whose containers `cat` (or `tty`, with a terminal) give their input back; whose execs do so too.
pub(crate) async fn engine() -> String {
    serve(|exchange| async move { Box::pin(handle(exchange)).await }).await
}

async fn handle(mut exchange: Exchange) -> Result<Outcome, Error> {
    let target = match Target::parse(exchange.uri(), ApiVersion::new(1, 44)) {
        Ok(target) => target,
        Err(refusal) => return refusal.answer(exchange).await,
    };
    match target.path()[..] {
        ["containers", id, "attach"] => {
            let attach = match Attach::of(&target).and_then(|attach| known(id).map(|()| attach)) {
                Ok(attach) => attach,
                Err(refusal) => return refusal.answer_as_stream(exchange).await,
            };
            let streams = attach.take_over(exchange, id == "tty").await?;
            let (outputs, input) = cat();
            outputs.attend(streams, attach.visit(Some(input), id == "tty", true)).await
        }
        ["exec", id, "start"] => {
            let body = exchange.read_to_end(1_000).await?;
            let start = match ExecStart::parse(&body).and_then(|start| known(id).map(|()| start)) {
                Ok(start) => start,
                Err(refusal) => return refusal.answer(exchange).await,
            };
            let headers = HeaderMap::from_iter([(http::header::SERVER, HeaderValue::from_static("test"))]);
            let streams: ServerStreams = start.take_over(exchange, &target, headers).await?;
            let (outputs, input) = cat();
            let visit = start.visit(Some(input), start.tty, Wanted::ALL, DetachKeys::default());
            outputs.attend(streams, visit).await
        }
        _ => Refusal::new(StatusCode::NOT_FOUND, "page not found").answer(exchange).await,
    }
}

fn known(id: &str) -> Result<(), Refusal> {
    match id {
        "cat" | "tty" => Ok(()),
        "paused" => Err(Refusal::new(StatusCode::CONFLICT, "container paused is paused, unpause it first")),
        id => Err(Refusal::new(StatusCode::NOT_FOUND, format!("No such container: {id}"))),
    }
}

/// What goes in comes out as stdout, then `bye` as stderr; of several clients nothing needs to be known here.
fn cat() -> (Broadcast, tokio::io::DuplexStream) {
    let (input, mut stdin) = tokio::io::duplex(100_000);
    let outputs = Broadcast::new();
    tokio::spawn({
        let outputs = outputs.clone();
        async move {
            let mut buffer = vec![0; 10_000];
            while let Ok(len @ 1..) = stdin.read(&mut buffer).await {
                outputs.send(StreamType::Stdout, &buffer[..len]).await;
            }
            outputs.send(StreamType::Stderr, b"bye").await;
            outputs.end();
        }
    });
    (outputs, input)
}

/// A raw connection.
pub(crate) struct Raw(TcpStream);

impl Raw {
    pub(crate) async fn connect(address: &str) -> Self {
        Self(TcpStream::connect(address).await.expect("it listens"))
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.expect("open");
    }

    pub(crate) async fn end(&mut self) {
        self.0.shutdown().await.expect("open");
    }

    pub(crate) async fn expect(&mut self, expected: impl AsRef<[u8]>) {
        let expected = expected.as_ref();
        let mut got = vec![0; expected.len()];
        let read = soon("the bytes", self.0.read_exact(&mut got)).await;
        assert!(
            read.is_ok() && got == expected,
            "{}\nis not\n{}",
            got.escape_ascii(),
            expected.escape_ascii()
        );
    }

    /// Everything up to `end`.
    pub(crate) async fn until(&mut self, end: &[u8]) -> Vec<u8> {
        let mut got = Vec::new();
        while !got.ends_with(end) {
            got.push(soon("the bytes", self.0.read_u8()).await.expect("more of them"));
        }
        got
    }

    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut got = Vec::new();
        soon("the end", self.0.read_to_end(&mut got)).await.expect("in order");
        got
    }
}
