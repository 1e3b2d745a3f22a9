//! No descriptor is leaked, however a connection ends. Alone in its process, since it counts what is open.
#![cfg(target_os = "linux")]

#[allow(dead_code, reason = "shared with the other tests")]
#[path = "behaviour/support.rs"]
mod support;

use hijack::{Error, Exchange, Outcome};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use support::{GET, Site, empty, ok, until};

/// Ends its connection in the way that the path names.
async fn end(exchange: Exchange) -> Result<Outcome, Error> {
    match exchange.uri().path() {
        "/" => return ok(exchange).await,
        "/error" => return Err(Error::other("on purpose")),
        "/drop" => drop(exchange),
        "/panic" => panic!("on purpose, holding {exchange:?}"),
        "/take-panic" => {
            let conn = exchange.take_over().await?;
            panic!("on purpose, holding {conn:?}");
        }
        "/take-drop" => drop(exchange.take_over().await?),
        "/take-close" => return exchange.take_over().await?.close().await,
        "/take-detach" => drop(exchange.take_over().await?.into_parts().detach()),
        "/take-split" => {
            let (mut read, mut write) = exchange.take_over().await?.into_split();
            tokio::spawn(async move { read.read_u8().await });
            write.write_all(b"x").await?;
        }
        "/take-hand-off" => {
            return Ok(exchange.take_over().await?.hand_off(|mut conn| async move {
                conn.read_u8().await?;
                Ok(())
            }));
        }
        "/upgrade" => {
            return exchange.upgrade(hijack::Upgrade::to(["a"])).await.expect_err("no offer").answer().await;
        }
        path => unreachable!("nobody asks for {path}"),
    }
    Ok(Outcome::taken())
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("a process has descriptors").count()
}

/// Go leaves untested: as many descriptors are open behind 900 connections as before them, ended by answers, errors,
/// panics, drops, takeovers of every kind, refusals, resets and kills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_descriptor_is_leaked() {
    std::panic::set_hook(Box::new(|_| ())); // the panics are on purpose, and many
    let site = Site::start(|_| (), end).await;
    let tracker = site.tracker();
    site.client_with(GET).await.expect(support::OK).await;
    empty(&tracker).await;
    let before = open_descriptors();
    let paths = [
        "",
        "error",
        "drop",
        "panic",
        "take-panic",
        "take-drop",
        "take-close",
        "take-detach",
        "take-split",
        "take-hand-off",
        "upgrade",
    ];
    for round in 0..75 {
        let mut clients = Vec::new();
        for path in paths {
            clients.push(site.client_with(format!("GET /{path} HTTP/1.1\r\nHost: a\r\n\r\nearly")).await);
        }
        clients.push(site.client_with("garbage\r\n\r\n").await);
        for (index, client) in clients.into_iter().enumerate() {
            if (index + round) % 3 == 0 {
                client.reset();
            }
        }
        for connection in tracker.list() {
            let _ = round % 5 == 0 && tracker.kill(connection.id);
        }
    }
    empty(&tracker).await;
    until(&format!("no more than {before} descriptors are open"), || open_descriptors() <= before).await;
}
