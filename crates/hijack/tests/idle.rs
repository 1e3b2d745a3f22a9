//! Behaviour 30: ten thousand idle connections, what they hold and what they leave. Alone in its process, since it
//! measures memory; the clients live in a second process, since both ends need descriptors.
#![cfg(target_os = "linux")]

#[allow(dead_code, reason = "shared with the other tests")]
#[path = "crowd/mod.rs"]
mod crowd;
#[allow(dead_code, reason = "shared with the other tests")]
#[path = "behaviour/support.rs"]
mod support;

use hijack::{Exchange, State};
use http::Response;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crowd::{Crowd, resident, room};
use support::{Site, empty, ok, until};

/// The most that an idle connection may hold, in bytes of resident memory of a debug build.
const MOST_TAKEN: usize = 3 * 1024;
const MOST_KEPT_ALIVE: usize = 5 * 1024;

/// Rounds, of each kind in turn. Behind the first two the allocator has what it keeps.
const ROUNDS: usize = 6;

/// The most that each later round may add for good, per connection.
const MOST_LEFT: usize = 250;

/// Behaviour 30: an idle connection holds little, a taken-over one nothing of the server's, and nothing stays behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_idle_connections_hold_little_and_leave_nothing() {
    let count = room();
    let site = Site::start(
        |_| (),
        |exchange: Exchange| async {
            if exchange.uri().path() == "/" {
                return ok(exchange).await;
            }
            let head = Response::builder().header("content-length", 2).body(()).expect("a head");
            Ok(exchange.take_over_after(head)?.hand_off(|mut conn| async move {
                conn.write_all(b"ok").await?;
                conn.read_u8().await?;
                Ok(())
            }))
        },
    )
    .await;
    let tracker = site.tracker();
    drop(site.events); // they would be all that grows
    let mut left = Vec::new();
    let kinds = [("/take", State::Taken, MOST_TAKEN), ("/", State::Idle, MOST_KEPT_ALIVE)];
    for (path, state, most) in kinds.into_iter().cycle().take(ROUNDS) {
        let before = resident();
        let crowd = Crowd::start(&site.address, path, count).await;
        until("all are idle", || tracker.count_in(state) == count).await;
        let each = resident().saturating_sub(before) / count;
        println!("{count} idle connections of {path}: {each} bytes each");
        assert!(each <= most, "expected at most {most} bytes for each of {count} of {path}, got {each}");
        crowd.end().await;
        empty(&tracker).await;
        left.push(resident());
    }
    println!("resident behind each round: {left:?}");
    let allowed = left[1] + (ROUNDS - 2) * count * MOST_LEFT;
    let last = left[ROUNDS - 1];
    assert!(last <= allowed, "expected at most {allowed} bytes behind {ROUNDS} rounds, got {left:?}");
}
