//! Takeovers: connect, ask for the upgrade, one message there and back, close.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;

use super::Client;
use crate::lanes::{CONNECTIONS, all, share};
use crate::wire::{MESSAGE_LEN, message};

/// A new connection for every operation.
pub(super) struct Takeovers<C: Client> {
    client: C,
    held: Vec<Vec<C::Taken>>,
}

impl<C: Client> Takeovers<C> {
    pub(super) fn new(client: C) -> Self {
        Self { client, held: Vec::new() }
    }

    pub(super) async fn run(&mut self, ops: u64) -> io::Result<()> {
        let mut tasks = JoinSet::new();
        for lane in 0..CONNECTIONS {
            tasks.spawn(run_lane(self.client.clone(), lane, share(ops, lane, CONNECTIONS)));
        }
        all(tasks).await.map(drop)
    }

    /// Opens `count` connections and leaves them after their first echo.
    ///
    /// The room for them is made exactly, so that each counts as what it is in the memory of a held connection.
    pub(super) async fn hold(&mut self, count: u32) -> io::Result<()> {
        let mut held = Vec::with_capacity(count as usize);
        for number in 0..count {
            held.push(converse(&self.client, number.into()).await?);
        }
        self.held.push(held);
        Ok(())
    }
}

async fn run_lane<C: Client>(client: C, lane: u64, ops: u64) -> io::Result<()> {
    for op in 0..ops {
        finish(converse(&client, op * CONNECTIONS + lane).await?).await?;
    }
    Ok(())
}

async fn converse<C: Client>(client: &C, number: u64) -> io::Result<C::Taken> {
    let mut taken = client.take_over().await?;
    let sent = message(number);
    taken.write_all(&sent).await?;
    let mut got = [0; MESSAGE_LEN];
    taken.read_exact(&mut got).await?;
    if got != sent {
        let (sent, got) = (sent.escape_ascii(), got.escape_ascii());
        return Err(io::Error::other(format!("\"{sent}\" expected, got \"{got}\"")));
    }
    Ok(taken)
}

/// Sends FIN and waits for the server's, before which nothing may come.
async fn finish(mut taken: impl AsyncReadExt + AsyncWriteExt + Unpin) -> io::Result<()> {
    taken.shutdown().await?;
    match taken.read(&mut [0; 1]).await? {
        0 => Ok(()),
        _ => Err(io::Error::other("end expected, got more bytes")),
    }
}
