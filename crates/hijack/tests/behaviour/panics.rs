//! Owners that panic, or let go: the socket closes, the reason is recorded, nobody else is touched.

use hijack::{ConnectionId, EndReason, Error, Exchange, Outcome};
use http::Response;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Event, GET, OK, Site, empty, ok, until};

/// Panics where the path says.
async fn panicking(exchange: Exchange) -> Result<Outcome, Error> {
    match exchange.uri().path() {
        "/exchange" => panic!("on purpose, holding an exchange of {:?}", exchange.peer()),
        "/responder" => {
            let mut responder = exchange.start(Response::new(()))?;
            responder.write_all(b"some").await?;
            panic!("on purpose, holding {responder:?}");
        }
        "/conn" => {
            let mut conn = exchange.take_over().await?;
            conn.write_all(b"some").await?;
            panic!("on purpose, holding {conn:?}");
        }
        "/later" => {
            let mut conn = exchange.take_over().await?;
            let byte = conn.read_u8().await?;
            panic!("on purpose, behind byte {byte}");
        }
        "/conversation" => Ok(exchange.take_over().await?.hand_off(|mut conn| async move {
            conn.write_all(b"some").await?;
            panic!("on purpose, holding {conn:?}");
        })),
        "/task" => {
            let conn = exchange.take_over().await?;
            let task = tokio::spawn(async move {
                tokio::task::yield_now().await;
                panic!("on purpose, holding {conn:?}");
            });
            assert!(task.await.is_err_and(|error| error.is_panic()));
            Ok(Outcome::taken())
        }
        "/halves" => {
            let (read, write) = exchange.take_over().await?.into_split();
            panic!("on purpose, holding {read:?} and {write:?}");
        }
        _ => ok(exchange).await,
    }
}

