//! Conversations that move to another gateway while messages are on their way, at whatever byte they stand.

use std::time::Duration;

use hijack_gateway::{MoveError, PackedConversation};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Site, until, upstream};

const PAIRS: usize = 100;
const MESSAGES: usize = 100;

/// The frame of message `number`, masked with zeros: its payload is the number over and over, its length varies so that all
/// forms of the header are used.
fn frame(number: usize, masked: bool) -> Vec<u8> {
    let len = [3, 125, 126, 700, 70_000][number % 5];
    let mask = if masked { 0x80 } else { 0 };
    let mut bytes = vec![0x82];
    match len {
        0..126 => bytes.push(mask | u8::try_from(len).expect("short")),
        126..65_536 => {
            bytes.push(mask | 126);
            bytes.extend_from_slice(&u16::try_from(len).expect("middling").to_be_bytes());
        }
        _ => {
            bytes.push(mask | 127);
            bytes.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    if masked {
        bytes.extend_from_slice(&[0; 4]);
    }
    bytes.resize(bytes.len() + len, u8::try_from(number % 251).expect("small"));
    bytes
}

/// Sends all messages in pieces of a few bytes, and checks the echo of every byte.
async fn converse(client: TcpStream, seed: u64) {
    let (mut reader, mut writer) = client.into_split();
    let mut random = StdRng::seed_from_u64(seed);
    let writing = tokio::spawn(async move {
        for number in 0..MESSAGES {
            let bytes = frame(number, true);
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let most = if random.random_ratio(1, 2) { 3 } else { 40_000 };
                let (piece, behind) = rest.split_at(random.random_range(1..=most).min(rest.len()));
                writer.write_all(piece).await.expect("written");
                rest = behind;
                if random.random_ratio(1, 4) {
                    tokio::time::sleep(Duration::from_millis(random.random_range(0..20))).await;
                }
            }
        }
        writer
    });
    for number in 0..MESSAGES {
        let expected = frame(number, false);
        let mut came = vec![0; expected.len()];
        reader.read_exact(&mut came).await.expect("the echo");
        assert!(came == expected, "message {number} of pair {seed} came otherwise");
    }
    let mut writer = writing.await.expect("all is written");
    writer.write_all(b"\x88\x82\0\0\0\0\x03\xe8").await.expect("closed");
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).await.expect("an end");
    assert_eq!(rest, b"\x88\x02\x03\xe8");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conversations_that_move_lose_and_double_nothing_and_keep_their_counts() {
    let first = Site::start_before(upstream().await, |_| {}).await;
    let mut clients = Vec::new();
    for _ in 0..PAIRS {
        let mut client = first.connect().await;
        client
            .send(b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
            .await;
        assert!(client.head().await.starts_with("HTTP/1.1 101 "));
        clients.push(client.0);
    }
    until("all are listed", || first.gateway.count() == PAIRS).await;
    let conversations: Vec<_> =
        (0..).zip(clients).map(|(seed, client)| tokio::spawn(converse(client, seed))).collect();

    // All at once, each wherever it stands at that moment.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let ids: Vec<u64> = first.list("").iter().map(|view| view.id).collect();
    let mut at_rest = Vec::new();
    for id in ids {
        let packed = match first.gateway.pack(id).await {
            Ok(packed) => packed,
            // On a slow machine some may be at their end by now.
            Err(MoveError::Unknown) => continue,
            Err(error) => panic!("plain TCP moves: {error}"),
        };
        let bytes = packed.to_bytes();
        let (client, upstream) = packed.into_sockets();
        at_rest.push((id, bytes, client, upstream));
    }
    until("none is left", || first.gateway.count() == 0).await;
    let moved = at_rest.len();
    assert!(moved >= PAIRS / 2, "only {moved} of {PAIRS} were still under way");
    assert_eq!(first.list("state=closed and reason=\"moved to another process\"").len(), moved);

    let second = Site::start_before(upstream().await, |_| {}).await;
    for (id, bytes, client, upstream) in at_rest {
        let packed = PackedConversation::from_bytes(&bytes, client, upstream).expect("own bytes");
        assert_eq!(second.gateway.unpack(packed).expect("it goes on"), id);
    }
    for conversation in conversations {
        let ended = tokio::time::timeout(Duration::from_secs(120), conversation).await.expect("in time");
        ended.expect("every byte, once and in order");
    }
    until("all have ended", || second.gateway.count() == 0).await;
    let all = second.list("state=closed");
    assert_eq!(all.len(), moved);
    for view in all {
        assert_eq!((view.messages_in, view.messages_out), (MESSAGES as u64, MESSAGES as u64), "{view:?}");
        assert_eq!((view.illegal_in, view.illegal_out, view.code), (0, 0, Some(1000)));
    }
}
