//! Ordinary requests, one after the other on kept-alive connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use hijack_bench::lanes::{CONNECTIONS, all, share};
use hijack_bench::wire::{PLAIN_BODY, PLAIN_PATH, PLAIN_TYPE};
use tokio::task::JoinSet;

use super::Workload;
use super::connection::Connection;
use super::expected::Expected;
use crate::launch::Launch;
use crate::program::Program;

/// Connections that stay open from one run to the next.
#[derive(Debug)]
pub(crate) struct Http {
    server: Program,
    address: SocketAddr,
    question: Arc<Question>,
    busy: Vec<Connection>,
    held: Vec<Connection>,
}

/// What is asked and what must come back.
#[derive(Debug)]
struct Question {
    request: String,
    answer: Expected,
}

impl Workload for Http {
    async fn open(launch: &Launch) -> io::Result<Self> {
        let mut server = launch.start()?;
        let address = server.address().await?;
        let question = Arc::new(Question::learn(address).await?);
        let mut load = Self { server, address, question, busy: Vec::new(), held: Vec::new() };
        for _ in 0..CONNECTIONS {
            load.busy.push(load.connect().await?);
        }
        Ok(load)
    }

    fn program(&mut self) -> &mut Program {
        &mut self.server
    }

    async fn run(&mut self, ops: u64) -> io::Result<()> {
        let mut tasks = JoinSet::new();
        for (lane, connection) in (0..).zip(self.busy.drain(..)) {
            tasks.spawn(Arc::clone(&self.question).ask(connection, share(ops, lane, CONNECTIONS)));
        }
        self.busy = all(tasks).await?;
        Ok(())
    }

    async fn hold(&mut self, count: u32) -> io::Result<()> {
        for _ in 0..count {
            self.held.push(self.connect().await?);
        }
        Ok(())
    }
}

impl Http {
    /// A connection that has had one answer.
    async fn connect(&self) -> io::Result<Connection> {
        let connection = Connection::connect(self.address).await?;
        Arc::clone(&self.question).ask(connection, 1).await
    }
}

impl Question {
    async fn learn(address: SocketAddr) -> io::Result<Self> {
        let request = request(address);
        let mut connection = Connection::connect(address).await?;
        connection.send(request.as_bytes()).await?;
        let head = connection.read_head().await?;
        let length = PLAIN_BODY.len().to_string();
        let headers = [("content-type", PLAIN_TYPE), ("content-length", &length)];
        let answer = Expected::learn(&head, "HTTP/1.1 200 ", &headers, PLAIN_BODY)?;
        if !answer.has_date() {
            return Err(io::Error::other("header date expected, got none"));
        }
        connection.expect(&Expected::exactly(PLAIN_BODY.as_bytes())).await?;
        Ok(Self { request, answer })
    }

    async fn ask(self: Arc<Self>, mut connection: Connection, times: u64) -> io::Result<Connection> {
        for _ in 0..times {
            connection.send(self.request.as_bytes()).await?;
            connection.expect(&self.answer).await?;
        }
        Ok(connection)
    }
}

fn request(address: SocketAddr) -> String {
    format!("GET {PLAIN_PATH} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: hijack-bench\r\nAccept: */*\r\n\r\n")
}
