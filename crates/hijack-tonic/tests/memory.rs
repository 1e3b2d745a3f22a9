//! T27: what ten thousand takeovers leave of memory. Alone in its process, since it measures that.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

mod support;

use std::time::Duration;

use futures_util::{StreamExt, stream};
use hijack_tonic::Mode;
use hijack_tonic::interop::Empty;
use hijack_tonic::interop::test_service_client::TestServiceClient;
use support::World;
use tokio::time::timeout;

/// Takes over so many times, with a call in each, and waits until all of them have ended.
async fn take_over(world: &World, times: usize) {
    let many = stream::iter(0..times).for_each_concurrent(32, |n| {
        let mode = if n % 2 == 0 { Mode::Token } else { Mode::WebSocket };
        let dialer = world.dialer().mode(mode);
        async move {
            TestServiceClient::new(dialer.channel()).empty_call(Empty {}).await.expect("an answer");
        }
    });
    many.await;
    timeout(Duration::from_secs(10), world.http.tracker().emptied()).await.expect("all have ended");
}

/// Bytes of this process in memory.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    1024 * line.trim().trim_end_matches(" kB").parse::<usize>().unwrap()
}

#[tokio::test]
async fn memory_stays_flat() {
    let world = World::start().await;
    take_over(&world, 1_000).await;
    let before = resident();
    take_over(&world, 10_000).await;
    let grown = resident().saturating_sub(before);
    assert!(grown < 16 << 20, "{grown} bytes more than {before}");
}
