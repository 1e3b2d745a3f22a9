//! Ends in order: of one direction, of both, and of sides that know only the end of all.

use hijack::{EndReason, Relay, Side, Transport};

use crate::support::{pattern, soon, tcp_pair};
use crate::world::{Far, Kind, Running, Whole, World, assert_end, ended, run};

/// The client has its say and ends; the server answers afterwards.
async fn client_first(mut client: Far, mut server: Far, running: Running) {
    client.send("request").await;
    client.end().await;
    server.expect_rest("request").await;
    server.send("answer").await;
    server.end().await;
    client.expect_rest("answer").await;
    assert_whole(running, Side::Client).await;
}

async fn server_first(mut client: Far, mut server: Far, running: Running) {
    server.send("answer").await;
    server.end().await;
    client.expect_rest("answer").await;
    client.send("request").await;
    client.end().await;
    server.expect_rest("request").await;
    assert_whole(running, Side::Server).await;
}

async fn both_at_once(mut client: Far, mut server: Far, running: Running) {
    tokio::join!(client.send("request"), server.send("answer"));
    tokio::join!(client.end(), server.end());
    client.expect_rest("answer").await;
    server.expect_rest("request").await;
    let end = ended(running).await;
    assert_eq!(end.reason, EndReason::PeerClosed);
}

/// The server never sends: it only ends.
async fn one_way(mut client: Far, mut server: Far, running: Running) {
    client.send("request").await;
    client.end().await;
    server.expect_rest("request").await;
    server.end().await;
    client.expect_rest("").await;
    let end = ended(running).await;
    assert_end(&end, Some(Side::Client), &EndReason::PeerClosed);
    assert_eq!((end.to_server.delivered, end.to_client.delivered), (7, 0));
}

async fn assert_whole(running: Running, by: Side) {
    let end = ended(running).await;
    assert_end(&end, Some(by), &EndReason::PeerClosed);
    assert_eq!((end.to_server.received, end.to_server.delivered), (7, 7));
    assert_eq!((end.to_client.received, end.to_client.delivered), (6, 6));
}

/// Each direction ends by itself, in all four orders, and the ends of both are the end of the relay.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passes_on_the_end_of_each_direction() {
    let world = World::new().await;
    for (client, server) in Kind::pairs() {
        let (near, far, running) = world.running(client, server).await;
        client_first(near, far, running).await;
        let (near, far, running) = world.running(client, server).await;
        server_first(near, far, running).await;
        let (near, far, running) = world.running(client, server).await;
        both_at_once(near, far, running).await;
        let (near, far, running) = world.running(client, server).await;
        one_way(near, far, running).await;
    }
}

/// What was read ahead goes first, on both sides, and before that what was queued for a side.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn early_and_queued_bytes_go_first() {
    let world = World::new().await;
    for (client, server) in Kind::pairs() {
        let (mut near, mut to_client) = world.side_with(client, "early request ").await;
        let (mut far, mut to_server) = world.side_with(server, "early answer ").await;
        to_client.put(b"queued for the client ");
        to_server.put(b"queued for the server ");
        let running = run(Relay::new(to_client, to_server));
        far.expect("queued for the server early request ").await;
        near.expect("queued for the client early answer ").await;
        near.send("late").await;
        far.expect("late").await;
        far.send("late").await;
        near.end().await;
        far.end().await;
        near.expect_rest("late").await;
        far.expect_rest("").await;
        let end = ended(running).await;
        assert_eq!((end.to_server.received, end.to_server.delivered), (18, 18), "{client:?} {server:?}");
        assert_eq!((end.to_client.received, end.to_client.delivered), (17, 17), "{client:?} {server:?}");
    }
}

/// What is queued for a side leaves even if the other one is silent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queued_bytes_do_not_wait_for_others() {
    let world = World::new().await;
    for kind in Kind::ALL {
        let (mut client, mut conn) = world.side(kind).await;
        let (_server, other) = world.side(Kind::Tcp).await;
        conn.put(b"hello");
        let running = run(Relay::new(conn, other));
        client.expect("hello").await;
        running.abort();
    }
}

