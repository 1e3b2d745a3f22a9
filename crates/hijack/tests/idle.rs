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

/// What a leak would add for good in every later round, per connection. Fragments add to single ones.
const MOST_LEFT: usize = 200;

/// Behaviour 30: an idle connection holds little, a taken-over one nothing of the server's, and nothing stays behind.
///
/// On one thread, since an allocator that serves several keeps memory for each in turn.
#[tokio::test]
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
    for (kind, (path, ..)) in kinds.iter().enumerate() {
        let later = (2 + kind..ROUNDS).step_by(2);
        let least = later.map(|round| left[round].saturating_sub(left[round - 1])).min().expect("rounds");
        let most = count * MOST_LEFT;
        assert!(
            least <= most,
            "expected {path} to leave at most {most} bytes each time, got {least}: {left:?}"
        );
    }
}
