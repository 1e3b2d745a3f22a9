//! What an operator sees of a relay: counters, events, a drain.

use std::time::Duration;

use hijack::{EndReason, Relay, Tracker};

use crate::support::{Event, log, once, pattern, soon, tcp_pair, until};
use crate::world::{Kind, World, ended, run};

/// Each connection is opened, taken and closed once, and all counts are exact and agree.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_count_is_exact_and_they_agree() {
    let mut world = World::new().await;
    let (request, answer) = (pattern(300_007), pattern(200_003));
    for (client, server) in Kind::pairs() {
        let (mut near, to_client) = world.side_with(client, "early").await;
        let (mut far, to_server) = world.side(server).await;
        let ids = [to_client.id(), to_server.id()];
        let running = run(Relay::new(to_client, to_server));
        let up = async {
            near.send(&request).await;
            near.end().await;
        };
        let heard = async {
            far.expect("early").await;
            far.expect_rest(&request).await;
        };
        tokio::join!(up, heard);
        let seen = world.tracker.get(ids[1]).and_then(|seen| seen.taken).expect("it lives");
        assert_eq!(seen.bytes_out, 300_012, "sampled while it lives");
        let down = async {
            far.send(&answer).await;
            far.end().await;
        };
        tokio::join!(down, near.expect_rest(&answer));
        let end = ended(running).await;
        assert_eq!((end.to_server.received, end.to_server.delivered), (300_012, 300_012));
        assert_eq!((end.to_client.received, end.to_client.delivered), (200_003, 200_003));
        let events = [world.events.next().await, world.events.next().await];
        let mut rest = Vec::from(events);
        rest.extend([world.events.next().await, world.events.next().await]);
        rest.extend([world.events.next().await, world.events.next().await]);
        for (id, counted) in ids.into_iter().zip([(300_012, 200_003), (200_003, 300_012)]) {
            // Bytes that were put in front by hand were never received.
            let by_hand = if id == ids[0] && client != Kind::Tls { 5 } else { 0 };
            assert_life(&rest, id, (counted.0 - by_hand, counted.1));
        }
        assert!(world.events.heard().is_empty(), "each was told once");
    }
}

fn assert_life(events: &[Event], id: hijack::ConnectionId, counted: (u64, u64)) {
    let mut opened = 0;
    let mut taken = 0;
    let mut closed = 0;
    for event in events {
        match event {
            Event::Opened(seen) if seen.id == id => opened += 1,
            Event::Taken(seen) if seen.id == id => taken += 1,
            Event::Closed(seen, reason) if seen.id == id => {
                closed += 1;
                let seen = seen.taken.as_ref().expect("taken over");
                assert_eq!((seen.bytes_in, seen.bytes_out), counted, "{id}");
                assert_eq!(*reason, EndReason::PeerClosed);
            }
            _ => {}
        }
    }
    assert_eq!((opened, taken, closed), (1, 1, 1), "{id}: {events:?}");
}

/// What a stalled side did not take is told apart from what came, in the relay and in both records.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_what_is_on_its_way() {
    let world = World::new().await;
    let (mut client, _server, mut relay) = world.relay(Kind::Tcp, Kind::Custom).await;
    client.send(pattern(30_000)).await;
    let server = relay.server().id();
    {
        let run = relay.run();
        let stalled = || world.tracker.get(server).is_some_and(|seen| seen.bytes_out == 20_000);
        tokio::select! {
            end = run => panic!("nothing ends it: {end}"),
            () = until("the stream is full", stalled) => {}
        }
    }
    let moved = relay.to_server();
    assert_eq!((moved.received, moved.delivered), (30_000, 20_000));
    let seen = world.tracker.get(relay.client().id()).expect("it lives");
    assert_eq!(seen.bytes_in, 30_000);
}

/// A drain tells, waits for who obeys and ends the others by force.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_tells_waits_and_forces() {
    let (log, mut events) = log();
    let tracker = Tracker::with_observer(log);
    let relay = async || {
        let ((client, near), (server, far)) = (tcp_pair().await, tcp_pair().await);
        (client, server, Relay::new(tracker.adopt(near), tracker.adopt(far)))
    };
    let (_deaf_client, _deaf_server, deaf) = relay().await;
    let (obedient_client, obedient_server, mut obedient) = relay().await;
    let deaf = run(deaf);
    let obeying = tokio::spawn(async move {
        let told = obedient.client().told();
        tokio::select! {
            end = obedient.run() => panic!("nothing ends it: {end}"),
            () = told => obedient.close().await,
        }
    });
    let far_ends = tokio::spawn(async move {
        for mut end in [obedient_client, obedient_server] {
            end.expect_rest("").await;
            end.end().await;
        }
    });
    let report = soon("the drain", tracker.drain(Duration::from_millis(500))).await;
    assert_eq!((report.taken, report.forced, report.left), (4, 2, 0), "{report:?}");
    assert_eq!(ended(obeying).await.reason, EndReason::Closed);
    assert_eq!(ended(deaf).await.reason, EndReason::ShutDown);
    soon("the far ends", far_ends).await.expect("no panic");
    assert_eq!(tracker.count(), 0);
    let mut reasons = [(); 4].map(|()| None);
    for reason in &mut reasons {
        *reason = Some(events.reason().await);
    }
    let count = |reason: &EndReason| reasons.iter().filter(|told| told.as_ref() == Some(reason)).count();
    assert_eq!((count(&EndReason::Closed), count(&EndReason::ShutDown)), (2, 2), "{reasons:?}");
}

/// [`Tracker::tell_all`] tells all that live, [`Tracker::emptied`] waits for the last.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tracker_of_nobodys_tells_all_and_empties() {
    let tracker = Tracker::default();
    soon("nothing lives", tracker.emptied()).await;
    let ((_client, near), (_server, far)) = (tcp_pair().await, tcp_pair().await);
    let relay = Relay::new(tracker.adopt(near), tracker.adopt(far));
    assert_eq!(
        (tracker.count(), relay.client().protocol(), relay.client().head().is_none()),
        (2, None, true)
    );
    assert!(once(tracker.emptied()).await.is_none(), "two live");
    assert!(once(relay.server().told()).await.is_none(), "nobody told it");
    assert_eq!(tracker.tell_all(), 2);
    assert!(once(relay.client().told()).await.is_some() && once(relay.server().told()).await.is_some());
    drop(relay);
    soon("the last is gone", tracker.emptied()).await;
    assert_eq!(tracker.tell_all(), 0);
}
