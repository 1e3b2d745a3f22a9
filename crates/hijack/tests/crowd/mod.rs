//! A crowd of clients in a process of their own: both ends need descriptors, and one process has not enough of them.

use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::support::{Client, OK};

/// Connections of a crowd, if the limit on descriptors allows.
const COUNT: usize = 10_000;

/// The path whose crowd sends a head that never ends, byte by byte.
pub(crate) const SLOW: &str = "/slow";

const ADDRESS: &str = "HIJACK_CROWD_ADDRESS";
const PATH: &str = "HIJACK_CROWD_PATH";
const SIZE: &str = "HIJACK_CROWD_SIZE";
const READY: &str = "the crowd is there";

/// Raises the limit on descriptors as far as it goes; the number of connections that fit.
pub(crate) fn room() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    let most = getrlimit(Resource::Nofile)
        .current
        .map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
    COUNT.min(most.saturating_sub(100))
}

/// Resident memory of this process, in bytes.
pub(crate) fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("a process has a status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it is resident");
    let kilobytes: usize = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kilobytes * 1024
}

/// The process of the clients, and the rest of what it prints.
pub(crate) struct Crowd(Child, Lines<BufReader<ChildStdout>>);

impl Crowd {
    /// Starts `size` clients that ask for `path`, and waits until all of them have their answer.
    pub(crate) async fn start(address: &str, path: &'static str, size: usize) -> Self {
        let address = address.to_owned();
        let starting = tokio::task::spawn_blocking(move || Self::spawn(&address, path, size));
        starting.await.expect("no panic")
    }

    fn spawn(address: &str, path: &str, size: usize) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["crowd::clients", "--exact", "--ignored", "--nocapture"])
            .env(ADDRESS, address)
            .env(PATH, path)
            .env(SIZE, size.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this test starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let ready = lines.any(|line| line.is_ok_and(|line| line.contains(READY)));
        assert!(ready, "the clients have failed");
        Self(child, lines)
    }

    /// Has it close its connections, and waits for its end.
    pub(crate) async fn end(mut self) {
        let ending = move || {
            drop(self.0.stdin.take());
            self.1.by_ref().for_each(drop);
            self.0.wait().expect("it ends")
        };
        tokio::task::spawn_blocking(ending).await.expect("no panic");
    }
}

/// The clients: not a test of its own.
#[tokio::test]
#[ignore = "started by a test"]
async fn clients() {
    let wanted = [ADDRESS, PATH, SIZE].map(|name| std::env::var(name).ok());
    let [Some(address), Some(path), Some(size)] = wanted else { return };
    room();
    let mut clients = Vec::new();
    for _ in 0..size.parse().expect("a number") {
        clients.push(client(&address, &path).await);
    }
    println!("{READY}");
    std::io::stdout().flush().expect("the test listens");
    let released = tokio::task::spawn_blocking(|| std::io::stdin().read(&mut [0]));
    if path == SLOW {
        tokio::select! {
            _ = released => {}
            () = dribble(&mut clients) => {}
        }
    } else {
        let _ = released.await;
    }
}

async fn client(address: &str, path: &str) -> Client {
    let mut client = Client::connect(address).await;
    if path == SLOW {
        client.send("GET /slow HTTP/1.1\r\nX: ").await;
        return client;
    }
    client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
    client.expect(OK).await;
    client
}

/// Another byte for each head, once a second.
async fn dribble(clients: &mut [Client]) {
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    loop {
        seconds.tick().await;
        for client in &mut *clients {
            client.send("x").await;
        }
    }
}
