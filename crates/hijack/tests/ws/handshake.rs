//! The server's side of the handshake, by raw requests (RFC 6455 §4.2).

use std::sync::Arc;

use hijack::ws::{self, Absent, Config, Reject, WebSocket};
use hijack::{Exchange, State};
use http::header::{HeaderName, HeaderValue};
use http::{Response, StatusCode};
use tokio::sync::Notify;

use crate::support::{Site, until};
use crate::wire::{ACCEPT, BINARY, REQUEST, TEXT, echo, field, header, masked, open, site};

/// What stands at the request of the tables that follow: lines are replaced, or added to it.
fn request(from: &str, to: &str) -> String {
    assert!(REQUEST.contains(from), "{from}");
    REQUEST.replacen(from, to, 1)
}

/// The head of the answer to `request`.
async fn answer(site: &Site, request: impl AsRef<[u8]>) -> String {
    site.client_with(request).await.head().await
}

fn has(head: &str, line: &str) -> bool {
    head.to_ascii_lowercase().contains(&format!("\r\n{}\r\n", line.to_ascii_lowercase()))
}

/// RFC 6455 §4.2.1: what is asked for wrongly is refused by name, and the connection stays HTTP's.
#[tokio::test]
async fn refuses_what_is_no_opening() {
    let site = site(|_| (), echo).await;
    let table = [
        ("GET ", "POST ", 405, "allow: GET"),
        ("GET ", "HEAD ", 405, "allow: GET"),
        ("HTTP/1.1", "HTTP/1.0", 426, "sec-websocket-version: 13"),
        ("Version: 13", "Version: 12", 426, "sec-websocket-version: 13"),
        ("Version: 13", "Version: 13, 12", 426, "sec-websocket-version: 13"),
        ("Sec-WebSocket-Version: 13\r\n", "", 426, "sec-websocket-version: 13"),
        ("dGhlIHNhbXBsZSBub25jZQ==", "abc", 400, ""),
        ("dGhlIHNhbXBsZSBub25jZQ==", "", 400, ""),
        ("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZWFh", 400, ""),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", 400, ""),
        ("Connection: Upgrade", "Connection: keep-alive", 426, "upgrade: websocket"),
        ("Connection: Upgrade\r\n", "", 426, "upgrade: websocket"),
        ("Upgrade: websocket", "Upgrade: websockets", 426, "upgrade: websocket"),
        ("Upgrade: websocket\r\n", "", 426, "upgrade: websocket"),
        ("Host: a\r\n", "", 400, ""),
        ("Host: a\r\n", "Host: a\r\nContent-Length: 1\r\n", 400, ""),
        ("Host: a\r\n", "Host: a\r\nOrigin: https://b\r\n", 403, ""),
    ];
    for (from, to, status, line) in table {
        let head = answer(&site, request(from, to)).await;
        assert!(head.contains(&format!(" {status} ")), "{to:?}: {head}");
        assert!(line.is_empty() || has(&head, line), "{to:?}: {head}");
    }
    let mut client = site.client_with(request("Version: 13", "Version: 12")).await;
    let head = client.head().await;
    let body = "only version 13 of websocket is spoken here\n";
    assert!(has(&head, &format!("content-length: {}", body.len())), "{head}");
    client.expect(body).await;
    client.send(REQUEST).await;
    assert!(client.head().await.starts_with("HTTP/1.1 101 "), "the same connection goes on");
}

/// RFC 6455 §4.2: lists, cases and repeated lines are what HTTP makes of them.
#[tokio::test]
async fn switches_whatever_is_an_opening() {
    let site = site(|_| (), echo).await;
    let table = [
        ("Host: a", "Host: a"),
        ("Connection: Upgrade", "Connection: keep-alive, Upgrade"),
        ("Connection: Upgrade", "Connection: keep-alive\r\nCONNECTION: uPGRADE"),
        ("Upgrade: websocket", "Upgrade: WebSocket"),
        ("Upgrade: websocket", "Upgrade: h2c, websocket"),
        ("Host: a", "Host: a\r\nSec-WebSocket-Protocol: chat, v2"),
        ("Host: a", "Host: a\r\nSec-WebSocket-Extensions: permessage-deflate"),
        ("Host: a", "Host: a\r\nContent-Length: 0"),
    ];
    for (from, to) in table {
        let head = answer(&site, request(from, to)).await;
        assert_eq!(head.lines().next(), Some("HTTP/1.1 101 Switching Protocols"), "{to:?}");
        assert!(has(&head, &format!("sec-websocket-accept: {ACCEPT}")), "{to:?}: {head}");
        assert!(has(&head, "upgrade: websocket") && has(&head, "connection: Upgrade"), "{to:?}: {head}");
        for unasked in ["sec-websocket-protocol", "sec-websocket-extensions", "content-length"] {
            assert!(!head.to_ascii_lowercase().contains(unasked), "{to:?}: {head}");
        }
    }
}

