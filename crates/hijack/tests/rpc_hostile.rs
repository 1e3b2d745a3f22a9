//! What a server of gob holds and spends while a client means harm: it is answered or closed at once, and another client
//! does not feel it. Alone in its process, whose memory is measured.

#[path = "rpc/gob_streams.rs"]
mod gob_streams;

use std::time::{Duration, Instant};

use hijack::rpc::{Client, Config, Context, Fault, Gob, Methods, Origin, Server};
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
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

#[test]
fn every_attack_is_over_within_a_second_and_nobody_else_feels_it() {
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

/// One value in 100,000 messages: an interface with a new type in each, and it never ends.
async fn endless_value(address: std::net::SocketAddr, other: &Client<Gob>) {
    let mut bytes = head("Any.Take");
    bytes.extend(gob_streams::slice_type(65, 8));
    // A list of very many interfaces.
    bytes.extend(message(&[&int(65), &[0], &uint(100_000)]));
    for _ in 0..100_000 {
        bytes.extend(message(&[&[0]]));
    }
    let (spent, start) = (cpu(), Instant::now());
    let mut socket = TcpStream::connect(address).await.expect("it listens");
    let _ = socket.write_all(&bytes).await;
    let latency = other_call(other).await;
    let _ = timeout(Duration::from_secs(1), socket.read(&mut [0; 1024])).await;
    let cost = cpu() - spent;
    eprintln!("a value in 100,000 messages: {:?}, {cost:?} of CPU, the other {latency:?}", start.elapsed());
    assert!(cost < Duration::from_secs(1) * PATIENCE, "{cost:?} of CPU");
    assert!(latency < Duration::from_millis(500) * PATIENCE, "the other took {latency:?}");
}

/// A thousand connections that say nothing, and a thousand that stop in a message.
async fn many_idle(address: std::net::SocketAddr, other: &Client<Gob>) {
    reset_peak();
    let held = peak();
    let mut sockets = Vec::new();
    for n in 0..400 {
        let mut socket = TcpStream::connect(address).await.expect("it listens");
        if n % 2 == 0 {
            socket.write_all(&head("Any.Take")[..30]).await.expect("taken");
        }
        sockets.push(socket);
    }
    let latency = other_call(other).await;
    let grown = peak() - held;
    eprintln!("400 idle connections: {} KiB, the other {latency:?}", grown >> 10);
    assert!(latency < Duration::from_millis(500) * PATIENCE && grown < MOST_MEMORY);
}
