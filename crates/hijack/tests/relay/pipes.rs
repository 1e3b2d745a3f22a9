//! The kernel's pipes: lent while bytes are on their way, and not for longer.

use std::time::Duration;

use hijack::{Pipes, Relay, Tracker};

use crate::support::{Client, pattern, read_len, soon, tcp_pair};

/// A relay whose server's far end reads nothing, after the client's far end sent all that fits.
struct Stalled {
    client: Client,
    server: Client,
    relay: Relay<tokio::net::TcpStream, tokio::net::TcpStream>,
    /// What the client's far end sends again and again.
    sent: Vec<u8>,
    /// How much of that it sent.
    len: usize,
}

impl Stalled {
    async fn through(tracker: &Tracker, pipes: &Pipes) -> Self {
        let ((client, near), (server, far)) = (tcp_pair().await, tcp_pair().await);
        let relay = Relay::new(tracker.adopt(near), tracker.adopt(far)).with_pipes(pipes.clone());
        let mut stalled = Self { client, server, relay, sent: pattern(1 << 20), len: 0 };
        // As if the sender were fast: the relay finds full buffers.
        stalled.run_until(|relay| relay.held().in_pipes + relay.held().in_memory > 0).await;
        stalled
    }

    /// Sends and runs until `reached`, of which only the counters tell.
    async fn run_until(
        &mut self,
        reached: impl Fn(&Relay<tokio::net::TcpStream, tokio::net::TcpStream>) -> bool,
    ) {
        let all = async {
            while !reached(&self.relay) {
                while let Ok(len) = self.client.0.try_write(&self.sent[self.len % self.sent.len()..]) {
                    self.len += len;
                }
                let step = tokio::time::timeout(Duration::from_millis(1), self.relay.run());
                step.await.expect_err("nothing ends it");
            }
        };
        soon("what the relay is run for", all).await;
    }

    /// The server's far end reads all that was sent.
    async fn read_all(mut self) -> Self {
        let read = read_len(&mut self.server.0, self.len);
        let came = tokio::select! {
            end = self.relay.run() => panic!("nothing ends it: {end}"),
            came = read => came,
        };
        let expected = self.sent.iter().cycle().take(self.len);
        assert!(came.iter().eq(expected), "what came differs from what was sent");
        self
    }
}

/// Bytes leave their pipe after a moment in which the receiver took none, and another relay has it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_receiver_holds_no_pipe() {
    let (tracker, pipes) = (Tracker::default(), Pipes::new(1));
    let mut first = Stalled::through(&tracker, &pipes).await;
    assert!(
        first.relay.held().in_pipes > 0,
        "large transfers between sockets are spliced: {:?}",
        first.relay.held()
    );
    first.run_until(|relay| relay.held().in_pipes == 0).await;
    let held = first.relay.held();
    assert!(held.in_memory > 0 && held.in_memory <= 256 << 10, "{held:?}");

    let second = Stalled::through(&tracker, &pipes).await;
    assert!(second.relay.held().in_pipes > 0, "the only pipe is to be had: {:?}", second.relay.held());
    assert_eq!(pipes.open(), 1);
    first.read_all().await;
    let second = second.read_all().await;
    assert_eq!(second.relay.held(), hijack::Held::default(), "nothing is held while nothing moves");
}

/// Where the only pipe is another's, and where there is none, bytes are copied.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_pipe_bytes_are_copied() {
    let (tracker, pipes) = (Tracker::default(), Pipes::new(1));
    let first = Stalled::through(&tracker, &pipes).await;
    for none in [pipes.clone(), Pipes::new(0)] {
        let other = Stalled::through(&tracker, &none).await;
        let held = other.relay.held();
        assert!(held.in_pipes == 0 && held.in_memory > 0 && held.in_memory <= 64 << 10, "{held:?}");
        other.read_all().await;
    }
    first.read_all().await;
}

/// A relay that is dropped with bytes in its pipe closes the pipe: they are nobody's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_dropped_leaves_no_pipe() {
    let (tracker, pipes) = (Tracker::default(), Pipes::new(1));
    let stalled = Stalled::through(&tracker, &pipes).await;
    assert!(stalled.relay.held().in_pipes > 0, "{:?}", stalled.relay.held());
    drop(stalled);
    assert_eq!(pipes.open(), 0);
    let next = Stalled::through(&tracker, &pipes).await;
    assert!(next.relay.held().in_pipes > 0, "the pool lends again");
    next.read_all().await;
}
