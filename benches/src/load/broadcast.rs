//! One message to all: one connection tells, and every one of them must hear exactly that.

use std::io;
use std::mem;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use hijack_bench::lanes::all;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::Workload;
use super::connection::Connection;
use super::frames::{BINARY, Echo};
use super::question::Question;
use super::websockets::{VARIANTS, open_first};
use crate::launch::Launch;
use crate::program::Program;

/// Subscribers of one server; the next message is told when all have heard the last one.
#[derive(Debug)]
pub(crate) struct Broadcast {
    server: Program,
    question: Question,
    messages: Arc<[Echo]>,
    teller: Connection,
    /// All others that listen.
    listeners: Vec<Connection>,
    /// Those that read nothing.
    stalled: Vec<Connection>,
    /// From telling to hearing, of every message of the last run at every listener.
    latencies: Vec<u64>,
}

/// The message under way.
#[derive(Debug)]
struct Told {
    start: Instant,
    /// In nanoseconds from `start`.
    at: AtomicU64,
    /// Those who have not heard it.
    missing: AtomicU64,
    heard: Notify,
}

impl Workload for Broadcast {
    const CONNECTIONS: u64 = 5_000;
    const WARM_UP: u64 = 5;
    const LONGEST_OP: Duration = Duration::from_secs(1);

    async fn open(launch: &Launch) -> io::Result<Self> {
        let mut load = Self::open_alone(launch).await?;
        load.listen(Self::CONNECTIONS - 1).await?;
        Ok(load)
    }

    fn program(&mut self) -> &mut Program {
        &mut self.server
    }

    async fn run(&mut self, ops: u64) -> io::Result<()> {
        let told = Arc::new(Told::new());
        let mut tasks = JoinSet::new();
        let listeners = self.listeners.len() as u64;
        for listener in self.listeners.drain(..) {
            tasks.spawn(hear(listener, Arc::clone(&self.messages), Arc::clone(&told), ops));
        }
        let telling = async {
            for (_, message) in (0..ops).zip(self.messages.iter().cycle()) {
                told.begin(listeners + 1);
                self.teller.send(&message.frames).await?;
                self.teller.expect_all(&message.answer).await?;
                told.note_heard();
                told.heard.notified().await;
            }
            Ok(())
        };
        let ((), heard) = tokio::try_join!(telling, all(tasks))?;
        self.latencies.clear();
        for (listener, latencies) in heard {
            self.listeners.push(listener);
            self.latencies.extend(latencies);
        }
        Ok(())
    }

    async fn hold(&mut self, count: u32) -> io::Result<()> {
        self.stall(count.into()).await
    }
}

impl Broadcast {
    /// With nobody but the one that tells.
    pub(crate) async fn open_alone(launch: &Launch) -> io::Result<Self> {
        let mut server = launch.start()?;
        let address: SocketAddr = server.address().await?;
        let (question, teller) = open_first(address, &address.to_string(), false).await?;
        let messages = (0..VARIANTS).map(|variant| Echo::new(variant, 1, MESSAGE_LEN, BINARY)).collect();
        let (listeners, stalled, latencies) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { server, question, messages, teller, listeners, stalled, latencies })
    }

    /// Opens `count` more that listen.
    pub(crate) async fn listen(&mut self, count: u64) -> io::Result<()> {
        for _ in 0..count {
            self.listeners.push(self.question.open().await?);
        }
        Ok(())
    }

    /// Opens `count` more that never read.
    pub(crate) async fn stall(&mut self, count: u64) -> io::Result<()> {
        for _ in 0..count {
            self.stalled.push(self.question.open().await?);
        }
        Ok(())
    }

    /// Closes those that never read.
    pub(crate) fn end_stalled(&mut self) {
        self.stalled.clear();
    }

    /// Nanoseconds from telling to hearing in the last run, the median.
    pub(crate) fn median_latency(&mut self) -> f64 {
        let latencies = mem::take(&mut self.latencies);
        crate::rounds::median(latencies.into_iter().map(|nanos| nanos as f64).collect())
    }
}

impl Told {
    fn new() -> Self {
        let (at, missing) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { start: Instant::now(), at, missing, heard: Notify::new() }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn begin(&self, listeners: u64) {
        self.missing.store(listeners, Relaxed);
        self.at.store(self.now(), Relaxed);
    }

    fn note_heard(&self) {
        if self.missing.fetch_sub(1, Relaxed) == 1 {
            self.heard.notify_one();
        }
    }
}

/// Hears `ops` messages, each of them whole, and when.
async fn hear(
    mut listener: Connection,
    messages: Arc<[Echo]>,
    told: Arc<Told>,
    ops: u64,
) -> io::Result<(Connection, Vec<u64>)> {
    let mut latencies = Vec::new();
    for (_, message) in (0..ops).zip(messages.iter().cycle()) {
        listener.expect_all(&message.answer).await?;
        latencies.push(told.now().saturating_sub(told.at.load(Relaxed)));
        told.note_heard();
    }
    Ok((listener, latencies))
}

/// Bytes of a message.
const MESSAGE_LEN: usize = 256;