/// Frames in the segment of the request are the first that are received, wherever the bytes are cut.
#[tokio::test]
async fn frames_glued_to_the_request_are_heard() {
    let site = site(|_| (), echo).await;
    let bytes = [REQUEST.as_bytes(), &masked(TEXT, "Hello"), &masked(BINARY, [7; 200])].concat();
    let mut client = site.client_with(&bytes).await;
    client.head().await;
    client.expect_frame(TEXT, "Hello").await;
    client.expect_frame(BINARY, [7; 200]).await;
    for cut in REQUEST.len() - 3..bytes.len() {
        let mut client = site.client().await;
        client.0.set_nodelay(true).expect("open");
        client.send(&bytes[..cut]).await;
        client.send(&bytes[cut..]).await;
        client.head().await;
        client.expect_frame(TEXT, "Hello").await;
        client.expect_frame(BINARY, [7; 200]).await;
    }
}

/// A head that comes byte by byte is a head.
#[tokio::test]
async fn takes_a_head_byte_by_byte() {
    let site = site(|_| (), echo).await;
    let mut client = site.client().await;
    client.0.set_nodelay(true).expect("open");
    for byte in REQUEST.bytes() {
        client.send([byte]).await;
    }
    assert!(client.head().await.starts_with("HTTP/1.1 101 "));
    let mut client =
        site.client_with(request("Host: a", &format!("Host: a\r\nX: {}", "x".repeat(1 << 20)))).await;
    assert!(client.head().await.starts_with("HTTP/1.1 431 "), "a head beyond the limit");
}

/// RFC 6455 §10.2: pages of another host are refused, unless the configuration lets them in.
#[tokio::test]
async fn judges_origins() {
    type Change = fn(&mut Config);
    let table: [(Change, &str, u16); 12] = [
        (|_| (), "", 101),
        (|_| (), "Origin: http://a\r\n", 101),
        (|_| (), "Origin: https://A\r\n", 101),
        (|_| (), "Origin: https://a.b\r\n", 403),
        (|_| (), "Origin: https://b\r\n", 403),
        (|_| (), "Origin: null\r\n", 403),
        (|_| (), "Origin: http://a\r\nOrigin: http://a\r\n", 403),
        (|config| config.origins.absent = Absent::Refused, "", 403),
        (|config| config.origins.allowed = vec!["https://b".into()], "Origin: https://b\r\n", 101),
        (|config| config.origins.allowed = vec!["https://b".into()], "Origin: https://b:8\r\n", 403),
        (|config| config.origins.same_host = false, "Origin: http://a\r\n", 403),
        (|config| config.origins.any = true, "Origin: null\r\n", 101),
    ];
    for (change, origin, status) in table {
        let site = site(change, echo).await;
        let head = answer(&site, request("Host: a\r\n", &format!("Host: a\r\n{origin}"))).await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{origin:?}: {head}");
    }
}

/// RFC 6455 §4.2.2: the server's favourite of those that the client offers, over all lines; none is no refusal.
#[tokio::test]
async fn chooses_the_subprotocol_it_likes_best() {
    let site = site(|config| config.subprotocols = vec!["v3".into(), "v2".into(), "v1".into()], echo).await;
    let table = [
        ("v1, v2", Some("v2")),
        ("v1\r\nSec-WebSocket-Protocol: v3", Some("v3")),
        ("V2, other", None),
        ("v1", Some("v1")),
    ];
    for (offers, chosen) in table {
        let head =
            answer(&site, request("Host: a", &format!("Host: a\r\nSec-WebSocket-Protocol: {offers}"))).await;
        let line = field(&head, "Sec-WebSocket-Protocol");
        assert_eq!(line, chosen, "{offers:?}: {head}");
    }
}

