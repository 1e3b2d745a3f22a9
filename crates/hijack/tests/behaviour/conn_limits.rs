//! Limits on taken-over connections.

use std::time::{Duration, Instant};

use hijack::{ConnLimits, EndReason, Error, Exchange, Outcome, Timeout, ended_by};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{GET, Site, limits, soon};

const LIMIT: Duration = Duration::from_millis(400);
const GRAIN: Duration = Duration::from_millis(100);

/// Echoes until it cannot; the limit that ends it must be `expected`.
async fn echo_until(exchange: Exchange, limits: ConnLimits, expected: Timeout) -> Result<Outcome, Error> {
    let mut conn = exchange.take_over().await?;
    conn.set_limits(limits);
    let mut data = [0; 100];
    loop {
        match conn.read(&mut data).await {
            Ok(0) => {
                // The client has ended its direction; we do not.
                let error = loop {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    if let Err(error) = conn.write_all(b"x").await {
                        break error;
                    }
                };
                assert_eq!(ended_by(&error), Some(EndReason::TimedOut(expected)), "{error}");
                return Err(error.into());
            }
            Ok(len) => conn.write_all(&data[..len]).await?,
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::TimedOut, "{error}");
                assert_eq!(ended_by(&error), Some(EndReason::TimedOut(expected)), "{error}");
                return Err(error.into());
            }
        }
    }
}

async fn site(limits: ConnLimits, expected: Timeout) -> Site {
    Site::start(|_| (), move |exchange| echo_until(exchange, limits, expected)).await
}

fn assert_about(waited: Duration, expected: Duration) {
    // The clock of the limits may be a tick behind when they begin to count.
    assert!(waited + 2 * GRAIN >= expected, "expected about {expected:?}, it ended after {waited:?}");
}

/// Behaviour 29: a connection without a byte in either direction ends, one with a byte now and then does not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_idle_limit_fires() {
    let mut site = site(limits(|limits| limits.idle = Some(LIMIT)), Timeout::Idle).await;
    let mut client = site.client_with(GET).await;
    let started = Instant::now();
    let mut last = started;
    while started.elapsed() < 3 * LIMIT {
        client.send("x").await;
        client.expect("x").await;
        last = Instant::now();
        tokio::time::sleep(LIMIT / 8).await;
    }
    client.expect_rest("").await;
    assert_about(last.elapsed(), LIMIT);
    assert_eq!(site.events.reason().await, EndReason::TimedOut(Timeout::Idle));
}

/// Behaviour 29: a connection ends at its greatest age, busy as it may be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lifetime_limit_fires() {
    let mut site = site(limits(|limits| limits.lifetime = Some(LIMIT)), Timeout::Lifetime).await;
    let mut client = site.client_with(GET).await;
    site.events.taken().await;
    let started = Instant::now();
    let busy = async {
        let mut byte = [0];
        while client.0.write_all(b"x").await.is_ok()
            && client.0.read(&mut byte).await.is_ok_and(|len| len == 1)
        {}
    };
    soon("the end", busy).await;
    assert_about(started.elapsed(), LIMIT);
    assert_eq!(site.events.reason().await, EndReason::TimedOut(Timeout::Lifetime));
}

/// Behaviour 29: a connection of which the peer has ended its side only ends after the limit, busy as ours may be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_half_open_limit_fires() {
    let mut site = site(limits(|limits| limits.half_open = Some(LIMIT)), Timeout::HalfOpen).await;
    let mut client = site.client_with(GET).await;
    client.send("x").await;
    client.expect("x").await;
    client.end().await;
    let started = Instant::now();
    client.rest().await;
    assert_about(started.elapsed(), LIMIT);
    assert_eq!(site.events.reason().await, EndReason::TimedOut(Timeout::HalfOpen));
}

/// Behaviour 29: the same when it is we who have ended our side, and the peer talks on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_half_open_limit_fires_behind_our_end() {
    let mut site = Site::start(
        |config| config.taken.half_open = Some(LIMIT),
        |exchange: Exchange| async {
            let mut conn = exchange.take_over().await?;
            conn.close_write().await?;
            let error = loop {
                if let Err(error) = conn.read_u8().await {
                    break error;
                }
            };
            assert_eq!(ended_by(&error), Some(EndReason::TimedOut(Timeout::HalfOpen)), "{error}");
            Err(error.into())
        },
    )
    .await;
    let mut client = site.client_with(GET).await;
    client.expect_rest("").await;
    let talking = async {
        while client.0.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon("the end", talking).await;
    assert_eq!(site.events.reason().await, EndReason::TimedOut(Timeout::HalfOpen));
}

/// Behaviour 29: `Config::taken` sets the limits of every taken-over connection, and only of those; `set_limits` takes
/// them off again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_by_configuration() {
    let mut site = Site::start(
        |config| config.taken.idle = Some(LIMIT),
        |exchange: Exchange| async {
            let free = exchange.uri().path() == "/free";
            let mut conn = exchange.take_over().await?;
            if free {
                conn.set_limits(ConnLimits::default());
            }
            let byte = conn.read_u8().await?;
            conn.write_all(&[byte]).await?;
            conn.close().await
        },
    )
    .await;
    let mut free = site.client_with("GET /free HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let silent = site.client().await;
    let mut client = site.client_with(GET).await;
    client.expect_rest("").await;
    drop(client);
    assert_eq!(site.events.reason().await, EndReason::TimedOut(Timeout::Idle));
    // A second one, so that the first ones are twice as old as the limit.
    site.client_with(GET).await.expect_rest("").await;
    free.send("x").await;
    free.expect_rest("x").await;
    assert_eq!(
        site.tracker().count_in(hijack::State::Idle),
        1,
        "a connection that is HTTP's has no such limit"
    );
    drop(silent);
}
