//! The end of a server, and servers of one's own.

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State as AppState;
use axum::response::Response;
use axum::routing::get as on_get;
use hijack::{Conn, Server, State};
use hijack_axum::Hijacker;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Notify, oneshot};

use crate::support::{answered, connect, everything, expect, get, listen, say, soon, until, upgrade, values};

fn app(finish: Arc<Notify>) -> Router {
    let slow = |AppState(finish): AppState<Arc<Notify>>| async move {
        finish.notified().await;
        "finished"
    };
    Router::new()
        .route("/", on_get(|| async { "quick" }))
        .route("/slow", on_get(slow))
        .route("/listens", on_get(|hijacker: Hijacker| async { hijacker.take_over_with(until_told) }))
        .route("/stubborn", on_get(|hijacker: Hijacker| async { hijacker.take_over_with(for_ever) }))
        .route("/chat", on_get(chat))
        .with_state(finish)
}

async fn until_told(mut conn: Conn) -> Result<(), hijack::Error> {
    conn.write_all(b"hello ").await?;
    conn.told().await;
    conn.write_all(b"told").await?;
    conn.close().await.map(drop)
}

async fn for_ever(mut conn: Conn) -> Result<(), hijack::Error> {
    conn.write_all(b"here").await?;
    std::future::pending().await
}

async fn chat(hijacker: Hijacker) -> Response {
    hijacker.protocols(["chat"]).take_over_with(for_ever)
}

/// Idle connections are closed, the running request finishes, conversations are told, and those that do not listen end
/// at the deadline.
#[tokio::test]
async fn every_kind_of_connection() {
    let finish = Arc::new(Notify::new());
    let server = Server::new();
    let tracker = server.tracker();
    let (signal, signalled) = oneshot::channel::<()>();
    let (listener, at) = listen().await;
    let serving = hijack_axum::serve(listener, app(Arc::clone(&finish)))
        .with_server(server)
        .with_graceful_shutdown(async { drop(signalled.await) })
        .shutdown_deadline(Duration::from_secs(1));
    let serving = tokio::spawn(serving.into_future());

    let [mut idle, mut slow, mut listens, mut stubborn] =
        [connect(at).await, connect(at).await, connect(at).await, connect(at).await];
    for (client, target) in
        [(&mut idle, "/"), (&mut slow, "/slow"), (&mut listens, "/listens"), (&mut stubborn, "/stubborn")]
    {
        client.write_all(get(target, "").as_bytes()).await.unwrap();
    }
    let states = || [State::Idle, State::Active, State::Taken].map(|state| tracker.count_in(state));
    until("all are where they belong", || states() == [1, 1, 2]).await;

    signal.send(()).unwrap();
    let answer = everything(&mut idle).await;
    drop(idle);
    assert_eq!(answered(&answer), (200, "quick"));
    assert_eq!(everything(&mut listens).await, "hello told");
    drop(listens); // until then its conversation lingers
    expect(&mut stubborn, "here").await;
    finish.notify_one();
    let answer = everything(&mut slow).await;
    drop(slow);
    assert_eq!(answered(&answer), (200, "finished"));
    assert_eq!(values(&answer, "connection"), ["close"]);
    assert_eq!(stubborn.read(&mut [0]).await.unwrap_or(0), 0, "ended by force");

    let report = soon("the end", serving).await.unwrap();
    assert_eq!((report.idle, report.active, report.taken), (1, 1, 2), "{report:?}");
    assert_eq!((report.forced, report.left), (1, 0), "{report:?}");
    assert_eq!(tracker.count(), 0);
    assert!(tokio::net::TcpStream::connect(at).await.is_err(), "nobody listens any more");
}

/// Without anybody to wait for, the deadline is not waited for.
#[tokio::test]
async fn nobody_is_there() {
    let (listener, _) = listen().await;
    let serving = hijack_axum::serve(listener, app(Arc::default())).with_graceful_shutdown(async {});
    let report = soon("the end", serving.into_future()).await;
    assert_eq!(report, hijack::ShutdownReport::default());
}

/// The server is the caller's: it may be looked into, and shut down from elsewhere.
#[tokio::test]
async fn a_server_of_ones_own() {
    let server = Server::builder().configure(|config| config.date = false).build();
    let tracker = server.tracker();
    let (listener, at) = listen().await;
    let serving = hijack_axum::serve(listener, app(Arc::default())).with_server(server.clone());
    let serving = tokio::spawn(serving.into_future());
    let answer = say(at, get("/", "")).await;
    assert_eq!(answered(&answer), (200, "quick"));
    assert_eq!(values(&answer, "date"), [""; 0]);

    let mut client = connect(at).await;
    client.write_all(get("/chat", &upgrade("chat")).as_bytes()).await.unwrap();
    until("taken over", || tracker.count_in(State::Taken) == 1).await;
    let connection = tracker.list().into_iter().find(|it| it.state == State::Taken).unwrap();
    assert_eq!(connection.taken.unwrap().protocol.as_deref(), Some("chat"));
    assert_eq!(connection.peer, hijack::Peer::Tcp(client.local_addr().unwrap()));
    assert!(tracker.kill(connection.id));
    everything(&mut client).await;

    let report = server.shutdown(Duration::from_secs(10)).await;
    assert_eq!(report.forced, 0);
    assert_eq!(soon("the end", serving).await.unwrap().forced, 0);
}
