//! Shutting a server down.

use std::time::{Duration, Instant};

use hijack::{EndReason, Error, Exchange, Outcome, State};
use http::Response;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Events, GET, OK, Site, empty, ok, once, soon, until};

const TAKE: &str = "GET /take HTTP/1.1\r\nHost: a\r\n\r\n";
const DEAF: &str = "GET /deaf HTTP/1.1\r\nHost: a\r\n\r\n";
const SLOW: &str = "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n";
const LONG: Duration = Duration::from_secs(10);

async fn handler(mut exchange: Exchange) -> Result<Outcome, Error> {
    match exchange.uri().path() {
        // Ends when the client has sent something.
        "/slow" => {
            exchange.body().read_u8().await?;
            ok(exchange).await
        }
        // Says good-bye when it is told.
        "/take" => {
            let mut conn = exchange.take_over_after(Response::new(()))?;
            conn.flush().await?;
            conn.told().await;
            conn.write_all(b"bye").await?;
            conn.close().await
        }
        // Hears nothing.
        "/deaf" => {
            let mut conn = exchange.take_over_after(Response::new(()))?;
            conn.flush().await?;
            let mut data = Vec::new();
            conn.read_to_end(&mut data).await?;
            conn.close().await
        }
        _ => ok(exchange).await,
    }
}

async fn site() -> Site {
    Site::start(|_| (), handler).await
}

async fn reasons(events: &mut Events, count: usize) -> Vec<String> {
    let mut reasons = Vec::new();
    for _ in 0..count {
        reasons.push(events.reason().await.to_string());
    }
    reasons.sort();
    reasons
}

/// Behaviour 26: idle connections are closed, new ones refused, `serve` returns, and the report counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closes_idle_connections() {
    let mut site = site().await;
    let mut used = site.client_with(GET).await;
    used.expect(OK).await;
    let mut fresh = site.client().await;
    until("both are open", || site.tracker().count() == 2).await;
    let report = soon("the shutdown", site.server.shutdown(LONG)).await;
    assert_eq!((report.idle, report.active, report.taken, report.forced, report.left), (2, 0, 0, 0, 0));
    used.expect_rest("").await;
    fresh.expect_rest("").await;
    soon("the end of serving", site.serving).await.expect("no panic");
    TcpStream::connect(&site.address).await.expect_err("nobody listens");
    assert_eq!(reasons(&mut site.events, 2).await, ["shut down", "shut down"]);
}

/// Behaviour 26: a request under way is finished, its answer says that it is the last, and nothing behind it is served.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn finishes_active_requests() {
    let mut site = site().await;
    let slow = SLOW.replace("GET", "POST").replace("\r\n\r\n", "\r\nContent-Length: 1\r\n\r\n");
    let mut client = site.client_with(&slow).await;
    until("the handler runs", || site.tracker().count_in(State::Active) == 1).await;
    let server = site.server.clone();
    let shutdown = tokio::spawn(async move { server.shutdown(LONG).await });
    soon("the end of serving", site.serving).await.expect("no panic");
    client.send(format!("x{GET}")).await;
    client.expect_rest("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").await;
    drop(client);
    let report = soon("the shutdown", shutdown).await.expect("no panic");
    assert_eq!((report.idle, report.active, report.taken, report.forced), (0, 1, 0, 0));
    assert_eq!(reasons(&mut site.events, 1).await, ["closed"]);
}

/// Behaviour 26, Go leaves untested: owners of taken-over connections are told, and awaited.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tells_and_awaits_taken_over_connections() {
    let mut site = site().await;
    let mut client = site.client_with(TAKE).await;
    client.expect("HTTP/1.1 200 OK\r\n\r\n").await;
    let server = site.server.clone();
    let shutdown = tokio::spawn(async move { server.shutdown(LONG).await });
    client.expect_rest("bye").await;
    assert!(!shutdown.is_finished(), "the connection lives as long as its owner waits for our end");
    drop(client);
    let report = soon("the shutdown", shutdown).await.expect("no panic");
    assert_eq!((report.taken, report.forced, report.left), (1, 0, 0));
    assert_eq!(reasons(&mut site.events, 1).await, ["closed"]);
}

