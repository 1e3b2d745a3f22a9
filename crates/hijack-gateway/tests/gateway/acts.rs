//! What operators do.

use hijack::Side;
use hijack::ws::{Dial, Message, dial_config};
use hijack_gateway::{Compression, Kick, Payload};

use crate::support::{Site, until, with_context};

#[tokio::test]
async fn a_kick_tells_the_client_its_code_and_reason() {
    let site = Site::start(|_| {}).await;
    let mut socket = site.websocket("/ws").await;
    let id = site.found("protocol=websocket").await.id;
    let kick = Kick { code: 4_000, reason: "be gone".into() };
    assert!(site.gateway.kick(id, &kick));
    assert_eq!(socket.recv().await.expect("an orderly end"), None);
    let close = socket.close_frame().expect("a Close");
    assert_eq!((close.code.get(), &*close.reason), (4_000, "be gone"));
    drop(socket);
    let ended = site.found("state=closed").await;
    assert_eq!(
        (ended.closed_by.as_deref(), ended.code, ended.reason.as_deref()),
        (Some("operator"), Some(4_000), Some("be gone"))
    );
}

#[tokio::test]
async fn messages_are_put_in_and_seen() {
    let site = Site::start(|_| {}).await;
    let mut socket = site.websocket("/ws").await;
    let id = site.found("protocol=websocket").await.id;
    let mut seen = site.gateway.watch(id).expect("it lives");
    until("the tap is open", || site.list("")[0].gear == "tapped").await;
    let sent = site.gateway.send(id, Side::Client, Payload::Text("from above".into())).await;
    assert_eq!(sent, Some(Ok(())));
    assert_eq!(socket.recv().await.expect("a message"), Some(Message::Text("from above".into())));
    let sent = site.gateway.send(id, Side::Server, Payload::Binary("to the server".into())).await;
    assert_eq!(sent, Some(Ok(())));
    assert_eq!(socket.recv().await.expect("the echo"), Some(Message::Binary("to the server".into())));
    socket.send(Message::Text("hello".into())).await.expect("sent");
    assert_eq!(socket.recv().await.expect("the echo"), Some(Message::Text("hello".into())));
    let mut shown = Vec::new();
    for _ in 0..5 {
        let message = seen.recv().await.expect("shown");
        shown.push((message.from.clone(), message.to.clone(), message.opcode.clone(), message.size));
    }
    let row =
        |from: &str, to: &str, opcode: &str, size| (from.to_owned(), to.to_owned(), opcode.to_owned(), size);
    assert_eq!(
        shown,
        [
            row("operator", "client", "text", 10),
            row("operator", "upstream", "binary", 13),
            row("upstream", "client", "binary", 13),
            row("client", "upstream", "text", 5),
            row("upstream", "client", "text", 5),
        ]
    );
    drop(seen);
    until("the tap is closed", || site.list("")[0].gear == "framed").await;
}

/// RFC 7692 §6: a message of ours goes plain between compressed ones, whose context it leaves alone.
#[tokio::test]
async fn messages_are_put_in_between_compressed_ones() {
    for compression in [Compression::Passthrough, Compression::Inflate, Compression::Plain] {
        let site = Site::start(|route| route.compression = compression).await;
        let dial = Dial::to(&format!("ws://{}/ws", site.address)).expect("a URL");
        let dial = dial.configure(|config| config.deflate = Some(with_context()));
        let mut socket = dial_config(&dial).await.expect("a WebSocket");
        assert_eq!(socket.is_compressed(), compression != Compression::Plain);
        let id = site.found("protocol=websocket").await.id;
        let mut seen = site.gateway.watch(id).expect("it lives");
        until("the tap is open", || site.list("")[0].gear == "tapped").await;
        let said = Message::Text("the same words over and over, ".repeat(20));
        for _ in 0..3 {
            socket.send(said.clone()).await.expect("sent");
            assert_eq!(socket.recv().await.expect("the echo"), Some(said.clone()), "{compression:?}");
            for (to, from) in [(Side::Client, "to the client"), (Side::Server, "to the upstream and back")] {
                let sent = site.gateway.send(id, to, Payload::Text(from.into())).await;
                assert_eq!(sent, Some(Ok(())));
                assert_eq!(socket.recv().await.expect("a message"), Some(Message::Text(from.into())));
            }
        }
        let first = seen.recv().await.expect("shown");
        assert_eq!(first.compressed, compression == Compression::Passthrough);
        assert_eq!(first.text.is_some(), compression != Compression::Passthrough, "{first:?}");
    }
}
