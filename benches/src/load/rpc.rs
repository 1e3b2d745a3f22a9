//! Calls of net/rpc between two programs, both of which are measured: a server, and a client that is told how much.

use std::io;

use super::Workload;
use crate::launch::Launch;
use crate::program::Program;
use hijack_bench::order::Order;

/// `CALLERS` at once on one connection: multiplications, or echoes of `LEN` bytes.
#[derive(Debug)]
pub(crate) struct Calls<const CALLERS: u64, const LEN: usize> {
    /// Its server is beside it.
    client: Program,
}

impl<const CALLERS: u64, const LEN: usize> Workload for Calls<CALLERS, LEN> {
    const CONNECTIONS: u64 = 1;
    const WARM_UP: u64 = if LEN == 0 { 5_000 } else { 20 };
    const LONGEST_OP: std::time::Duration = std::time::Duration::from_millis(if LEN == 0 { 5 } else { 100 });

    async fn open(launch: &Launch) -> io::Result<Self> {
        let (mut server, mut client) = launch.start_pair(&[CALLERS.to_string(), LEN.to_string()])?;
        let address = server.address().await?;
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
