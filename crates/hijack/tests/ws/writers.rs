//! Many senders of one connection, and its reader.

use hijack::ws::{CloseCode, Error, Message, SendError};
use tokio::io::duplex;

use crate::support::{once, soon};
use crate::wire::{CLOSE, PONG, TEXT, code, masked, pair, pair_over, serving};

const WRITERS: usize = 64;
const EACH: usize = 200;

/// `EACH` messages by each of many tasks, which all go through a narrow stream; `len` bytes each.
async fn crowd(stream: usize, len: usize, reading: bool) {
    let (far, near) = duplex(stream);
    let (mut client, server) = pair_over(far, near, |_| (), |config| config.queue_len = 4_000).await;
    let (mut reader, writer) = server.split();
    let reading = reading.then(|| tokio::spawn(async move { reader.recv().await }));
    let tasks: Vec<_> = (0..WRITERS)
        .map(|task| {
            let writer = writer.clone();
            tokio::spawn(async move {
                for number in 0..EACH {
                    let text = format!("{task} {number} {}", "x".repeat(len));
                    writer.send(text).await.expect("open");
                }
            })
        })
        .collect();
    let mut next = [0; WRITERS];
    for _ in 0..WRITERS * EACH {
        let message = soon("a message", client.recv()).await.expect("whole").expect("open");
        let mut words = message.as_text().expect("text").split(' ');
        let mut number = || words.next().expect("a word").parse::<usize>().expect("a number");
        let (task, number) = (number(), number());
        assert_eq!((next[task], words.next().map(str::len)), (number, Some(len)), "in order, of {task}");
        next[task] += 1;
    }
    for task in tasks {
        soon("a writer's end", task).await.expect("no panic");
    }
    let (closed, ()) = soon("the end", async {
        tokio::join!(writer.close(CloseCode::NORMAL, ""), async {
            assert_eq!(client.recv().await.expect("in order"), None);
        })
    })
    .await;
    closed.expect("open");
    if let Some(reading) = reading {
        assert_eq!(soon("the reader's end", reading).await.expect("no panic").expect("in order"), None);
    }
}

/// Whole messages, in order of each sender, while somebody reads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_writers_beside_a_reader() {
    crowd(1 << 16, 10, true).await;
}

/// The same where nobody reads, for the reader is gone, and the peer is slow.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_writers_without_a_reader() {
    crowd(500, 300, false).await;
}

/// A writer that waits for room is woken though the reader is there and never polled.
#[tokio::test]
async fn an_idle_reader_holds_nobody_up() {
    let (far, near) = duplex(100);
    let (mut client, server) = pair_over(far, near, |_| (), |config| config.queue_len = 100).await;
    let (_reader, writer) = server.split();
    let sending = tokio::spawn(async move {
        for number in 0..100 {
            writer.send(format!("{number:0100}")).await?;
        }
        Ok::<_, Error>(writer)
    });
    for number in 0..100 {
        let message = soon("a message", client.recv()).await.expect("open");
        assert_eq!(message, Some(format!("{number:0100}").into()));
    }
    soon("the writer", sending).await.expect("no panic").expect("open");
}

/// The reader answers pings between what others send, and the connection closes when all halves are gone.
#[tokio::test]
async fn the_last_half_closes() {
    let (socket, mut client) = serving(|_| ()).await;
    let (mut reader, writer) = socket.split();
    client.send([masked(0x89, "p"), masked(TEXT, "x")].concat()).await;
    assert_eq!(soon("a message", reader.recv()).await.expect("open"), Some("x".into()));
    let other = writer.clone();
    drop(writer);
    drop(reader);
    other.send("alone").await.expect("open");
    client.expect_frame(PONG, "p").await;
    client.expect_frame(TEXT, "alone").await;
    assert!(client.is_silent().await, "one is left");
    drop(other);
    client.expect_frame(CLOSE, code(1000)).await;
    client.expect_rest("").await;
}

/// Behind a Close nobody sends, and the reader hears the peer's.
#[tokio::test]
async fn a_writer_may_close() {
    let (mut client, server) = pair(|_| (), |_| ()).await;
    let (mut reader, writer) = server.split();
    let second = writer.clone();
    writer.close(CloseCode::GOING_AWAY, "bye").await.expect("open");
    assert!(matches!(second.send("late").await, Err(Error::Local(SendError::Closed))));
    assert!(matches!(second.ping(b"").await, Err(Error::Local(SendError::Closed))));
    let (answered, heard) = soon("the end", async { tokio::join!(client.recv(), reader.recv()) }).await;
    assert_eq!((answered.expect("in order"), heard.expect("in order")), (None, None));
    assert_eq!(reader.close_frame().expect("heard").code, CloseCode::GOING_AWAY);
    assert_eq!(client.close_frame().expect("heard").reason, "bye");
}

/// A `send` that is dropped while it waits is either not begun or leaves whole.
#[tokio::test]
async fn a_dropped_send_breaks_no_frame() {
    let (far, near) = duplex(64);
    let (mut client, server) = pair_over(far, near, |_| (), |config| config.queue_len = 200).await;
    let (_reader, writer) = server.split();
    for number in 0..50_u8 {
        assert!(once(writer.send(vec![number; 100])).await.is_none(), "the stream is too narrow");
    }
    let last = tokio::spawn(async move { writer.send("last").await.map(|()| writer) });
    let mut before = None;
    loop {
        match soon("a message", client.recv()).await.expect("whole").expect("open") {
            Message::Binary(bytes) => {
                assert_eq!(bytes, vec![bytes[0]; 100]);
                assert!(before < Some(bytes[0]), "in order");
                before = Some(bytes[0]);
            }
            Message::Text(text) => break assert_eq!(text, "last"),
        }
    }
    assert!(before.is_some_and(|before| before < 10), "few were begun: {before:?}");
    soon("the last", last).await.expect("no panic").expect("open");
}

/// Senders that gave up leave nothing behind that a later one would have to wade through: ten thousand of them are
/// woken no more.
#[tokio::test]
async fn whoever_gives_up_leaves_the_list() {
    use std::sync::Arc;
    use std::task::{Context, Wake, Waker};
    struct Nobody;
    impl Wake for Nobody {
        fn wake(self: Arc<Self>) {}
    }
    let (far, near) = duplex(64);
    let (client, server) = pair_over(far, near, |_| (), |config| config.queue_len = 10).await;
    let (_reader, writer) = server.split();
    assert!(once(writer.send(vec![0; 1_000])).await.is_none());
    let held: Vec<_> = (0..100)
        .map(|_| {
            let nobody = Arc::new(Nobody);
            let waker = Waker::from(Arc::clone(&nobody));
            let mut send = std::pin::pin!(writer.send("x"));
            assert!(send.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            nobody
        })
        .collect();
    // Only the one that came last may still be known to the stream itself.
    let known = held.iter().filter(|nobody| Arc::strong_count(nobody) > 1).count();
    assert!(known <= 1, "{known} of those who gave up are still held");
    drop(client);
}
