//! Sending without waiting: one message to many, of whom some do not read.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hijack::ws::{CloseCode, Error, MessageKind, Prepared};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};

use crate::support::{once, soon};
use crate::wire::pair_over;

const QUEUE_LEN: usize = 1_000;

/// A full queue is told with value and limit, takes nothing, and is open again once the peer reads.
#[tokio::test]
async fn a_full_queue_refuses_and_says_so() {
    let (far, near) = duplex(100);
    let (mut client, server) = pair_over(far, near, |_| (), |config| config.queue_len = QUEUE_LEN).await;
    let (mut reader, writer) = server.split();
    let mut taken = 0;
    let error = loop {
        match writer.try_send(format!("{taken:0100}")) {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
        assert!(taken < 20, "nobody reads, and there is room for twelve");
    };
    let Error::QueueFull { queued, limit: QUEUE_LEN } = error else { panic!("{error:?}") };
    assert!((QUEUE_LEN + 1..=QUEUE_LEN + 102).contains(&queued), "{queued}");
    assert_eq!(error.to_string(), format!("queue of {queued} bytes exceeds the limit {QUEUE_LEN}"));
    // What waits leaves while the reader is polled.
    let reading = tokio::spawn(async move { reader.recv().await });
    for number in 0..taken {
        let message = soon("a message", client.recv()).await.expect("open");
        assert_eq!(message, Some(format!("{number:0100}").into()));
    }
    writer.try_send("room again").expect("room");
    assert_eq!(soon("the last", client.recv()).await.expect("open"), Some("room again".into()));
    soon("the end", async { tokio::join!(client.close(CloseCode::NORMAL, ""), reading) })
        .await
        .0
        .expect("open");
}

/// One that never reads is closed with 1013 and holds up nobody; the others hear everything, in order.
#[tokio::test]
async fn a_stalled_member_holds_up_nobody() {
    const MESSAGES: usize = 200;
    let mut clients = Vec::new();
    let mut writers = Vec::new();
    let mut reading = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let (far, near) = duplex(500);
        let (client, server) = pair_over(far, near, |_| (), |config| config.queue_len = QUEUE_LEN).await;
        let (mut reader, writer) = server.split();
        reading.spawn(async move { reader.recv().await });
        clients.push(client);
        writers.push(Some(writer));
    }
    let mut stalled = clients.remove(0);
    let mut closing = None;
    for number in 0..MESSAGES {
        let prepared = Prepared::new(MessageKind::Text, format!("{number:0256}").as_bytes());
        for member in &mut writers {
            let Some(writer) = member else { continue };
            match writer.try_send_prepared(&prepared) {
                Ok(()) => {}
                Err(Error::QueueFull { queued, limit }) => {
                    assert!((limit + 1..=limit + 260).contains(&queued), "{queued}");
                    let writer = member.take().expect("it is here");
                    let close = async move { writer.close(CloseCode::TRY_LATER, "too slow").await };
                    assert!(closing.replace(tokio::spawn(close)).is_none(), "only one does not read");
                }
                Err(error) => panic!("{error:?}"),
            }
        }
        for client in &mut clients {
            let message = soon("a message", client.recv()).await.expect("open");
            assert_eq!(message, Some(format!("{number:0256}").into()));
        }
    }
    assert!(writers[0].is_none() && writers[1].is_some() && writers[2].is_some());
    let mut heard = 0;
    while let Some(message) = soon("what waited", stalled.recv()).await.expect("in order") {
        assert_eq!(message, format!("{heard:0256}").into());
        heard += 1;
    }
    assert!((1..10).contains(&heard), "{heard}");
    assert_eq!(stalled.close_frame().expect("told").code, CloseCode::TRY_LATER);
    soon("its end", closing.expect("one was closed")).await.expect("no panic").expect("it read in the end");
    drop(writers);
    reading.abort_all();
}

/// A stream that takes everything and gives it on when flushed, as TLS may.
struct Hoarder {
    io: DuplexStream,
    held: Vec<u8>,
}

impl AsyncRead for Hoarder {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Hoarder {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.held.extend_from_slice(data);
        Poll::Ready(Ok(data.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { io, held } = &mut *self;
        while !held.is_empty() {
            let len = ready!(Pin::new(&mut *io).poll_write(cx, held))?;
            held.drain(..len);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(cx))?;
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// What the stream has taken and not given on is flushed until it has left, by whoever sends and by whoever reads.
#[tokio::test]
async fn what_the_stream_holds_back_leaves_too() {
    let (far, near) = duplex(64);
    let near = Hoarder { io: near, held: Vec::new() };
    let (mut client, mut server) = pair_over(far, near, |_| (), |_| ()).await;
    let (sent, got) =
        soon("a message", async { tokio::join!(server.send(vec![7; 1_000]), client.recv()) }).await;
    sent.expect("open");
    assert_eq!(got.expect("open"), Some(vec![7; 1_000].into()));
    let (mut reader, writer) = server.split();
    let reading = tokio::spawn(async move { reader.recv().await });
    writer.try_send(vec![8; 1_000]).expect("room");
    assert_eq!(soon("the rest", client.recv()).await.expect("open"), Some(vec![8; 1_000].into()));
    drop(client);
    soon("the end", reading).await.expect("no panic").expect("cut between messages");
}

/// Whoever tells many in one go has each socket take it at once, however many: nothing is left for others to send.
#[tokio::test]
async fn the_last_of_many_is_told_as_the_first() {
    let (mut clients, mut halves) = (Vec::new(), Vec::new());
    for _ in 0..300 {
        let (far, near) = duplex(500);
        let (client, server) = pair_over(far, near, |_| (), |_| ()).await;
        clients.push(client);
        halves.push(server.split());
    }
    let prepared = Prepared::new(MessageKind::Text, b"all");
    for (_, writer) in &halves {
        writer.try_send_prepared(&prepared).expect("room");
    }
    for client in &mut clients {
        let heard = once(tokio::task::unconstrained(client.recv())).await.expect("it is there");
        assert_eq!(heard.expect("open"), Some("all".into()));
    }
}
