//! HTTP over streams that were open before, what an observer hears of connections, and how they end.

use std::time::Duration;

use hijack::{Conn, EndReason, Error, HeadError, Peer, State, Transport, Tunnel};
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;

use crate::dialling::assert_probed;
use crate::scripted::{Far, Stage, answer_of, answered, client, expect_answer, get, pair, polled};
use crate::support::{self, Event, GET, assert_bytes, read_all, read_len, soon, tcp_pair};

/// A request without a host, for streams of which nobody knows where they lead.
fn nowhere() -> http::Request<hijack::Body> {
    http::Request::get("/").body(hijack::Body::empty()).expect("a request")
}

/// HTTP over a pipe in memory, and its host: the request's own, or none.
#[tokio::test]
async fn speaks_over_a_pipe() {
    let (near, far) = tokio::io::duplex(100);
    let mut far: Far<_> = support::Client(far);
    let mut connection = client(|_| ()).0.connection(near, "");
    assert_eq!(connection.peer(), &Peer::Unknown);
    connection.send(get()).await.expect("open");
    far.expect(GET).await;
    far.send(answered("one")).await;
    expect_answer(&mut connection, 200, "one").await;
    connection.send(nowhere()).await.expect("open");
    far.expect("GET / HTTP/1.1\r\nHost: \r\n\r\n").await;
    far.send(answered("two")).await;
    expect_answer(&mut connection, 200, "two").await;
    let mut conn = connection.take_over().expect("nothing is under way");
    conn.write_all(b"raw").await.expect("open");
    far.expect("raw").await;
}

/// HTTP over a Unix socket whose first bytes were read before: they come first.
#[tokio::test]
async fn bytes_read_before_come_first() {
    let (near, far) = UnixStream::pair().expect("sockets");
    let mut far = support::Client(far);
    let (client, mut events) = client(|_| ());
    let connection = client.connection(near, b"read before, ");
    let Event::Opened(opened) = events.next().await else { panic!("expected an opening") };
    assert_eq!(opened.bytes_in, 0, "it is told before it is counted");
    assert_eq!(client.tracker().get(connection.id()).expect("it lives").bytes_in, 13);
    far.send("read later").await;
    let mut conn = connection.take_over().expect("nothing is under way");
    assert_eq!(conn.unread(), b"read before, ");
    assert_bytes(read_len(&mut conn, 23).await, "read before, read later", "in order");
}

/// RFC 9112 §9.2: bytes that came before any request are no answer to one.
#[tokio::test]
async fn bytes_read_before_are_no_answer() {
    let (mut far, near) = tcp_pair().await;
    let mut connection = client(|_| ()).0.connection(near, answered("poison"));
    assert!(!connection.is_open());
    let error = connection.send(get()).await.expect_err("it would be answered wrongly");
    assert!(matches!(error, Error::Closing), "{error:?}");
    let error = connection.answer().await.expect_err("nothing was asked");
    assert!(matches!(error, Error::Head(HeadError::Unasked)), "{error:?}");
    assert!(far.is_silent().await);
}

/// HTTP inside a taken-over connection, of either end: what it has read ahead goes with it.
#[tokio::test]
async fn speaks_inside_a_tunnel() {
    let (connection, mut far) = pair().await;
    let opening = async {
        far.expect("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n").await;
        far.send("HTTP/1.1 200 OK\r\n\r\nearly").await;
    };
    let (conn, ()) = tokio::join!(connection.tunnel(Tunnel::to("a:1")), opening);
    let mut conn = conn.expect("granted");
    assert_bytes(read_len(&mut conn, 5).await, "early", "the tunnel's");
    let (client, mut events) = client(|_| ());
    let mut inner = client.connection(conn, "");
    inner.send(get()).await.expect("open");
    far.expect(GET).await;
    far.send(format!("{}{}", "HTTP/1.1 100 Continue\r\n\r\n", answered("inside"))).await;
    expect_answer(&mut inner, 200, "inside").await;
    let mut innermost: Conn<Conn> = inner.take_over().expect("nothing is under way");
    innermost.write_all(b"raw").await.expect("open");
    far.expect("raw").await;
    innermost.close_write().await.expect("open");
    far.expect_rest("").await;
    drop(innermost);
    assert_eq!(events.reason().await, EndReason::Dropped);
}

/// TCP sockets are probed, also where they come as a transport; a stream without one is as good.
#[tokio::test]
async fn adopted_sockets_are_probed() {
    let after = Some(Duration::from_secs(11));
    let (client, _) = client(|config| config.probe_after = after);
    let (_far, near) = tcp_pair().await;
    assert_probed(client.connection(near, "").io(), after);
    let (_far, near) = tcp_pair().await;
    let connection = client.connection(Transport::from(near), "");
    assert_probed(connection.io().tcp().expect("TCP"), after);
    let (_far, near) = tcp_pair().await;
    let connection = client.connection(Transport::custom(near), "");
    assert!(connection.io().tcp().is_none());
}

/// A record counts every byte of both directions, and where the connection stands.
#[tokio::test]
async fn bytes_and_states_are_counted() {
    let stage = Stage::new(|_| ()).await;
    let (mut connection, mut far) = stage.connect().await;
    let tracker = stage.client.tracker();
    let now = |id| tracker.get(id).expect("it lives");
    let id = connection.id();
    let (mut bytes_in, mut bytes_out) = (0, 0);
    for body in ["", "some", "more of it"] {
        assert_eq!((now(id).state, tracker.count()), (State::Idle, 1));
        connection.send(get()).await.expect("open");
        bytes_out += GET.len() as u64;
        assert_eq!((now(id).state, now(id).bytes_out), (State::Active, bytes_out));
        far.send(answered(body)).await;
        bytes_in += answered(body).len() as u64;
        expect_answer(&mut connection, 200, body).await;
        assert_eq!((now(id).state, now(id).bytes_in), (State::Idle, bytes_in));
    }
    assert!(now(id).taken.is_none());
}

