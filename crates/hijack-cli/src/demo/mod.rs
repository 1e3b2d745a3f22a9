//! The demo server: one route for each way to end an exchange.
//!
//! `websocket` echoes messages, `chat` is a room, `arith` multiplies for Go's programs, `grpc` is the official test service;
//! everything else is here.

mod arith;
mod chat;
mod grpc;
mod websocket;

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hijack::rpc::{self, Gob};
use hijack::{Body, Error, Exchange, Listener, Outcome, Server, ShutdownReport, Upgrade, handover};
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Method, Response, StatusCode};
use tokio::io::AsyncWriteExt;
use tokio::signal::unix::{SignalKind, signal};

use crate::args::Demo;
use crate::exit::Failure;
use chat::Room;

/// The page at `/`.
const PAGE: &str = include_str!("page.html");

/// How long a shutdown waits for taken-over connections.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(5);

/// Runs the demo until SIGINT or SIGTERM.
pub(crate) async fn run(demo: &Demo) -> Result<(), Failure> {
    let tls = demo.tls_cert.as_deref().zip(demo.tls_key.as_deref());
    let running = Running::start(&demo.listen, tls).await?;
    announce(running.address(), if tls.is_some() { "https" } else { "http" });
    wait_for_signal().await.map_err(|error| Failure::system("wait for signals", &error))?;
    eprintln!("shutting down; the signal again ends everything at once");
    tokio::select! {
        report = running.shutdown() => tell(&report),
        again = wait_for_signal() => again.map_err(|error| Failure::system("wait for signals", &error))?,
    }
    Ok(())
}

/// What has a state of its own.
#[derive(Clone)]
struct Parts {
    room: Arc<Room>,
    arith: rpc::Server<Gob>,
    grpc: hijack_tonic::Server,
}

/// The demo server at work.
pub(crate) struct Running {
    server: Server,
    address: String,
}

impl Running {
    /// Listens on `address`, with a certificate chain and key if TLS is wanted.
    pub(crate) async fn start(address: &str, tls: Option<(&Path, &Path)>) -> Result<Self, Failure> {
        let mut listener = Listener::bind(address).await?;
        if let Some((cert, key)) = tls {
            listener = listener.with_tls(hijack::tls::server_config(cert, key)?);
        }
        let address = listener.local_address();
        let server = Server::new();
        let serving = server.clone();
        let parts =
            Parts { room: Arc::<Room>::default(), arith: arith::server(), grpc: grpc::server(&address) };
        tokio::spawn(async move {
            serving.serve(listener, move |exchange| answer(exchange, parts.clone())).await;
        });
        Ok(Self { server, address })
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Ends it in order.
    pub(crate) async fn shutdown(self) -> ShutdownReport {
        self.server.shutdown(SHUTDOWN_DEADLINE).await
    }
}

fn announce(address: &str, scheme: &str) {
    let text = match address.strip_prefix("unix:") {
        Some(path) => format!("demo server on {address}\ntry: curl --unix-socket {path} http://demo/\n"),
        None => {
            let url = format!("{scheme}://{address}");
            format!("demo server on {url}/\ntry: curl --http0.9 {url}/handle1\n")
        }
    };
    // Whoever started it may have stopped listening: no reason not to serve.
    let _ = std::io::stdout().write_all(text.as_bytes());
}

pub(crate) async fn wait_for_signal() -> std::io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

fn tell(report: &ShutdownReport) {
    eprintln!(
        "shut down: {} idle, {} active, {} taken over; {} ended by force",
        report.idle, report.active, report.taken, report.forced
    );
}

async fn answer(exchange: Exchange, Parts { room, arith, grpc }: Parts) -> Result<Outcome, Error> {
    // It says itself what it does with other methods than CONNECT.
    if exchange.uri().path() == rpc::DEFAULT_PATH {
        return arith.serve(exchange).await;
    }
    if *exchange.method() == Method::CONNECT {
        return match exchange.uri().authority() {
            Some(authority) if grpc.knows(authority) => grpc.serve(exchange).await,
            _ => refuse_connect(exchange).await,
        };
    }
    // What a WebSocket's request must be, its method among it, is known there.
    match exchange.uri().path() {
        "/ws" => return websocket::echo(exchange).await,
        "/grpc" => return grpc.serve(exchange).await,
        rpc::DEBUG_PATH if *exchange.method() == Method::GET => return arith.serve_debug(exchange).await,
        "/ws/chat" if websocket::is_asked_for(&exchange) => return chat::join(exchange, room).await,
        _ => {}
    }
    let known = matches!(exchange.uri().path(), "/" | "/handle1" | "/handle2" | "/echo" | "/ws/chat");
    if !known {
        return text(exchange, StatusCode::NOT_FOUND, "not found: see / for what is here\n").await;
    }
    if !matches!(*exchange.method(), Method::GET | Method::HEAD) {
        return refuse_method(exchange).await;
    }
    match exchange.uri().path() {
        "/handle1" => hello_taken_over(exchange).await,
        "/handle2" => text(exchange, StatusCode::OK, HELLO).await,
        "/echo" => echo(exchange).await,
        "/ws/chat" => chat::page(exchange).await,
        _ => page(exchange).await,
    }
}

const HELLO: &str = "hello world";

/// Takes the connection over and says hello on it: no head, no framing, 11 bytes and the end.
async fn hello_taken_over(exchange: Exchange) -> Result<Outcome, Error> {
    let mut conn = exchange.take_over().await?;
    conn.write_all(HELLO.as_bytes()).await?;
    conn.close().await
}

/// Upgrades to whatever is offered first and sends every byte back.
async fn echo(exchange: Exchange) -> Result<Outcome, Error> {
    let offer =
        handover::offers(exchange.head()).next().map(|token| String::from_utf8_lossy(token).into_owned());
    let protocol = offer.unwrap_or_else(|| "echo".into());
    let mut conn = match exchange.upgrade(Upgrade::to([protocol])).await {
        Ok(conn) => conn,
        Err(refused) => return refused.answer().await,
    };
    conn.set_limits(hijack::ConnLimits { half_open: Some(Duration::from_secs(60)), ..Default::default() });
    Ok(conn.hand_off(|conn| async {
        let (mut reader, mut writer) = conn.into_split();
        tokio::io::copy(&mut reader, &mut writer).await?;
        writer.shutdown().await?; // FIN answered by FIN
        Ok(())
    }))
}

async fn page(exchange: Exchange) -> Result<Outcome, Error> {
    let mut response = Response::new(Body::from(PAGE));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    exchange.respond(response).await
}

async fn text(exchange: Exchange, status: StatusCode, text: &'static str) -> Result<Outcome, Error> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    exchange.respond(response).await
}

async fn refuse_method(exchange: Exchange) -> Result<Outcome, Error> {
    let mut response = Response::new(Body::from("only GET and HEAD work here\n"));
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    exchange.respond(response).await
}

/// The demo is no proxy; a refused `CONNECT` ends its connection.
async fn refuse_connect(exchange: Exchange) -> Result<Outcome, Error> {
    text(exchange, StatusCode::FORBIDDEN, "this demo opens no tunnels\n").await
}
