//! Ordinary requests, one after the other on kept-alive connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use hijack_bench::wire::{PLAIN_BODY, PLAIN_PATH, PLAIN_TYPE};
use tokio::task::JoinSet;

use super::answer::Answer;
use super::client::Client;
use super::{CONNECTIONS, WARM_UP, Workload, all, share};

/// Connections that stay open from one run to the next.
#[derive(Debug)]
pub(crate) struct Http {
    address: SocketAddr,
    question: Arc<Question>,
    clients: Vec<Client>,
}

/// What is asked and what must come back.
#[derive(Debug)]
struct Question {
    request: String,
    answer: Answer,
}

impl Workload for Http {
    async fn open(address: SocketAddr) -> io::Result<Self> {
        let question = Arc::new(Question::learn(address).await?);
        let mut load = Self { address, question, clients: Vec::new() };
        for _ in 0..CONNECTIONS {
            load.clients.push(load.hold().await?);
        }
        load.run_bounded(WARM_UP).await?;
        Ok(load)
    }

    async fn run(&mut self, ops: u64) -> io::Result<()> {
        let mut tasks = JoinSet::new();
        for (lane, client) in (0..).zip(self.clients.drain(..)) {
            tasks.spawn(Arc::clone(&self.question).ask(client, share(ops, lane)));
        }
        self.clients = all(tasks).await?;
        Ok(())
    }

    async fn hold(&self) -> io::Result<Client> {
        let client = Client::connect(self.address).await?;
        Arc::clone(&self.question).ask(client, 1).await
    }
}

impl Question {
    async fn learn(address: SocketAddr) -> io::Result<Self> {
        let request = request(address);
        let mut client = Client::connect(address).await?;
        client.send(request.as_bytes()).await?;
        let head = client.read_head().await?;
        let length = PLAIN_BODY.len().to_string();
        let headers = [("content-type", PLAIN_TYPE), ("content-length", &length)];
        let answer = Answer::learn(&head, "200", &headers, PLAIN_BODY)?;
        if !answer.has_date() {
            return Err(io::Error::other("header date expected, got none"));
        }
        client.expect(&Answer::exactly(PLAIN_BODY.as_bytes())).await?;
        Ok(Self { request, answer })
    }

    async fn ask(self: Arc<Self>, mut client: Client, times: u64) -> io::Result<Client> {
        for _ in 0..times {
            client.send(self.request.as_bytes()).await?;
            client.expect(&self.answer).await?;
        }
        Ok(client)
    }
}

fn request(address: SocketAddr) -> String {
    format!("GET {PLAIN_PATH} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: hijack-bench\r\nAccept: */*\r\n\r\n")
}
