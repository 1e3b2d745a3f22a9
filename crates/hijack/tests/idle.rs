//! Behaviour 30: ten thousand idle connections, what they hold and what they leave. Alone in its process, since it
//! measures memory; the clients live in a second process, since both ends need descriptors.
#![cfg(target_os = "linux")]

#[allow(dead_code, reason = "shared with the other tests")]
#[path = "behaviour/support.rs"]
mod support;

use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

use hijack::{Exchange, State};
use http::Response;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use support::{OK, Site, empty, ok, until};

/// Connections, if the limit on descriptors allows.
const COUNT: usize = 10_000;

/// The most that an idle connection may hold, in bytes of resident memory of a debug build.
const MOST_TAKEN: usize = 3 * 1024;
const MOST_KEPT_ALIVE: usize = 5 * 1024;

/// Rounds, of each kind in turn. Behind the first two the allocator has what it keeps.
const ROUNDS: usize = 6;

/// The most that each later round may add for good, per connection.
const MOST_LEFT: usize = 250;

const ADDRESS: &str = "HIJACK_IDLE_ADDRESS";
const REQUEST: &str = "HIJACK_IDLE_REQUEST";
const READY: &str = "all are idle";

/// Raises the limit on descriptors as far as it goes; the number of connections that fit.
fn room() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    let most = getrlimit(Resource::Nofile)
        .current
        .map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
    COUNT.min(most.saturating_sub(100))
}

/// Resident memory of this process, in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("a process has a status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it is resident");
    let kilobytes: usize = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kilobytes * 1024
}

/// The process of the clients, and the rest of what it prints.
struct Peer(Child, Lines<BufReader<ChildStdout>>);

impl Peer {
    /// Has it close its connections, and waits for its end.
    fn end(mut self) {
        drop(self.0.stdin.take());
        self.1.by_ref().for_each(drop);
        self.0.wait().expect("it ends");
    }
}

/// Starts the clients and waits until all of them have their answer.
fn start_peer(address: &str, path: &str) -> Peer {
    let mut peer = Command::new(std::env::current_exe().expect("this test"))
        .args(["peer", "--exact", "--ignored", "--nocapture"])
        .env(ADDRESS, address)
        .env(REQUEST, format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this test starts");
    let mut lines = BufReader::new(peer.stdout.take().expect("piped")).lines();
    let ready = lines.any(|line| line.is_ok_and(|line| line.contains(READY)));
    assert!(ready, "the clients have failed");
    Peer(peer, lines)
}

/// The clients: not a test of its own.
#[tokio::test]
#[ignore = "started by the test"]
async fn peer() {
    let (Ok(address), Ok(request)) = (std::env::var(ADDRESS), std::env::var(REQUEST)) else { return };
    let mut clients = Vec::new();
    for _ in 0..room() {
        let mut client = support::Client::connect(&address).await;
        client.send(&request).await;
        client.expect(OK).await;
        clients.push(client);
    }
    println!("{READY}");
    std::io::stdout().flush().expect("the test listens");
    let _ = std::io::stdin().read(&mut [0]);
}

/// Behaviour 30: an idle connection holds little, a taken-over one nothing of the server's, and nothing stays behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_idle_connections_hold_little_and_leave_nothing() {
    let count = room();
    let site = Site::start(
        |_| (),
        |exchange: Exchange| async {
            if exchange.uri().path() == "/" {
                return ok(exchange).await;
            }
            let head = Response::builder().header("content-length", 2).body(()).expect("a head");
            Ok(exchange.take_over_after(head)?.hand_off(|mut conn| async move {
                conn.write_all(b"ok").await?;
                conn.read_u8().await?;
                Ok(())
            }))
        },
    )
    .await;
    let tracker = site.tracker();
    drop(site.events); // they would be all that grows
    let mut left = Vec::new();
    let kinds = [("/take", State::Taken, MOST_TAKEN), ("/", State::Idle, MOST_KEPT_ALIVE)];
    for (path, state, most) in kinds.into_iter().cycle().take(ROUNDS) {
        let before = resident();
        let address = site.address.clone();
        let peer = tokio::task::spawn_blocking(move || start_peer(&address, path));
        let peer = peer.await.expect("no panic");
        until("all are idle", || tracker.count_in(state) == count).await;
        let each = resident().saturating_sub(before) / count;
        println!("{count} idle connections of {path}: {each} bytes each");
        assert!(each <= most, "expected at most {most} bytes for each of {count} of {path}, got {each}");
        tokio::task::spawn_blocking(move || peer.end()).await.expect("no panic");
        empty(&tracker).await;
        left.push(resident());
    }
    println!("resident behind each round: {left:?}");
    let allowed = left[1] + (ROUNDS - 2) * count * MOST_LEFT;
    let last = left[ROUNDS - 1];
    assert!(last <= allowed, "expected at most {allowed} bytes behind {ROUNDS} rounds, got {left:?}");
}
