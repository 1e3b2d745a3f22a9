//! Work for clients: the program is told how much, and asks a server that runs here.

use std::io;
use std::marker::PhantomData;
use std::net::SocketAddr;

use hijack_bench::order::Order;

use super::Workload;
use super::upstream::{Route, Upstream};
use crate::launch::Launch;
use crate::program::Program;

/// Requests on connections that stay open from one run to the next.
pub(crate) type ClientRequests = Clients<Requests>;

/// A new connection for every takeover.
pub(crate) type ClientTakeovers = Clients<Takeovers>;

/// A client and the server it asks.
#[derive(Debug)]
pub(crate) struct Clients<O> {
    client: Program,
    upstream: Upstream,
    operation: PhantomData<O>,
}

/// What a client is told to do again and again.
pub(crate) trait Operation {
    const ROUTE: Route;

    fn order(server: SocketAddr) -> Order;
}

#[derive(Debug)]
pub(crate) enum Requests {}

#[derive(Debug)]
pub(crate) enum Takeovers {}

impl Operation for Requests {
    const ROUTE: Route = Route::Plain;

    fn order(server: SocketAddr) -> Order {
        Order::Requests(server)
    }
}

impl Operation for Takeovers {
    const ROUTE: Route = Route::Echo;

    fn order(server: SocketAddr) -> Order {
        Order::Takeovers(server)
    }
}

impl<O: Operation> Workload for Clients<O> {
    async fn open(launch: &Launch) -> io::Result<Self> {
        let client = launch.start()?;
        let upstream = Upstream::open(O::ROUTE).await?;
        let order = O::order(upstream.address());
        let mut load = Self { client, upstream, operation: PhantomData };
        load.obey(order).await?;
        Ok(load)
    }

    fn program(&mut self) -> &mut Program {
        &mut self.client
    }

    async fn run(&mut self, ops: u64) -> io::Result<()> {
        self.obey(Order::Run(ops)).await
    }

    async fn hold(&mut self, count: u32) -> io::Result<()> {
        self.obey(Order::Hold(count)).await
    }
}

impl<O> Clients<O> {
    async fn obey(&mut self, order: Order) -> io::Result<()> {
        self.upstream.beside(self.client.obey(order)).await
    }
}
