//! Ordinary requests, one after the other on kept-alive connections.

use std::io;

use hijack_bench::lanes::{CONNECTIONS, all, share};
use tokio::task::JoinSet;

use super::Workload;
use super::connection::Connection;
use super::question::Question;
use crate::launch::Launch;
use crate::program::Program;

/// Connections that stay open from one run to the next.
#[derive(Debug)]
pub(crate) struct Http {
    server: Program,
    question: Question,
    busy: Vec<Connection>,
    held: Vec<Connection>,
}

impl Workload for Http {
    async fn open(launch: &Launch) -> io::Result<Self> {
        let mut server = launch.start()?;
        let address = server.address().await?;
        let (question, _) = Question::plain(address, &address.to_string()).await?;
        let mut load = Self { server, question, busy: Vec::new(), held: Vec::new() };
        for _ in 0..CONNECTIONS {
            load.busy.push(load.question.open().await?);
        }
        Ok(load)
    }

    fn program(&mut self) -> &mut Program {
        &mut self.server
    }

    async fn run(&mut self, ops: u64) -> io::Result<()> {
        let mut tasks = JoinSet::new();
        for (lane, connection) in (0..).zip(self.busy.drain(..)) {
            tasks.spawn(ask(self.question.clone(), connection, share(ops, lane, CONNECTIONS)));
        }
        self.busy = all(tasks).await?;
        Ok(())
    }

    async fn hold(&mut self, count: u32) -> io::Result<()> {
        for _ in 0..count {
            self.held.push(self.question.open().await?);
        }
        Ok(())
    }
}

/// Asks so many times on one connection.
pub(super) async fn ask(
    question: Question,
    mut connection: Connection,
    times: u64,
) -> io::Result<Connection> {
    for _ in 0..times {
        question.repeat(&mut connection).await?;
    }
    Ok(connection)
}
