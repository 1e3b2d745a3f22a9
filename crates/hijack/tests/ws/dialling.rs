//! The client's side of the handshake, against a server that answers what it likes (RFC 6455 §4.1).

use hijack::ws::{Dial, DialError, Mismatch, WebSocket};
use http::HeaderValue;
use tokio::net::TcpStream;

use crate::support::soon;
use crate::wire::{TEXT, dialled, field, frame, switched};

fn dial() -> Dial {
    Dial::to("ws://a/chat?room=4").expect("a URL")
}

async fn mismatch(dial: &Dial, answer: impl FnOnce(&str) -> Vec<u8>) -> Mismatch {
    match dialled(dial, answer).await.0 {
        Err(DialError::Mismatch(mismatch)) => mismatch,
        other => panic!("expected a mismatch, got {other:?}"),
    }
}

/// The request says all that was asked for, and once.
#[tokio::test]
async fn asks_for_what_is_wanted() {
    let dial = dial()
        .subprotocols(["v2", "v1"])
        .origin(HeaderValue::from_static("https://a"))
        .configure(|config| config.deflate = Some(hijack::ws::Deflate::default()));
    let (mut far, near) = crate::support::tcp_pair().await;
    let asking = tokio::spawn(async move { hijack::ws::client(&dial, near).await });
    let head = far.head().await;
    assert!(head.starts_with("GET /chat?room=4 HTTP/1.1\r\n"), "{head}");
    let lines = [
        "Host: a",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: v2, v1",
        "Origin: https://a",
        "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
         client_max_window_bits",
    ];
    for line in lines {
        let count = head.lines().filter(|got| got.eq_ignore_ascii_case(line)).count();
        assert_eq!(count, 1, "{line}: {head}");
    }
    assert_eq!(head.to_lowercase().matches("sec-websocket-key").count(), 1, "{head}");
    drop(far);
    assert!(matches!(soon("an error", asking).await.expect("no panic"), Err(DialError::Http(_))));
}

/// RFC 6455 §4.1: what a client must not take.
#[tokio::test]
async fn rejects_a_switch_that_breaks_the_law() {
    let wrong = mismatch(&dial(), |_| switched("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "").into()).await;
    assert_eq!(wrong, Mismatch::Accept);
    let missing = |accept: &str| switched(accept, "").replace("Sec-WebSocket-Accept", "X").into();
    assert_eq!(mismatch(&dial(), missing).await, Mismatch::Accept);
    let table = [
        ("Sec-WebSocket-Protocol: v1\r\n", "Subprotocol"),
        ("Sec-WebSocket-Extensions: permessage-deflate\r\n", "Extension(NotOffered)"),
        ("Sec-WebSocket-Extensions: x-other\r\n", "Extension(NotOffered)"),
    ];
    for (line, expected) in table {
        let got = mismatch(&dial(), |accept| switched(accept, line).into()).await;
        assert_eq!(format!("{got:?}"), expected, "{line:?}");
    }
    let offering =
        dial().subprotocols(["v1", "v2"]).configure(|config| config.deflate = Some(<_>::default()));
    let table = [
        ("Sec-WebSocket-Protocol: v3\r\n", "Subprotocol"),
        ("Sec-WebSocket-Protocol: V1\r\n", "Subprotocol"),
        ("Sec-WebSocket-Protocol: v1, v2\r\n", "Subprotocol"),
        (
            "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; what=1\r\n",
            "Extension(Parameter)",
        ),
        ("Sec-WebSocket-Extensions: permessage-bzip2\r\n", "Extension(NotOffered)"),
    ];
    for (line, expected) in table {
        let got = mismatch(&offering, |accept| switched(accept, line).into()).await;
        assert_eq!(format!("{got:?}"), expected, "{line:?}");
    }
    let (socket, _far) =
        dialled(&offering, |accept| switched(accept, "Sec-WebSocket-Protocol: v2\r\n").into()).await;
    let socket = socket.expect("both may be left out, and one was chosen");
    assert_eq!((socket.subprotocol(), socket.is_compressed()), (Some("v2"), false));
}

/// Any other answer is handed back, with its head and the start of its body.
#[tokio::test]
async fn hands_other_answers_back() {
    let table = [
        ("200 OK", "Content-Length: 5\r\n\r\nhello", "hello"),
        ("302 Found", "Location: /there\r\nContent-Length: 0\r\n\r\n", ""),
        ("401 Unauthorized", "WWW-Authenticate: Basic\r\nContent-Length: 4\r\n\r\nwho?", "who?"),
        ("426 Upgrade Required", "Sec-WebSocket-Version: 8\r\nContent-Length: 0\r\n\r\n", ""),
    ];
    for (status, rest, body) in table {
        let (socket, _far) = dialled(&dial(), |_| format!("HTTP/1.1 {status}\r\n{rest}").into()).await;
        let Err(DialError::Declined(decline)) = socket else { panic!("{status}: {socket:?}") };
        assert_eq!(format!("{}", decline.head.status()), status);
        assert_eq!((&decline.body[..], decline.complete), (body.as_bytes(), true), "{status}");
        let name = rest.split(':').next().expect("a header");
        assert!(decline.head.headers().contains_key(name), "{status}: {name}");
    }
}

async fn first(mut socket: WebSocket<TcpStream>) -> hijack::ws::Message {
    soon("a message", socket.recv()).await.expect("open").expect("a message")
}

/// A frame in the segment of the 101 is the first that is received, wherever the bytes are cut.
#[tokio::test]
async fn frames_glued_to_the_switch_are_heard() {
    let bytes = |accept: &str| [switched(accept, "").as_bytes(), &frame(TEXT, "Hello")].concat();
    let (socket, _far) = dialled(&dial(), bytes).await;
    assert_eq!(first(socket.expect("granted")).await, "Hello".into());
    let len = bytes("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=").len();
    for cut in 0..len {
        let (mut far, near) = crate::support::tcp_pair().await;
        let dial = dial();
        let asking = tokio::spawn(async move { hijack::ws::client(&dial, near).await });
        let head = far.head().await;
        let key = field(&head, "Sec-WebSocket-Key").expect("a key");
        let bytes = bytes(&hijack_proto::ws::handshake::accept_hash(key.as_bytes()));
        far.send(&bytes[..cut]).await;
        far.send(&bytes[cut..]).await;
        let socket = soon("the handshake", asking).await.expect("no panic").expect("granted");
        assert_eq!(first(socket).await, "Hello".into(), "cut at {cut}");
    }
}

/// What is no URL of a WebSocket is told so before anything is dialled.
#[tokio::test]
async fn tells_what_is_no_url() {
    for url in ["", "ws:", "/chat", "example.com", "ftp://a/", "ws://", "ws://a b/"] {
        let error = Dial::to(url).expect_err(url);
        assert!(matches!(&error, DialError::Url(told) if told == url), "{url}: {error}");
        assert!(error.to_string().contains("ws://host:port/path"), "{error}");
    }
    for url in ["ws://a", "wss://a:8443/x?y", "http://a/", "https://[::1]:4/"] {
        let _ = Dial::to(url).unwrap_or_else(|error| panic!("{url}: {error}"));
    }
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("ws://{}/", closed.local_addr().expect("bound"));
    drop(closed);
    let error = hijack::ws::dial(&url).await.expect_err("nobody listens");
    assert!(matches!(error, DialError::Http(hijack::Error::Connect(_))), "{error:?}");
}
