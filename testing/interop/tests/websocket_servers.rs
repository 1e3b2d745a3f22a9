//! Our WebSocket client against other people's servers and our own, one test per server and case.

use std::future::Future;
use std::time::Duration;

use hijack::ws::{self, CloseCode, Deflate, Dial, DialError, Message, MessageKind, WebSocket, dial_config};
use hijack_interop::server::{Server, pattern};
use hijack_interop::websocket::Library::{Gorilla, Node, Python, Xnet};
use http::HeaderValue;
use tokio::io::AsyncReadExt;

/// `module, server: cases`.
macro_rules! cases {
    ($($module:ident, $server:expr, $($case:ident)+;)+) => {$(
        mod $module {
            use super::*;
            $(#[test]
            fn $case() {
                let Some(server) = $server else { return };
                in_time(super::$case(server.base()));
            })+
        }
    )+};
}

cases! {
    ours, Some(Server::start()), echo deflate narrow takeover fragments pipelined ping pinged close closed abrupt
        subprotocols refused;
    python, Python.serve(), echo deflate narrow takeover fragments pipelined ping pinged close closed abrupt
        subprotocols refused;
    node, Node.serve(), echo deflate narrow takeover fragments pipelined ping pinged close closed abrupt subprotocols
        refused;
    gorilla, Gorilla.serve(), echo deflate ignored_window fragments pipelined ping pinged close closed abrupt
        subprotocols refused;
    xnet, Xnet.serve(), echo pipelined ping abrupt subprotocols refused;
}

fn in_time(case: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let case = async { tokio::time::timeout(Duration::from_secs(120), case).await };
    runtime.block_on(case).expect("it ends in time");
}

async fn echo(base: &str) {
    let mut socket = open(base, "/ws/echo").await;
    assert!(!socket.is_compressed());
    exchange(&mut socket, &[0, 1, 125, 126, 65_535, 65_536, 1 << 20, 16 << 20]).await;
    socket.close(CloseCode::NORMAL, "").await.expect("the server closes too");
}

async fn deflate(base: &str) {
    compressed(base, "/ws/echo", true, 15).await;
}

async fn narrow(base: &str) {
    compressed(base, "/ws/echo", true, 10).await;
}

/// gorilla agrees to a window that it does not keep to, nor says that it does (RFC 7692 §7.1.2.1).
async fn ignored_window(base: &str) {
    let dial = deflating(base, "/ws/echo", true, 10);
    let refused = dial_config(&dial).await.expect_err("it could inflate nothing for sure");
    assert!(matches!(refused, DialError::Mismatch(_)), "{refused:?}");
}

async fn takeover(base: &str) {
    for bits in [15, 9] {
        compressed(base, "/ws/takeover", false, bits).await;
    }
}

fn deflating(base: &str, path: &str, forgets: bool, bits: u8) -> Dial {
    dial(base, path).configure(|config| {
        let mut deflate = Deflate::default();
        deflate.server_no_context_takeover = forgets;
        deflate.client_no_context_takeover = forgets;
        deflate.server_max_window_bits = bits;
        deflate.client_max_window_bits = bits;
        config.deflate = Some(deflate);
    })
}

async fn compressed(base: &str, path: &str, forgets: bool, bits: u8) {
    let dial = deflating(base, path, forgets, bits);
    let mut socket = dial_config(&dial).await.expect("a connection");
    assert!(socket.is_compressed(), "no compression at {base}{path}");
    exchange(&mut socket, &[0, 1, 125, 126, 5_000, 5_000, 65_536, 1 << 20]).await;
    socket.close(CloseCode::NORMAL, "").await.expect("the server closes too");
}

/// Has messages of all sizes echoed, one after the other.
async fn exchange(socket: &mut WebSocket, lens: &[usize]) {
    let text = |len| String::from_utf8(pattern(len)).expect("digits");
    let messages = lens.iter().flat_map(|len| [Message::Text(text(*len)), Message::Binary(pattern(*len))]);
    let others = ["κόσμε".to_owned(), "\u{1f600}".repeat(1000), "\0".to_owned()].map(Message::Text);
    for message in messages.chain(others) {
        socket.send(message.clone()).await.expect("sent");
        let got = socket.recv().await.expect("an echo");
        assert!(got.as_ref() == Some(&message), "{:?} of {} bytes", message.kind(), message.as_bytes().len());
    }
}

async fn fragments(base: &str) {
    let mut socket = open(base, "/ws/echo").await;
    for kind in [MessageKind::Text, MessageKind::Binary] {
        let mut writer = socket.writer(kind);
        let expected = pattern(100_000);
        for piece in expected.chunks(1_000) {
            writer.write(piece).await.expect("a fragment is sent");
        }
        writer.finish(b"").await.expect("the message is ended");
        let got = socket.recv().await.expect("an echo").expect("a message");
        assert_eq!((got.kind(), got.as_bytes() == expected), (kind, true));
    }
    socket.close(CloseCode::NORMAL, "").await.expect("the server closes too");
}

