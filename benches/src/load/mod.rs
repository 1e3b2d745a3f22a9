//! The load: closed loops on loopback that check every byte that comes back.

mod answer;
mod client;
mod http;
mod takeover;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::task::JoinSet;

pub(crate) use client::Client;
pub(crate) use http::Http;
pub(crate) use takeover::Takeover;

/// One kind of work for a server.
pub(crate) trait Workload: Sized {
    /// Learns the server's answer and does enough work that nothing is new to the server afterwards.
    async fn open(address: SocketAddr) -> io::Result<Self>;

    /// Does `ops` operations on [`CONNECTIONS`] connections at once.
    async fn run(&mut self, ops: u64) -> io::Result<()>;

    /// Opens one more connection and leaves it as it is held: after its first answer, silent.
    async fn hold(&self) -> io::Result<Client>;

    /// As [`run`](Self::run), within a time that no working server needs.
    async fn run_bounded(&mut self, ops: u64) -> io::Result<()> {
        let limit =
            Duration::from_secs(20) + Duration::from_millis(2) * u32::try_from(ops).unwrap_or(u32::MAX);
        let late = || io::Error::other(format!("{ops} operations not done within {limit:?}"));
        tokio::time::timeout(limit, self.run(ops)).await.map_err(|_| late())?
    }

    /// Holds `count` connections.
    async fn hold_many(&self, count: u32) -> io::Result<Vec<Client>> {
        let mut held = Vec::new();
        for _ in 0..count {
            let one = tokio::time::timeout(ANSWER_LIMIT, self.hold()).await;
            held.push(one.map_err(|_| io::Error::other(format!("no answer within {ANSWER_LIMIT:?}")))??);
        }
        Ok(held)
    }
}

/// Connections that are busy at the same time.
pub(crate) const CONNECTIONS: u64 = 64;

/// Operations before anything is measured.
const WARM_UP: u64 = 2_000;

const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// How many of `ops` connection number `lane` does.
fn share(ops: u64, lane: u64) -> u64 {
    ops / CONNECTIONS + u64::from(lane < ops % CONNECTIONS)
}

/// Waits for all; the first failure ends the rest.
async fn all<T: 'static>(mut tasks: JoinSet<io::Result<T>>) -> io::Result<Vec<T>> {
    let mut done = Vec::with_capacity(tasks.len());
    while let Some(task) = tasks.join_next().await {
        done.push(task??);
    }
    Ok(done)
}
