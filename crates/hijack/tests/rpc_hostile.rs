//! What a server of gob holds and spends while a client means harm: it is answered or closed at once, and another client
//! does not feel it. Alone in its process, whose memory is measured.

#[path = "rpc/gob_streams.rs"]
mod gob_streams;

use std::time::{Duration, Instant};

use hijack::rpc::{self, Client, Config, Fault, Gob, Methods, Origin, Server};
use hijack_gob::ByteBuf;
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
        .and_then(|methods| methods.add("Echo.Back", |n: i64| async move { Ok::<_, Fault>(n) }))
        .and_then(|methods| {
            methods.add("Blob.Len", |blob: ByteBuf| async move { Ok::<_, Fault>(blob.len() as u64) })
        })
        .and_then(|methods| methods.add("Time.Sleep", sleep))
        .expect("names of their own");
    methods
}

/// Sleeps for so many milliseconds.
async fn sleep(ms: u64) -> Result<u64, Fault> {
    tokio::time::sleep(Duration::from_millis(ms)).await;
    Ok(ms)
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
        long_messages(address, &other).await;
        idle_after_long_messages(address).await;
        many_idle(&other).await;
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

/// By CONNECT: a thousand connections that were granted and say nothing, and a thousand that stop in their CONNECT. A
/// shutdown ends them, waits for the call that runs, and lets nobody in.
async fn many_idle(other: &Client<Gob>) {
    let (before, running) = (descriptors(), tasks());
    let listener = hijack::Listener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_address());
    // Shorter than the shutdown below, which lets finish who has begun a head.
    let http = hijack::Server::builder().configure(|config| config.head_timeout = HEAD_TIMEOUT).build();
    let (serving, handler) = (http.clone(), Server::new(methods()).into_handler());
    tokio::spawn(async move { serving.serve(listener, handler).await });
    reset_peak();
    let held = peak();
    let mut sockets = Vec::new();
    for n in 0..2 * IDLE {
        let mut socket = TcpStream::connect(&url["http://".len()..]).await.expect("it listens");
        let connect = b"CONNECT /_goRPC_ HTTP/1.0\n\n";
        if n % 2 == 0 {
            socket.write_all(connect).await.expect("taken");
            socket.read_exact(&mut [0; 34]).await.expect("granted");
        } else {
            socket.write_all(&connect[..20]).await.expect("taken");
        }
        sockets.push(socket);
    }
    let latency = other_call(other).await;
    let grown = peak() - held;
    eprintln!("{} idle connections: {} KiB, the other {latency:?}", 2 * IDLE, grown >> 10);
    assert!(latency < Duration::from_millis(500) * PATIENCE, "the other took {latency:?}");
    assert!(grown < MOST_MEMORY, "{grown} bytes");

    let client = rpc::dial::<Gob>(&url).await.expect("granted");
    let calling = client.clone();
    let call = tokio::spawn(async move { calling.call::<u64>("Time.Sleep", &300_u64).await });
    // The second answer says that the first call was read.
    client.call::<u64>("Time.Sleep", &0_u64).await.expect("answered");
    let report = http.shutdown(Duration::from_secs(10)).await;
    assert_eq!((report.taken, report.active, report.forced), (IDLE + 1, IDLE, 0), "{report:?}");
    assert_eq!(call.await.expect("no panic").expect("answered"), 300);
    assert!(rpc::dial::<Gob>(&url).await.is_err(), "nobody is let in");
    for (n, mut socket) in sockets.into_iter().enumerate() {
        let mut told = String::new();
        let ended = timeout(Duration::from_secs(10), socket.read_to_string(&mut told)).await;
        ended.expect("in time").expect("in order");
        let expected = if n % 2 == 0 { "" } else { "HTTP/1.1 408 Request Timeout" };
        assert_eq!(told.lines().next().unwrap_or_default(), expected);
    }
    drop(client);
    let ended = async {
        while descriptors() > before || tasks() > running {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(30), ended).await.expect("nothing is left of it");
}

/// A message of exactly the limit passes. Of a longer one, no byte is waited for, and no memory is taken.
async fn long_messages(address: std::net::SocketAddr, other: &Client<Gob>) {
    // In front of the bytes: their type, a 0, and their length.
    let longest = Config::default().message_len - 6;
    let sent = ByteBuf(b"0123456789abcdef".repeat(longest / 16 + 1)[..longest].to_vec());
    let len: u64 = other.call("Blob.Len", &sent).await.expect("within the limit");
    assert_eq!(len, longest as u64);
    drop(sent);
    reset_peak();
    let held = peak();
    for len in [longest as u64 + 7, 1 << 30] {
        let mut socket = TcpStream::connect(address).await.expect("it listens");
        socket.write_all(&[head("Blob.Len"), uint(len)].concat()).await.expect("taken");
        let ended = timeout(Duration::from_secs(10), socket.read(&mut [0; 1024])).await;
        assert_eq!(ended.expect("at once").expect("in order"), 0, "{len} bytes are too many");
    }
    let grown = peak() - held;
    assert!(grown < 1 << 20, "{grown} bytes for what was refused");
}

/// What a long message took is not held by a connection that says nothing more.
async fn idle_after_long_messages(address: std::net::SocketAddr) {
    reset_peak();
    let held = peak();
    let sent = ByteBuf(vec![7; 2 << 20]);
    let mut clients = Vec::new();
    for _ in 0..100 {
        let stream = TcpStream::connect(address).await.expect("it listens");
        let client = Client::over(stream, &Gob::default(), Config::default());
        assert_eq!(client.call::<u64>("Blob.Len", &sent).await.expect("its length"), 2 << 20);
        clients.push(client);
    }
    let grown = peak() - held;
    assert!(grown < MOST_MEMORY, "{grown} bytes");
}

const HEAD_TIMEOUT: Duration = Duration::from_secs(3);

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
