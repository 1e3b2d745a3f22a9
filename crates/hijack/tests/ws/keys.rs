//! A million masking keys (RFC 6455 §5.3 and §10.3).

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use hijack::ws::{Config, Role, WebSocket};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::support::server;
use crate::wire::REQUEST;

const KEYS: usize = 1_000_000;

/// A peer that keeps what it is sent, behind a request by which its connection is taken over.
struct Kept(&'static [u8], Arc<Mutex<Vec<u8>>>);

impl AsyncRead for Kept {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        buf.put_slice(std::mem::take(&mut self.0));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Kept {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, data: &[u8]) -> Poll<std::io::Result<usize>> {
        self.1.lock().expect("no panic").extend_from_slice(data);
        Poll::Ready(Ok(data.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The keys of so many empty frames of one client.
async fn keys(count: usize) -> Vec<[u8; 4]> {
    let sent = Arc::default();
    let (server, _events) = server(|_| ());
    let io = Kept(REQUEST.as_bytes(), Arc::clone(&sent));
    let exchange = server.connection(io, "").next().await.expect("a legal head").expect("a request");
    let mut socket =
        WebSocket::over(exchange.take_over().await.expect("taken"), Role::Client, Config::default());
    for _ in 0..count {
        socket.feed_bytes(hijack::ws::MessageKind::Binary, b"").await.expect("open");
    }
    socket.flush().await.expect("open");
    let sent = sent.lock().expect("no panic").clone();
    let (frames, rest) = sent.as_chunks::<6>();
    assert_eq!((frames.len(), rest), (count, &b""[..]));
    frames
        .iter()
        .map(|[first, second, key @ ..]| {
            assert_eq!((*first, *second), (0x82, 0x80), "an empty frame");
            *key
        })
        .collect()
}

/// They are as different as those of a fair draw: not more alike, and not less as a counter's would be; no byte, no
/// bit and no step from one to the next is more likely than another.
#[tokio::test]
async fn a_million_keys_are_a_fair_draw() {
    let keys = keys(KEYS).await;
    let different = keys.iter().collect::<HashSet<_>>().len();
    // 116 of a million drawn of 2^32 have been before, give or take 11 at one standard deviation.
    let again = KEYS - different;
    assert!((40..200).contains(&again), "{again} keys had been before");
    let steps: Vec<[u8; 4]> =
        keys.windows(2).map(|pair| std::array::from_fn(|at| pair[0][at] ^ pair[1][at])).collect();
    for drawn in [&keys, &steps] {
        for at in 0..4 {
            let mut counts = [0_u32; 256];
            drawn.iter().for_each(|key| counts[usize::from(key[at])] += 1);
            let expected = drawn.len() as f64 / 256.0;
            let square: f64 =
                counts.iter().map(|&count| (f64::from(count) - expected).powi(2) / expected).sum();
            // 255 degrees of freedom: 255 with a standard deviation of 22.6, so this is beyond six of them.
            assert!((120.0..400.0).contains(&square), "byte {at}: chi square {square}");
        }
    }
}

/// No connection draws what another one draws, be it in the same thread or in another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_draw_apart() {
    let mut all = HashSet::new();
    for _ in 0..4 {
        for keys in [keys(100).await, tokio::spawn(keys(100)).await.expect("no panic")] {
            all.insert(keys);
        }
    }
    assert_eq!(all.len(), 8);
}
