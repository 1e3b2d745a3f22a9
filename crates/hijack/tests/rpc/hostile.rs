//! Peers that mean harm: they are answered or closed at once, and others do not feel them.

use std::time::{Duration, Instant};

use hijack::rpc::{Client, Config, Json, dial};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::support::{Args, LONG, ask, by_hand, read_until, serve_bare, socket};

async fn multiply(client: &Client<Json>) -> Duration {
    let start = Instant::now();
    let product: i64 = client.call("Arith.Multiply", &Args { a: 7, b: 8 }).await.expect("a product");
    assert_eq!(product, 56);
    start.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_long_or_too_deep_ends_the_connection_and_nobody_elses() {
    let mut config = Config::default();
    config.message_len = 1 << 20;
    let (_, url) = serve_bare(config).await;
    let other = dial::<Json>(&url).await.expect("it listens");
    let spaces = " ".repeat((1 << 20) + 1);
    let text = format!("{{\"method\":\"{}", "x".repeat(1 << 20));
    let table = [
        ("depth", "[".repeat(5_000_000)),
        (
            "depth in parameters",
            format!("{{\"method\":\"a.b.C\",\"id\":1,\"params\":{}", "[".repeat(1_000_000)),
        ),
        ("objects", "{\"a\":".repeat(1_000_000)),
        ("white space", spaces),
        ("text", text),
        ("garbage", "\u{0}\u{1}garbage".to_owned()),
    ];
    for (what, bytes) in table {
        let mut socket = socket(&url).await;
        let start = Instant::now();
        let talk = async {
            // The server may have hung up before all is sent.
            let _ = socket.write_all(bytes.as_bytes()).await;
            let _ = socket.read_to_end(&mut Vec::new()).await;
        };
        let (ended, latency) = tokio::join!(timeout(LONG, talk), multiply(&other));
        ended.unwrap_or_else(|_| panic!("{what}: the connection is still open"));
        assert!(start.elapsed() < Duration::from_secs(5), "{what}: {:?}", start.elapsed());
        assert!(latency < Duration::from_secs(5), "{what}: {latency:?}");
    }
}

/// A million answers that nobody asked for.
#[tokio::test]
async fn answers_nobody_asked_for_are_skipped() {
    let (client, mut peer) = by_hand(Config::default()).await;
    let call = tokio::spawn(async move { client.call::<i64>("A.B", &1).await });
    read_until(&mut peer, "\n").await;
    let unasked = "{\"id\":99,\"result\":[1,2,3],\"error\":null}\n".repeat(10_000);
    for _ in 0..100 {
        peer.write_all(unasked.as_bytes()).await.expect("taken");
    }
    peer.write_all(b"{\"id\":0,\"result\":5,\"error\":null}\n").await.expect("taken");
    assert_eq!(timeout(LONG, call).await.expect("in time").expect("no panic").expect("an answer"), 5);
}

/// Truncated at every byte: no answer, an error or the right one, and always an end.
#[tokio::test]
async fn a_call_cut_off_anywhere_ends_in_order() {
    let (_, url) = serve_bare(Config::default()).await;
    let call = br#"{"method":"a.b.C","params":[1],"id":7}"#;
    for len in 0..call.len() {
        assert_eq!(ask(&url, &call[..len]).await, "", "{len} bytes");
    }
    for at in 0..call.len() {
        for byte in [0, b'"', b'{', b']', b'9', 0xff] {
            let mut mutated = call.to_vec();
            mutated[at] = byte;
            let answer = timeout(LONG, ask(&url, &mutated)).await.expect("an end in time");
            assert!(answer.is_empty() || answer.starts_with("{\"id\":"), "{answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_connections_that_say_nothing_or_half_of_it() {
    let (_, url) = serve_bare(Config::default()).await;
    let mut held = Vec::new();
    for n in 0..400 {
        let mut socket = socket(&url).await;
        if n % 2 == 0 {
            socket.write_all(b"{\"method\":\"a.").await.expect("sent");
        }
        held.push(socket);
    }
    let other = dial::<Json>(&url).await.expect("it listens");
    assert!(multiply(&other).await < Duration::from_secs(5));
}
