//! Five million calls on one connection leave nothing behind at either end, and a gibibyte passes where it may. Alone in
//! its process, whose memory is measured:
//!
//! cargo test --release -p hijack --features rpc --test rpc_flat -- --ignored --nocapture --test-threads=1

use hijack::rpc::{Client, Config, Fault, Gob, Methods, Origin, Server};
use hijack_gob::ByteBuf;
use tokio::task::JoinSet;

const CALLS: i64 = 5_000_000;
const CALLERS: i64 = 64;

/// Resident bytes of this process, in which both ends are.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") << 10
}

async fn call(client: &Client<Gob>, calls: i64) {
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let client = client.clone();
        callers.spawn(async move {
            for n in 0..calls / CALLERS {
                // Every hundredth one waits, and gets a task.
                let method = if n % 100 == 0 { "Echo.Later" } else { "Echo.Now" };
                assert_eq!(client.call::<i64>(method, &(n + caller)).await.expect("an echo"), n + caller);
            }
        });
    }
    while let Some(done) = callers.join_next().await {
        done.expect("the right echoes");
    }
}

#[test]
#[ignore = "half a minute: cargo test --release -p hijack --features rpc --test rpc_flat -- --ignored --nocapture --test-threads=1"]
fn five_million_calls_leave_nothing_behind() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let mut methods = Methods::<Gob>::new();
        methods
            .add("Echo.Now", |n: i64| async move { Ok::<_, Fault>(n) })
            .and_then(|methods| {
                methods.add("Echo.Later", |n: i64| async move {
                    tokio::task::yield_now().await;
                    Ok::<_, Fault>(n)
                })
            })
            .expect("names of their own");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.expect("a connection");
            Server::new(methods).serve_stream(stream, Origin::unknown()).await
        });
        let stream = tokio::net::TcpStream::connect(address).await.expect("it listens");
        let client = Client::over(stream, &Gob::default(), Config::default());
        call(&client, CALLS / 20).await;
        let (before, start) = (resident(), std::time::Instant::now());
        call(&client, CALLS).await;
        let (after, took) = (resident(), start.elapsed());
        println!(
            "{CALLS} calls in {took:?}; resident {} KiB before, {} KiB after",
            before >> 10,
            after >> 10
        );
        assert!(after < before + (5 << 20), "{before} bytes became {after}");
        assert_eq!(client.in_flight(), 0);
    });
}

/// Where both ends allow it, one call has a gibibyte, and what it took is given back.
#[test]
#[ignore = "five gibibytes of memory: cargo test --release -p hijack --features rpc --test rpc_flat -- --ignored --nocapture --test-threads=1"]
fn a_gibibyte_passes_where_it_is_allowed() {
    const LEN: usize = 1 << 30;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let mut limits = hijack_gob::Limits::default();
        limits.allocation = 2 * LEN;
        let codec = Gob::default().with_limits(limits);
        let mut config = Config::default();
        config.message_len = LEN + 64;
        let mut methods = Methods::<Gob>::new();
        methods
            .add("Blob.Ends", |blob: ByteBuf| async move {
                Ok::<_, Fault>(vec![blob.len() as u64, u64::from(blob[0]), u64::from(blob[LEN - 1])])
            })
            .expect("a name of its own");
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let server = Server::with(codec.clone(), methods, config.clone());
        tokio::spawn(async move { server.serve_stream(theirs, Origin::unknown()).await });
        let client = Client::over(ours, &codec, config);
        let before = resident();
        let mut blob = vec![7; LEN];
        blob[LEN - 1] = 9;
        let start = std::time::Instant::now();
        let ends: Vec<u64> = client.call("Blob.Ends", &ByteBuf(blob)).await.expect("within the limits");
        println!("a gibibyte in {:?}", start.elapsed());
        assert_eq!(ends, [LEN as u64, 7, 9]);
        let after = resident();
        assert!(after < before + (64 << 20), "{before} bytes became {after}");
    });
}
