//! No descriptor of a client is leaked, however its connections end. Alone in its process, since it counts what is open.
#![cfg(target_os = "linux")]

#[allow(dead_code, reason = "shared with the other tests")]
#[path = "behaviour/support.rs"]
mod support;

use std::time::Duration;

use hijack::{Body, Client, ClientConnection, Endpoint, Error, Exchange, Outcome, Pool, Tunnel, Upgrade};
use http::{Request, Response};
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use support::{Site, empty, once, until};

/// Answers, switches or opens, as it is asked.
async fn serve(mut exchange: Exchange) -> Result<Outcome, Error> {
    let mut conn = match exchange.uri().path() {
        "/silent" => {
            exchange.peer_gone().await;
            return Ok(Outcome::taken());
        }
        "/upgrade" => match exchange.upgrade(Upgrade::to(["echo"])).await {
            Ok(conn) => conn,
            Err(refused) => return refused.answer().await,
        },
        "/raw" => exchange.take_over_after(Response::new(()))?,
        _ if exchange.method() == http::Method::CONNECT => {
            match exchange.accept_connect(http::HeaderMap::new()).await {
                Ok(conn) => conn,
                Err(refused) => return refused.answer().await,
            }
        }
        _ => return exchange.respond(Response::new(Body::from("a body"))).await,
    };
    conn.flush().await?;
    let mut byte = [0];
    while conn.read(&mut byte).await? > 0 {
        conn.write_all(&byte).await?;
    }
    conn.close().await
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).expect("a request")
}

/// Uses a connection and ends it in the way that `how` names.
async fn end(mut connection: ClientConnection, how: &str) -> Result<(), Error> {
    match how {
        "at once" => drop(connection),
        "in order" => connection.close().await?,
        "unanswered" => assert!(!matches!(once(connection.request(get("/silent"))).await, Some(Ok(_)))),
        "unread" => drop(connection.request(get("/")).await?),
        "read" => {
            connection.request(get("/")).await?;
            assert_eq!(connection.read_to_end(100).await?, "a body");
        }
        "pipelined" => {
            for _ in 0..5 {
                connection.send(get("/")).await?;
            }
            connection.answer().await?;
        }
        "declined" => drop(connection.upgrade(get("/upgrade"), ["other"]).await.expect_err("not that one")),
        "upgraded" => {
            let mut conn = connection.upgrade(get("/upgrade"), ["echo"]).await?;
            conn.write_all(b"x").await?;
            assert_eq!(conn.read_u8().await?, b'x');
        }
        "tunnelled" => drop(connection.tunnel(Tunnel::to("a:1")).await?.close().await?),
        "raw" => {
            connection.request(get("/raw")).await?;
            let (mut read, mut write) = connection.take_over()?.into_split();
            write.write_all(b"x").await?;
            assert_eq!(read.read_u8().await?, b'x');
        }
        "detached" => drop(connection.take_over()?.into_parts().detach()),
        how => unreachable!("nobody ends {how}"),
    }
    Ok(())
}

const WAYS: [&str; 11] = [
    "at once",
    "in order",
    "unanswered",
    "unread",
    "read",
    "pipelined",
    "declined",
    "upgraded",
    "tunnelled",
    "raw",
    "detached",
];

async fn through_pool(pool: &Pool, endpoint: &Endpoint, round: usize) {
    let response = pool.request(endpoint, get("/")).await.expect("an answer");
    if round.is_multiple_of(3) {
        drop(response);
    } else {
        assert_eq!(response.into_body().collect().await.expect("a body").to_bytes(), "a body");
    }
    assert!(once(pool.request(endpoint, get("/silent"))).await.is_none());
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("a process has descriptors").count()
}

/// As many descriptors are open behind 900 connections as before them: given up while they are made, refused, read,
/// dropped unread, declined, taken over in every way, killed, and kept by a pool until they are old.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_descriptor_is_leaked() {
    let site = Site::start(|_| (), serve).await;
    let endpoint: Endpoint = site.address.parse().expect("an address");
    let nobody = Endpoint::unix("/nowhere/at/all.sock");
    let configure = |config: &mut hijack::ClientConfig| config.idle_timeout = Duration::from_millis(100);
    let client = Client::builder().configure(configure).build();
    let (pool, tracker, served) = (client.pool(), client.tracker(), site.tracker());
    end(client.connect(&endpoint).await.expect("it listens"), "upgraded").await.expect("granted");
    empty(&tracker).await;
    empty(&served).await;
    let before = open_descriptors();
    for round in 0..75 {
        let mut ending = Vec::new();
        for how in WAYS {
            let connection = client.connect(&endpoint).await.expect("it listens");
            ending.push(tokio::spawn(end(connection, how)));
        }
        through_pool(&pool, &endpoint, round).await;
        assert!(client.connect(&nobody).await.is_err());
        drop(once(client.connect(&endpoint)).await);
        if round % 5 == 0 {
            for connection in tracker.list() {
                let _ = tracker.kill(connection.id);
            }
        }
        for ended in ending {
            let ended = ended.await.expect("no panic");
            assert!(round % 5 == 0 || ended.is_ok(), "only those that were killed may fail: {ended:?}");
        }
    }
    empty(&tracker).await;
    empty(&served).await;
    assert_eq!(pool.open(), 0);
    until(&format!("no more than {before} descriptors are open"), || open_descriptors() <= before).await;
}
