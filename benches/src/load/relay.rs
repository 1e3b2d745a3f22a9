//! Work for port forwarders and proxies: the load asks through them for a takeover by a server that runs here.
//!
//! Every connection begins with a GET that is answered by a 101, as HTTP proxies need it; others just forward it.

use std::io;
use std::marker::PhantomData;

use hijack_bench::lanes::{all, share};
use hijack_bench::wire::message;
use tokio::task::JoinSet;

use super::Workload;
use super::blocks;
use super::connection::Connection;
use super::expected::Expected;
use super::takeover::Question;
use super::upstream::{Route, Upstream};
use crate::launch::Launch;
use crate::program::Program;

/// One MiB down per operation, on a few connections that stay open.
pub(crate) type RelayedBulk = Relayed<Bulk>;

/// 64 bytes there and back per operation, on many connections that stay open.
pub(crate) type RelayedMessages = Relayed<Messages>;

/// A new connection per operation, with one MiB down.
pub(crate) type RelayedVisits = Relayed<Visits>;

/// A relay, and the server behind it.
#[derive(Debug)]
pub(crate) struct Relayed<O> {
    relay: Program,
    upstream: Upstream,
    question: Question,
    /// Connections that stay open from one run to the next.
    busy: Vec<Connection>,
    held: Vec<Connection>,
    operation: PhantomData<O>,
}

/// What goes through a relay again and again.
pub(crate) trait Operation: Send + Sized + 'static {
    const ROUTE: Route;
    const CONNECTIONS: u64;
    const WARM_UP: u64;
    /// Operations on a connection before it is held.
    const BEFORE_HELD: u64;

    /// Does `ops` operations on one connection, or on as many as they need.
    fn work(
        question: Question,
        connection: Connection,
        lane: u64,
        ops: u64,
    ) -> impl Future<Output = io::Result<Connection>> + Send;
}

#[derive(Debug)]
pub(crate) enum Bulk {}

#[derive(Debug)]
pub(crate) enum Messages {}

#[derive(Debug)]
pub(crate) enum Visits {}

impl Operation for Bulk {
    const ROUTE: Route = Route::Blocks;
    const CONNECTIONS: u64 = 4;
    const WARM_UP: u64 = 256;
    const BEFORE_HELD: u64 = 0;

    async fn work(_: Question, mut connection: Connection, _: u64, ops: u64) -> io::Result<Connection> {
        blocks::pull(&mut connection.stream, ops).await?;
        Ok(connection)
    }
}

impl Operation for Messages {
    const ROUTE: Route = Route::Echo;
    const CONNECTIONS: u64 = 200;
    const WARM_UP: u64 = 4_000;
    const BEFORE_HELD: u64 = 1;

    async fn work(_: Question, mut connection: Connection, lane: u64, ops: u64) -> io::Result<Connection> {
        for op in 0..ops {
            let message = message(op * Self::CONNECTIONS + lane);
            connection.send(&message).await?;
            connection.expect(&Expected::exactly(&message)).await?;
        }
        Ok(connection)
    }
}

impl Operation for Visits {
    const ROUTE: Route = Route::Blocks;
    const CONNECTIONS: u64 = 4;
    const WARM_UP: u64 = 1_000;
    const BEFORE_HELD: u64 = 1;

    async fn work(question: Question, connection: Connection, _: u64, ops: u64) -> io::Result<Connection> {
        for _ in 0..ops {
            let mut visit = question.take_over().await?;
            blocks::pull(&mut visit.stream, 1).await?;
            visit.finish().await?;
        }
        Ok(connection)
    }
}

impl<O: Operation> Workload for Relayed<O> {
    const CONNECTIONS: u64 = O::CONNECTIONS;
    const WARM_UP: u64 = O::WARM_UP;

    async fn open(launch: &Launch) -> io::Result<Self> {
        let mut upstream = Upstream::open(O::ROUTE).await?;
        let (relay, address) = launch.start_before(upstream.address()).await?;
        let host = upstream.address().to_string();
        let question = upstream.beside(Question::learn(address, &host, O::ROUTE.path())).await?;
        let (busy, held) = (Vec::new(), Vec::new());
        let mut load = Self { relay, upstream, question, busy, held, operation: PhantomData };
        for _ in 0..O::CONNECTIONS {
            let connection = load.upstream.beside(load.question.take_over()).await?;
            load.busy.push(connection);
        }
        Ok(load)
    }

    fn program(&mut self) -> &mut Program {
        &mut self.relay
    }

    async fn run(&mut self, ops: u64) -> io::Result<()> {
        let mut tasks = JoinSet::new();
        for (lane, connection) in (0..).zip(self.busy.drain(..)) {
            let ops = share(ops, lane, O::CONNECTIONS);
            tasks.spawn(O::work(self.question.clone(), connection, lane, ops));
        }
        self.busy = self.upstream.beside(all(tasks)).await?;
        Ok(())
    }

    async fn hold(&mut self, count: u32) -> io::Result<()> {
        for _ in 0..count {
            let connection = self.upstream.beside(self.question.take_over()).await?;
            let work = O::work(self.question.clone(), connection, 0, O::BEFORE_HELD);
            self.held.push(self.upstream.beside(work).await?);
        }
        Ok(())
    }
}
