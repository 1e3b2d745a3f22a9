//! What breaks, and what the gateway says of it.

use std::time::{Duration, Instant};

use hijack::ws::CloseCode;
use hijack_gateway::Kick;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Client, Site, until, upstream};

const ASK: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
const GRANT: &[u8] = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";

/// A site before a server that this test plays, and its listener.
async fn played(change: impl FnOnce(&mut hijack_gateway::Config)) -> (Site, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    (Site::start_before(address, change).await, listener)
}

/// The server's end of a pair behind a granted upgrade.
async fn granted(site: &Site, listener: &TcpListener) -> (Client, TcpStream) {
    let mut client = site.connect().await;
    client.send(ASK).await;
    let (mut server, _) = listener.accept().await.expect("asked");
    read_head(&mut server).await;
    server.write_all(GRANT).await.expect("granted");
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 101 UPGRADED\r\n"), "the words are the upstream's: {head}");
    (client, server)
}

async fn read_head(server: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(server.read_u8().await.expect("a head"));
    }
    String::from_utf8(head).expect("text")
}

fn reset(stream: TcpStream) {
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("a socket");
    drop(stream);
}

#[tokio::test]
async fn a_reset_is_passed_on_and_named_either_way() {
    let (site, listener) = played(|_| {}).await;
    let (mut client, server) = granted(&site, &listener).await;
    reset(server);
    assert!(client.0.read_u8().await.is_err(), "a reset, not an end");
    let ended = site.found("state=closed").await;
    assert_eq!(ended.closed_by.as_deref(), Some("upstream"));
    let (client, mut server) = granted(&site, &listener).await;
    reset(client.0);
    let begun = Instant::now();
    assert!(server.read_u8().await.is_err());
    assert!(begun.elapsed() < Duration::from_secs(1));
    until("both are remembered", || site.list("state=closed and closed_by=client").len() == 1).await;
}

#[tokio::test]
async fn an_upstream_that_never_answers_is_504_and_one_that_is_not_there_502() {
    let (site, _listener) = played(|config| config.limits.answer_timeout = Duration::from_millis(300)).await;
    let mut client = site.connect().await;
    for _ in 0..2 {
        client.send(ASK).await;
        let head = client.head().await;
        assert!(head.starts_with("HTTP/1.1 504 "), "{head}");
        client.expect(b"the upstream gave no answer\n").await;
    }
    let nobody = TcpListener::bind("127.0.0.1:0").await.expect("bound").local_addr().expect("an address");
    let site = Site::start_before(format!("http://{nobody}"), |_| {}).await;
    let mut client = site.connect().await;
    for request in [ASK, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"] {
        client.send(request).await;
        let head = client.head().await;
        assert!(head.starts_with("HTTP/1.1 502 "), "{head}");
        client.expect(b"the upstream gave no answer\n").await;
    }
}

/// Upgrade smuggling: only a 101 that answers what was asked for opens anything.
#[tokio::test]
async fn a_101_that_is_none_is_502_and_nothing_passes() {
    let (site, listener) = played(|_| {}).await;
    let ask = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\nsmuggled";
    let right = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
    let answers = [
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: wrong\r\n".to_owned(),
        "Connection: Upgrade\r\nUpgrade: websocket\r\n".to_owned(),
        format!("Connection: Upgrade\r\nUpgrade: h2c\r\nSec-WebSocket-Accept: {right}\r\n"),
        format!("Upgrade: websocket\r\nSec-WebSocket-Accept: {right}\r\n"),
        format!(
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {right}\r\nSec-WebSocket-Protocol: not-offered\r\n"
        ),
        format!(
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {right}\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"
        ),
    ];
    for answer in answers {
        let mut client = site.connect().await;
        client.send(ask).await;
        let (mut server, _) = listener.accept().await.expect("asked");
        read_head(&mut server).await;
        server
            .write_all(format!("HTTP/1.1 101 Switching Protocols\r\n{answer}\r\n").as_bytes())
            .await
            .expect("answered");
        let head = client.head().await;
        assert!(head.starts_with("HTTP/1.1 502 "), "{answer}: {head}");
        let mut rest = Vec::new();
        let _ = server.read_to_end(&mut rest).await;
        assert_eq!(rest, b"", "nothing of the client's reached it");
    }
    assert_eq!(site.gateway.count(), 0);
}

