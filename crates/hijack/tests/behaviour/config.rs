//! The server's other limits, each seen to fire.

use std::time::Duration;

use hijack::{EndReason, Error, Exchange, State, Timeout};
use http::Response;
use tokio::io::AsyncWriteExt;

use crate::support::{GET, OK, Site, empty, ok, once, pattern, until};

const SOON: Duration = Duration::from_millis(300);

/// `Config::write_timeout`: a client that does not take the answer loses its connection; one that takes it slowly does
/// not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_takes_nothing_is_timed_out() {
    let body = bytes::Bytes::from(pattern(16 << 20));
    let sent = body.clone();
    let mut site = Site::start(
        |config| config.write_timeout = SOON,
        move |exchange: Exchange| {
            let body = sent.clone();
            async move {
                let result = exchange.respond(Response::new(hijack::Body::from(body))).await;
                if let Err(error) = &result {
                    assert_eq!(error.timeout(), Some(Timeout::Write), "{error}");
                }
                result
            }
        },
    )
    .await;
    let client = site.client_with(GET).await;
    assert_eq!(site.events.reason().await, EndReason::TimedOut(Timeout::Write));
    drop(client);

    let mut client = site.client_with(GET).await;
    client.head().await;
    for piece in body.chunks(4 << 20) {
        client.expect(piece).await;
        tokio::time::sleep(SOON / 2).await;
    }
}

/// `Config::write_timeout`: the same for an answer by hand.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flush_that_nobody_takes_is_timed_out() {
    let mut site = Site::start(
        |config| config.write_timeout = SOON,
        |exchange: Exchange| async {
            let mut responder = exchange.start(Response::new(()))?;
            let error = loop {
                if let Err(error) = responder.write_all(&[0; 64 << 10]).await {
                    break error;
                }
            };
            assert_eq!(hijack::ended_by(&error), Some(EndReason::TimedOut(Timeout::Write)), "{error}");
            Err(error.into())
        },
    )
    .await;
    let _client = site.client_with(GET).await;
    assert_eq!(site.events.reason().await, EndReason::TimedOut(Timeout::Write));
}

/// `Config::linger_timeout`: a closed connection is not read for longer than that, though its client writes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lingers_no_longer_than_allowed() {
    let mut site = Site::start(|config| config.linger_timeout = SOON, ok).await;
    let expects = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 100000000\r\n\r\n";
    let mut client = site.client_with(expects).await;
    client.expect("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").await;
    let started = std::time::Instant::now();
    let writing = async {
        while client.0.write_all(&[0; 1_000]).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    crate::support::soon("the end of the connection", writing).await;
    let waited = started.elapsed();
    assert!(waited >= SOON / 2, "closed after {waited:?}, without lingering");
    assert_eq!(site.events.reason().await, EndReason::LimitReached("drain_len", 256 * 1024));
}

/// `Config::drain_len`: a body up to that length is drained and the connection kept, a longer one ends it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drains_up_to_the_limit() {
    let mut site = Site::start(|config| config.drain_len = 10, ok).await;
    let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let length = |len: usize| {
        format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {len}\r\n\r\n{}", "x".repeat(len))
    };
    let mut client = site.client().await;
    for request in [length(10), format!("{chunked}5\r\n01234\r\n4\r\n5678\r\n0\r\n\r\n"), length(0)] {
        client.send(request).await;
        client.expect(OK).await;
    }
    let last = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    client.send(length(11)).await;
    client.expect_rest(last).await;
    drop(client);
    assert_eq!(site.events.reason().await, EndReason::LimitReached("drain_len", 10));
    let mut client = site.client_with(format!("{chunked}b\r\n01234567890\r\n0\r\n\r\n{GET}")).await;
    client.expect_rest(last).await;
    drop(client);
    assert_eq!(site.events.reason().await, EndReason::LimitReached("drain_len", 10));
}

/// `Config::max_connections`: a further one waits in the kernel until one has ended, and is served then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn further_connections_wait() {
    let site = Site::start(|config| config.max_connections = 2, ok).await;
    let tracker = site.tracker();
    let mut first = site.client_with(GET).await;
    let mut second = site.client_with(GET).await;
    first.expect(OK).await;
    second.expect(OK).await;
    let mut third = site.client_with(GET).await;
    // Others are served meanwhile.
    for _ in 0..20 {
        first.send(GET).await;
        first.expect(OK).await;
    }
    assert_eq!(tracker.count(), 2);
    assert!(third.is_silent().await, "it must wait");
    drop(first);
    third.expect(OK).await;
    assert!(tracker.count() <= 2, "{} connections", tracker.count());
}

/// `Config::keep_alive`: switched off, each answer announces the end and is followed by it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serves_one_request_without_keep_alive() {
    let site = Site::start(|config| config.keep_alive = false, ok).await;
    let mut client = site.client_with(format!("{GET}{GET}")).await;
    client.expect_rest("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").await;
    drop(client);
    empty(&site.tracker()).await;
}

/// Time in a handler is nobody's timeout.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_handler_is_not_timed_out() {
    let site = Site::start(
        |config| {
            config.head_timeout = SOON / 3;
            config.keep_alive_timeout = SOON / 3;
            config.body_timeout = SOON / 3;
            config.write_timeout = SOON / 3;
        },
        |mut exchange: Exchange| async {
            if exchange.method() == "POST" {
                assert!(once(exchange.body().data()).await.is_none(), "the body has not come");
            }
            tokio::time::sleep(2 * SOON).await;
            let body = exchange.read_to_end(10).await?;
            exchange.respond(Response::new(hijack::Body::from(body))).await
        },
    )
    .await;
    let mut client = site.client_with("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n").await;
    until("the handler runs", || site.tracker().count_in(State::Active) == 1).await;
    client.send("ok").await;
    client.expect(OK).await;
    client.send(GET).await;
    client.expect("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
}

/// Errors say what they are; those of the stream say whose doing it was.
#[test]
fn errors_tell_whose_doing_they_are() {
    let error = Error::from(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
    assert_eq!(error.end_reason(), None, "{error}");
    assert_eq!(error.timeout(), None, "{error}");
    assert_eq!(Error::other("mine").to_string(), "mine");
}
