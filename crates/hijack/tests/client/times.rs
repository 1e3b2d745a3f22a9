//! Limits on time: each fires with its name, and none goes on behind a takeover.

use std::time::Duration;

use hijack::{Body, ClientConnection, ConnLimits, EndReason, Error, Timeout, Tracker, ended_by};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep};

use crate::scripted::{
    ECHO, Far, SWITCHED, Stage, answer_of, answered, client, expect_answer, get, pipe, polled, post,
};
use crate::support::{GET, assert_bytes, limits, once, read_len, soon};

const LIMIT: Duration = Duration::from_secs(2);

/// Limits have a grain of 100 ms, and fire no more than some of them late.
#[track_caller]
fn assert_about(waited: Duration, limit: Duration) {
    assert!(waited >= limit && waited <= limit + Duration::from_millis(300), "{waited:?} for {limit:?}");
}

/// Behaviour 35: an answer that does not come in time is an error with that name.
#[tokio::test(start_paused = true)]
async fn an_answer_has_a_limit() {
    let silent = ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 100 Continue\r\n\r\n"];
    for said in silent {
        let (mut connection, mut far) = pipe(4096, |config| config.answer_timeout = Some(LIMIT));
        connection.send(get()).await.expect("open");
        far.expect(GET).await;
        far.send(said).await;
        let started = Instant::now();
        let error = connection.answer().await.expect_err("silence");
        assert_eq!(error.timeout(), Some(Timeout::Answer), "{said:?}: {error:?}");
        assert_eq!(error.to_string(), "connection ended: answer timeout");
        assert_about(started.elapsed(), LIMIT);
        let error = connection.answer().await.expect_err("it stays so");
        assert_eq!(error.timeout(), Some(Timeout::Answer), "{said:?}: {error:?}");
    }
}

/// Behaviour 35: neither a dripping head nor interim answers stretch it.
#[tokio::test(start_paused = true)]
async fn a_dripping_answer_is_late_too() {
    for interim in [true, false] {
        let (mut connection, mut far) = pipe(4096, |config| config.answer_timeout = Some(LIMIT));
        connection.send(get()).await.expect("open");
        let started = Instant::now();
        let dripping = async {
            for index in 0.. {
                let part = if interim && index % 4 == 0 { "HTTP/1.1 102 Processing\r\n\r\n" } else { "" };
                let part = if interim { part } else { &"HTTP/1.1 200 OK\r\n"[index % 17..=index % 17] };
                let part = if !interim && index >= 17 { "X" } else { part };
                if far.0.write_all(part.as_bytes()).await.is_err() {
                    return;
                }
                sleep(Duration::from_millis(200)).await;
            }
        };
        let asking = async {
            let error = connection.answer().await.expect_err("too slow");
            assert_eq!(error.timeout(), Some(Timeout::Answer), "{error:?}");
            assert_about(started.elapsed(), LIMIT);
            drop(connection);
        };
        tokio::select! {
            () = asking => {}
            () = dripping => unreachable!("the client gives up first"),
        }
    }
}

/// `answer_timeout` of `None` waits for as long as it takes.
#[tokio::test(start_paused = true)]
async fn an_answer_may_have_no_limit() {
    let (mut connection, mut far) = pipe(4096, |config| config.answer_timeout = None);
    connection.send(get()).await.expect("open");
    let server = async {
        sleep(Duration::from_secs(86_400)).await;
        far.send(answered("at last")).await;
    };
    let asking = async {
        let answer = connection.answer().await.expect("it comes");
        assert_eq!(answer.status(), 200);
        assert_eq!(connection.read_to_end(9).await.expect("a body"), "at last");
    };
    tokio::join!(asking, server);
}

/// The time begins with the last byte of the request, for each answer anew, and is over with its head.
#[tokio::test(start_paused = true)]
async fn the_time_for_an_answer_is_for_each_anew() {
    let (mut connection, mut far) = pipe(4096, |config| config.answer_timeout = Some(LIMIT));
    for _ in 0..3 {
        connection.send(get()).await.expect("open");
    }
    for _ in 0..3 {
        let server = async {
            sleep(LIMIT * 9 / 10).await;
            far.send(answered("ok")).await;
        };
        tokio::join!(answer_of(&mut connection), server);
        sleep(LIMIT * 10).await;
        assert_eq!(connection.read_to_end(9).await.expect("a body"), "ok");
    }
    sleep(LIMIT * 10).await;
    connection.send(post(Body::from(vec![b'x'; 100_000]))).await.expect("open");
    let server = async {
        far.expect(format!("{GET}{GET}{GET}")).await;
        far.head().await;
        for _ in 0..4 {
            sleep(LIMIT).await;
            far.expect([b'x'; 25_000]).await;
        }
        far.send(answered("ok")).await;
    };
    tokio::join!(expect_answer(&mut connection, 200, "ok"), server);
}