/// Told so, the relay takes one end for all: what came before it is delivered, and both hear of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_half_close_one_end_is_all() {
    let world = World::new().await;
    let sent = pattern(300_000);
    for (client, server) in Kind::pairs() {
        let (mut near, mut far, relay) = world.relay(client, server).await;
        let running = run(relay.without_half_close());
        far.send("answer").await;
        near.expect("answer").await;
        let send = async {
            near.send(&sent).await;
            near.end().await;
        };
        tokio::join!(send, far.expect_rest(&sent));
        near.expect_rest("").await;
        drop((near, far));
        let end = ended(running).await;
        assert_end(&end, Some(Side::Client), &EndReason::PeerClosed);
        assert_eq!(end.to_server.delivered, sent.len() as u64, "{client:?} {server:?}");
    }
}

/// What was taken for a side that was slow when the other one's end ended all is delivered first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_half_close_what_was_taken_is_delivered() {
    let world = World::new().await;
    let (mut client, mut server, relay) = world.relay(Kind::Custom, Kind::Custom).await;
    let running = run(relay.without_half_close());
    // More than the stream to the client holds, and all of it taken.
    let answer = pattern(40_000);
    server.send(&answer).await;
    client.end().await;
    server.expect_rest("").await;
    client.expect_rest(&answer).await;
    drop((client, server));
    let end = ended(running).await;
    assert_eq!(end.to_client.received, end.to_client.delivered, "{end}");
}

/// A stream that cannot end one direction alone ends both, after all that came before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_without_half_close_ends_both() {
    let world = World::new().await;
    for kind in Kind::ALL {
        let (mut client, conn) = world.side(kind).await;
        let (server, whole) = tokio::io::duplex(1_000);
        let mut server = crate::support::Client(server);
        let whole = world.tracker.adopt(Transport::custom(Whole(whole)));
        let running = run(Relay::new(conn, whole));
        let sent = pattern(50_000);
        let send = async {
            client.send(&sent).await;
            client.end().await;
        };
        tokio::join!(send, server.expect_rest(&sent));
        client.expect_rest("").await;
        drop(client);
        let end = ended(running).await;
        assert_end(&end, Some(Side::Client), &EndReason::PeerClosed);
    }
}

/// The first end is the one that is named, also if the other side's stream cannot pass on the second.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_the_side_that_ended_first() {
    let world = World::new().await;
    let (mut client, conn) = world.side(Kind::Tcp).await;
    let (server, whole) = tokio::io::duplex(1_000);
    let whole = world.tracker.adopt(Transport::custom(Whole(whole)));
    let running = run(Relay::new(conn, whole));
    let mut server = crate::support::Client(server);
    server.end().await;
    client.expect_rest("").await;
    client.end().await;
    assert_end(&ended(running).await, Some(Side::Server), &EndReason::PeerClosed);
}

/// [`Relay::close`] delivers what was taken, early bytes included, tells both and waits for them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closes_in_order() {
    let world = World::new().await;
    for (client, server) in Kind::pairs() {
        let (mut near, to_client) = world.side_with(client, "early").await;
        let (mut far, to_server) = world.side(server).await;
        let mut relay = Relay::new(to_client, to_server);
        let closing = tokio::spawn(async move { relay.close().await });
        far.expect_rest("early").await;
        near.expect_rest("").await;
        near.send("thrown away").await;
        near.end().await;
        far.end().await;
        let end = ended(closing).await;
        assert_end(&end, None, &EndReason::Closed);
        assert_eq!((end.to_server.delivered, end.to_client.delivered), (5, 0), "{client:?} {server:?}");
    }
}

/// A peer that does not end holds a close up for two seconds, no longer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_close_does_not_wait_for_ever() {
    let world = World::new().await;
    let (_client, mut server, mut relay) = world.relay(Kind::Tcp, Kind::Tls).await;
    let end = soon("the end of the close", relay.close()).await;
    assert_end(&end, None, &EndReason::Closed);
    server.expect_rest("").await;
}

/// Relays keep the types of their streams where the caller does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn joins_streams_of_plain_types() {
    let world = World::new().await;
    let (mut client, near) = tcp_pair().await;
    let (server, far) = tokio::net::UnixStream::pair().expect("sockets");
    let mut server = crate::support::Client(server);
    let running = run(Relay::new(world.tracker.adopt(near), world.tracker.adopt(far)));
    let sent = pattern(1 << 20);
    let send = async {
        client.send(&sent).await;
        client.end().await;
    };
    tokio::join!(send, server.expect_rest(&sent));
    server.end().await;
    client.expect_rest("").await;
    assert_end(&ended(running).await, Some(Side::Client), &EndReason::PeerClosed);
}