/// Two halves at once: nothing is lost or out of order.
async fn pipelined(base: &str) {
    let (mut reader, writer) = open(base, "/ws/echo").await.split();
    let sending = tokio::spawn(async move {
        for len in 0..2_000 {
            writer.send(pattern(len)).await.expect("sent");
        }
        writer
    });
    for len in 0..2_000 {
        let got = reader.recv().await.expect("an echo");
        assert_eq!(got, Some(Message::Binary(pattern(len))));
    }
    let writer = sending.await.expect("all are sent");
    writer.close(CloseCode::NORMAL, "").await.expect("the Close is sent");
    assert_eq!(reader.recv().await.expect("a Close"), None);
}

/// The library does not tell of pongs, so this one is read by hand.
async fn ping(base: &str) {
    let mut socket = open(base, "/ws/echo").await;
    socket.ping(b"are you there").await.expect("sent");
    let mut pong = [0; 15];
    socket.into_conn().read_exact(&mut pong).await.expect("a pong");
    assert_eq!(pong.escape_ascii().to_string(), r"\x8a\rare you there");
}

async fn pinged(base: &str) {
    let mut socket = open(base, "/ws/ping").await;
    assert_eq!(socket.recv().await.expect("a message"), Some("you are".into()), "our pong came");
    socket.close(CloseCode::NORMAL, "").await.expect("the server closes too");
}

async fn close(base: &str) {
    for (code, reason) in
        [(1000, String::new()), (1001, "bye".to_owned()), (4321, "ü".repeat(61)), (3000, "x".repeat(123))]
    {
        let mut socket = open(base, "/ws/echo").await;
        socket.send("before").await.expect("sent");
        socket.close(CloseCode::new(code), &reason).await.expect("the server closes too");
        let answered = socket.close_frame().map(|frame| frame.code.get());
        assert_eq!(answered, Some(code), "the code comes back");
    }
}

async fn closed(base: &str) {
    for code in [1000, 1001, 1011, 3000, 4999] {
        let mut socket = open(base, &format!("/ws/close/{code}")).await;
        assert_eq!(socket.recv().await.expect("a Close"), None);
        let seen = socket.close_frame().expect("a Close");
        assert_eq!((seen.code.get(), seen.reason.as_str()), (code, "so long"));
    }
}

async fn abrupt(base: &str) {
    let mut socket = open(base, "/ws/abrupt").await;
    socket.send("and gone").await.expect("sent");
    // A FIN between messages is an end without a Close; a reset is a failure.
    match socket.recv().await {
        Ok(None) => {
            let code = socket.close_frame().map(|frame| frame.code);
            assert!([None, Some(CloseCode::ABNORMAL)].contains(&code), "{code:?}");
        }
        Err(ws::Error::Io(_) | ws::Error::CutOff) => {}
        other => panic!("{other:?}"),
    }
}

async fn subprotocols(base: &str) {
    for (offered, chosen) in [
        (vec!["v1.echo"], vec![Some("v1.echo")]),
        // Whose taste counts is the server's affair.
        (vec!["other", "v1.echo", "v2.echo"], vec![Some("v1.echo"), Some("v2.echo")]),
        (vec!["other"], vec![None]),
    ] {
        let dial = dial(base, "/ws/echo").subprotocols(offered.clone());
        let mut socket = dial_config(&dial).await.expect("a connection");
        assert!(chosen.contains(&socket.subprotocol()), "{offered:?} at {base}: {:?}", socket.subprotocol());
        socket.close(CloseCode::NORMAL, "").await.expect("the server closes too");
    }
}

async fn refused(base: &str) {
    for (path, origin, status) in [("/ws/nowhere", base, 404), ("/ws/echo", "http://elsewhere.test", 403)] {
        let dial = dial(base, path).origin(HeaderValue::try_from(origin).expect("an origin"));
        match dial_config(&dial).await {
            Err(DialError::Declined(decline)) => assert_eq!(decline.head.status(), status),
            other => panic!("{path} from {origin}: {other:?}"),
        }
    }
    let dial = dial(base, "/ws/echo").origin(HeaderValue::try_from(base).expect("an origin"));
    let mut socket = dial_config(&dial).await.expect("a connection");
    socket.close(CloseCode::NORMAL, "").await.expect("the server closes too");
}

async fn open(base: &str, path: &str) -> WebSocket {
    dial_config(&dial(base, path)).await.expect("a connection")
}

fn dial(base: &str, path: &str) -> Dial {
    Dial::to(&format!("{}{path}", base.replace("http:", "ws:"))).expect("a URL")
}
