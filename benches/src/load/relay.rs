//! Work for port forwarders, proxies and gateways: the load asks through them for a takeover by a server that runs here,
//! or for ordinary answers.
//!
//! Every connection begins with a GET that is answered, for takeovers by a 101, as HTTP proxies need it; others just
//! forward it.

use std::io;
use std::marker::PhantomData;
use std::time::Duration;

use hijack_bench::lanes::{self, all, share};
use hijack_bench::wire::message;
use tokio::task::JoinSet;

use super::connection::Connection;
use super::expected::Expected;
use super::question::Question;
use super::taps::Taps;
use super::upstream::{Route, Upstream};
use super::{Workload, blocks, framed, http};
use crate::launch::Launch;
use crate::program::Program;

/// One MiB down per operation, on a few connections that stay open.
pub(crate) type RelayedBulk = Relayed<Bulk>;

/// 64 bytes there and back per operation, on many connections that stay open.
pub(crate) type RelayedMessages = Relayed<Messages>;

/// A new connection per operation, with one MiB down.
pub(crate) type RelayedVisits = Relayed<Visits>;

/// 64 bytes in a WebSocket's message there and back, on many connections that stay open; operators look at one, if any.
pub(crate) type RelayedWsMessages = Relayed<WsMessages>;

/// The same on a few connections; operators look at all of them, if at any.
pub(crate) type InspectedWsMessages = Relayed<InspectedMessages>;

/// One MiB down per operation, in messages of 16 KiB.
pub(crate) type RelayedWsBulk = Relayed<WsBulk>;

/// An ordinary request per operation, on kept-alive connections.
pub(crate) type RelayedRequests = Relayed<Requests>;

/// A relay, and the server behind it.
#[derive(Debug)]
pub(crate) struct Relayed<O> {
    relay: Program,
    upstream: Upstream,
    question: Question,
    /// Connections that stay open from one run to the next.
    busy: Vec<Connection>,
    held: Vec<Connection>,
    taps: Option<Taps>,
    operation: PhantomData<O>,
}

/// What goes through a relay again and again.
pub(crate) trait Operation: Send + Sized + 'static {
    const ROUTE: Route;
    const CONNECTIONS: u64;
    const WARM_UP: u64;
    /// Operations on a connection before it is held.
    const BEFORE_HELD: u64;
    const MOST_HELD: u32 = u32::MAX;
    /// Connections that operators look at, where there are operators.
    const LOOKED_AT: u64 = 0;
    const LONGEST_OP: Duration = Duration::from_millis(5);

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
            let mut visit = question.open().await?;
            blocks::pull(&mut visit.stream, 1).await?;
            visit.finish().await?;
        }
        Ok(connection)
    }
}

#[derive(Debug)]
pub(crate) enum WsMessages {}

impl Operation for WsMessages {
    const ROUTE: Route = Route::Messages;
    const CONNECTIONS: u64 = 200;
    const WARM_UP: u64 = 4_000;
    const BEFORE_HELD: u64 = 1;
    /// As many pairs as other figures of idle gateways are known of.
    const MOST_HELD: u32 = 4_000;
    const LOOKED_AT: u64 = 1;

    async fn work(_: Question, mut connection: Connection, lane: u64, ops: u64) -> io::Result<Connection> {
        framed::converse(&mut connection, lane, ops).await?;
        Ok(connection)
    }
}

#[derive(Debug)]
pub(crate) enum InspectedMessages {}

impl Operation for InspectedMessages {
    const ROUTE: Route = Route::Messages;
    const CONNECTIONS: u64 = 20;
    const WARM_UP: u64 = 400;
    const BEFORE_HELD: u64 = 1;
    const LOOKED_AT: u64 = Self::CONNECTIONS;
    const LONGEST_OP: Duration = Duration::from_millis(50);

    async fn work(_: Question, mut connection: Connection, lane: u64, ops: u64) -> io::Result<Connection> {
        framed::converse(&mut connection, lane, ops).await?;
        Ok(connection)
    }
}

#[derive(Debug)]
pub(crate) enum WsBulk {}

impl Operation for WsBulk {
    const ROUTE: Route = Route::MessageBlocks;
    const CONNECTIONS: u64 = 4;
    const WARM_UP: u64 = 256;
    const BEFORE_HELD: u64 = 0;

    async fn work(_: Question, mut connection: Connection, _: u64, ops: u64) -> io::Result<Connection> {
        framed::pull(&mut connection.stream, ops).await?;
        Ok(connection)
    }
}

#[derive(Debug)]
pub(crate) enum Requests {}

impl Operation for Requests {
    const ROUTE: Route = Route::Plain;
    const CONNECTIONS: u64 = lanes::CONNECTIONS;
    const WARM_UP: u64 = 4_000;
    const BEFORE_HELD: u64 = 0;

    async fn work(question: Question, connection: Connection, _: u64, ops: u64) -> io::Result<Connection> {
        http::ask(question, connection, ops).await
    }
}

impl<O: Operation> Workload for Relayed<O> {
    const CONNECTIONS: u64 = O::CONNECTIONS;
    const WARM_UP: u64 = O::WARM_UP;
    const MOST_HELD: u32 = O::MOST_HELD;
    const LONGEST_OP: Duration = O::LONGEST_OP;

    async fn open(launch: &Launch) -> io::Result<Self> {
        let mut upstream = Upstream::open(O::ROUTE).await?;
        let (relay, entrance) = launch.start_before(upstream.address()).await?;
        let host = upstream.address().to_string();
        let (question, first) = upstream.beside(O::ROUTE.ask_first(entrance.address, &host)).await?;
        let (busy, held, taps) = (vec![first], Vec::new(), None);
        let mut load = Self { relay, upstream, question, busy, held, taps, operation: PhantomData };
        for _ in 1..O::CONNECTIONS {
            let connection = load.upstream.beside(load.question.open()).await?;
            load.busy.push(connection);
        }
        if let Some(operators) = &entrance.operators {
            load.taps = Some(load.upstream.beside(Taps::open(operators, O::LOOKED_AT)).await?);
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
        if let Some(taps) = &mut self.taps {
            let looked_at: u64 = (0..O::LOOKED_AT).map(|lane| share(ops, lane, O::CONNECTIONS)).sum();
            taps.see(MESSAGES_PER_ECHO * looked_at).await?;
        }
        Ok(())
    }

    async fn hold(&mut self, count: u32) -> io::Result<()> {
        for _ in 0..count {
            let connection = self.upstream.beside(self.question.open()).await?;
            let work = O::work(self.question.clone(), connection, 0, O::BEFORE_HELD);
            self.held.push(self.upstream.beside(work).await?);
        }
        Ok(())
    }
}

/// There and back.
const MESSAGES_PER_ECHO: u64 = 2;
