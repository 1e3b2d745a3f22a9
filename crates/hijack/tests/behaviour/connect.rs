//! Tunnels: `CONNECT` accepted, refused, and rejected.

use hijack::{Error, Exchange, Outcome, Refusal};
use http::{HeaderMap, Method, Response, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{GET, Site, assert_bytes, exchange, ok, read_len, server};

const CONNECT: &str = "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n";

/// Behaviours 3 and 20: an accepted tunnel's head says nothing of length or coding, and early bytes are there.
#[tokio::test]
async fn accepts_a_tunnel() {
    let (mut client, exchange) = exchange(format!("{CONNECT}hello")).await;
    assert_eq!(exchange.method(), Method::CONNECT);
    let mut headers = HeaderMap::new();
    headers.insert("proxy-agent", "ours".parse().expect("a value"));
    let mut conn = exchange.accept_connect(headers).await.expect("a tunnel");
    client.expect("HTTP/1.1 200 OK\r\nProxy-Agent: ours\r\n\r\n").await;
    assert_bytes(read_len(&mut conn, 5).await, "hello", "early bytes");
    assert_eq!(conn.protocol().as_deref(), Some("connect"));
    conn.write_all(b"raw").await.expect("open");
    client.expect("raw").await;
}

/// Behaviour 21: Go's rpc client asks over HTTP/1.0, with a path and bare line feeds; that is a tunnel too.
#[tokio::test]
async fn accepts_a_tunnel_of_http10() {
    let (mut client, exchange) = exchange("CONNECT /_goRPC_ HTTP/1.0\n\n\x01gob").await;
    let mut conn = exchange.accept_connect(HeaderMap::new()).await.expect("a tunnel");
    assert_bytes(read_len(&mut conn, 4).await, "\x01gob", "early bytes");
    client.expect("HTTP/1.1 200 OK\r\n\r\n").await;
}

/// A tunnel's head by hand, as Go's rpc client wants it.
#[tokio::test]
async fn accepts_a_tunnel_with_a_head_as_given() {
    let (mut client, exchange) = exchange("CONNECT /_goRPC_ HTTP/1.0\n\n").await;
    let mut conn = exchange.take_over().await.expect("nothing was written");
    conn.write_all(b"HTTP/1.0 200 Connected to Go RPC\n\n").await.expect("open");
    client.expect("HTTP/1.0 200 Connected to Go RPC\n\n").await;
}

/// Behaviour 20: where the server's answers carry `Date`, the tunnel's head does, once.
#[tokio::test]
async fn a_tunnels_head_is_dated() {
    let (server, _events) = server(|config| config.date = true);
    let (mut client, exchange) = crate::support::exchange_of(&server, CONNECT).await;
    let conn = exchange.accept_connect(HeaderMap::new()).await.expect("a tunnel");
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\nDate: ") && head.lines().count() == 3, "{head}");
    drop(conn);
}

/// Refused: other methods, requests with a body, answers with a length. The exchange stays HTTP's.
#[tokio::test]
async fn refuses_what_is_no_tunnel() {
    let framed: HeaderMap =
        [(http::header::CONTENT_LENGTH, "0".parse().expect("a value"))].into_iter().collect();
    let with_body = "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nContent-Length: 0\r\n\r\n";
    let chunked = "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    for (request, headers, refusal, status) in [
        (GET, HeaderMap::new(), Refusal::NotConnect, 405),
        (with_body, HeaderMap::new(), Refusal::ConnectBody, 400),
        (chunked, HeaderMap::new(), Refusal::ConnectBody, 400),
        (CONNECT, framed, Refusal::FramedTunnel, 500),
    ] {
        let (mut client, exchange) = exchange(request).await;
        let refused = exchange.accept_connect(headers).await.expect_err(request);
        assert_eq!(refused.refusal(), &refusal, "{request:?}");
        drop(refused.answer().await.expect("open"));
        let head = client.head().await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{request:?}: {head}");
        assert_eq!(head.contains("\r\nAllow: CONNECT\r\n"), status == 405, "{head}");
    }
}

/// Rejects every `CONNECT`; requests that are parsed behind one would be counted.
async fn reject(exchange: Exchange) -> Result<Outcome, Error> {
    if exchange.method() != Method::CONNECT {
        return ok(exchange).await;
    }
    let answer = Response::builder().status(StatusCode::FORBIDDEN).body(hijack::Body::from("no"));
    exchange.respond(answer.expect("a head")).await
}

/// Behaviour 41: a rejected `CONNECT` closes, and nothing behind it is parsed, be it in the same packet or a later
/// one (RFC 9931). An answer that forgets the rule with a 2xx closes as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rejected_connect_closes_and_parses_no_further() {
    let site = Site::start(|_| (), reject).await;
    let rejected = "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno";
    let mut client = site.client_with(format!("{CONNECT}{GET}{GET}")).await;
    client.expect_rest(rejected).await;
    let mut client = site.client_with(CONNECT).await;
    client.expect(rejected).await;
    client.send(GET).await;
    client.expect_rest("").await;

    let site = Site::start(|_| (), ok).await;
    let mut client = site.client_with(format!("{CONNECT}{GET}")).await;
    client.expect_rest("HTTP/1.1 200 OK\r\n\r\n").await;
}

/// A tunnel carries both directions and their ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tunnel_half_closes() {
    let site = Site::start(
        |_| (),
        |exchange: Exchange| async {
            let mut conn = exchange.accept_connect(HeaderMap::new()).await?;
            let mut all = Vec::new();
            conn.read_to_end(&mut all).await?;
            conn.write_all(&all).await?;
            conn.close().await
        },
    )
    .await;
    let mut client = site.client_with(format!("{CONNECT}one ")).await;
    client.expect("HTTP/1.1 200 OK\r\n\r\n").await;
    client.send("two").await;
    client.end().await;
    client.expect_rest("one two").await;
}