/// Behaviour 35: no time of HTTP's is left in a tunnel: it is silent for longer than all of them, and works.
#[tokio::test]
async fn no_limit_of_http_reaches_into_a_tunnel() {
    let stage = Stage::new(|config| {
        let limit = Duration::from_millis(200);
        config.answer_timeout = Some(limit);
        config.body_timeout = Some(limit);
        config.write_timeout = limit;
        config.declined_timeout = limit;
        config.connect_timeout = limit;
        config.handshake_timeout = limit;
        config.idle_timeout = limit;
    })
    .await;
    let (connection, mut far) = stage.connect().await;
    let asking = async {
        far.expect(ECHO).await;
        sleep(Duration::from_millis(100)).await;
        far.send(SWITCHED).await;
    };
    let (conn, ()) = tokio::join!(connection.upgrade(get(), ["echo"]), asking);
    let mut conn = conn.expect("granted");
    for round in 0..2 {
        let mut byte = [0];
        // A read is under way meanwhile, then none.
        let silence = Duration::from_millis(500);
        if round == 0 {
            assert!(tokio::time::timeout(silence, conn.read(&mut byte)).await.is_err());
        } else {
            sleep(silence).await;
        }
        conn.write_all(b"up").await.expect("open");
        far.expect("up").await;
        far.send("down").await;
        assert_bytes(read_len(&mut conn, 4).await, "down", round);
    }
}

/// An answer's wait that was given up does not end the tunnel either.
#[tokio::test(start_paused = true)]
async fn a_wait_that_was_given_up_does_not_reach_into_a_tunnel() {
    let (mut connection, mut far) = pipe(4096, |config| config.answer_timeout = Some(LIMIT));
    connection.send(get()).await.expect("open");
    assert!(once(connection.answer()).await.is_none());
    sleep(LIMIT / 2).await;
    far.send("HTTP/1.1 200 OK\r\n\r\n").await;
    answer_of(&mut connection).await;
    assert!(once(connection.body().data()).await.is_none());
    let mut conn = connection.take_over().expect("nothing was read");
    sleep(LIMIT * 100).await;
    far.send("late").await;
    assert_bytes(read_len(&mut conn, 4).await, "late", "raw");
}

/// Behaviour 35: an answer that takes too long ends an upgrade, and so a connection that leaves nothing.
#[tokio::test]
async fn an_upgrade_is_answered_in_time() {
    let mut stage = Stage::new(|config| config.answer_timeout = Some(Duration::from_millis(200))).await;
    let (connection, mut far) = stage.connect().await;
    let started = Instant::now();
    let untaken = soon("the limit", connection.upgrade(get(), ["echo"])).await.expect_err("silence");
    assert!(started.elapsed() >= Duration::from_millis(200));
    assert_eq!(untaken.error.timeout(), Some(Timeout::Answer), "{untaken:?}");
    assert!(untaken.connection.is_none());
    assert_eq!(stage.events.reason().await, EndReason::TimedOut(Timeout::Answer));
    far.expect(ECHO).await;
    assert_bytes(far.rest_or_reset().await, "", "it was closed");
}

/// A tunnel over a pipe, with limits from the configuration or set later.
async fn tunnel(
    configured: bool,
    wanted: ConnLimits,
) -> (hijack::Conn<tokio::io::DuplexStream>, Far<tokio::io::DuplexStream>) {
    let (connection, mut far) = pipe(4096, |config| {
        if configured {
            config.taken = wanted;
        }
    });
    let server = async {
        far.head().await;
        far.send("HTTP/1.1 200 OK\r\n\r\n").await;
    };
    let (conn, ()) = tokio::join!(connection.tunnel(hijack::Tunnel::to("a:1")), server);
    let mut conn = conn.expect("granted");
    if !configured {
        conn.set_limits(wanted);
    }
    (conn, far)
}

