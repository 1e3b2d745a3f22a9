//! Slow heads beside a fast client: alone in its process, since it measures time.
#![cfg(target_os = "linux")]

#[allow(dead_code, reason = "shared with the other tests")]
#[path = "crowd/mod.rs"]
mod crowd;
#[allow(dead_code, reason = "shared with the other tests")]
#[path = "behaviour/support.rs"]
mod support;

use std::time::{Duration, Instant};

use hijack::State;

use crowd::{Crowd, SLOW, room};
use support::{Client, GET, OK, Site, ok, until};

/// Five thousand clients that send their heads byte by byte leave the others' median latency as it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_heads_do_not_slow_the_others() {
    let count = room().min(5_000);
    // They are slow on purpose, and the machine may be slow as well: none of them is to be let go meanwhile.
    let site = Site::start(|config| config.head_timeout = Duration::from_secs(120), ok).await;
    let tracker = site.tracker();
    let mut client = site.client().await;
    // The machine may be busy with something else for a while: the best of a few comparisons counts.
    let mut ratios = Vec::new();
    for _ in 0..4 {
        let before = median_latency(&mut client).await;
        let crowd = Crowd::start(&site.address, SLOW, count).await;
        until("all heads have begun", || tracker.count_in(State::Head) == count).await;
        let during = median_latency(&mut client).await;
        crowd.end().await;
        until("only the fast one is left", || tracker.count() == 1).await;
        ratios.push(during.as_secs_f64() / before.as_secs_f64());
        println!("median latency {before:?} alone, {during:?} beside {count} slow heads");
        if ratios.iter().any(|ratio| *ratio <= 1.2) {
            return;
        }
    }
    panic!("expected a median latency of at most 1.2 of the one alone, got {ratios:?}");
}

/// The median over 2,000 requests.
async fn median_latency(client: &mut Client) -> Duration {
    let mut latencies = Vec::new();
    for _ in 0..2_000 {
        let sent = Instant::now();
        client.send(GET).await;
        client.expect(OK).await;
        latencies.push(sent.elapsed());
    }
    latencies.sort_unstable();
    latencies[latencies.len() / 2]
}
