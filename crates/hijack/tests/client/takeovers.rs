//! Raw takeovers by the client: behind any answer, between two exchanges, and when it is too early.

use hijack::{Body, Error, Peer, State, TakeOverError, Untaken};
use http::Request;
use tokio::io::AsyncWriteExt;

use crate::scripted::{Stage, answer_of, answered, exchange, expect_answer, get, pair, polled, post, source};
use crate::support::{Event, GET, assert_bytes, pattern, read_all, read_len, soon};

/// Why it could not be taken, and the connection.
fn untaken<T, Io: hijack::Stream>(
    taken: Result<T, Untaken<Io>>,
) -> (TakeOverError, hijack::ClientConnection<Io>) {
    match taken {
        Err(Untaken { error: Error::TakeOver(error), connection: Some(connection), .. }) => {
            (error, connection)
        }
        Err(other) => panic!("expected the connection back, got {other:?}"),
        Ok(_) => panic!("expected the connection back, it was taken"),
    }
}

/// Behaviours 31 and 33: behind the head of any status the connection can be taken over raw, and everything behind that
/// head comes as it was sent, framing and all.
#[tokio::test]
async fn takes_over_behind_any_status() {
    let table = [
        ("HTTP/1.1 200 OK\r\n\r\n", "raw bytes"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n", "bodyHTTP/1.1 204 No Content\r\n\r\n"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "4;a=b\r\nbody\r\n0\r\nX: y\r\n\r\nmore"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "no chunk at all"),
        ("HTTP/1.1 204 No Content\r\n\r\n", "behind nothing"),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "behind nothing"),
        ("HTTP/1.1 301 Moved\r\nConnection: close\r\n\r\n", "raw"),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "raw"),
        ("HTTP/1.1 500 Oh\r\nContent-Length: 100\r\n\r\n", "less than that"),
        ("HTTP/1.0 200 OK\n\n", "old"),
        ("HTTP/1.1 101 Bare\r\n\r\n", "whatever"),
    ];
    for (head, behind) in table {
        let (mut connection, mut far) = pair().await;
        connection.send(get()).await.expect("open");
        far.expect(GET).await;
        far.send(format!("{head}{behind}")).await;
        answer_of(&mut connection).await;
        let mut conn = connection.take_over().unwrap_or_else(|untaken| panic!("{head:?}: {untaken}"));
        assert_eq!(conn.protocol(), None);
        assert_bytes(conn.answer().expect("a head").raw(), head, "the head behind which it was taken");
        assert_bytes(read_len(&mut conn, behind.len()).await, behind, head);
        conn.write_all(b"up").await.expect("open");
        far.expect("up").await;
        far.send("down").await;
        far.end().await;
        assert_bytes(read_all(&mut conn).await, "down", head);
    }
}

/// Behaviour 33: an unread body of 100 KiB in chunks comes raw, both what was read ahead and what comes later.
#[tokio::test]
async fn an_unread_body_comes_raw() {
    let (mut connection, mut far) = pair().await;
    let mut body = Vec::new();
    for part in pattern(100 << 10).chunks(7_000) {
        body.extend_from_slice(format!("{:x};x\r\n", part.len()).as_bytes());
        body.extend_from_slice(part);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"0\r\nX-Sum: 1\r\n\r\nbehind it");
    connection.send(get()).await.expect("open");
    far.expect(GET).await;
    let sending = async {
        far.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        far.send(&body).await;
        far.end().await;
    };
    let taking = async {
        answer_of(&mut connection).await;
        let mut conn = connection.take_over().expect("nothing was read of it");
        assert_bytes(read_all(&mut conn).await, &body, "the body, raw");
    };
    tokio::join!(sending, taking);
}

/// Before anything was asked, and between two exchanges.
#[tokio::test]
async fn takes_over_between_exchanges() {
    let (connection, mut far) = pair().await;
    let mut conn = connection.take_over().expect("nothing is under way");
    assert!(conn.answer().is_none() && conn.head().is_none());
    conn.write_all(b"not http").await.expect("open");
    far.expect("not http").await;
    let (mut connection, mut far) = pair().await;
    for _ in 0..3 {
        exchange(&mut connection, &mut far, "ok").await;
    }
    far.send("220 other protocol\r\n").await;
    let mut conn = connection.take_over().expect("nothing is under way");
    assert_bytes(read_len(&mut conn, 20).await, "220 other protocol\r\n", "raw");
}

