//! Connect, ask for the upgrade, read the 101, one message there and back, close.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use hijack_bench::lanes::{CONNECTIONS, all, share};
use hijack_bench::wire::{ECHO_PATH, ECHO_PROTOCOL, message};
use tokio::task::JoinSet;

use super::Workload;
use super::connection::Connection;
use super::expected::Expected;
use crate::launch::Launch;
use crate::program::Program;

/// A new connection for every operation.
#[derive(Debug)]
pub(crate) struct Takeover {
    server: Program,
    question: Question,
    held: Vec<Connection>,
}

/// Who is asked for what, and what must come back.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    address: SocketAddr,
    request: Arc<[u8]>,
    answer: Arc<Expected>,
}

impl Workload for Takeover {
    async fn open(launch: &Launch) -> io::Result<Self> {
        let mut server = launch.start()?;
        let address = server.address().await?;
        let question = Question::learn(address, &address.to_string(), ECHO_PATH).await?;
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
    pub(super) async fn learn(address: SocketAddr, host: &str, path: &str) -> io::Result<Self> {
        let headers = [("connection", "upgrade"), ("upgrade", ECHO_PROTOCOL)];
        let (question, connection) = Self::first(address, &request(host, path), &headers).await?;
        connection.finish().await?;
        Ok(question)
    }

    /// Asks for the first time: the answer must be a 101 with these headers. The connection is behind it.
    pub(super) async fn first(
        address: SocketAddr,
        request: &str,
        headers: &[(&str, &str)],
    ) -> io::Result<(Self, Connection)> {
        let mut connection = Connection::connect(address).await?;
        connection.send(request.as_bytes()).await?;
        let head = connection.read_head().await?;
        let answer = Expected::learn(&head, "HTTP/1.1 101 ", headers, "")?;
        let question = Self { address, request: request.as_bytes().into(), answer: Arc::new(answer) };
        Ok((question, connection))
    }

    async fn run_lane(self, lane: u64, ops: u64) -> io::Result<()> {
        for op in 0..ops {
            self.converse(op * CONNECTIONS + lane).await?.finish().await?;
        }
        Ok(())
    }

    /// A connection after the 101.
    pub(super) async fn take_over(&self) -> io::Result<Connection> {
        let mut connection = Connection::connect(self.address).await?;
        connection.send(&self.request).await?;
        connection.expect(&self.answer).await?;
        Ok(connection)
    }

    /// A connection after the 101 and one message there and back.
    async fn converse(&self, number: u64) -> io::Result<Connection> {
        let mut connection = self.take_over().await?;
        let message = message(number);
        connection.send(&message).await?;
        connection.expect(&Expected::exactly(&message)).await?;
        Ok(connection)
    }
}

fn request(host: &str, path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: hijack-bench\r\n\
         Connection: Upgrade\r\nUpgrade: {ECHO_PROTOCOL}\r\n\r\n"
    )
}
