//! Requests, one after the other on kept-alive connections.

use std::io;

use tokio::task::JoinSet;

use super::Client;
use crate::lanes::{CONNECTIONS, all, share};

/// Connections that stay open from one run to the next.
pub(super) struct Requests<C: Client> {
    client: C,
    busy: Vec<C::Connection>,
    held: Vec<Vec<C::Connection>>,
}

impl<C: Client> Requests<C> {
    /// Opens the connections that will be busy.
    pub(super) async fn open(client: C) -> io::Result<Self> {
        let mut requests = Self { client, busy: Vec::new(), held: Vec::new() };
        for _ in 0..CONNECTIONS {
            requests.busy.push(requests.connect().await?);
        }
        Ok(requests)
    }

    pub(super) async fn run(&mut self, ops: u64) -> io::Result<()> {
        let mut tasks = JoinSet::new();
        for (lane, connection) in (0..).zip(self.busy.drain(..)) {
            tasks.spawn(ask(self.client.clone(), connection, share(ops, lane, CONNECTIONS)));
        }
        self.busy = all(tasks).await?;
        Ok(())
    }

    /// Opens `count` connections and leaves them after their first answer.
    ///
    /// The room for them is made exactly, so that each counts as what it is in the memory of a held connection.
    pub(super) async fn hold(&mut self, count: u32) -> io::Result<()> {
        let mut held = Vec::with_capacity(count as usize);
        for _ in 0..count {
            held.push(self.connect().await?);
        }
        self.held.push(held);
        Ok(())
    }

    /// A connection that has had one answer.
    async fn connect(&self) -> io::Result<C::Connection> {
        let mut connection = self.client.connect().await?;
        self.client.request(&mut connection).await?;
        Ok(connection)
    }
}

async fn ask<C: Client>(client: C, mut connection: C::Connection, times: u64) -> io::Result<C::Connection> {
    for _ in 0..times {
        client.request(&mut connection).await?;
    }
    Ok(connection)
}
