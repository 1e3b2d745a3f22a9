//! The load: closed loops on loopback that check every byte that comes back.

mod blocks;
mod broadcast;
mod clients;
mod codec;
mod connection;
mod expected;
mod framed;
mod frames;
mod grpc;
mod http;
mod question;
mod relay;
mod rpc;
mod takeover;
mod taps;
mod upstream;
mod websockets;

use std::io;
use std::time::Duration;

pub(crate) use broadcast::Broadcast;
pub(crate) use clients::{ClientRequests, ClientTakeovers};
pub(crate) use codec::Coded;
pub(crate) use grpc::{BULK, GrpcCalls, OPEN, PING_PONG, STREAM, UNARY};
pub(crate) use http::Http;
pub(crate) use relay::{
    InspectedWsMessages, RelayedBulk, RelayedMessages, RelayedRequests, RelayedVisits, RelayedWsBulk,
    RelayedWsMessages,
};
pub(crate) use rpc::Calls;
pub(crate) use takeover::Takeover;
pub(crate) use websockets::{
    WsBurst, WsDeflated, WsHuge, WsLarge, WsLargeMany, WsSmall, WsSmallMany, WsText,
};

use hijack_bench::lanes;

use crate::launch::Launch;
use crate::program::Program;

/// One kind of work for a program.
pub(crate) trait Workload: Sized {
    /// Connections that are busy at the same time.
    const CONNECTIONS: u64 = lanes::CONNECTIONS;

    /// Operations before anything is measured.
    const WARM_UP: u64 = 2_000;

    /// Operations over which allocations are counted.
    const COUNTED_OPS: u64 = 10_000;

    /// Time that no working program needs for an operation.
    const LONGEST_OP: Duration = Duration::from_millis(5);

    /// Connections held before those whose memory is read.
    const HELD_BEFORE: u32 = 1_000;

    /// Connections whose memory is read, at the most.
    const MOST_HELD: u32 = u32::MAX;

    /// Processes whose resident memory is read.
    const RESIDENT_RUNS: usize = 3;

    /// Starts the program, prepares the work and has one operation done, which is checked for its meaning.
    async fn open(launch: &Launch) -> io::Result<Self>;

    /// The program that works.
    fn program(&mut self) -> &mut Program;

    /// Does `ops` operations on [`CONNECTIONS`](Self::CONNECTIONS) connections at once.
    async fn run(&mut self, ops: u64) -> io::Result<()>;

    /// Opens `count` more connections and keeps each as it is held: after its first answer, silent.
    async fn hold(&mut self, count: u32) -> io::Result<()>;

    /// As [`open`](Self::open), with enough work that nothing is new to the program afterwards.
    async fn open_warm(launch: &Launch) -> io::Result<Self> {
        let mut load = within(1, Self::LONGEST_OP, Self::open(launch)).await?;
        load.run_bounded(Self::WARM_UP).await?;
        Ok(load)
    }

    /// As [`run`](Self::run), within a time that no working program needs.
    async fn run_bounded(&mut self, ops: u64) -> io::Result<()> {
        within(ops, Self::LONGEST_OP, self.run(ops)).await
    }

    /// As [`hold`](Self::hold), within a time that no working program needs.
    async fn hold_bounded(&mut self, count: u32) -> io::Result<()> {
        within(count.into(), Self::LONGEST_OP, self.hold(count)).await
    }
}

async fn within<T>(ops: u64, each: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let limit = Duration::from_secs(20) + each * u32::try_from(ops).unwrap_or(u32::MAX);
    let late = || io::Error::other(format!("{ops} operations not done within {limit:?}"));
    tokio::time::timeout(limit, work).await.map_err(|_| late())?
}
