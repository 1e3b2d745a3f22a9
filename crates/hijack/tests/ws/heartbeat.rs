//! Pings that find a dead peer, and spare a living one.

use std::time::{Duration, Instant};

use hijack::ws::{Config, Error};
use hijack::{EndReason, Timeout, ended_by};

use crate::support::{limits, soon};
use crate::wire::{PING, PONG, TEXT, dialling, frame, masked, serving};

const GRAIN: Duration = Duration::from_millis(100);

fn hasty(config: &mut Config) {
    config.ping_after = Some(GRAIN);
    config.pong_timeout = 2 * GRAIN;
}

/// A silent peer is pinged, and given up by name when that was in vain.
#[tokio::test]
async fn a_dead_peer_is_found() {
    let (mut socket, mut client) = serving(hasty).await;
    let started = Instant::now();
    let error = soon("the timeout", socket.recv()).await.expect_err("it is dead");
    let took = started.elapsed();
    assert!(took >= 3 * GRAIN && took < 20 * GRAIN, "{took:?}");
    let Error::Io(error) = error else { panic!("{error:?}") };
    assert!(matches!(ended_by(&error), Some(EndReason::TimedOut(Timeout::Pong))), "{error:?}");
    client.expect_frame(PING, "").await;
    assert!(client.is_silent().await, "one ping and no more");
    assert_eq!(soon("the end", socket.recv()).await.expect("nothing follows an error"), None);
}

/// Any byte is an answer, in both roles; a peer that pongs lives.
#[tokio::test]
async fn a_living_peer_is_kept() {
    let (mut socket, mut far) = dialling(hasty).await;
    let receiving = tokio::spawn(async move { socket.recv().await });
    for _ in 0..3 {
        far.expect_frame(PING, "").await;
        far.send(frame(PONG, "")).await;
    }
    far.expect_frame(PING, "").await;
    far.send(frame(TEXT, "alive")).await;
    let message = soon("a message", receiving).await.expect("no panic").expect("it lives");
    assert_eq!(message, Some("alive".into()));
}

/// `None` never pings.
#[tokio::test]
async fn pings_can_be_forgone() {
    let (mut socket, mut client) = serving(|config| {
        hasty(config);
        config.ping_after = None;
    })
    .await;
    let waited = tokio::time::timeout(5 * GRAIN, socket.recv()).await;
    assert!(waited.is_err(), "it waits for ever");
    assert!(client.is_silent().await);
    client.send(masked(TEXT, "x")).await;
    assert_eq!(soon("a message", socket.recv()).await.expect("open"), Some("x".into()));
}

/// The limits of the connection underneath hold, for who waits to send too.
#[tokio::test]
async fn a_peer_that_takes_nothing_is_given_up() {
    let (mut socket, client) = serving(|_| ()).await;
    socket.conn_mut().set_limits(limits(|limits| limits.idle = Some(2 * GRAIN)));
    let sending = async {
        loop {
            if let Err(error) = socket.send(vec![0; 100_000]).await {
                return error;
            }
        }
    };
    let error = soon("the limit", sending).await;
    let Error::Io(error) = error else { panic!("{error:?}") };
    assert!(matches!(ended_by(&error), Some(EndReason::TimedOut(Timeout::Idle))), "{error:?}");
    drop(client);
}
