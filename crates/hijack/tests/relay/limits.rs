//! Limits and kills on the two connections of a relay: each names itself and its side.

use std::time::Duration;

use hijack::{ConnLimits, ConnectionId, EndReason, Relay, Side, Timeout, Tracker};

use crate::support::{Events, limits, log, once, pattern, soon, tcp_pair, until};
use crate::world::{Kind, World, assert_end, ended, run};

const LIMIT: Duration = Duration::from_millis(200);

/// The limits of one side, and which they are.
fn each() -> [(ConnLimits, Timeout); 3] {
    [
        (limits(|limits| limits.idle = Some(LIMIT)), Timeout::Idle),
        (limits(|limits| limits.lifetime = Some(LIMIT)), Timeout::Lifetime),
        (limits(|limits| limits.half_open = Some(LIMIT)), Timeout::HalfOpen),
    ]
}

/// The reasons of the next two ends, by the connections' names.
async fn reasons(events: &mut Events, ids: [ConnectionId; 2]) -> [EndReason; 2] {
    let ends = [events.closed().await, events.closed().await];
    ids.map(|id| ends.iter().find(|(seen, _)| seen.id == id).expect("both ended").1.clone())
}

/// Every limit fires on either side, whatever it is made of: also half-open, and on a side that has ended. The other
/// side's record says that it was not its doing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_limit_names_itself_and_its_side() {
    let relayed = Kind::pairs().flat_map(|kinds| {
        let limits =
            each().into_iter().flat_map(|limit| [Side::Client, Side::Server].map(|side| (limit, side)));
        limits.map(move |(limit, side)| (kinds, limit, side))
    });
    let all: Vec<_> = relayed.map(|(kinds, limit, side)| tokio::spawn(fires(kinds, limit, side))).collect();
    for one in all {
        soon("a limit", one).await.expect("no panic");
    }
}

async fn fires((client, server): (Kind, Kind), (limits, timeout): (ConnLimits, Timeout), side: Side) {
    let mut world = World::new().await;
    let (mut near, mut to_client) = world.side(client).await;
    let (mut far, mut to_server) = world.side(server).await;
    let ids = [to_client.id(), to_server.id()];
    match side {
        Side::Client => to_client.set_limits(limits),
        Side::Server => to_server.set_limits(limits),
    }
    let running = run(Relay::new(to_client, to_server));
    if timeout == Timeout::HalfOpen {
        near.end().await;
        far.expect_rest("").await;
    }
    let end = ended(running).await;
    assert_end(&end, Some(side), &EndReason::TimedOut(timeout));
    let mut expected = [EndReason::TimedOut(timeout), EndReason::OtherSide];
    if side == Side::Server {
        expected.reverse();
    }
    assert_eq!(reasons(&mut world.events, ids).await, expected, "{client:?} {server:?} {timeout}");
}

/// A relay's own limits are both sides'.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_has_limits_for_both() {
    let world = World::new().await;
    let (_client, _server, mut relay) = world.relay(Kind::Tcp, Kind::Unix).await;
    relay.set_limits(limits(|limits| limits.idle = Some(LIMIT)));
    let end = soon("the idle limit", relay.run()).await;
    assert_eq!(end.reason, EndReason::TimedOut(Timeout::Idle));
    assert!(end.by.is_some(), "{end}");
}

/// An operator's kill of either side ends both, while nothing moves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_ends_both() {
    let mut world = World::new().await;
    for (client, server) in Kind::pairs() {
        for side in [Side::Client, Side::Server] {
            let (mut near, mut far, relay) = world.relay(client, server).await;
            let ids = [relay.client().id(), relay.server().id()];
            let running = run(relay);
            near.send("x").await;
            far.expect("x").await;
            kill(&mut world.events, &world.tracker, ids, side).await;
            assert_end(&ended(running).await, Some(side), &EndReason::Killed);
            near.rest_or_reset().await;
            far.rest_or_reset().await;
        }
    }
}

async fn kill(events: &mut Events, tracker: &Tracker, ids: [ConnectionId; 2], side: Side) {
    let mut expected = [EndReason::Killed, EndReason::OtherSide];
    if side == Side::Server {
        expected.reverse();
    }
    assert!(tracker.kill(if side == Side::Client { ids[0] } else { ids[1] }), "it lives");
    assert_eq!(reasons(events, ids).await, expected, "{side}");
}

/// The same while a receiver takes nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_ends_stalled_relays() {
    let mut world = World::new().await;
    for (client, server) in [(Kind::Tcp, Kind::Unix), (Kind::Tls, Kind::Tcp), (Kind::Custom, Kind::Tls)] {
        for side in [Side::Client, Side::Server] {
            let (mut near, far, relay) = world.relay(client, server).await;
            let ids = [relay.client().id(), relay.server().id()];
            let running = run(relay);
            let flood = pattern(1 << 20);
            let stalled =
                || world.tracker.get(ids[1]).is_some_and(|seen| seen.bytes_out > 0 && seen.idle >= LIMIT);
            tokio::select! {
                () = async { loop { near.send(&flood).await } } => {}
                () = until("nothing moves", stalled) => {}
            }
            kill(&mut world.events, &world.tracker, ids, side).await;
            assert_end(&ended(running).await, Some(side), &EndReason::Killed);
            drop(far);
        }
    }
}

/// The same behind an end: nobody reads or writes that side any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_ends_half_open_relays() {
    let mut world = World::new().await;
    for (client, server) in Kind::pairs() {
        for side in [Side::Client, Side::Server] {
            let (mut near, mut far, relay) = world.relay(client, server).await;
            let ids = [relay.client().id(), relay.server().id()];
            let running = run(relay);
            near.end().await;
            far.expect_rest("").await;
            kill(&mut world.events, &world.tracker, ids, side).await;
            assert_end(&ended(running).await, Some(side), &EndReason::Killed);
        }
    }
}

/// Sides of two trackers obey each their own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sides_of_two_trackers() {
    let ((log, mut events), (other_log, mut other_events)) = (log(), log());
    let (tracker, other) = (Tracker::with_observer(log), Tracker::with_observer(other_log));
    let ((_client, near), (_server, far)) = (tcp_pair().await, tcp_pair().await);
    let mut relay = Relay::new(tracker.adopt(near), other.adopt(far));
    assert!(once(relay.run()).await.is_none(), "nothing ends it");
    let running = run(relay);
    assert!(other.kill(ConnectionId(1)), "it lives");
    assert_end(&ended(running).await, Some(Side::Server), &EndReason::Killed);
    assert_eq!(
        (events.reason().await, other_events.reason().await),
        (EndReason::OtherSide, EndReason::Killed)
    );
}
