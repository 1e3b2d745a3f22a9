//! The combinators of `futures` on sockets and their halves.

use futures_util::{SinkExt, StreamExt, TryStreamExt, stream};
use hijack::ws::{Error, Message};

use crate::support::{once, soon};
use crate::wire::{CLOSE, TEXT, code, masked, pair, serving};

fn numbers(count: usize) -> Vec<Message> {
    (0..count).map(|number| number.to_string().into()).collect()
}

/// A socket is a stream and a sink; closing the sink leaves the stream.
#[tokio::test]
async fn a_socket_is_both() {
    let (mut client, mut server) = pair(|_| (), |_| ()).await;
    let echoing = tokio::spawn(async move {
        while let Some(message) = server.try_next().await? {
            server.feed(message).await?;
        }
        Ok::<_, Error>(())
    });
    let mut messages = stream::iter(numbers(100)).map(Ok);
    soon("sending", client.send_all(&mut messages)).await.expect("open");
    soon("closing", SinkExt::close(&mut client)).await.expect("open");
    let heard: Vec<Message> = soon("the echoes", client.by_ref().try_collect()).await.expect("in order");
    assert_eq!(heard, numbers(100));
    assert!(client.next().await.is_none(), "the end stays the end");
    soon("the server's end", echoing).await.expect("no panic").expect("in order");
}

/// The halves are a stream and a sink, which forwards.
#[tokio::test]
async fn the_halves_are_one_each() {
    let (client, server) = pair(|_| (), |_| ()).await;
    let (reader, writer) = server.split();
    let echoing = tokio::spawn(reader.forward(writer));
    let (reader, mut writer) = client.split();
    for message in numbers(100) {
        SinkExt::feed(&mut writer, message).await.expect("open");
    }
    SinkExt::flush(&mut writer).await.expect("open");
    let heard: Vec<Message> = soon("the echoes", reader.take(100).try_collect()).await.expect("open");
    assert_eq!(heard, numbers(100));
    soon("closing", SinkExt::close(&mut writer)).await.expect("open");
    // A server that has answered our Close has nothing more to send it by.
    let _ = soon("the server's end", echoing).await.expect("no panic");
}

/// An error ends the stream, of halves too.
#[tokio::test]
async fn an_error_is_the_last_item() {
    let (mut socket, mut client) = serving(|_| ()).await;
    client.send(masked(0x83, "")).await;
    client.end().await;
    assert!(matches!(soon("an item", socket.next()).await, Some(Err(Error::Peer(_)))));
    assert!(soon("the end", socket.next()).await.is_none());
    client.expect_frame(CLOSE, code(1002)).await;
    let (socket, client) = serving(|_| ()).await;
    let (mut reader, _writer) = socket.split();
    client.reset();
    assert!(matches!(soon("an item", reader.next()).await, Some(Err(Error::Io(_)))));
    assert!(soon("the end", reader.next()).await.is_none());
}

/// Feeding queues, flushing sends.
#[tokio::test]
async fn a_sink_sends_when_it_is_flushed() {
    let (mut socket, mut client) = serving(|_| ()).await;
    SinkExt::feed(&mut socket, "a".into()).await.expect("open");
    SinkExt::feed(&mut socket, "b".into()).await.expect("open");
    assert!(client.is_silent().await);
    assert!(once(SinkExt::flush(&mut socket)).await.expect("there is room").is_ok());
    client.expect_frame(TEXT, "a").await;
    client.expect_frame(TEXT, "b").await;
}
