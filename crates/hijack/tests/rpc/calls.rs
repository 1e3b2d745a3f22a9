//! Calls and answers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hijack::rpc::{CallError, Config, Json, Methods, RegisterError};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::panics::Panics;
use crate::support::{Args, LONG, Quotient, Unsendable, by_hand, client, read_all, read_until, serve_bare};

#[tokio::test]
async fn calls_are_answered() {
    let client = client().await;
    let product: i64 = client.call("Arith.Multiply", &Args { a: 7, b: 8 }).await.expect("a product");
    assert_eq!(product, 56);
    let quotient: Quotient = client.call("Arith.Divide", &Args { a: 7, b: 2 }).await.expect("a quotient");
    assert_eq!(quotient, Quotient { quo: 3, rem: 1 });
    client.call::<()>("Text.Nothing", &()).await.expect("nothing");
    let next: i64 = client.call("a.b.C", &1).await.expect("a service with a dot");
    assert_eq!(next, 2);
    assert_eq!(client.in_flight(), 0);
}

#[tokio::test]
async fn errors_are_the_servers_own_words() {
    let client = client().await;
    let zero = client.call::<Quotient>("Arith.Divide", &Args { a: 1, b: 0 }).await.expect_err("zero");
    assert_eq!(zero.remote(), Some("divide by zero"));
    let table = [
        ("Multiply", "rpc: service/method request ill-formed: Multiply"),
        ("Nobody.Multiply", "rpc: can't find service Nobody.Multiply"),
        ("Arith.Root", "rpc: can't find method Arith.Root"),
        ("a.b.D", "rpc: can't find method a.b.D"),
        ("a.C", "rpc: can't find service a.C"),
    ];
    for (method, text) in table {
        let error = client.call::<i64>(method, &1).await.expect_err(method);
        assert_eq!(error.remote(), Some(text));
    }
    let product: i64 = client.call("Arith.Multiply", &Args { a: 7, b: 8 }).await.expect("it goes on");
    assert_eq!(product, 56);
}

/// As in Go, whose client sees no error in it.
#[tokio::test]
async fn an_error_without_words_is_none() {
    let reply = client().await.call::<serde_json::Value>("Text.Fail", "").await.expect("a reply");
    assert_eq!(reply, serde_json::json!({}));
}

#[tokio::test]
async fn what_does_not_fit_fails_its_own_call_only() {
    let client = client().await;
    let error = client.call::<i64>("Arith.Multiply", "seven").await.expect_err("arguments of another type");
    assert!(error.remote().is_some_and(|text| text.contains("seven")), "{error}");
    let error = client.call::<String>("Arith.Multiply", &Args { a: 1, b: 1 }).await.expect_err("a number");
    assert!(matches!(error, CallError::Decode(_)), "{error:?}");
    let error = client.call::<i64>("Arith.Multiply", &Unsendable).await.expect_err("not sent");
    assert!(matches!(&error, CallError::Encode(why) if why.to_string() == "cannot be sent"), "{error:?}");
    let error = client.call::<i64>("Bad.Reply", &()).await.expect_err("no reply");
    assert_eq!(error.remote(), Some("rpc: reply cannot be sent: cannot be sent"));
    let product: i64 = client.call("Arith.Multiply", &Args { a: 7, b: 8 }).await.expect("it goes on");
    assert_eq!(product, 56);
}

#[tokio::test]
async fn a_panic_is_an_error_that_tells_nothing() {
    let client = client().await;
    for method in ["Bad.Panic", "Bad.PanicLater"] {
        let error = client.call::<()>(method, &()).await.expect_err(method);
        assert_eq!(error.remote(), Some("rpc: handler panicked"));
    }
    let product: i64 = client.call("Arith.Multiply", &Args { a: 7, b: 8 }).await.expect("it goes on");
    assert_eq!(product, 56);
}

