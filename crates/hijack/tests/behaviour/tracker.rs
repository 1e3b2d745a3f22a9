//! What an operator sees of the connections, and does to them.

use std::time::Duration;

use hijack::{ConnectionId, EndReason, Error, Exchange, Outcome, Peer, State, ended_by};
use http::Response;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{GET, OK, Site, empty, ok, once, soon, until};

/// Takes over what asks for it and echoes; everything else is answered.
async fn echo(exchange: Exchange) -> Result<Outcome, Error> {
    match exchange.uri().path() {
        "/" => return ok(exchange).await,
        "/wait" => {
            exchange.told().await;
            return ok(exchange).await;
        }
        _ => {}
    }
    let mut conn = exchange.take_over_after(Response::new(()))?;
    conn.flush().await?;
    let mut data = [0; 1024];
    loop {
        match conn.read(&mut data).await? {
            0 => return conn.close().await,
            len => conn.write_all(&data[..len]).await?,
        }
    }
}

const TAKE: &str = "GET /take HTTP/1.1\r\nHost: a\r\n\r\n";
const HEAD: &str = "HTTP/1.1 200 OK\r\n\r\n";

/// Behaviour 27: every connection is listed, oldest first, with its peer and where it stands, and counted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_and_counts() {
    let site = Site::start(|_| (), echo).await;
    let tracker = site.tracker();
    assert_eq!(tracker.count(), 0);
    let mut idle = site.client_with(GET).await;
    idle.expect(OK).await;
    let mut head = site.client_with("GET / HT").await;
    until("a head has begun", || tracker.count_in(State::Head) == 1).await;
    let mut active = site.client_with("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n").await;
    until("a handler runs", || tracker.count_in(State::Active) == 1).await;
    let mut taken = site.client_with(TAKE).await;
    taken.expect(HEAD).await;

    let list = tracker.list();
    let states: Vec<_> = list.iter().map(|connection| connection.state).collect();
    assert_eq!(states, [State::Idle, State::Head, State::Active, State::Taken]);
    assert_eq!(list.iter().map(|connection| connection.id.0).collect::<Vec<_>>(), [1, 2, 3, 4]);
    for (connection, client) in list.iter().zip([&idle, &head, &active, &taken]) {
        assert_eq!(connection.peer, Peer::Tcp(client.0.local_addr().expect("open")), "{connection:?}");
        assert_eq!(connection.taken.is_some(), connection.state == State::Taken, "{connection:?}");
    }
    assert_eq!(tracker.count(), 4);
    assert_eq!(tracker.get(ConnectionId(2)).expect("it lives").bytes_in, 8);

    head.send("TP/1.1\r\nHost: a\r\n\r\n").await;
    head.expect(OK).await;
    assert!(tracker.tell(ConnectionId(3)), "it lives");
    active.expect("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").await;
    drop((idle, head, active, taken));
    empty(&tracker).await;
    assert!(tracker.get(ConnectionId(1)).is_none() && tracker.list().is_empty());
}

/// Behaviour 28: bytes are counted exactly, HTTP's apart from the conversation's, and so they stand at the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_every_byte() {
    let mut site = Site::start(|_| (), echo).await;
    let mut client = site.client_with(GET).await;
    client.expect(OK).await;
    client.send(format!("{TAKE}early")).await;
    client.expect(format!("{HEAD}early")).await;
    client.send(" late").await;
    client.expect(" late").await;

    let seen = &site.tracker().list()[0];
    let http_in = (GET.len() + TAKE.len()) as u64;
    let http_out = (OK.len() + HEAD.len()) as u64;
    assert_eq!((seen.bytes_in, seen.bytes_out), (http_in + 10, http_out + 10));
    let taken = seen.taken.as_ref().expect("taken over");
    assert_eq!((taken.bytes_in, taken.bytes_out), (10, 10), "the conversation's: {taken:?}");
    assert_eq!(&taken.head[..], TAKE.as_bytes());
    assert_eq!(taken.protocol, None);

    client.end().await;
    client.expect_rest("").await;
    let (closed, reason) = site.events.closed().await;
    assert_eq!((closed.bytes_in, closed.bytes_out), (http_in + 10, http_out + 10));
    assert_eq!(reason, EndReason::Closed);
}

/// Behaviour 28: of a body, what was read before the takeover is HTTP's and the rest the conversation's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_a_half_read_body_on_both_sides() {
    let mut site = Site::start(
        |_| (),
        |mut exchange: Exchange| async {
            let mut half = [0; 3];
            exchange.body().read_exact(&mut half).await?;
            let mut conn = exchange.take_over().await?;
            conn.read_exact(&mut half).await?;
            conn.close().await
        },
    )
    .await;
    let mut client = site.client_with("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabcdef").await;
    client.expect_rest("").await;
    drop(client);
    let (closed, _) = site.events.closed().await;
    assert_eq!(closed.taken.expect("taken over").bytes_in, 3);
}

