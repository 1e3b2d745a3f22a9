//! What WebSockets hold: messages larger than memory, bombs, slow peers. Alone in its process, since it measures memory,
//! and one at a time.
#![cfg(target_os = "linux")]

#[allow(dead_code, reason = "shared with the other tests")]
#[path = "crowd/mod.rs"]
mod crowd;
#[allow(dead_code, reason = "shared with the other tests")]
#[path = "behaviour/support.rs"]
mod support;
#[allow(dead_code, reason = "shared with the other tests")]
#[path = "ws/wire.rs"]
mod wire;

use std::time::Duration;

use flate2::{Compress, Compression, FlushCompress, Status};
use hijack::ws::{CloseCode, Config, Deflate, Error, MessageKind, ReceiveError};
use tokio::io::duplex;
use tokio::sync::{Mutex, MutexGuard};

use crowd::resident;
use support::{once, soon};
use wire::{header, masked, pair, pair_over, serving};

const MIB: usize = 1 << 20;

/// Only one test measures at a time.
async fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::const_new(());
    ALONE.lock().await
}

fn unlimited(config: &mut Config) {
    config.limits.frame_len = u64::MAX;
    config.limits.message_len = u64::MAX;
    config.limits.fragments = u32::MAX;
}

/// Streams one message of `len` bytes through a client and a server; how far memory rose above where it began.
async fn stream_through(len: usize) -> usize {
    let (mut client, mut server) = pair(unlimited, unlimited).await;
    let piece = vec![0x5A; 64 * 1024];
    let expected = piece.clone();
    let sending = tokio::spawn(async move {
        let mut message = client.writer(MessageKind::Binary);
        for _ in 0..len / piece.len() {
            message.write(&piece).await.expect("open");
        }
        message.finish(b"").await.expect("open");
        client
    });
    let (mut came, mut pieces, mut most, before) = (0, 0, 0, resident());
    loop {
        let (bytes, last) = server
            .recv_pieces(|_, bytes, last| {
                assert!(bytes == &expected[..bytes.len()]);
                (bytes.len(), last)
            })
            .await
            .expect("open")
            .expect("a piece");
        came += bytes;
        pieces += 1;
        if pieces % 256 == 0 {
            most = most.max(resident());
        }
        if last {
            break;
        }
    }
    assert_eq!(came, len / (64 * 1024) * (64 * 1024));
    drop(sending.await.expect("no panic"));
    most.saturating_sub(before)
}

/// A message larger than memory goes through both ends.
#[tokio::test]
async fn streams_a_large_message() {
    let _alone = alone().await;
    let rose = stream_through(256 * MIB).await;
    assert!(rose < 8 * MIB, "memory rose by {rose} bytes");
}

/// The same with 10 GiB, for release builds.
#[tokio::test]
#[ignore = "takes a minute in release builds and many in others"]
async fn streams_ten_gibibytes() {
    let _alone = alone().await;
    let rose = stream_through(10 * 1024 * MIB).await;
    println!("memory rose by {rose} bytes");
    assert!(rose < 8 * MIB, "memory rose by {rose} bytes");
}

/// A gigabyte of zeros as a compressed payload.
fn bomb() -> Vec<u8> {
    let zeros = vec![0; MIB];
    let mut deflater = Compress::new(Compression::best(), false);
    let mut out = Vec::with_capacity(2 * MIB);
    for _ in 0..1_024 {
        let status = deflater.compress_vec(&zeros, &mut out, FlushCompress::None).expect("deflates");
        assert_eq!(status, Status::Ok);
    }
    deflater.compress_vec(&[], &mut out, FlushCompress::Sync).expect("deflates");
    out
}

