//! Calls of gRPC between two programs, both of which are measured, with a forwarder between them if there is one.

use std::io;
use std::time::Duration;

use super::Workload;
use crate::launch::Launch;
use crate::program::Program;
use hijack_bench::order::Order;

/// `CALLERS` at once on one connection, doing what `WORK` is the place of in [`WORKS`].
#[derive(Debug)]
pub(crate) struct GrpcCalls<const WORK: usize, const CALLERS: u64> {
    /// Its server is beside it.
    client: Program,
}

/// The words for what is done.
const WORKS: [&str; 5] = ["unary", "stream", "ping-pong", "bulk", "open"];

pub(crate) const UNARY: usize = 0;
pub(crate) const STREAM: usize = 1;
pub(crate) const PING_PONG: usize = 2;
pub(crate) const BULK: usize = 3;
pub(crate) const OPEN: usize = 4;

impl<const WORK: usize, const CALLERS: u64> Workload for GrpcCalls<WORK, CALLERS> {
    const CONNECTIONS: u64 = 1;
    const WARM_UP: u64 = match WORK {
        STREAM => 20_000,
        BULK => 200,
        OPEN => 100,
        _ => 2_000,
    };
    const LONGEST_OP: Duration = Duration::from_millis(20);

    async fn open(launch: &Launch) -> io::Result<Self> {
        let (mut server, mut client) = launch.start_pair(&[WORKS[WORK].to_owned(), CALLERS.to_string()])?;
        let mut address = server.address().await?;
        if let Some((forwarder, before)) = launch.start_forwarder(address).await? {
            address = before;
            server.beside = Some(Box::new(forwarder));
        }
        client.beside = Some(Box::new(server));
        client.obey(Order::Requests(address)).await?;
        Ok(Self { client })
    }

    fn program(&mut self) -> &mut Program {
        &mut self.client
    }

    async fn run(&mut self, ops: u64) -> io::Result<()> {
        self.client.obey(Order::Run(ops)).await
    }

    async fn hold(&mut self, _: u32) -> io::Result<()> {
        Err(io::Error::other("nothing is held"))
    }
}