/// What follows the body of an answer is there behind a body that was read whole.
#[tokio::test]
async fn takes_over_behind_a_body() {
    let bodies = [
        "Content-Length: 4\r\n\r\nbody",
        "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n1\r\nb\r\n3;x\r\nody\r\n0\r\nA: b\r\n\r\n",
    ];
    for body in bodies {
        let (mut connection, mut far) = pair().await;
        connection.send(get()).await.expect("open");
        far.expect(GET).await;
        far.send(format!("HTTP/1.1 200 OK\r\n{body}and then")).await;
        expect_answer(&mut connection, 200, "body").await;
        let mut conn = connection.take_over().expect("all was read");
        assert_bytes(read_len(&mut conn, 8).await, "and then", body);
    }
}

/// Behaviour 37: with answers still to come the connection is given back, nothing lost.
#[tokio::test]
async fn answers_to_come_forbid_it() {
    let (mut connection, mut far) = pair().await;
    for _ in 0..3 {
        connection.send(get()).await.expect("open");
    }
    let (error, connection) = untaken(connection.take_over());
    assert_eq!(error, TakeOverError::Pending(3));
    let mut connection = connection;
    far.expect(format!("{GET}{GET}{GET}")).await;
    far.send(format!("{}{}{}", answered("one"), answered("two"), answered("three"))).await;
    expect_answer(&mut connection, 200, "one").await;
    let (error, mut connection) = untaken(connection.take_over());
    assert_eq!(error, TakeOverError::Pending(2));
    answer_of(&mut connection).await;
    let (error, mut connection) = untaken(connection.take_over());
    assert_eq!(error, TakeOverError::Pending(1), "within the body of the second one");
    assert_eq!(connection.read_to_end(9).await.expect("a body"), "two");
    answer_of(&mut connection).await;
    let mut conn = connection.take_over().expect("all are answered");
    assert_bytes(read_len(&mut conn, 5).await, "three", "the unread body, raw");
}

