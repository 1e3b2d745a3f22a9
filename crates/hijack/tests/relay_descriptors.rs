//! No relay leaks a descriptor, however it ends. Alone in its process, since it counts what is open.
#![cfg(all(target_os = "linux", feature = "tls"))]

#[allow(dead_code, reason = "made for other tests")]
#[path = "behaviour/certificates.rs"]
mod certificates;
#[allow(dead_code, reason = "made for other tests")]
#[path = "behaviour/support.rs"]
mod support;
#[allow(dead_code, reason = "made for other tests")]
#[path = "relay/world.rs"]
mod world;

use std::time::Duration;

use hijack::{EndReason, Pipes, Relay, RelayEnd};

use support::{empty, limits, pattern, until};
use world::{Far, Kind, World, ended};

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("proc is mounted").count()
}

/// The ways of a relay to its end.
#[derive(Debug, Clone, Copy)]
enum Way {
    InOrder,
    ClientBreaks,
    ServerBreaks,
    Killed,
    TimedOut,
    Closed,
    Dropped,
    DroppedWhileStalled,
    NeverRun,
}

const WAYS: [Way; 9] = [
    Way::InOrder,
    Way::ClientBreaks,
    Way::ServerBreaks,
    Way::Killed,
    Way::TimedOut,
    Way::Closed,
    Way::Dropped,
    Way::DroppedWhileStalled,
    Way::NeverRun,
];

/// Goes one way with a relay, to its end. The far ends that come back are still open.
async fn go(way: Way, world: &World, mut relay: Relay, mut near: Far, mut far: Far) -> Option<(Far, Far)> {
    let (id, server) = (relay.client().id(), relay.server().id());
    if let Way::TimedOut = way {
        relay.set_limits(limits(|limits| limits.idle = Some(Duration::from_millis(100))));
    }
    if let Way::NeverRun = way {
        return Some((near, far));
    }
    let running = match way {
        Way::Closed => tokio::spawn(async move { relay.close().await }),
        _ => world::run(relay),
    };
    match way {
        Way::InOrder | Way::Closed => {
            tokio::join!(near.end(), far.end());
            assert_reason(&ended(running).await, way);
            return None;
        }
        Way::ClientBreaks => {
            near.will_reset();
            drop(near);
            // Where there are no resets it was an end, and the other one is still to come.
            far.rest_or_reset().await;
            drop(far);
            ended(running).await;
            return None;
        }
        Way::ServerBreaks => {
            far.will_reset();
            near.send("request").await;
            drop(far);
            near.rest_or_reset().await;
            drop(near);
            ended(running).await;
            return None;
        }
        Way::Killed => assert!(world.tracker.kill(id), "it lives"),
        Way::DroppedWhileStalled => {
            let stalled = || {
                world
                    .tracker
                    .get(server)
                    .is_some_and(|seen| seen.bytes_out > 0 && seen.idle.as_millis() >= 100)
            };
            let flood = pattern(1 << 20);
            tokio::select! {
                () = async { loop { near.send(&flood).await } } => {}
                () = until("nothing moves", stalled) => {}
            }
            running.abort();
            return Some((near, far));
        }
        Way::Dropped => {
            near.send("x").await;
            far.expect("x").await;
            running.abort();
            return Some((near, far));
        }
        Way::TimedOut | Way::NeverRun => {}
    }
    assert_reason(&ended(running).await, way);
    // Our sides must be free though the far ones are open.
    Some((near, far))
}

fn assert_reason(end: &RelayEnd, way: Way) {
    let as_expected = match way {
        Way::InOrder => end.reason == EndReason::PeerClosed,
        Way::Closed => end.reason == EndReason::Closed,
        Way::Killed => end.reason == EndReason::Killed,
        _ => matches!(end.reason, EndReason::TimedOut(_)),
    };
    assert!(as_expected, "{way:?}: {end}");
}

/// Behaviours 39 and 41, Go leaves untested: the far side is freed on every path, in every combination of sides, while
/// the near one's peer still holds on; and so are the pipes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_relay_leaks_a_descriptor() {
    let world = World::new().await;
    drop(world.relay(Kind::Tls, Kind::Tcp).await);
    empty(&world.tracker).await;
    let before = open_descriptors();
    let pipes = Pipes::new(4);
    for way in WAYS {
        let mut left = Vec::new();
        for (client, server) in Kind::pairs() {
            let (near, far, relay) = world.relay(client, server).await;
            left.push(go(way, &world, relay.with_pipes(pipes.clone()), near, far).await);
        }
        // Freed with the far ends still open: only those are left.
        empty(&world.tracker).await;
        let most = before + 2 * 16 + 2 * pipes.open();
        until(&format!("{way:?} leaves our sides closed"), || open_descriptors() <= most).await;
        drop(left);
    }
    let idle = 2 * pipes.open();
    until("only idle pipes are left", || open_descriptors() <= before + idle).await;
    drop(pipes);
    until(&format!("no more than {before} are open"), || open_descriptors() <= before).await;
}
