//! A client of net/rpc: ours, many callers on one connection.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use hijack::rpc::{Client, Gob, dial};
use hijack_gob::ByteBuf;
use tokio::task::JoinSet;

use super::orders;
use crate::lanes::{all, share};
use crate::order::{DONE, Order};
use crate::rpc::Args;

/// Carries out the orders on stdin until it ends. An operation is a call that multiplies, or, of `len` bytes, one that
/// echoes them.
///
/// # Errors
/// When a call fails, or an answer is not as it must be.
pub fn run(callers: u64, len: usize) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(obey(callers, len))
}

async fn obey(callers: u64, len: usize) -> io::Result<()> {
    let mut orders = orders();
    let mut calls = None;
    while let Some(line) = orders.recv().await {
        match (line.parse().map_err(io::Error::other)?, &calls) {
            (Order::Requests(server), _) => calls = Some(Calls::open(server, len).await?),
            (Order::Run(ops), Some(calls)) => calls.run(callers, ops).await?,
            _ => return Err(io::Error::other(format!("unknown order: {line}"))),
        }
        println!("{DONE}");
        io::stdout().flush()?;
    }
    Ok(())
}

/// One connection, and what its calls send.
#[derive(Clone)]
struct Calls {
    client: Client<Gob>,
    payload: Arc<ByteBuf>,
}

impl Calls {
    async fn open(server: SocketAddr, len: usize) -> io::Result<Self> {
        let client = dial(&format!("http://{server}")).await.map_err(io::Error::other)?;
        let payload = ByteBuf(b"0123456789abcdef".repeat(len / 16));
        let calls = Self { client, payload: Arc::new(payload) };
        calls.call(1).await?;
        Ok(calls)
    }

    async fn run(&self, callers: u64, ops: u64) -> io::Result<()> {
        let mut tasks = JoinSet::new();
        for caller in 0..callers {
            let calls = self.clone();
            tasks.spawn(async move {
                for i in 0..share(ops, caller, callers) {
                    calls.call(i).await?;
                }
                Ok(())
            });
        }
        all(tasks).await.map(drop)
    }

    /// One operation, its answer checked.
    async fn call(&self, i: u64) -> io::Result<()> {
        if self.payload.is_empty() {
            let a = i64::try_from(i).map_err(io::Error::other)?;
            let product: i64 =
                self.client.call("Arith.Multiply", &Args { a, b: 7 }).await.map_err(io::Error::other)?;
            return if product == a * 7 { Ok(()) } else { Err(io::Error::other("another product")) };
        }
        let same: ByteBuf = self.client.call("Blob.Echo", &*self.payload).await.map_err(io::Error::other)?;
        let at = usize::try_from(i).unwrap_or_default() % same.len().max(1);
        let is_same = same.len() == self.payload.len() && same[at] == self.payload[at];
        if is_same { Ok(()) } else { Err(io::Error::other("another echo")) }
    }
}