/// Behaviour 37: a request that is half sent is sent to its end, and then it can be.
#[tokio::test]
async fn a_request_half_sent_forbids_it() {
    let (mut connection, mut far) = pair().await;
    let (body, feed) = source();
    connection.send(post(body)).await.expect("open");
    feed.data("half");
    let (error, mut connection) = untaken(connection.take_over());
    assert_eq!(error, TakeOverError::RequestUnsent);
    assert!(polled(3, connection.answer()).await.is_none());
    let (error, mut connection) = untaken(connection.take_over());
    assert_eq!(error, TakeOverError::RequestUnsent);
    feed.data("the rest");
    drop(feed);
    assert!(polled(3, connection.answer()).await.is_none());
    far.expect("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    far.expect("4\r\nhalf\r\n8\r\nthe rest\r\n0\r\n\r\n").await;
    let (error, mut connection) = untaken(connection.take_over());
    assert_eq!(error, TakeOverError::Pending(1));
    far.send("HTTP/1.1 200 OK\r\n\r\nraw").await;
    answer_of(&mut connection).await;
    let mut conn = connection.take_over().expect("sent and answered");
    assert_bytes(read_len(&mut conn, 3).await, "raw", "behind the head");
}

/// Behaviour 37: an early answer does not change that: the rest of the request is still to be sent.
#[tokio::test]
async fn an_early_answer_does_not_end_the_request() {
    let (mut connection, mut far) = pair().await;
    let (body, feed) = source();
    connection.send(post(body)).await.expect("open");
    feed.data("half");
    far.send(answered("early")).await;
    let answer = expect_answer(&mut connection, 200, "early").await;
    assert!(answer.early);
    let (error, mut connection) = untaken(connection.take_over());
    assert_eq!(error, TakeOverError::RequestUnsent);
    drop(feed);
    connection.send(get()).await.expect("the first one is ended before");
    far.expect(format!(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n\r\n{GET}"
    ))
    .await;
    far.send(answered("")).await;
    expect_answer(&mut connection, 200, "").await;
    connection.take_over().expect("nothing is under way");
}

/// Behaviour 37: behind half a body there is no place to begin; the rest of it is still there.
#[tokio::test]
async fn a_body_half_read_forbids_it() {
    let chunks = "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n4\r\nrest\r\n0\r\n\r\n";
    for lines in ["Content-Length: 8\r\n\r\nhalfrest", chunks] {
        let (mut connection, mut far) = pair().await;
        connection.send(get()).await.expect("open");
        far.expect(GET).await;
        far.send(format!("HTTP/1.1 200 OK\r\n{lines}behind")).await;
        answer_of(&mut connection).await;
        let mut half = [0; 4];
        tokio::io::AsyncReadExt::read_exact(&mut connection.body(), &mut half).await.expect("a body");
        assert_bytes(half, "half", lines);
        let (error, mut connection) = untaken(connection.take_over());
        assert_eq!(error, TakeOverError::BodyUnread);
        assert_eq!(connection.read_to_end(9).await.expect("a body"), "rest");
        let mut conn = connection.take_over().expect("all was read");
        assert_bytes(read_len(&mut conn, 6).await, "behind", lines);
    }
}

/// Behaviour 37: a 101 before the request is sent whole opens nothing.
#[tokio::test]
async fn an_upgrade_before_the_request_is_whole_is_none() {
    let (connection, mut far) = pair().await;
    let (body, feed) = source();
    feed.data("half");
    let request = Request::post("http://a/").body(body).expect("a request");
    let server = async {
        far.head().await;
        far.send(crate::scripted::SWITCHED).await;
    };
    let (taken, ()) = tokio::join!(soon("the answer", connection.upgrade(request, ["echo"])), server);
    let untaken = taken.expect_err("the server did not wait");
    assert!(matches!(untaken.error, Error::TakeOver(TakeOverError::RequestUnsent)), "{untaken:?}");
}

/// A taken-over connection is the one that it was: same name, same peer, counted from the handover on.
#[tokio::test]
async fn the_record_goes_with_the_connection() {
    let mut stage = Stage::new(|_| ()).await;
    let (mut connection, mut far) = stage.connect().await;
    let tracker = stage.client.tracker();
    let Event::Opened(opened) = stage.events.next().await else { panic!("expected an opening") };
    assert_eq!((opened.id, opened.state), (connection.id(), State::Idle));
    assert_eq!(opened.peer, Peer::Tcp(stage.listener.local_addr().expect("bound")));
    connection.send(get()).await.expect("open");
    assert_eq!(tracker.count_in(State::Active), 1);
    far.expect(GET).await;
    far.send("HTTP/1.1 200 OK\r\n\r\nearly").await;
    answer_of(&mut connection).await;
    let id = connection.id();
    let mut conn = connection.take_over().expect("nothing is under way");
    assert_eq!((conn.id(), conn.peer()), (id, &opened.peer));
    let Event::Taken(taken) = stage.events.next().await else { panic!("expected the takeover") };
    assert_eq!((taken.id, taken.state), (id, State::Taken));
    conn.write_all(b"up").await.expect("open");
    assert_bytes(read_len(&mut conn, 5).await, "early", "behind the head");
    let now = tracker.get(id).expect("it lives");
    let taken = now.taken.expect("it was taken");
    assert_eq!((taken.bytes_in, taken.bytes_out), (5, 2), "of the conversation");
    assert_eq!((now.bytes_in, now.bytes_out), (24, GET.len() as u64 + 2), "in all");
    assert_bytes(&taken.head, "HTTP/1.1 200 OK\r\n\r\n", "the answer's head");
    let _ = conn.close_write().await;
    far.expect("up").await;
    drop(far);
    assert_bytes(read_all(&mut conn).await, "", "the server's end");
    drop(conn);
    let (closed, reason) = stage.events.closed().await;
    assert_eq!((closed.id, reason), (id, hijack::EndReason::PeerClosed));
    assert_eq!((tracker.count(), stage.events.heard().len()), (0, 0), "each event once");
}

/// A large queue that was not written yet does not get lost by the takeover.
#[tokio::test]
async fn a_queue_goes_with_the_connection() {
    let (mut connection, mut far) = crate::scripted::pipe(16, |_| ());
    connection.send(get()).await.expect("open");
    connection.put_ahead(&[b'x'; 100]).expect("under way");
    let server = async {
        far.expect(GET).await;
        far.send("HTTP/1.1 200 OK\r\n\r\n").await;
    };
    tokio::join!(answer_of(&mut connection), server);
    let mut conn = connection.take_over().expect("nothing is under way");
    let writing = async {
        conn.write_all(b"y").await.expect("open");
        conn.close_write().await.expect("open");
    };
    let reading = async { far.expect_rest([vec![b'x'; 100], vec![b'y']].concat()).await };
    tokio::join!(writing, reading);
}

/// A body given with a request that upgrades nothing is of no matter to a takeover behind its answer.
#[tokio::test]
async fn takes_over_behind_a_posts_answer() {
    let (mut connection, mut far) = pair().await;
    connection.send(post(Body::from("body"))).await.expect("open");
    far.expect("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody").await;
    far.send("HTTP/1.1 200 OK\r\n\r\nstream").await;
    answer_of(&mut connection).await;
    let mut conn = connection.take_over().expect("nothing is under way");
    assert_bytes(read_len(&mut conn, 6).await, "stream", "raw");
}
