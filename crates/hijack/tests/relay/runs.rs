//! Runs that are given up and begun again, and relays that are dropped.

use std::pin::pin;

use hijack::{EndReason, Side};
use tokio::io::AsyncWriteExt;

use crate::support::{once, pattern, read_all, soon};
use crate::world::{Kind, World, assert_end, ended, run};

/// Giving up a run at any moment loses nothing, and the next one goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_given_up_loses_nothing() {
    let world = World::new().await;
    let sent = pattern(500_000);
    for (client, server) in Kind::pairs() {
        let (mut near, mut far, mut relay) = world.relay(client, server).await;
        let (near_io, far_io) = (&mut near.0, &mut far.0);
        let talk = async {
            near_io.write_all(&sent).await?;
            near_io.shutdown().await?;
            let answer = read_all(near_io).await;
            std::io::Result::Ok(answer)
        };
        let echo = async {
            let came = read_all(far_io).await;
            far_io.write_all(&came).await?;
            far_io.shutdown().await
        };
        let runs = async {
            let mut given_up = 0;
            loop {
                if let Some(end) = once(relay.run()).await {
                    return (end, given_up);
                }
                given_up += 1;
                tokio::task::yield_now().await;
            }
        };
        let all = async { tokio::join!(talk, echo, runs) };
        let (answer, echoed, (end, given_up)) = soon("all of it", pin!(all)).await;
        echoed.expect("no error");
        assert!(answer.expect("no error") == sent, "{client:?} {server:?}: what came back differs");
        assert!(given_up > 0, "no run was given up");
        assert_end(&end, Some(Side::Client), &EndReason::PeerClosed);
        assert_eq!(relay.run().await, end, "called again it tells the same");
    }
}

/// Dropping a relay closes both sides.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_dropped_closes_both() {
    let mut world = World::new().await;
    for (client, server) in Kind::pairs() {
        let (mut near, mut far, relay) = world.relay(client, server).await;
        let running = run(relay);
        near.send("x").await;
        far.expect("x").await;
        running.abort();
        near.rest_or_reset().await;
        far.rest_or_reset().await;
        for _ in 0..2 {
            assert_eq!(world.events.reason().await, EndReason::Dropped);
        }
    }
}

/// A side that was killed before the relay saw it tells why the other one ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_dropped_behind_a_kill_says_so() {
    let mut world = World::new().await;
    let (_near, _far, relay) = world.relay(Kind::Tcp, Kind::Tcp).await;
    assert!(world.tracker.kill(relay.server().id()), "it lives");
    drop(relay);
    let reasons = [world.events.reason().await, world.events.reason().await];
    assert!(reasons.contains(&EndReason::Killed) && reasons.contains(&EndReason::OtherSide), "{reasons:?}");
}

/// The sockets stay open behind a run, until the relay is dropped: nobody is cut short by its end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_reads_as_a_line() {
    let world = World::new().await;
    let (mut near, mut far, running) = world.running(Kind::Tcp, Kind::Unix).await;
    near.send("request").await;
    near.end().await;
    far.expect_rest("request").await;
    far.end().await;
    let end = ended(running).await;
    assert_eq!(end.to_string(), "client: closed by the peer; 7 bytes to the server, 0 to the client");
}
