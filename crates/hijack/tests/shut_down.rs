//! Ten thousand conversations, shut down: alone in its process, since it counts what that holds.
#![cfg(target_os = "linux")]

#[allow(dead_code, reason = "shared with the other tests")]
#[path = "crowd/mod.rs"]
mod crowd;
#[allow(dead_code, reason = "shared with the other tests")]
#[path = "behaviour/support.rs"]
mod support;

use std::time::Duration;

use hijack::{Conn, Error, Exchange, Outcome, State};
use http::Response;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Handle;

use crowd::{Crowd, resident, room};
use support::{Site, until};

/// How long conversations may live on behind a shutdown.
const DEADLINE: Duration = Duration::from_millis(500);

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("a process has descriptors").count()
}

/// Takes the connection over. Every second conversation ends when it is told to.
async fn converse(exchange: Exchange) -> Result<Outcome, Error> {
    let listens = exchange.connection_id().0 % 2 == 0;
    let head = Response::builder().header("content-length", 2).body(()).expect("a head");
    let conversation =
        move |conn| async move { if listens { until_told(conn).await } else { until_end(conn).await } };
    Ok(exchange.take_over_after(head)?.hand_off(conversation))
}

async fn until_end(mut conn: Conn) -> Result<(), Error> {
    conn.write_all(b"ok").await?;
    Ok(conn.read_u8().await.map(drop)?)
}

async fn until_told(mut conn: Conn) -> Result<(), Error> {
    conn.write_all(b"ok").await?;
    let told = conn.told();
    tokio::select! {
        read = conn.read_u8() => Ok(read.map(drop)?),
        () = told => Ok(()),
    }
}

/// Ten thousand taken-over connections are told, waited for and forced, three times over: no descriptor, task or
/// memory is left.
#[tokio::test]
async fn ten_thousand_conversations_are_shut_down_three_times() {
    let count = room();
    let tasks = || Handle::current().metrics().num_alive_tasks();
    let (descriptors_before, tasks_before) = (descriptors(), tasks());
    let mut left = Vec::new();
    for _ in 0..3 {
        let site = Site::start(|_| (), converse).await;
        let (server, tracker) = (site.server.clone(), site.tracker());
        let crowd = Crowd::start(&site.address, "/", count).await;
        drop(site); // its events would be all that grows
        until("all are taken over", || tracker.count_in(State::Taken) == count).await;
        let report = server.shutdown(DEADLINE).await;
        assert_eq!((report.idle, report.active, report.taken, report.left), (0, 0, count, 0), "{report:?}");
        assert_eq!(report.forced, count / 2, "those that do not listen");
        assert_eq!(tracker.count(), 0);
        crowd.end().await;
        until("no task is left", || tasks() == tasks_before).await;
        until("no descriptor is left", || descriptors() == descriptors_before).await;
        left.push(resident());
    }
    println!("{count} taken over and shut down, resident behind each round: {left:?}");
    // Larger futures leave the allocator of a debug build larger gaps.
    let allowed = left[0] + left[0] / if cfg!(debug_assertions) { 10 } else { 20 };
    assert!(left[2] <= allowed, "expected at most {allowed} bytes behind the third round, got {left:?}");
}
