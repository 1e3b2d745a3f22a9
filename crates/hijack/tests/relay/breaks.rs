//! Sides that break: resets, and TLS that ends without a word.

use std::io::ErrorKind;

use hijack::{EndReason, Side};

use crate::support::{assert_bytes, once, pattern, soon, until};
use crate::world::{Kind, World, assert_end, ended};

const RESETTABLE: [Kind; 2] = [Kind::Tcp, Kind::Tls];

/// A reset of the client is one for the server, behind what the client had sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_of_the_client_is_passed_on() {
    let world = World::new().await;
    for client in RESETTABLE {
        for server in RESETTABLE {
            let (mut near, mut far, running) = world.running(client, server).await;
            near.send("before").await;
            far.expect("before").await;
            near.break_off();
            let (rest, result) = far.until_end().await;
            assert_bytes(rest, "", "behind the reset");
            let kind = result.expect_err("a reset is no end").kind();
            assert_eq!(kind, ErrorKind::ConnectionReset, "{client:?} {server:?}");
            let end = ended(running).await;
            assert_end(&end, Some(Side::Client), &EndReason::Broken(ErrorKind::ConnectionReset));
            assert_eq!(end.to_server.delivered, 6);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_of_the_server_is_passed_on() {
    let world = World::new().await;
    for client in RESETTABLE {
        for server in RESETTABLE {
            let (mut near, mut far, running) = world.running(client, server).await;
            far.send("before").await;
            near.expect("before").await;
            far.break_off();
            let (_, result) = near.until_end().await;
            let kind = result.expect_err("a reset is no end").kind();
            assert_eq!(kind, ErrorKind::ConnectionReset, "{client:?} {server:?}");
            let end = ended(running).await;
            assert_end(&end, Some(Side::Server), &EndReason::Broken(ErrorKind::ConnectionReset));
        }
    }
}

/// A side that has no resets is closed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_closes_sides_without_resets() {
    let world = World::new().await;
    for server in [Kind::Unix, Kind::Custom] {
        let (near, mut far, running) = world.running(Kind::Tcp, server).await;
        near.break_off();
        far.expect_rest("").await;
        assert_end(&ended(running).await, Some(Side::Client), &EndReason::Broken(ErrorKind::ConnectionReset));
    }
}

/// What a side sent before it broke is delivered, also if its break is found by writing to it; its last byte is followed
/// by a reset, not by an end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sent_before_a_break_is_delivered() {
    let world = World::new().await;
    for turn in 0..50 {
        let (mut near, mut far, mut relay) = world.relay(Kind::Tcp, Kind::Tcp).await;
        // All of it is there before the relay runs, which finds the break by writing or by reading first.
        if turn % 2 == 0 {
            assert!(once(relay.run()).await.is_none(), "nothing ends it");
        }
        near.send("request").await;
        far.send("last words").await;
        far.break_off();
        let end = soon("the end", relay.run()).await;
        assert_eq!(end.by, Some(Side::Server), "{end}");
        assert!(matches!(end.reason, EndReason::Broken(_)), "{end}");
        assert_eq!(end.to_client.delivered, 10, "{end}");
        drop(relay);
        let (said, result) = near.until_end().await;
        assert!(said.is_empty() || said == b"last words", "a reset may overtake what it follows");
        assert_eq!(result.expect_err("a reset is no end").kind(), ErrorKind::ConnectionReset);
    }
}

/// A sender that is reset while its receiver takes nothing is noticed, though nobody reads it meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_behind_a_stalled_receiver_is_noticed() {
    let world = World::new().await;
    for client in RESETTABLE {
        let (mut near, far, running) = world.running(client, Kind::Tcp).await;
        let flood = pattern(1 << 20);
        let id = world.tracker.list().iter().map(|seen| seen.id).max().expect("two sides");
        let stalled =
            || world.tracker.get(id).is_some_and(|seen| seen.bytes_out > 0 && seen.idle.as_millis() >= 300);
        tokio::select! {
            () = async { loop { near.send(&flood).await } } => {}
            () = until("nothing moves", stalled) => {}
        }
        near.break_off();
        let end = ended(running).await;
        assert_end(&end, Some(Side::Client), &EndReason::Broken(ErrorKind::ConnectionReset));
        drop(far);
    }
}

/// A side that had ended its direction and then breaks is noticed, though neither sends any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_behind_an_end_is_noticed() {
    let world = World::new().await;
    for server in Kind::ALL {
        let (mut near, mut far, running) = world.running(Kind::Tcp, server).await;
        near.end().await;
        far.expect_rest("").await;
        near.break_off();
        let end = ended(running).await;
        assert_eq!(end.by, Some(Side::Client), "{server:?}: {end}");
        assert!(matches!(end.reason, EndReason::Broken(_)), "{server:?}: {end}");
    }
}

/// A TLS side that ends without close_notify ends both in order, behind what it had sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_without_close_notify_ends_both() {
    let world = World::new().await;
    for other in Kind::ALL {
        let (mut near, mut far, running) = world.running(Kind::Tls, other).await;
        near.send("all there is").await;
        far.expect("all there is").await;
        // A client that has not read its session tickets would reset instead.
        far.send("thanks").await;
        near.expect("thanks").await;
        drop(near);
        far.expect_rest("").await;
        drop(far);
        let end = ended(running).await;
        assert_end(&end, Some(Side::Client), &EndReason::Broken(ErrorKind::UnexpectedEof));
        assert_eq!(end.to_server.delivered, 12);
    }
}

/// A server that closes while the client still sends: the client gets all that the server said.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_up_is_heard_out() {
    let world = World::new().await;
    for server in Kind::ALL {
        let (mut near, mut far, running) = world.running(Kind::Unix, server).await;
        far.send("no more").await;
        far.end().await;
        drop(far);
        near.expect("no more").await;
        let _ = tokio::io::AsyncWriteExt::write_all(&mut near.0, &pattern(1000)).await;
        near.rest_or_reset().await;
        drop(near);
        let end = ended(running).await;
        assert_eq!((end.by, end.to_client.delivered), (Some(Side::Server), 7), "{server:?}: {end}");
    }
}
