//! Receiving: cancelled, timed out, shown in place, taken apart.

use std::time::Duration;

use hijack::ws::{Message, MessageRef};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{once, soon};
use crate::wire::{BINARY, CLOSE, LAST, PING, PONG, TEXT, code, masked, pair, serving};

/// Of very many messages that come in dribbles none is lost or doubled by a `recv` that is dropped again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_recv_loses_nothing() {
    const COUNT: u32 = 100_000;
    let (mut socket, mut client) = serving(|_| ()).await;
    let sending = tokio::spawn(async move {
        let bytes: Vec<u8> = (0..COUNT).flat_map(|number| masked(TEXT, number.to_string())).collect();
        let mut sizes = [1, 7, 100, 13, 4_000, 3, 900].into_iter().cycle();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (part, behind) = rest.split_at(sizes.next().expect("endless").min(rest.len()));
            client.send(part).await;
            tokio::task::yield_now().await;
            rest = behind;
        }
        client
    });
    let (mut next, mut dropped) = (0, 0);
    let mut timer = tokio::time::interval(Duration::from_millis(1));
    let all = async {
        while next < COUNT {
            tokio::select! {
                biased;
                _ = timer.tick() => dropped += 1,
                message = socket.recv() => {
                    assert_eq!(message.expect("open").expect("open").as_text(), Some(&*next.to_string()));
                    next += 1;
                }
            }
            // One that is dropped with certainty, wherever the stream stands.
            if next < COUNT
                && next % 64 == 0
                && let Some(message) = once(socket.recv()).await
            {
                assert_eq!(message.expect("open").expect("open").as_text(), Some(&*next.to_string()));
                next += 1;
            }
        }
    };
    soon("all messages", all).await;
    assert!(dropped > 0, "some were dropped");
    drop(sending.await.expect("no panic"));
}

/// A `recv` that timed out leaves a connection that is as good as before, within a frame too.
#[tokio::test]
async fn a_timed_out_recv_harms_nothing() {
    let (mut socket, mut client) = serving(|_| ()).await;
    let whole = masked(TEXT, "Hello");
    for cut in 0..whole.len() {
        client.send(&whole[..cut]).await;
        let waited = tokio::time::timeout(Duration::from_millis(1), socket.recv()).await;
        assert!(waited.is_err(), "nothing whole has come");
        socket.send("meanwhile").await.expect("open");
        client.expect_frame(TEXT, "meanwhile").await;
        client.send(&whole[cut..]).await;
        assert_eq!(
            soon("a message", socket.recv()).await.expect("open"),
            Some("Hello".into()),
            "cut at {cut}"
        );
    }
}

/// Small messages are shown where they lie, fragmented ones put together.
#[tokio::test]
async fn shows_messages_in_place() {
    let (mut socket, mut client) = serving(|_| ()).await;
    client.send([masked(TEXT, "whole"), masked(2, "in "), masked(LAST, "parts")].concat()).await;
    let mut show = async || {
        soon(
            "a message",
            socket.recv_with(|message| match message {
                MessageRef::Text(text) => (true, text.len()),
                MessageRef::Binary(bytes) => (false, bytes.len()),
            }),
        )
        .await
        .expect("open")
    };
    assert_eq!(show().await, Some((true, 5)));
    assert_eq!(show().await, Some((false, 8)));
    client.send(masked(CLOSE, code(1000))).await;
    assert_eq!(show().await, None);
}

/// Taken apart, a connection gives first what was received and not judged, and sends first what was queued.
#[tokio::test]
async fn a_connection_can_be_had_back() {
    let (mut socket, mut client) = serving(|_| ()).await;
    client.send([&masked(TEXT, "a")[..], &masked(PING, "p"), &masked(BINARY, "b"), b"\x81"].concat()).await;
    assert_eq!(soon("a message", socket.recv()).await.expect("open"), Some("a".into()));
    socket.feed("fed").await.expect("open");
    let mut conn = socket.into_conn();
    let behind = [&masked(PING, "p")[..], &masked(BINARY, "b"), b"\x81"].concat();
    let mut rest = vec![0; behind.len()];
    soon("what is behind", conn.read_exact(&mut rest)).await.expect("it was received");
    assert_eq!(rest, behind);
    conn.write_all(b"raw").await.expect("open");
    conn.flush().await.expect("open");
    client.expect_frame(TEXT, "fed").await;
    client.expect("raw").await;
}

/// What a receiver fed leaves when it has to wait; pongs leave with it.
#[tokio::test]
async fn a_waiting_receiver_sends_what_was_fed() {
    let (mut client, mut server) = pair(|_| (), |_| ()).await;
    client.feed("fed").await.expect("open");
    client.ping(b"ping").await.expect("open");
    assert_eq!(soon("a message", server.recv()).await.expect("open"), Some("fed".into()));
    server.feed(b"answer".to_vec()).await.expect("open");
    let waiting = tokio::spawn(async move { server.recv().await });
    let answer = soon("an answer", client.recv()).await.expect("open");
    assert_eq!(answer, Some(Message::Binary(b"answer".to_vec())));
    client.send("end").await.expect("open");
    let last = soon("a message", waiting).await.expect("no panic").expect("open");
    assert_eq!(last, Some("end".into()));
}

/// A receiver answers pings although its owner sends more than the peer takes.
#[tokio::test]
async fn pongs_leave_behind_what_waits() {
    let (mut socket, mut client) = serving(|config| config.queue_len = 64 * 1024).await;
    let stuck = async { while once(socket.send(vec![7; 50_000])).await.is_some() {} };
    soon("the socket is full", stuck).await;
    client.send(masked(PING, "still there?")).await;
    let receiving = tokio::spawn(async move { socket.recv().await });
    let pong = async {
        loop {
            let frame = crate::wire::read_frame(&mut client.0).await;
            if frame.first == PONG {
                return frame.payload;
            }
            assert_eq!((frame.first, frame.payload.len()), (BINARY, 50_000), "whole frames");
        }
    };
    assert_eq!(soon("a pong", pong).await, b"still there?");
    client.send(masked(TEXT, "x")).await;
    assert_eq!(soon("a message", receiving).await.expect("no panic").expect("open"), Some("x".into()));
}