/// `golang.org/x/net/websocket`: the handshake sees the request, its origin and its location, chooses, adds and refuses.
#[tokio::test]
async fn the_hook_chooses_adds_and_refuses() {
    let server = ws::Server::new(|mut socket: WebSocket| async move {
        let chosen = socket.subprotocol().unwrap_or("none").to_owned();
        Ok(socket.send(chosen).await?)
    })
    .configure(|config| config.subprotocols = vec!["v1".into()])
    .handshake(|asked| {
        if asked.request().uri().path() != "/chat" {
            let reject = Reject::new(StatusCode::NOT_FOUND, "not here\n");
            return Err(reject.header(HeaderName::from_static("x-why"), HeaderValue::from_static("path")));
        }
        assert_eq!(asked.location(), "//a/chat");
        assert_eq!(asked.origin(), Some("http://a"));
        let last = asked.subprotocols().last();
        asked.set_subprotocol(last);
        asked.header(HeaderName::from_static("x-room"), HeaderValue::from_static("lobby"));
        Ok(())
    });
    let site = Site::start(|_| (), server.into_handler()).await;
    let good = request("Host: a", "Host: a\r\nOrigin: http://a\r\nSec-WebSocket-Protocol: v1, v2");
    let mut client = site.client_with(&good).await;
    let head = client.head().await;
    assert!(has(&head, "x-room: lobby") && has(&head, "sec-websocket-protocol: v2"), "{head}");
    client.expect_frame(TEXT, "v2").await;
    let mut client = site.client_with(good.replace("/chat", "/other")).await;
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 404 ") && has(&head, "x-why: path"), "{head}");
    client.expect("not here\n").await;
    let foreign = answer(&site, good.replace("http://a", "http://b")).await;
    assert!(foreign.starts_with("HTTP/1.1 403 "), "the origin is judged before the hook: {foreign}");
}

/// RFC 6455 §4.2.2: a hook that chooses what was not offered made a mistake, which is told before the client finds it.
#[tokio::test]
async fn a_subprotocol_that_was_not_offered_is_a_mistake() {
    let server = ws::Server::new(echo).handshake(|asked| {
        asked.set_subprotocol(Some("v9"));
        Ok(())
    });
    let site = Site::start(|_| (), server.into_handler()).await;
    assert!(answer(&site, REQUEST).await.starts_with("HTTP/1.1 500 "));
}

/// The client sees the 101 although the handler has nothing to say and hears nothing.
#[tokio::test]
async fn a_silent_handler_has_switched() {
    let wake = Arc::new(Notify::new());
    let site = site(|_| (), {
        let wake = Arc::clone(&wake);
        move |mut socket: WebSocket| {
            let wake = Arc::clone(&wake);
            async move {
                wake.notified().await;
                Ok(socket.send("now").await?)
            }
        }
    })
    .await;
    let mut client = open(&site).await;
    assert!(client.is_silent().await);
    wake.notify_one();
    client.expect_frame(TEXT, "now").await;
}

/// A request that is no WebSocket's is answered as any other, from the exchange that comes back.
#[tokio::test]
async fn a_refused_exchange_is_still_http() {
    let config = Arc::new(Config::default());
    let site = Site::start(
        |_| (),
        move |exchange: Exchange| {
            let config = Arc::clone(&config);
            async move {
                match ws::accept(exchange, &config) {
                    Ok(socket) => Ok(echo(socket).await.map(|()| hijack::Outcome::taken())?),
                    Err(refused) => {
                        let text = refused.to_string();
                        refused.into_exchange().respond(Response::new(hijack::Body::from(text))).await
                    }
                }
            }
        },
    )
    .await;
    let mut client = site.client_with(crate::support::GET).await;
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    client.expect("426 Upgrade Required: the request does not upgrade to websocket").await;
    client.send(REQUEST).await;
    assert!(client.head().await.starts_with("HTTP/1.1 101 "));
    client.send(masked(TEXT, "x")).await;
    client.expect_frame(TEXT, "x").await;
}

/// A header that promises much costs nothing until the bytes are there.
#[tokio::test]
async fn a_promise_reserves_nothing() {
    let site = site(
        |config| {
            config.limits.frame_len = u64::MAX;
            config.limits.message_len = u64::MAX;
        },
        echo,
    )
    .await;
    let mut client = open(&site).await;
    client.send(header(BINARY, true, (1 << 63) - 1)).await;
    client.send([0; 100]).await;
    let tracker = site.tracker();
    let came = (REQUEST.len() + 14 + 100) as u64;
    until("all bytes are in", || tracker.list().first().is_none_or(|conn| conn.bytes_in == came)).await;
    assert_eq!(tracker.count_in(State::Taken), 1, "it waits for the rest");
    client.end().await;
    assert_eq!(client.rest_or_reset().await, b"", "cut off within a message, there is nothing to say");
}
