//! Sending: batches, backpressure, broadcast, and what the owner may not do.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use hijack::ws::{Deflate, Error, MessageKind, Prepared, SendError, Workspace};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};

use crate::support::{once, soon};
use crate::wire::{BINARY, PING, TEXT, dialling, pair_over, read_frame, serving};

/// A stream that notes the length of every write.
struct Noting(DuplexStream, Arc<Mutex<Vec<usize>>>);

impl AsyncRead for Noting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Noting {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let written = Pin::new(&mut self.0).poll_write(cx, data);
        if let Poll::Ready(Ok(len)) = written {
            self.1.lock().expect("no panic").push(len);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// All answers to what came at once leave at once.
#[tokio::test]
async fn a_batch_leaves_in_one_write() {
    let (far, near) = duplex(1 << 20);
    let writes = Arc::<Mutex<Vec<usize>>>::default();
    let (mut client, mut server) = pair_over(far, Noting(near, Arc::clone(&writes)), |_| (), |_| ()).await;
    writes.lock().expect("no panic").clear();
    for number in 0..100 {
        client.feed(format!("{number:02}")).await.expect("open");
    }
    client.flush().await.expect("open");
    let echoing = async {
        while let Some(message) = server.recv().await? {
            server.feed(message).await?;
        }
        Ok::<_, Error>(())
    };
    let receiving = async {
        for number in 0..100 {
            let message = client.recv().await.expect("open").expect("open");
            assert_eq!(message, format!("{number:02}").into());
        }
    };
    soon("the echoes", async {
        tokio::select! {
            () = receiving => (),
            ended = echoing => panic!("{ended:?}"),
        }
    })
    .await;
    assert_eq!(*writes.lock().expect("no panic"), [400], "a hundred frames of four bytes");
}

/// Who sends to a slow peer awaits his turn; what was given to a `send` that is dropped leaves whole.
#[tokio::test]
async fn a_slow_peer_makes_senders_wait() {
    let (far, near) = duplex(1_000);
    let (mut client, mut server) = pair_over(far, near, |_| (), |config| config.queue_len = 10_000).await;
    let mut sent = 0;
    while once(server.feed(vec![sent; 999])).await.is_some() {
        sent += 1;
        assert!(sent < 100, "the queue is bounded");
    }
    assert!(sent >= 10, "and as long as it may be: {sent}");
    let sending = tokio::spawn(async move {
        server.send("last").await?;
        server.recv().await
    });
    for number in 0..sent {
        let message = soon("a message", client.recv()).await.expect("open");
        assert_eq!(message, Some(vec![number; 999].into()), "none is lost, none doubled");
    }
    assert_eq!(soon("a message", client.recv()).await.expect("open"), Some("last".into()));
    soon("the end", client.close(hijack::ws::CloseCode::NORMAL, "")).await.expect("answered");
    assert_eq!(soon("the end", sending).await.expect("no panic").expect("in order"), None);
}

/// Pings await their turn too: of very many that gave up the queue holds what it may.
#[tokio::test]
async fn pings_are_bounded() {
    let (far, near) = duplex(1_000);
    let (client, mut server) = pair_over(far, near, |_| (), |config| config.queue_len = 1_000).await;
    while once(server.feed(vec![7; 500])).await.is_some() {}
    for _ in 0..100 {
        assert!(once(server.ping(&[b'p'; 125])).await.is_none());
    }
    let sending = tokio::spawn(async move { server.send("last").await });
    let mut raw = client.into_conn();
    let mut pings = 0;
    loop {
        match soon("a frame", read_frame(&mut raw)).await.first {
            PING => pings += 1,
            BINARY => {}
            first => break assert_eq!(first, TEXT),
        }
    }
    assert!(pings < 10, "{pings} pings of 127 bytes in a queue of 1,000");
    soon("the last", sending).await.expect("no panic").expect("open");
}

/// A message that was prepared once goes to any server's connection, and to no client's.
#[tokio::test]
async fn what_was_prepared_goes_to_many() {
    let text = "the same words, the same words, the same words";
    let prepared = Prepared::new(MessageKind::Text, text.as_bytes());
    let prepared = prepared.with_deflate(15, 6, &mut Workspace::default());
    for deflate in [None, Some(Deflate::default())] {
        let (far, near) = duplex(1 << 16);
        let both = |config: &mut hijack::ws::Config| config.deflate = deflate;
        let writes = Arc::<Mutex<Vec<usize>>>::default();
        let near = Noting(near, Arc::clone(&writes));
        let (mut client, mut server) = pair_over(far, near, both, both).await;
        assert_eq!(client.is_compressed(), deflate.is_some());
        server.send_prepared(&prepared).await.expect("open");
        let len = writes.lock().expect("no panic").last().copied().expect("a write");
        assert_eq!(len < text.len(), deflate.is_some(), "{len} bytes");
        assert_eq!(soon("a message", client.recv()).await.expect("open"), Some(text.into()));
        let error = client.send_prepared(&prepared).await.expect_err("a client masks");
        assert!(matches!(error, Error::Local(SendError::Role)), "{error:?}");
        server.send("goes on").await.expect("open");
        assert_eq!(soon("a message", client.recv()).await.expect("open"), Some("goes on".into()));
    }
}

/// Every length's header, in both roles.
#[tokio::test]
async fn sends_every_length() {
    for len in [0, 1, 125, 126, 127, 65_535, 65_536, 300_000] {
        let (mut server, mut client) = serving(|_| ()).await;
        let data = crate::support::pattern(len);
        let (sent, ()) = tokio::join!(server.send(data.clone()), client.expect_frame(BINARY, &data));
        sent.expect("open");
        let (mut client, mut far) = dialling(|_| ()).await;
        let (sent, frame) = tokio::join!(client.send(data.clone()), read_frame(&mut far.0));
        sent.expect("open");
        assert!(frame.key.is_some() && frame.first == BINARY && frame.payload == data, "{len}");
    }
}

/// RFC 6455 §5.5: a ping has at most 125 bytes.
#[tokio::test]
async fn a_ping_has_its_length() {
    let (mut socket, mut client) = serving(|_| ()).await;
    let error = socket.ping(&[b'p'; 126]).await.expect_err("too long");
    assert!(matches!(error, Error::Local(_)), "{error:?}");
    socket.ping(&[b'p'; 125]).await.expect("open");
    client.expect_frame(PING, [b'p'; 125]).await;
    socket.feed_bytes(MessageKind::Text, b"bytes").await.expect("open");
    socket.flush().await.expect("open");
    client.expect_frame(TEXT, "bytes").await;
}
