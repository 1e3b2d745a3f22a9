//! Connect, ask for the upgrade, read the 101, one message there and back, close.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use hijack_bench::wire::{ECHO_PATH, ECHO_PROTOCOL, MESSAGE_LEN};
use tokio::task::JoinSet;

use super::answer::Answer;
use super::client::Client;
use super::{CONNECTIONS, WARM_UP, Workload, all, share};

/// A new connection for every operation.
#[derive(Clone, Debug)]
pub(crate) struct Takeover {
    address: SocketAddr,
    request: Arc<[u8]>,
    answer: Arc<Answer>,
}

impl Workload for Takeover {
    async fn open(address: SocketAddr) -> io::Result<Self> {
        let request: Arc<[u8]> = request(address).into_bytes().into();
        let answer = Arc::new(learn(address, &request).await?);
        let mut load = Self { address, request, answer };
        load.run_bounded(WARM_UP).await?;
        Ok(load)
    }

    async fn run(&mut self, ops: u64) -> io::Result<()> {
        let mut tasks = JoinSet::new();
        for lane in 0..CONNECTIONS {
            tasks.spawn(self.clone().run_lane(lane, share(ops, lane)));
        }
        all(tasks).await.map(drop)
    }

    async fn hold(&self) -> io::Result<Client> {
        self.take_over(0).await
    }
}

impl Takeover {
    async fn run_lane(self, lane: u64, ops: u64) -> io::Result<()> {
        for op in 0..ops {
            self.take_over(op * CONNECTIONS + lane).await?.finish().await?;
        }
        Ok(())
    }

    async fn take_over(&self, number: u64) -> io::Result<Client> {
        let mut client = Client::connect(self.address).await?;
        client.send(&self.request).await?;
        client.expect(&self.answer).await?;
        let message = message(number);
        client.send(&message).await?;
        client.expect(&Answer::exactly(&message)).await?;
        Ok(client)
    }
}

/// Another message for every operation, so that no answer can be taken for another.
fn message(number: u64) -> [u8; MESSAGE_LEN] {
    let mut message = [0; MESSAGE_LEN];
    for (place, chunk) in message.chunks_mut(8).enumerate() {
        chunk.copy_from_slice(&(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ place as u64).to_be_bytes());
    }
    message
}

async fn learn(address: SocketAddr, request: &[u8]) -> io::Result<Answer> {
    let mut client = Client::connect(address).await?;
    client.send(request).await?;
    let head = client.read_head().await?;
    client.finish().await?;
    Answer::learn(&head, "101", &[("connection", "upgrade"), ("upgrade", ECHO_PROTOCOL)], "")
}

fn request(address: SocketAddr) -> String {
    format!(
        "GET {ECHO_PATH} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: hijack-bench\r\n\
         Connection: Upgrade\r\nUpgrade: {ECHO_PROTOCOL}\r\n\r\n"
    )
}
