//! Messages piece by piece, in both directions.

use hijack::ws::{CloseCode, Error, MessageKind, SendError};

use crate::support::{once, pattern, soon};
use crate::wire::{BINARY, PING, PONG, TEXT, masked, pair, read_frame, serving};

/// Pieces come as they came, pings in between are answered, and nothing is put together.
#[tokio::test]
async fn receives_in_pieces() {
    let (mut socket, mut client) = serving(|_| ()).await;
    client.send([masked(0x01, "one"), masked(PING, "p"), masked(0x00, "two")].concat()).await;
    let show = |kind: MessageKind, bytes: &[u8], last: bool| (kind, bytes.to_vec(), last);
    let text = |bytes: &[u8], last| Some((MessageKind::Text, bytes.to_vec(), last));
    assert_eq!(soon("a piece", socket.recv_pieces(show)).await.expect("open"), text(b"one", false));
    assert_eq!(soon("a piece", socket.recv_pieces(show)).await.expect("open"), text(b"two", false));
    assert!(once(socket.recv_pieces(show)).await.is_none(), "the message goes on");
    client.expect_frame(PONG, "p").await;
    client.send([masked(0x80, ""), masked(TEXT, "next")].concat()).await;
    assert_eq!(soon("a piece", socket.recv_pieces(show)).await.expect("open"), text(b"", true));
    assert_eq!(soon("a message", socket.recv()).await.expect("open"), Some("next".into()));
}

/// `golang.org/x/net/websocket` skips what is too long; here its pieces are dropped, and the connection goes on.
#[tokio::test]
async fn a_message_can_be_skipped() {
    let (mut client, mut server) = pair(|_| (), |_| ()).await;
    let sending = tokio::spawn(async move {
        client.send(pattern(3_000_000)).await.expect("open");
        client.send("small").await.expect("open");
        client
    });
    let mut len = 0;
    while let Some(last) = soon(
        "a piece",
        server.recv_pieces(|_, bytes, last| {
            len += bytes.len();
            last
        }),
    )
    .await
    .expect("open")
    {
        if last {
            break;
        }
    }
    assert_eq!(len, 3_000_000);
    assert_eq!(soon("a message", server.recv()).await.expect("open"), Some("small".into()));
    drop(sending.await.expect("no panic"));
}

/// One message, fragment by fragment, with pings and nothing else in between.
#[tokio::test]
async fn sends_in_pieces() {
    let (mut socket, mut client) = serving(|_| ()).await;
    let mut message = socket.writer(MessageKind::Binary);
    message.write(b"one").await.expect("open");
    client.expect_frame(0x02, "one").await;
    socket.ping(b"between").await.expect("open");
    client.expect_frame(PING, "between").await;
    let error = socket.send("no").await.expect_err("a message is under way");
    assert!(matches!(error, Error::Local(SendError::Place)), "{error:?}");
    client.send(masked(TEXT, "heard")).await;
    assert_eq!(soon("a message", socket.recv()).await.expect("open"), Some("heard".into()));
    let mut message = socket.writer(MessageKind::Binary);
    message.write(b"").await.expect("open");
    message.finish(b"two").await.expect("open");
    client.expect_frame(0x00, "").await;
    client.expect_frame(0x80, "two").await;
    socket.writer(MessageKind::Text).finish(b"whole").await.expect("open");
    client.expect_frame(TEXT, "whole").await;
    socket.send(b"then".to_vec()).await.expect("open");
    client.expect_frame(BINARY, "then").await;
}

/// A Close may leave within a message, and a server that is dropped there says so.
#[tokio::test]
async fn a_message_may_be_broken_off() {
    let (mut socket, mut client) = serving(|_| ()).await;
    socket.writer(MessageKind::Text).write(b"half").await.expect("open");
    assert!(once(socket.close(CloseCode::INTERNAL_ERROR, "")).await.is_none());
    assert_eq!(read_frame(&mut client.0).await.first, 0x01);
    client.expect_frame(0x88, 1011_u16.to_be_bytes()).await;
    drop(socket);
    client.expect_rest("").await;
}

/// Large pieces go through compression and back.
#[tokio::test]
async fn streams_compressed() {
    let deflate = |config: &mut hijack::ws::Config| config.deflate = Some(hijack::ws::Deflate::default());
    let (mut client, mut server) = pair(deflate, deflate).await;
    let data = pattern(500_000);
    let sent = data.clone();
    let sending = tokio::spawn(async move {
        let mut message = client.writer(MessageKind::Binary);
        for part in sent.chunks(7_777) {
            message.write(part).await.expect("open");
        }
        message.finish(b"").await.expect("open");
        client
    });
    assert_eq!(soon("a message", server.recv()).await.expect("open"), Some(data.into()));
    drop(sending.await.expect("no panic"));
}
