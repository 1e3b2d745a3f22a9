//! Connect, ask for the upgrade, read the 101, one message there and back, close.

use std::io;

use hijack_bench::lanes::{CONNECTIONS, all, share};
use hijack_bench::wire::{ECHO_PATH, message};
use tokio::task::JoinSet;

use super::Workload;
use super::connection::Connection;
use super::expected::Expected;
use super::question::Question;
use crate::launch::Launch;
use crate::program::Program;

/// A new connection for every operation.
#[derive(Debug)]
pub(crate) struct Takeover {
    server: Program,
    question: Question,
    held: Vec<Connection>,
}

impl Workload for Takeover {
    async fn open(launch: &Launch) -> io::Result<Self> {
        let mut server = launch.start()?;
        let address = server.address().await?;
        let (question, first) = Question::takeover(address, &address.to_string(), ECHO_PATH).await?;
        first.finish().await?;
        Ok(Self { server, question, held: Vec::new() })
    }

    fn program(&mut self) -> &mut Program {
        &mut self.server
    }

    async fn run(&mut self, ops: u64) -> io::Result<()> {
        let mut tasks = JoinSet::new();
        for lane in 0..CONNECTIONS {
            tasks.spawn(self.question.clone().run_lane(lane, share(ops, lane, CONNECTIONS)));
        }
        all(tasks).await.map(drop)
    }

    async fn hold(&mut self, count: u32) -> io::Result<()> {
        for _ in 0..count {
            self.held.push(self.question.converse(0).await?);
        }
        Ok(())
    }
}

impl Question {
    async fn run_lane(self, lane: u64, ops: u64) -> io::Result<()> {
        for op in 0..ops {
            self.converse(op * CONNECTIONS + lane).await?.finish().await?;
        }
        Ok(())
    }

    /// A connection after the 101 and one message there and back.
    async fn converse(&self, number: u64) -> io::Result<Connection> {
        let mut connection = self.open().await?;
        let message = message(number);
        connection.send(&message).await?;
        connection.expect(&Expected::exactly(&message)).await?;
        Ok(connection)
    }
}