/// Docker's bare 200 opens a stream; one with a length is an ordinary answer.
#[tokio::test]
async fn docker_s_bare_200_opens_a_stream_and_a_framed_one_does_not() {
    let (site, listener) = played(|_| {}).await;
    for framing in ["", "Content-Length: 2\r\n", "Transfer-Encoding: chunked\r\n"] {
        let mut client = site.connect().await;
        client.send(b"POST /attach HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n").await;
        let (mut server, _) = listener.accept().await.expect("asked");
        read_head(&mut server).await;
        let body = if framing.contains("chunked") { "2\r\nhi\r\n0\r\n\r\n" } else { "hi" };
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n{framing}\r\n{body}"
        );
        server.write_all(answer.as_bytes()).await.expect("answered");
        assert!(client.head().await.starts_with("HTTP/1.1 200 OK\r\n"));
        if framing.is_empty() {
            client.expect(b"hi").await;
            client.send(b"ping").await;
            let mut came = [0; 4];
            server.read_exact(&mut came).await.expect("both ways");
            assert_eq!(&came, b"ping");
            assert_eq!(site.found("state!=closed").await.protocol, "raw");
            drop((client, server));
            until("it is gone", || site.gateway.count() == 0).await;
        } else {
            assert_eq!(site.gateway.count(), 0, "{framing}");
        }
    }
}

#[tokio::test]
async fn takeovers_beyond_the_rate_are_503_until_there_is_room() {
    let site =
        Site::start_before(upstream().await, |config| config.limits.handshakes_per_second = Some(3)).await;
    let mut refused = 0;
    for _ in 0..6 {
        let mut client = site.connect().await;
        client.send(b"GET /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n").await;
        let head = client.head().await;
        refused += usize::from(head.starts_with("HTTP/1.1 503 ") && head.contains("etry-"));
    }
    assert!((2..=4).contains(&refused), "{refused} of 6 were refused");
    tokio::time::sleep(Duration::from_millis(700)).await;
    let mut client = site.connect().await;
    client.send(b"GET /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 101 "));
}

#[tokio::test]
async fn a_kick_of_many_is_paced() {
    let site = Site::start(|_| {}).await;
    let mut sockets = Vec::new();
    for _ in 0..60 {
        sockets.push(site.websocket("/ws").await);
    }
    until("all are open", || site.gateway.count() == 60).await;
    let begun = Instant::now();
    let matched = site.gateway.kick_all(&"route=main".parse().expect("a filter"), &Kick::default(), Some(30));
    assert_eq!(matched, 60);
    for mut socket in sockets {
        assert!(socket.recv().await.expect("in order").is_none());
        assert_eq!(socket.close_frame().expect("a Close").code, CloseCode::GOING_AWAY);
    }
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(1_900), "60 at 30 per second took {took:?}");
    until("all are gone", || site.gateway.count() == 0).await;
}

/// A slow one does not hold up the others, and is read again once it reads.
#[tokio::test]
async fn a_reader_that_stalls_holds_nobody_else_up() {
    let (site, listener) = played(|_| {}).await;
    let (stalled, mut flood) = granted(&site, &listener).await;
    let flooding = tokio::spawn(async move {
        let piece = vec![7; 1 << 20];
        let mut sent = 0_u64;
        while sent < 64 << 20 {
            flood.write_all(&piece).await.expect("taken in the end");
            sent += piece.len() as u64;
        }
        flood.shutdown().await.expect("ended");
    });
    until("the flood stands still", || {
        let before = site.list("")[0].bytes_out;
        std::thread::sleep(Duration::from_millis(200));
        before > 0 && site.list("")[0].bytes_out == before
    })
    .await;
    for _ in 0..20 {
        let (mut client, mut server) = granted(&site, &listener).await;
        client.send(b"ping").await;
        let mut came = [0; 4];
        server.read_exact(&mut came).await.expect("not held up");
        assert_eq!(&came, b"ping");
    }
    let mut rest = stalled;
    let all = rest.rest().await;
    assert_eq!(all.len(), 64 << 20);
    flooding.await.expect("every byte was taken");
}