/// A bomb is told 1009 at the limit, and never takes more memory than that.
#[tokio::test]
async fn a_bomb_does_not_go_off() {
    let _alone = alone().await;
    let bomb = bomb();
    assert!(bomb.len() < 3 * MIB / 2, "{} bytes", bomb.len());
    let set = |config: &mut Config| {
        config.deflate = Some(Deflate::default());
        config.limits.message_len = MIB as u64;
    };
    let (client, mut server) = pair(set, set).await;
    let mut raw = support::Client(client.into_conn());
    let payload = masked(0xC2, &bomb);
    let sending = tokio::spawn(async move {
        let _ = tokio::io::AsyncWriteExt::write_all(&mut raw.0, &payload).await;
        wire::read_frame(&mut raw.0).await
    });
    let before = resident();
    let error = soon("the error", server.recv()).await.expect_err("too large");
    let rose = resident().saturating_sub(before);
    assert!(matches!(error, Error::Peer(ReceiveError::MessageTooLong { .. })), "{error:?}");
    assert!(rose < 2 * MIB, "memory rose by {rose} bytes, with a limit of {MIB}");
    drop(server);
    let frame = soon("the Close", sending).await.expect("no panic");
    assert_eq!(frame.payload, CloseCode::TOO_BIG.get().to_be_bytes());
}

/// Connections behind large messages in both directions, and how far memory rose for each of them.
async fn talked(count: usize, deflate: Option<Deflate>) -> (Vec<impl Sized>, usize) {
    let set = |config: &mut Config| config.deflate = deflate;
    let message: Vec<u8> = (0..40_000_u32).flat_map(|number| (number / 7).to_le_bytes()).collect();
    let mut held = Vec::with_capacity(count + 1);
    let mut before = 0;
    for number in 0..=count {
        if number == 1 {
            // The first one pays for what all share.
            before = resident();
        }
        let (mut client, mut server) = pair(set, set).await;
        for _ in 0..2 {
            let (sent, received) = tokio::join!(client.send(&message[..]), soon("it", server.recv()));
            sent.expect("open");
            let received = received.expect("open").expect("open");
            let (sent, echoed) = tokio::join!(server.send(received), soon("it", client.recv()));
            sent.expect("open");
            assert_eq!(echoed.expect("open").expect("open").as_bytes(), message);
        }
        assert_eq!(client.is_compressed(), deflate.is_some());
        held.push((client, server));
    }
    (held, resident().saturating_sub(before) / count)
}

/// Compressors and their contexts are a thread's and not a connection's: an idle connection holds neither.
#[tokio::test]
async fn compressors_are_given_back() {
    let _alone = alone().await;
    let (_plain, without) = talked(200, None).await;
    let (_compressed, with) = talked(200, Some(Deflate::default())).await;
    // A compressor alone takes 300 KiB, and what inflates takes 40 KiB.
    assert!(
        with < without + 8 * 1024,
        "{with} bytes for both ends, and {without} where nothing is compressed"
    );
}

/// A peer that is slow but steady does not make the queue grow, whose front leaves as its end is added to.
#[tokio::test]
async fn a_steady_slow_peer_costs_a_queue_and_no_more() {
    let _alone = alone().await;
    let (far, near) = duplex(20_000);
    let (mut client, mut server) = pair_over(far, near, |_| (), |config| config.queue_len = MIB).await;
    let message = vec![7; 10_000];
    while once(server.feed(&message[..])).await.is_some() {}
    let before = resident();
    for _ in 0..5_000 {
        soon("a message", client.recv()).await.expect("open").expect("open");
        // Room for some, never an empty queue.
        while once(server.feed(&message[..])).await.is_some() {}
    }
    let rose = resident().saturating_sub(before);
    assert!(rose < 4 * MIB, "memory rose by {rose} bytes");
}

/// Large frames that are promised and do not come cost what came.
#[tokio::test]
async fn a_promise_costs_nothing() {
    let _alone = alone().await;
    let mut held = Vec::new();
    let before = resident();
    for _ in 0..50 {
        let (mut socket, mut client) = serving(|_| ()).await;
        client.send([header(0x82, true, 15 << 20), vec![0; 100]].concat()).await;
        let waited = tokio::time::timeout(Duration::from_millis(1), socket.recv()).await;
        assert!(waited.is_err());
        held.push((socket, client));
    }
    let rose = resident().saturating_sub(before);
    assert!(rose < 4 * MIB, "memory rose by {rose} bytes for {} promises of 15 MiB", held.len());
}