/// Behaviours 29 and 35: limits of the conversation's own work on the client's end as on the server's.
#[tokio::test(start_paused = true)]
async fn a_tunnel_has_limits_of_its_own() {
    for configured in [true, false] {
        let (mut conn, mut far) = tunnel(configured, limits(|limits| limits.idle = Some(LIMIT))).await;
        for _ in 0..5 {
            sleep(LIMIT * 3 / 4).await;
            far.send("x").await;
            assert_bytes(read_len(&mut conn, 1).await, "x", "alive");
        }
        let last = Instant::now();
        let error = conn.read(&mut [0]).await.expect_err("silence");
        assert_eq!(ended_by(&error), Some(EndReason::TimedOut(Timeout::Idle)), "{error}");
        // The clock may have stood up to a tick back at the last byte.
        assert!(last.elapsed() + Duration::from_millis(200) >= LIMIT, "{:?}", last.elapsed());

        let (mut conn, mut far) = tunnel(configured, limits(|limits| limits.lifetime = Some(LIMIT))).await;
        let error = loop {
            far.send("x").await;
            sleep(Duration::from_millis(100)).await;
            if let Err(error) = conn.read(&mut [0]).await {
                break error;
            }
        };
        assert_eq!(ended_by(&error), Some(EndReason::TimedOut(Timeout::Lifetime)), "{error}");

        let (mut conn, mut far) = tunnel(configured, limits(|limits| limits.half_open = Some(LIMIT))).await;
        sleep(LIMIT * 5).await;
        conn.close_write().await.expect("open");
        far.expect_rest("").await;
        let error = conn.read(&mut [0]).await.expect_err("half-open");
        assert_eq!(ended_by(&error), Some(EndReason::TimedOut(Timeout::HalfOpen)), "{error}");
    }
}

/// The clock goes on when the runtime that it began in is gone: a client may be used from one after the other.
#[test]
fn limits_hold_in_a_second_runtime() {
    let (client, _events) = client(|config| config.answer_timeout = Some(Duration::from_millis(300)));
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let first = runtime();
    let kept = first.block_on(async {
        let (near, _far) = tokio::io::duplex(100);
        client.connection(near, "")
    });
    drop(first);
    runtime().block_on(async {
        let (near, _far) = tokio::io::duplex(100);
        let mut connection = client.connection(near, "");
        connection.send(get()).await.expect("open");
        let error = soon("the limit", connection.answer()).await.expect_err("silence");
        assert_eq!(error.timeout(), Some(Timeout::Answer), "{error:?}");
    });
    drop(kept);
}

/// An answer that came in time is read, also when its reader comes late.
#[tokio::test(start_paused = true)]
async fn a_late_reader_finds_the_answer() {
    let (mut connection, mut far) = pipe(4096, |config| config.answer_timeout = Some(LIMIT));
    connection.send(get()).await.expect("open");
    far.send(answered("in time")).await;
    sleep(LIMIT * 10).await;
    expect_answer(&mut connection, 200, "in time").await;
    connection.send(get()).await.expect("open");
    assert!(once(connection.answer()).await.is_none(), "somebody waits, and gives up");
    far.send(answered("in time")).await;
    sleep(LIMIT * 10).await;
    expect_answer(&mut connection, 200, "in time").await;
}

/// Kills a connection in the `step`th stage of its life, while somebody waits on it; gives what that one was told.
async fn killed(tracker: &Tracker, mut connection: ClientConnection, far: &mut Far, step: usize) -> Error {
    let id = connection.id();
    let kill = async { assert!(tracker.kill(id)) };
    if step == 0 {
        kill.await;
        return connection.request(get()).await.expect_err("killed");
    }
    connection.send(get()).await.expect("open");
    if step == 1 {
        let (answer, ()) = tokio::join!(soon("the kill", connection.answer()), kill);
        return answer.expect_err("killed");
    }
    far.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").await;
    answer_of(&mut connection).await;
    if step == 2 {
        let (data, ()) = tokio::join!(soon("the kill", connection.read_to_end(9)), kill);
        return data.expect_err("killed");
    }
    let mut conn = connection.take_over().expect("nothing was read");
    let mut told = Box::pin(conn.told());
    assert!(polled(2, told.as_mut()).await.is_none());
    assert!(tracker.tell(id));
    soon("being told", told).await;
    let mut byte = [0];
    let (read, ()) = tokio::join!(soon("the kill", conn.read(&mut byte)), kill);
    read.expect_err("killed").into()
}

/// A killed connection fails whoever waits on it, at once; a taken-over one can be told before.
#[tokio::test]
async fn a_kill_ends_every_wait() {
    let mut stage = Stage::new(|_| ()).await;
    let tracker = stage.client.tracker();
    for step in 0..4 {
        let (connection, mut far) = stage.connect().await;
        let id = connection.id();
        let error = killed(&tracker, connection, &mut far, step).await;
        assert_eq!(error.end_reason(), Some(EndReason::Killed), "{step}: {error:?}");
        let (closed, reason) = stage.events.closed().await;
        assert_eq!((closed.id, reason), (id, EndReason::Killed), "{step}");
        assert!(!tracker.kill(id) && !tracker.tell(id), "it lives no more");
        far.rest_or_reset().await;
    }
}
