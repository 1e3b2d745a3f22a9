//! What operators do.

use hijack::Side;
use hijack::ws::Message;
use hijack_gateway::{Kick, Payload};

use crate::support::{Site, until};

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