/// The reason of each end, told once.
#[tokio::test]
async fn every_end_has_a_reason() {
    let mut stage = Stage::new(|_| ()).await;
    let table = [
        ("drop", EndReason::Dropped),
        ("close", EndReason::Closed),
        ("server ends", EndReason::PeerClosed),
        ("server resets", EndReason::Broken(std::io::ErrorKind::ConnectionReset)),
        ("taken, drop", EndReason::Dropped),
        ("taken, close", EndReason::Closed),
        ("taken, server ends", EndReason::PeerClosed),
        ("taken, detached", EndReason::Detached),
        ("panic", EndReason::Panicked),
    ];
    for (how, expected) in table {
        let (mut connection, mut far) = stage.connect().await;
        let id = connection.id();
        let mut taken = false;
        match how {
            "drop" => drop(connection),
            "close" => {
                connection.send(get()).await.expect("open");
                connection.close().await.expect("in order");
                far.expect_rest(GET).await;
            }
            "server ends" | "server resets" => {
                connection.send(get()).await.expect("open");
                far.expect(GET).await;
                if how == "server ends" {
                    far.end().await;
                } else {
                    far.reset();
                }
                connection.answer().await.expect_err("there is none");
                drop(connection);
            }
            "panic" => {
                let panicking = tokio::spawn(async move {
                    let _held = connection;
                    std::panic::resume_unwind(Box::new("on purpose"));
                });
                assert!(panicking.await.is_err_and(|error| error.is_panic()));
            }
            _ => {
                taken = true;
                connection.send(get()).await.expect("open");
                far.expect(GET).await;
                far.send("HTTP/1.1 200 OK\r\n\r\n").await;
                answer_of(&mut connection).await;
                let mut conn = connection.take_over().expect("nothing is under way");
                match how {
                    "taken, drop" => drop(conn),
                    "taken, close" => {
                        let closing = tokio::spawn(conn.close());
                        far.expect_rest("").await;
                        far.end().await;
                        assert!(soon("the close", closing).await.expect("no panic").is_ok());
                    }
                    "taken, detached" => drop(conn.into_parts().detach()),
                    _ => {
                        far.end().await;
                        assert_bytes(read_all(&mut conn).await, "", how);
                        drop(conn);
                    }
                }
            }
        }
        let Event::Opened(opened) = stage.events.next().await else { panic!("{how}: expected an opening") };
        assert_eq!(opened.id, id, "{how}");
        if taken {
            let Event::Taken(taken) = stage.events.next().await else { panic!("{how}: expected a takeover") };
            assert_eq!(taken.id, id, "{how}");
        }
        let Event::Closed(closed, reason) = stage.events.next().await else {
            panic!("{how}: expected an end")
        };
        assert_eq!((closed.id, reason), (id, expected), "{how}");
        assert_eq!((stage.events.heard().len(), stage.client.tracker().count()), (0, 0), "{how}");
    }
}

/// The connections of one client are one set, its clones' too; another client's are its own.
#[tokio::test]
async fn clones_share_what_they_see() {
    let stage = Stage::new(|_| ()).await;
    let clone = stage.client.clone();
    let (first, _far) = stage.connect().await;
    let (second, _far) = tokio::join!(clone.connect(&stage.endpoint), stage.accept());
    let second = second.expect("it listens");
    let listed: Vec<_> = stage.client.tracker().list().iter().map(|connection| connection.id).collect();
    assert_eq!(listed, [first.id(), second.id()]);
    assert_eq!(client(|_| ()).0.tracker().count(), 0);
    drop((first, second));
    assert_eq!(clone.tracker().count(), 0);
}

/// A connection may live longer than its client, and may be moved between threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_outlives_its_client() {
    let (mut connection, mut far) = pair().await;
    let moved = tokio::spawn(async move {
        connection.send(get()).await.expect("open");
        let answer = connection.answer().await.expect("an answer");
        (answer.status(), connection)
    });
    far.expect(GET).await;
    far.send("HTTP/1.1 204 No Content\r\n\r\n").await;
    let (status, mut connection) = soon("the answer", moved).await.expect("no panic");
    assert_eq!(status, 204);
    assert!(polled(2, connection.request(get())).await.is_none());
    far.expect(GET).await;
}

/// Both ends in one process over one socket: our client, our server's connection, in the hands of one test.
#[tokio::test]
async fn both_ends_are_one_type() {
    let (server, _events) = support::server(|_| ());
    let (client, _) = client(|_| ());
    let (near, far) = UnixStream::pair().expect("sockets");
    let connection = client.connection(near, "");
    let serving = async {
        let serving = server.connection(far, "");
        let exchange = serving.next().await.expect("a legal head").expect("a request");
        exchange.upgrade(hijack::Upgrade::to(["echo"])).await.expect("it was offered")
    };
    let (ours, mut theirs): (_, Conn<UnixStream>) =
        tokio::join!(connection.upgrade(get(), ["echo"]), serving);
    let mut ours: Conn<UnixStream> = ours.expect("granted");
    ours.write_all(b"to the server").await.expect("open");
    theirs.write_all(b"to the client").await.expect("open");
    theirs.flush().await.expect("open");
    assert_bytes(read_len(&mut theirs, 13).await, "to the server", "there");
    assert_bytes(read_len(&mut ours, 13).await, "to the client", "here");
    assert_eq!(ours.answer().expect("a head").status(), 101);
    assert!(theirs.head().is_some_and(|head| head.headers().contains_key("upgrade")));
}
