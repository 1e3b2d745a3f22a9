//! What a server of gob holds and spends while a client means harm: it is answered or closed at once, and another client
//! does not feel it. Alone in its process, whose memory is measured.

#[path = "rpc/gob_streams.rs"]
mod gob_streams;

use std::time::{Duration, Instant};

use hijack::rpc::{Client, Config, Context, Fault, Gob, Methods, Origin, Server};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::de::IgnoredAny;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use gob_streams::{attacks, head, int, message, uint};

/// Unoptimised code has more time; so has a machine that is busy with other things.
const PATIENCE: u32 = if cfg!(debug_assertions) { 10 } else { 1 };

const MOST_MEMORY: u64 = 64 << 20;

fn methods() -> Methods<Gob> {
    let mut methods = Methods::new();
    methods
        .add("Any.Take", |_: hijack_gob::Dynamic| async move { Ok::<_, Fault>(1_i64) })
        .and_then(|methods| methods.add("Any.Skip", |_: IgnoredAny| async move { Ok::<_, Fault>(1_i64) }))
        .and_then(|methods| {
            methods.add_with("Echo.Back", |_: Context, n: i64| async move { Ok::<_, Fault>(n) })
        })
        .expect("names of their own");
    methods
}

async fn serve() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = Server::new(methods());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let server = server.clone();
            tokio::spawn(async move { server.serve_stream(stream, Origin::unknown()).await });
        }
    });
    address
}

/// How long a call of somebody else takes.
async fn other_call(other: &Client<Gob>) -> Duration {
    let start = Instant::now();
    assert_eq!(other.call::<i64>("Echo.Back", &5_i64).await.expect("an echo"), 5);
    start.elapsed()
}

/// CPU time of this process.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields: Vec<_> = stat.rsplit_once(')').expect("a name").1.split_whitespace().collect();
    let ticks: u64 = [11, 12].map(|field| fields[field].parse::<u64>().expect("a number")).iter().sum();
    Duration::from_millis(ticks * 10)
}

/// The most that this process ever held.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") << 10
}

/// From here on the peak is a new one.
fn reset_peak() {
    std::fs::write("/proc/self/clear_refs", "5").expect("Linux");
}

#[test]
fn every_attack_is_over_within_a_second_and_nobody_else_feels_it() {
    allow_descriptors();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let address = serve().await;
        let stream = TcpStream::connect(address).await.expect("it listens");
        let other = Client::over(stream, &Gob::default(), Config::default());
        for (name, bytes) in attacks() {
            reset_peak();
            let (held, spent, start) = (peak(), cpu(), Instant::now());
            let attack = async {
                let mut socket = TcpStream::connect(address).await.expect("it listens");
                // The server may hang up before all is sent.
                let _ = socket.write_all(&bytes).await;
                let mut answer = [0; 1024];
                socket.read(&mut answer).await
            };
            let (ended, latency) = tokio::join!(timeout(Duration::from_secs(60), attack), other_call(&other));
            let ended = ended.unwrap_or_else(|_| panic!("{name}: neither answered nor closed"));
            let (took, cost, grown) = (start.elapsed(), cpu() - spent, peak() - held);
            eprintln!(
                "{name}: {took:?}, {cost:?} of CPU, {} KiB, the other {latency:?}; {ended:?}",
                grown >> 10
            );
            assert!(took < Duration::from_secs(1) * PATIENCE, "{name}: {took:?}");
            assert!(cost < Duration::from_secs(1) * PATIENCE, "{name}: {cost:?} of CPU");
            assert!(latency < Duration::from_millis(500) * PATIENCE, "{name}: the other took {latency:?}");
            assert!(grown < MOST_MEMORY, "{name}: {grown} bytes");
        }
        endless_value(address, &other).await;
        many_idle(address, &other).await;
    });
}

/// A list of 100,001 interfaces, each of whose integers begins in a message of its own. The last one is long in coming.
async fn endless_value(address: std::net::SocketAddr, other: &Client<Gob>) {
    const MESSAGES: usize = 100_000;
    let first = message(&[&int(65), &[0], &uint(MESSAGES as u64 + 1), &[3], b"int"]);
    let next = message(&[&int(2), &[2, 0, 2, 3], b"int"]);
    let bytes = [head("Any.Take"), gob_streams::slice_type(65, 8), first, next.repeat(MESSAGES)].concat();
    let (spent, start) = (cpu(), Instant::now());
    let mut socket = TcpStream::connect(address).await.expect("it listens");
    socket.write_all(&bytes).await.expect("taken");
    let latency = other_call(other).await;
    let early = timeout(Duration::from_millis(500), socket.read(&mut [0; 1024])).await;
    assert!(early.is_err(), "answered before its end: {early:?}");
    socket.write_all(&message(&[&int(2), &[2, 0, 2]])).await.expect("taken");
    let answer = timeout(Duration::from_secs(10), socket.read(&mut [0; 1024])).await;
    assert!(answer.expect("in time").expect("an answer") > 0);
    let cost = cpu() - spent;
    eprintln!("a value in 100,000 messages: {:?}, {cost:?} of CPU, the other {latency:?}", start.elapsed());
    assert!(cost < Duration::from_secs(1) * PATIENCE, "{cost:?} of CPU");
    assert!(latency < Duration::from_millis(500) * PATIENCE, "the other took {latency:?}");
}

/// A thousand connections that say nothing, and a thousand that stop in a message. They end with their clients.
async fn many_idle(address: std::net::SocketAddr, other: &Client<Gob>) {
    let (before, tasks) = (descriptors(), tasks());
    reset_peak();
    let held = peak();
    let mut sockets = Vec::new();
    for n in 0..2 * IDLE {
        let mut socket = TcpStream::connect(address).await.expect("it listens");
        if n % 2 == 0 {
            socket.write_all(&head("Any.Take")[..30]).await.expect("taken");
        }
        sockets.push(socket);
    }
    let latency = other_call(other).await;
    let grown = peak() - held;
    eprintln!("{} idle connections: {} KiB, the other {latency:?}", 2 * IDLE, grown >> 10);
    assert!(latency < Duration::from_millis(500) * PATIENCE, "the other took {latency:?}");
    assert!(grown < MOST_MEMORY, "{grown} bytes");
    drop(sockets);
    let ended = async {
        while descriptors() > before || self::tasks() > tasks {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(30), ended).await.expect("every connection ends with its client");
}

/// So many of each kind.
const IDLE: usize = 1_000;

/// Open descriptors of this process.
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("Linux").count()
}

/// Tasks that have not ended.
fn tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

/// Lets this process open as many descriptors as the system allows: both ends of every connection are here.
fn allow_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })
        .expect("the hard limit is allowed");
}