#[tokio::test]
async fn a_short_call_overtakes_a_long_one() {
    let client = client().await;
    let start = Instant::now();
    let long = client.call::<u64>("Time.Sleep", &2_000);
    let short = async {
        let slept = client.call::<u64>("Time.Sleep", &20).await;
        (slept, start.elapsed())
    };
    let (long, (short, after)) = tokio::join!(long, short);
    assert_eq!((long.expect("slept"), short.expect("slept")), (2_000, 20));
    assert!(after < Duration::from_millis(1_500), "{after:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_calls_at_once() {
    let client = client().await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..10_000 {
        let client = client.clone();
        tasks.spawn(async move {
            let product: i64 =
                client.call("Arith.Multiply", &Args { a: n, b: n + 1 }).await.expect("a product");
            assert_eq!(product, n * (n + 1));
        });
    }
    while let Some(done) = timeout(LONG, tasks.join_next()).await.expect("in time") {
        done.expect("the right product");
    }
    assert_eq!(client.in_flight(), 0);
}

#[tokio::test]
async fn further_calls_wait_for_their_turn() {
    let mut config = Config::default();
    config.in_flight = 2;
    let (client, mut peer) = by_hand(config).await;
    let calls: Vec<_> = (0..5)
        .map(|n| {
            let client = client.clone();
            tokio::spawn(async move { client.call::<i64>("A.B", &n).await })
        })
        .collect();
    let mut seen = Vec::new();
    for n in 0..5 {
        if n < 2 {
            continue;
        }
        // Two have come; each answer lets one more come.
        while seen.len() < n {
            seen.push(read_until(&mut peer, "\n").await);
        }
        let mut more = [0];
        let idle = timeout(Duration::from_millis(50), peer.peek(&mut more)).await;
        assert!(idle.is_err(), "more than two are under way");
        let answer = format!("{{\"id\":{},\"result\":{n},\"error\":null}}\n", n - 2);
        peer.write_all(answer.as_bytes()).await.expect("sent");
    }
    seen.push(read_until(&mut peer, "\n").await);
    peer.write_all(b"{\"id\":3,\"result\":5,\"error\":null}{\"id\":4,\"result\":6,\"error\":null}")
        .await
        .expect("sent");
    let mut answers = Vec::new();
    for call in calls {
        answers.push(timeout(LONG, call).await.expect("in time").expect("no panic").expect("an answer"));
    }
    answers.sort_unstable();
    assert_eq!(answers, [2, 3, 4, 5, 6]);
    assert_eq!(seen.len(), 5);
}

/// Who gets its turn and cannot use it passes it on.
#[tokio::test]
async fn a_turn_that_is_not_used_is_the_next_ones() {
    let mut config = Config::default();
    config.in_flight = 1;
    let (client, mut peer) = by_hand(config).await;
    let calling = client.clone();
    let first = tokio::spawn(async move { calling.call::<i64>("A.B", &1).await });
    read_until(&mut peer, "\n").await;
    // They wait in this order.
    let calling = client.clone();
    let unsendable = tokio::spawn(async move { calling.call::<i64>("A.B", &Unsendable).await });
    let calling = client.clone();
    let panics = tokio::spawn(async move { calling.call::<i64>("A.B", &Panics).await });
    let calling = client.clone();
    let last = tokio::spawn(async move { calling.call::<i64>("A.B", &2).await });
    tokio::task::yield_now().await;
    peer.write_all(b"{\"id\":0,\"result\":1,\"error\":null}\n").await.expect("sent");
    assert_eq!(first.await.expect("no panic").expect("an answer"), 1);
    let error = unsendable.await.expect("no panic").expect_err("it cannot be sent");
    assert!(matches!(error, CallError::Encode(_)), "{error:?}");
    assert!(panics.await.expect_err("it panics").is_panic());
    assert_eq!(read_until(&mut peer, "\n").await, "{\"method\":\"A.B\",\"params\":[2],\"id\":1}\n");
    peer.write_all(b"{\"id\":1,\"result\":2,\"error\":null}\n").await.expect("sent");
    let last = timeout(LONG, last).await.expect("it got the turn");
    assert_eq!(last.expect("no panic").expect("an answer"), 2);
}

/// The server reads no further calls while as many run as may.
#[tokio::test]
async fn a_server_bounds_what_runs() {
    let mut config = Config::default();
    config.in_flight = 3;
    let running = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let most = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let mut methods = Methods::<Json>::new();
    let (now, seen) = (Arc::clone(&running), Arc::clone(&most));
    methods
        .add("Slow.Call", move |n: u64| {
            let (now, seen) = (Arc::clone(&now), Arc::clone(&seen));
            async move {
                use std::sync::atomic::Ordering::SeqCst;
                seen.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                tokio::time::sleep(Duration::from_millis(5)).await;
                now.fetch_sub(1, SeqCst);
                Ok::<_, hijack::rpc::Fault>(n)
            }
        })
        .expect("a name of its own");
    let server = hijack::rpc::Server::with(Json, methods, config);
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    tokio::spawn(async move { server.serve_stream(theirs, hijack::rpc::Origin::unknown()).await });
    let client = hijack::rpc::Client::over(ours, &Json, Config::default());
    let calls = (0..50).map(|n| {
        let client = client.clone();
        async move { client.call::<u64>("Slow.Call", &n).await.expect("answered") }
    });
    let answers = timeout(LONG, futures_util::future::join_all(calls)).await.expect("in time");
    assert_eq!(answers, (0..50).collect::<Vec<_>>());
    assert_eq!(most.load(std::sync::atomic::Ordering::SeqCst), 3);
}

#[test]
fn a_name_is_served_once_and_has_a_dot() {
    let mut methods = Methods::<Json>::new();
    let add = |methods: &mut Methods<Json>, name: &str| {
        methods.add(name, |n: i64| async move { Ok::<_, hijack::rpc::Fault>(n) }).map(drop)
    };
    assert_eq!(add(&mut methods, "A.B"), Ok(()));
    assert_eq!(add(&mut methods, "A.B"), Err(RegisterError::Duplicate("A.B".into())));
    assert_eq!(add(&mut methods, "AB"), Err(RegisterError::IllFormed("AB".into())));
}

/// The client has said that it asks no more, and nobody waits for an answer any more.
#[tokio::test]
async fn the_last_call_given_up_ends_what_has_finished() {
    let (client, mut peer) = by_hand(Config::default()).await;
    let calling = client.clone();
    let call = tokio::spawn(async move { calling.call::<i64>("A.B", &1).await });
    read_until(&mut peer, "\n").await;
    client.finish();
    // Our end of its direction is all that comes; the peer says nothing and stays.
    assert_eq!(read_all(&mut peer).await, "");
    call.abort();
    timeout(LONG, client.closed()).await.expect("it ends by itself");
}

#[tokio::test]
async fn methods_are_listed_with_their_types_and_counts() {
    let (server, url) = serve_bare(Config::default()).await;
    let client = hijack::rpc::dial::<Json>(&url).await.expect("it listens");
    for _ in 0..3 {
        client.call::<i64>("Arith.Multiply", &Args { a: 1, b: 1 }).await.expect("a product");
    }
    let list = server.methods().list();
    assert_eq!(list.keys().collect::<Vec<_>>(), ["Arith", "Bad", "Text", "Time", "Who", "a.b"]);
    let shown: Vec<_> = list["Arith"].iter().map(|m| (&*m.name, &*m.args, &*m.reply, m.calls)).collect();
    assert_eq!(shown, [("Divide", "Args", "Quotient", 0), ("Multiply", "Args", "i64", 3)]);
}