/// Behaviour 26, Go leaves untested: whoever does not listen is ended at the deadline and not before, with the reason.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forces_at_the_deadline() {
    let mut site = site().await;
    let mut deaf = site.client_with(DEAF).await;
    deaf.expect("HTTP/1.1 200 OK\r\n\r\n").await;
    let _active = site.client_with(SLOW.replace("\r\n\r\n", "\r\nContent-Length: 1\r\n\r\n")).await;
    until("the handler runs", || site.tracker().count_in(State::Active) == 1).await;
    let mut polite = site.client_with(TAKE).await;
    polite.expect("HTTP/1.1 200 OK\r\n\r\n").await;
    let deadline = Duration::from_millis(300);
    let started = Instant::now();
    let (report, ()) = tokio::join!(site.server.shutdown(deadline), async {
        polite.expect_rest("bye").await;
        drop(polite);
    });
    assert!(started.elapsed() >= deadline, "forced after {:?}", started.elapsed());
    assert_eq!((report.idle, report.active, report.taken, report.forced, report.left), (0, 1, 2, 2, 0));
    deaf.rest_or_reset().await;
    assert_eq!(reasons(&mut site.events, 3).await, ["closed", "shut down", "shut down"]);
    assert_eq!(site.tracker().count(), 0);
}

/// Behaviour 26: an owner outside of the server's tasks is ended by its next read; one that holds the bare stream is
/// counted as left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_what_it_cannot_end() {
    let (sender, mut held) = tokio::sync::mpsc::unbounded_channel();
    let site = Site::start(
        |_| (),
        move |exchange: Exchange| {
            let sender = sender.clone();
            async move {
                let apart = exchange.uri().path() == "/apart";
                let conn = exchange.take_over().await?;
                if apart {
                    let _ = sender.send(conn.into_parts());
                } else {
                    let mut conn = conn;
                    tokio::spawn(async move {
                        let error = conn.read_u8().await.expect_err("it is forced");
                        assert_eq!(hijack::ended_by(&error), Some(EndReason::ShutDown), "{error}");
                    });
                }
                Ok(Outcome::taken())
            }
        },
    )
    .await;
    let mut elsewhere = site.client_with(GET).await;
    let mut apart = site.client_with("GET /apart HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let mut parts = soon("the parts", held.recv()).await.expect("a handler");
    until("both are taken over", || site.tracker().count_in(State::Taken) == 2).await;
    let report = soon("the shutdown", site.server.shutdown(Duration::ZERO)).await;
    assert_eq!((report.taken, report.forced, report.left), (2, 2, 1));
    elsewhere.rest_or_reset().await;
    parts.io.write_all(b"still open").await.expect("the stream is its owner's");
    apart.expect("still open").await;
    drop(parts);
    empty(&site.tracker()).await;
}

/// Behaviour 26: given up and asked for again, a shutdown goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_can_be_given_up_and_repeated() {
    let site = site().await;
    let mut client = site.client_with(DEAF).await;
    client.expect("HTTP/1.1 200 OK\r\n\r\n").await;
    assert!(once(site.server.shutdown(LONG)).await.is_none(), "a connection lives");
    soon("the end of serving", site.serving).await.expect("no panic");
    client.end().await;
    client.expect_rest("").await;
    let report = soon("the shutdown", site.server.shutdown(LONG)).await;
    assert_eq!(report.forced, 0);
    let report = soon("a second shutdown", site.server.shutdown(LONG)).await;
    assert_eq!(report, hijack::ShutdownReport::default());
}

/// Behaviour 26: a handler can hear of the shutdown too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tells_handlers() {
    let site = Site::start(
        |_| (),
        |exchange: Exchange| async {
            exchange.told().await;
            ok(exchange).await
        },
    )
    .await;
    let mut client = site.client_with(GET).await;
    until("the handler runs", || site.tracker().count_in(State::Active) == 1).await;
    let (report, ()) = tokio::join!(site.server.shutdown(LONG), async {
        client.expect_rest("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").await;
        drop(client);
    });
    assert_eq!((report.active, report.forced), (1, 0));
}

/// Behaviour 26: one server serves several listeners, and the shutdown ends them all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ends_every_listener() {
    let site = site().await;
    let second = hijack::Listener::bind("127.0.0.1:0").await.expect("a free port");
    let address = second.local_address();
    let server = site.server.clone();
    let serving = tokio::spawn(async move { server.serve(second, handler).await });
    let mut client = crate::support::Client::connect(&address).await;
    client.send(GET).await;
    client.expect(OK).await;
    let mut first = site.client_with(GET).await;
    first.expect(OK).await;
    let report = soon("the shutdown", site.server.shutdown(LONG)).await;
    assert_eq!(report.idle, 2);
    soon("the end of serving", site.serving).await.expect("no panic");
    soon("the end of serving", serving).await.expect("no panic");
}