/// Behaviour 28: age and idleness grow, and a byte ends the latter.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tells_age_and_idleness() {
    let site = Site::start(|_| (), echo).await;
    let tracker = site.tracker();
    let mut client = site.client_with(TAKE).await;
    client.expect(HEAD).await;
    let id = ConnectionId(1);
    let long = Duration::from_millis(300);
    until("it has been idle", || tracker.get(id).is_some_and(|seen| seen.idle >= long)).await;
    client.send("x").await;
    client.expect("x").await;
    let seen = tracker.get(id).expect("it lives");
    assert!(seen.idle < long && seen.age >= long, "{seen:?}");
    let grain = Duration::from_millis(100);
    assert!(seen.taken.as_ref().is_some_and(|taken| taken.age + grain >= long), "{seen:?}");
}

/// Behaviour 27: an operator's kill ends a connection in any state, and only that one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_in_any_state() {
    let mut site = Site::start(|_| (), echo).await;
    let tracker = site.tracker();
    let mut other = site.client_with(TAKE).await;
    other.expect(HEAD).await;
    let requests = ["", "GET / HT", "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n", TAKE];
    let states = [State::Idle, State::Head, State::Active, State::Taken];
    for (id, (request, state)) in (2..).zip(requests.into_iter().zip(states)) {
        let mut client = site.client_with(request).await;
        let id = ConnectionId(id);
        until("it stands there", || tracker.get(id).is_some_and(|seen| seen.state == state)).await;
        assert!(tracker.kill(id), "it lives");
        assert_eq!(site.events.closed().await.1, EndReason::Killed, "{state:?}");
        client.rest_or_reset().await;
        until("it is forgotten", || tracker.get(id).is_none()).await;
        assert!(!tracker.kill(id) && !tracker.tell(id), "it does not live any more");
    }
    other.send("x").await;
    other.expect("x").await;
}

/// Behaviour 27: a kill reaches an owner in another task, whose reads and writes fail with the reason.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_reaches_every_owner() {
    let (ended, mut owners) = tokio::sync::mpsc::unbounded_channel();
    let mut site = Site::start(
        |_| (),
        move |exchange: Exchange| {
            let ended = ended.clone();
            async move {
                let (mut read, mut write) = exchange.take_over().await?.into_split();
                let reading_ended = ended.clone();
                tokio::spawn(async move { reading_ended.send(read.read_u8().await.map(drop)) });
                tokio::spawn(async move {
                    let result = loop {
                        if let Err(error) = write.write_all(&[0; 64 << 10]).await {
                            break Err(error);
                        }
                    };
                    ended.send(result)
                });
                Ok(Outcome::taken())
            }
        },
    )
    .await;
    let client = site.client_with(GET).await;
    let id = site.events.taken().await.id;
    let tracker = site.tracker();
    let full = || tracker.get(id).is_some_and(|seen| seen.idle > Duration::from_millis(200));
    until("both halves wait", full).await;
    assert!(tracker.kill(id), "it lives");
    for _ in 0..2 {
        let error = soon("an owner's end", owners.recv()).await.expect("two").expect_err("it was killed");
        assert_eq!(ended_by(&error), Some(EndReason::Killed), "{error}");
    }
    assert_eq!(site.events.reason().await, EndReason::Killed);
    drop(client);
}

/// Behaviour 27: a connection that is told can say good-bye.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tells_an_owner_to_end() {
    let mut site = Site::start(
        |_| (),
        |exchange: Exchange| async {
            let mut conn = exchange.take_over().await?;
            assert!(once(conn.told()).await.is_none(), "nobody told it yet");
            conn.write_all(b"hello").await?;
            conn.told().await;
            conn.told().await;
            conn.write_all(b" bye").await?;
            conn.close().await
        },
    )
    .await;
    let mut client = site.client_with(GET).await;
    client.expect("hello").await;
    assert!(site.tracker().tell(ConnectionId(1)), "it lives");
    client.expect_rest(" bye").await;
    drop(client);
    assert_eq!(site.events.reason().await, EndReason::Closed);
}

/// The reading half is told as the whole connection is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tells_the_reading_half() {
    let site = Site::start(
        |_| (),
        |exchange: Exchange| async {
            let (read, mut write) = exchange.take_over().await?.into_split();
            write.write_all(b"hello").await?;
            read.told().await;
            write.write_all(b" bye").await?;
            Ok(Outcome::taken())
        },
    )
    .await;
    let mut client = site.client_with(GET).await;
    client.expect("hello").await;
    assert!(site.tracker().tell(ConnectionId(1)), "it lives");
    client.expect_rest(" bye").await;
}
