//! What passes, and as what.

use std::time::{Duration, Instant};

use hijack::ws::Message;

use crate::support::{Site, until};

const UPGRADE: &[u8] = b"GET /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";

#[tokio::test]
async fn ordinary_requests_pass_on_one_connection() {
    let site = Site::start(|_| {}).await;
    let mut client = site.connect().await;
    for _ in 0..3 {
        client.send(b"GET /greeting HTTP/1.1\r\nHost: here:1\r\n\r\n").await;
        let head = client.head().await;
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        client.expect(b"here:1\n").await;
    }
    client
        .send(
            b"POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        )
        .await;
    let head = client.head().await;
    assert!(head.contains("ontent-Length: 5\r\n") || head.contains("content-length: 5\r\n"), "{head}");
    client.expect(b"hello").await;
}

#[tokio::test]
async fn an_upgrade_passes_with_early_bytes_and_both_ends() {
    let site = Site::start(|_| {}).await;
    let mut client = site.connect().await;
    client.send(&[UPGRADE, b"early "].concat()).await;
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    client.send(b"late").await;
    client.expect(b"early late").await;
    let view = site.found("protocol=tcp").await;
    assert_eq!((view.bytes_in, view.bytes_out, &*view.gear), (10, 10, "spliced"));
    assert!(view.movable, "{view:?}");
    tokio::io::AsyncWriteExt::shutdown(&mut client.0).await.expect("half-closed");
    assert_eq!(client.rest().await, b"");
    until("it is closed", || site.gateway.count() == 0).await;
    let ended = site.found("state=closed").await;
    assert_eq!(ended.closed_by.as_deref(), Some("client"));
}

#[tokio::test]
async fn a_request_s_body_goes_before_the_upgrade() {
    let site = Site::start(|_| {}).await;
    let mut client = site.connect().await;
    client.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 4\r\n\r\nbodyrest").await;
    assert!(client.head().await.starts_with("HTTP/1.1 101 "));
    client.expect(b"bodyrest").await;
}

#[tokio::test]
async fn what_the_upstream_declines_is_an_ordinary_answer() {
    let site = Site::start(|_| {}).await;
    let mut client = site.connect().await;
    for _ in 0..2 {
        client
            .send(b"GET /declined HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
            .await;
        let head = client.head().await;
        assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
        client.expect(b"not you\n").await;
    }
    assert_eq!(site.gateway.count(), 0);
}

#[tokio::test]
async fn tokens_that_are_not_allowed_do_not_reach_the_upstream() {
    let site = Site::start(|_| {}).await;
    let mut client = site.connect().await;
    for token in ["h2c", "other"] {
        let request = format!(
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: {token}\r\nHTTP2-Settings: AAMA\r\n\r\n"
        );
        client.send(request.as_bytes()).await;
        let head = client.head().await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        client.expect(b"a\n").await;
    }
}

#[tokio::test]
async fn a_websocket_passes_and_its_messages_are_counted() {
    let site = Site::start(|_| {}).await;
    let mut socket = site.websocket("/ws").await;
    for len in [0, 5, 200, 70_000, 1 << 20] {
        let message = Message::Binary(vec![7; len]);
        socket.send(message.clone()).await.expect("sent");
        assert_eq!(socket.recv().await.expect("answered"), Some(message), "{len} bytes");
    }
    until("five messages each way are counted", || {
        let view = &site.list("protocol=websocket")[0];
        (view.messages_in, view.messages_out) == (5, 5)
    })
    .await;
    socket.close(hijack::ws::CloseCode::NORMAL, "").await.expect("closed");
    drop(socket); // its owner closes the connection, and nobody waits for a limit
    let closed = Instant::now();
    let ended = site.found("state=closed").await;
    assert!(closed.elapsed() < Duration::from_secs(2), "{:?}", closed.elapsed());
    assert_eq!((ended.closed_by.as_deref(), ended.illegal_in + ended.illegal_out), (Some("client"), 0));
}
