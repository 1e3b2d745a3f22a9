//! Answers that an upstream seldom gives, byte by byte.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Client, Site};

/// A request through a gateway, as far as its upstream, which the test plays.
async fn asked(request: &str) -> (Site, Client, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("an address");
    let site = Site::start_before(format!("http://{address}"), |_| {}).await;
    let mut client = site.connect().await;
    client.send(request.as_bytes()).await;
    let (mut upstream, _) = listener.accept().await.expect("a connection");
    let mut got = Vec::new();
    while !got.windows(4).any(|end| end == b"\r\n\r\n") {
        assert!(upstream.read_buf(&mut got).await.expect("a request") > 0);
    }
    (site, client, upstream)
}

const REQUESTS: [&str; 2] =
    ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab"];

/// RFC 9110 §15.2: a proxy passes interim answers on, each when it comes.
#[tokio::test]
async fn interim_answers_pass() {
    for request in REQUESTS {
        let (_site, mut client, mut upstream) = asked(request).await;
        upstream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.expect("sent");
        upstream.write_all(b"HTTP/1.1 102 Processing\r\n\r\n").await.expect("sent");
        let hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x-hop\r\nX-Hop: 1\r\n\r\n";
        upstream.write_all(hints).await.expect("sent");
        assert_eq!(client.head().await, "HTTP/1.1 102 Processing\r\n\r\n");
        assert_eq!(client.head().await, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
        upstream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.expect("sent");
        assert!(client.head().await.starts_with("HTTP/1.1 200 OK\r\n"));
        client.expect(b"ok").await;
    }
}

/// RFC 9110 §15.2: a client of HTTP/1.0 gets none.
#[tokio::test]
async fn interim_answers_do_not_reach_http_1_0() {
    let (_site, mut client, mut upstream) = asked("GET / HTTP/1.0\r\nHost: a\r\n\r\n").await;
    upstream.write_all(b"HTTP/1.1 102 Processing\r\n\r\n").await.expect("sent");
    upstream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.expect("sent");
    let head = client.head().await;
    assert!(head.contains(" 200 OK\r\n"), "{head}");
}

/// RFC 9110 §15.2.2: a server switches only to what it was asked for.
#[tokio::test]
async fn a_101_to_nobody_is_a_502() {
    for request in REQUESTS {
        let (site, mut client, mut upstream) = asked(request).await;
        let switch = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nhello";
        upstream.write_all(switch).await.expect("sent");
        let head = client.head().await;
        assert!(head.starts_with("HTTP/1.1 502 "), "{head}");
        // The connection on which other words are spoken now is not used again.
        let mut rest = Vec::new();
        let ended = upstream.read_to_end(&mut rest).await;
        assert!(ended.is_err() || rest == b"" || rest == b"ab", "{rest:?}");
        assert_eq!(site.gateway.count(), 0);
    }
}

/// RFC 9112 §7.1: a body whose chunks are none is the client's fault, and he is told so.
#[tokio::test]
async fn a_broken_body_is_not_the_upstream_s_fault() {
    let request = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n";
    let (_site, mut client, _upstream) = asked(request).await;
    client.send(b"nonsense\r\n").await;
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
    client.expect(b"the body of the request cannot be passed on\n").await;
}

/// RFC 9112 §8: an answer that was cut is cut for the client, and what came of it is his.
#[tokio::test]
async fn a_cut_answer_is_passed_as_far_as_it_came() {
    for request in REQUESTS {
        let (_site, mut client, mut upstream) = asked(request).await;
        upstream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut").await.expect("sent");
        drop(upstream);
        assert!(client.head().await.starts_with("HTTP/1.1 200 OK\r\n"));
        let mut rest = Vec::new();
        let _ = client.0.read_to_end(&mut rest).await;
        assert_eq!(rest, b"cut");
    }
}

/// Streams of events last: however many there are, the next request finds a connection to the upstream.
#[tokio::test]
async fn endless_answers_starve_nobody() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n";
            stream.write_all(answer).await.expect("sent");
            kept.push(stream);
        }
    });
    let site = Site::start_before(format!("http://{address}"), |_| {}).await;
    let mut clients = Vec::new();
    for number in 0..300 {
        let mut client = site.connect().await;
        client.send(REQUESTS[0].as_bytes()).await;
        let head = client.head().await;
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "client {number}: {head}");
        clients.push(client);
    }
}
