//! The endpoints of `README.md` on our server.

use std::fmt::Write as _;
use std::future::Future;

use hijack::{Body, Conn, Error, Exchange, Listener, Outcome, Upgrade};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Version, header};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use crate::websocket;

/// Our server on a free port of the loopback, until it is dropped.
#[derive(Debug)]
pub struct Server {
    base: String,
    _runtime: Runtime,
}

impl Server {
    /// Starts it.
    ///
    /// # Panics
    /// If the machine has no thread or port left.
    #[must_use]
    pub fn start() -> Self {
        let runtime = Runtime::new().expect("a runtime starts");
        let (base, serving) = runtime.block_on(bind("127.0.0.1:0")).expect("a port is free");
        runtime.spawn(serving);
        Self { base, _runtime: runtime }
    }

    /// Its address, as `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }
}

/// Listens on `address`; the future serves there.
///
/// # Errors
/// If the address cannot be listened on.
pub async fn bind(address: &str) -> Result<(String, impl Future<Output = ()> + Send), Error> {
    let listener = Listener::bind(address).await?;
    let base = format!("http://{}", listener.local_address());
    Ok((base, async move { hijack::Server::new().serve(listener, route).await }))
}

async fn route(exchange: Exchange) -> Result<Outcome, Error> {
    if exchange.method() == Method::CONNECT {
        return connect(exchange).await;
    }
    let path = exchange.uri().path().trim_start_matches('/').to_owned();
    let (name, argument) = path.split_once('/').unwrap_or((&path, ""));
    let number = argument.parse().unwrap_or(0);
    match name {
        "bytes" => octets(exchange, number).await,
        "chunked" => pieces(exchange, number, None).await,
        "trailers" => pieces(exchange, number, Some(HeaderName::from_static("x-digest"))).await,
        "digest" => tell_digest(exchange).await,
        "status" => status(exchange, argument).await,
        "early" => text(exchange, StatusCode::PAYLOAD_TOO_LARGE, "too much\n").await,
        "interim" => interim(exchange).await,
        "until-close" => {
            let mut conn = exchange.take_over().await?;
            conn.write_all(b"HTTP/1.0 200 OK\r\n\r\n").await?;
            conn.write_all(&pattern(number)).await?;
            conn.close().await
        }
        "peer" => {
            let peer = exchange.peer().to_string();
            text(exchange, StatusCode::OK, peer).await
        }
        "upgrade" => match exchange.upgrade(Upgrade::to(["echo"])).await {
            Ok(conn) => echo(conn, b"welcome\n").await,
            Err(refused) => refused.answer().await,
        },
        "raw" => {
            let mut conn = exchange.take_over().await?;
            conn.write_all(b"hello world").await?;
            conn.close().await
        }
        "ws" => websocket::serve(exchange, argument).await,
        _ => text(exchange, StatusCode::NOT_FOUND, "not found\n").await,
    }
}

async fn octets(exchange: Exchange, len: usize) -> Result<Outcome, Error> {
    let mut response = Response::new(Body::from(pattern(len)));
    response.headers_mut().insert(header::CONTENT_TYPE, OCTETS);
    // Said by hand for HEAD, where an empty body says nothing of the length.
    response.headers_mut().insert(header::CONTENT_LENGTH, len.into());
    exchange.respond(response).await
}

async fn pieces(exchange: Exchange, len: usize, trailer: Option<HeaderName>) -> Result<Outcome, Error> {
    let body = pattern(len);
    let mut head = Response::new(());
    head.headers_mut().insert(header::CONTENT_TYPE, OCTETS);
    let mut trailers = HeaderMap::new();
    if let Some(name) = trailer {
        head.headers_mut().insert(header::TRAILER, HeaderValue::from_static("X-Digest"));
        trailers.insert(name, HeaderValue::try_from(hex_digest(&body)).map_err(Error::other)?);
    }
    let mut responder = exchange.start(head)?;
    responder.flush().await?;
    for piece in body.chunks(PIECE_LEN) {
        responder.write_all(piece).await?;
        responder.flush().await?;
    }
    responder.finish_with(&trailers).await
}

async fn tell_digest(mut exchange: Exchange) -> Result<Outcome, Error> {
    let (mut len, mut sum) = (0, Sha256::new());
    let mut body = exchange.body();
    while let Some(part) = body.data().await? {
        len += part.len();
        sum.update(&part);
    }
    let trailer = body.trailers().and_then(|trailers| trailers.get("x-digest")?.to_str().ok());
    let trailer = trailer.unwrap_or("-").to_owned();
    let answer = format!("{} {len} {} {trailer}\n", exchange.method(), hex(&sum.finalize()));
    text(exchange, StatusCode::OK, answer).await
}

async fn status(exchange: Exchange, code: &str) -> Result<Outcome, Error> {
    let status: StatusCode = code.parse().map_err(Error::other)?;
    if !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        return text(exchange, status, format!("status {code}\n")).await;
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    if status == StatusCode::NOT_MODIFIED {
        response.headers_mut().insert(header::ETAG, HeaderValue::from_static("\"interop\""));
    }
    exchange.respond(response).await
}

async fn interim(mut exchange: Exchange) -> Result<Outcome, Error> {
    let link = HeaderValue::from_static("</style.css>; rel=preload");
    let hints = HeaderMap::from_iter([(header::LINK, link)]);
    if exchange.head().version() == Version::HTTP_11 {
        exchange.interim(StatusCode::EARLY_HINTS, &hints).await?;
    }
    text(exchange, StatusCode::OK, "done\n").await
}

async fn text(exchange: Exchange, status: StatusCode, body: impl Into<String>) -> Result<Outcome, Error> {
    let mut response = Response::new(Body::from(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    exchange.respond(response).await
}

async fn connect(exchange: Exchange) -> Result<Outcome, Error> {
    let target = exchange.uri().to_string();
    if target == "echo.test:443" {
        return match exchange.accept_connect(HeaderMap::new()).await {
            Ok(conn) => echo(conn, b"").await,
            Err(refused) => refused.answer().await,
        };
    }
    if !target.starts_with("127.0.0.1:") {
        return text(exchange, StatusCode::FORBIDDEN, "forbidden\n").await;
    }
    let Ok(mut upstream) = TcpStream::connect(target).await else {
        return text(exchange, StatusCode::BAD_GATEWAY, "bad gateway\n").await;
    };
    let mut conn = exchange.accept_connect(HeaderMap::new()).await?;
    tokio::io::copy_bidirectional(&mut conn, &mut upstream).await?;
    conn.close().await
}

/// `greeting`, then every byte back until the client's FIN, then ours.
async fn echo(mut conn: Conn, greeting: &[u8]) -> Result<Outcome, Error> {
    conn.write_all(greeting).await?;
    let mut buffer = vec![0; 16 * 1024];
    loop {
        match conn.read(&mut buffer).await? {
            0 => return conn.close().await,
            len => conn.write_all(&buffer[..len]).await?,
        }
    }
}

/// The first `len` bytes of `0\r\n1\r\n2\r\n…`.
#[must_use]
pub fn pattern(len: usize) -> Vec<u8> {
    let mut out = String::with_capacity(len + 16);
    for number in 0_u64.. {
        if out.len() >= len {
            break;
        }
        let _ = write!(out, "{number}\r\n");
    }
    out.truncate(len);
    out.into_bytes()
}

fn hex_digest(body: &[u8]) -> String {
    hex(&Sha256::digest(body))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Length of the pieces in which `/chunked` flushes: no power of two, no divisor of a usual buffer.
const PIECE_LEN: usize = 10_007;

const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");