/// Behaviour 16: a panic closes the socket and is recorded, whoever held the connection, and no other connection is
/// touched.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_closes_and_is_recorded() {
    let mut site = Site::start(|_| (), panicking).await;
    let mut other = site.client_with(GET).await;
    other.expect(OK).await;
    for path in ["exchange", "responder", "conn", "later", "conversation", "task", "halves"] {
        let mut client = site.client_with(format!("GET /{path} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
        if path == "later" {
            client.send("x").await;
        }
        client.rest_or_reset().await;
        assert_eq!(site.events.reason().await, EndReason::Panicked, "/{path}");
        other.send(GET).await;
        other.expect(OK).await;
    }
    until("only the other one is left", || site.tracker().count() == 1).await;
}

/// Behaviour 17: so does a drop, whatever was held.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drop_closes_and_is_recorded() {
    let mut site = Site::start(
        |_| (),
        |exchange: Exchange| async {
            match exchange.uri().path() {
                "/exchange" => drop(exchange),
                "/body" => {
                    let mut exchange = exchange;
                    let _ = exchange.body().data().await?;
                    drop(exchange);
                }
                "/responder" => drop(exchange.start(Response::new(()))?),
                "/outcome" => drop(ok(exchange).await?),
                "/conn" => drop(exchange.take_over().await?),
                "/halves" => drop(exchange.take_over().await?.into_split()),
                "/refused" => {
                    drop(exchange.upgrade(hijack::Upgrade::to(["echo"])).await.expect_err("no offer"));
                }
                "/hand_off" => {
                    return Ok(exchange.take_over().await?.hand_off(|conn| async move {
                        drop(conn);
                        Ok(())
                    }));
                }
                "/named" => {
                    let mut conn = exchange.take_over().await?;
                    conn.set_end_reason(EndReason::Killed);
                    conn.set_end_reason(EndReason::Closed);
                }
                _ => unreachable!("no other path is asked for"),
            }
            Ok(Outcome::taken())
        },
    )
    .await;
    for path in ["exchange", "body", "responder", "outcome", "conn", "halves", "refused", "hand_off", "named"]
    {
        let request = format!("POST /{path} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
        let mut client = site.client_with(request).await;
        client.rest_or_reset().await;
        let expected = if path == "named" { EndReason::Killed } else { EndReason::Dropped };
        assert_eq!(site.events.reason().await, expected, "/{path}");
    }
    empty(&site.tracker()).await;
}

/// Behaviour 17: parts that are let go of are recorded as detached, also when only the socket was taken out of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_let_go_of_are_detached() {
    let mut site = Site::start(
        |_| (),
        |exchange: Exchange| async {
            let path = exchange.uri().path().to_owned();
            let parts = exchange.take_over().await?.into_parts();
            let mut io = if path == "/detach" { parts.detach().0 } else { parts.io };
            io.write_all(b"raw").await?;
            Ok(Outcome::taken())
        },
    )
    .await;
    for path in ["detach", "take"] {
        let mut client = site.client_with(format!("GET /{path} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
        client.expect_rest("raw").await;
        assert_eq!(site.events.reason().await, EndReason::Detached, "/{path}");
    }
}

/// The client's end and its reset are told from our own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clients_doing_is_recorded_as_such() {
    let mut site = Site::start(
        |_| (),
        |exchange: Exchange| async {
            let mut conn = exchange.take_over().await?;
            let mut all = Vec::new();
            conn.read_to_end(&mut all).await?;
            Ok(Outcome::taken())
        },
    )
    .await;
    drop(site.client_with(GET).await);
    assert_eq!(site.events.reason().await, EndReason::PeerClosed);
    let client = site.client_with(GET).await;
    site.events.taken().await;
    client.reset();
    assert_eq!(site.events.reason().await, EndReason::Broken(std::io::ErrorKind::ConnectionReset));
}

fn describe(events: &[Event], id: ConnectionId) -> String {
    let mut text = String::new();
    for event in events {
        match event {
            Event::Opened(connection) if connection.id == id => text += "opened ",
            Event::Taken(connection) if connection.id == id => text += "taken ",
            Event::Closed(connection, reason) if connection.id == id => text += &format!("closed: {reason}"),
            _ => {}
        }
    }
    text
}

/// Behaviour 18: each event of each connection is told once and in order; no end is missed, be it in order, by panic,
/// drop, refusal or kill, a hundred at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_event_is_told_once() {
    let mut site = Site::start(
        |_| (),
        |exchange: Exchange| async {
            match exchange.uri().path() {
                "/take" => exchange.take_over().await?.close().await,
                "/panic" => panic!("on purpose"),
                "/panic-taken" => {
                    let conn = exchange.take_over().await?;
                    panic!("on purpose, holding {conn:?}");
                }
                "/wait" => {
                    exchange.take_over().await?.read_u8().await?;
                    Ok(Outcome::taken())
                }
                "/detach" => {
                    drop(exchange.take_over().await?.into_parts().detach());
                    Ok(Outcome::taken())
                }
                _ => ok(exchange).await,
            }
        },
    )
    .await;
    let cases = [
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: close", "opened closed: closed"),
        ("GET /take HTTP/1.1\r\nHost: a", "opened taken closed: closed"),
        ("GET /panic HTTP/1.1\r\nHost: a", "opened closed: its owner panicked"),
        ("GET /panic-taken HTTP/1.1\r\nHost: a", "opened taken closed: its owner panicked"),
        ("GET /wait HTTP/1.1\r\nHost: a", "opened taken closed: killed"),
        ("GET /detach HTTP/1.1\r\nHost: a", "opened taken closed: detached"),
        ("GET / HTTP/1.1", "opened closed: refused with 400"),
    ];
    let tracker = site.tracker();
    let mut clients = Vec::new();
    for _ in 0..15 {
        for (request, _) in cases {
            clients.push(site.client_with(format!("{request}\r\n\r\n")).await);
        }
    }
    let mut events = Vec::new();
    let (mut closed, mut opened) = (0, 0);
    let enders: Vec<_> = clients
        .into_iter()
        .map(|mut client| tokio::spawn(async move { client.rest_or_reset().await }))
        .collect();
    while closed < 15 * cases.len() {
        let event = site.events.next().await;
        match &event {
            Event::Opened(_) => opened += 1,
            Event::Taken(connection) => {
                let waits =
                    connection.taken.as_ref().is_some_and(|taken| taken.head.starts_with(b"GET /wait"));
                assert!(!waits || tracker.kill(connection.id), "it lives while its event is told");
            }
            Event::Closed(..) => closed += 1,
        }
        events.push(event);
    }
    for ender in enders {
        ender.await.expect("no panic");
    }
    empty(&tracker).await;
    events.extend(site.events.heard());
    assert_eq!(opened, 15 * cases.len());
    let mut expected: Vec<_> =
        cases.iter().flat_map(|(_, told)| std::iter::repeat_n((*told).to_owned(), 15)).collect();
    let mut got: Vec<_> = (1..=opened as u64).map(|id| describe(&events, ConnectionId(id))).collect();
    expected.sort();
    got.sort();
    assert_eq!(got, expected);
}
