//! Calls that are given up, deadlines, and the many ends of a connection.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hijack::rpc::{CallError, Client, Config, Dial, Json, Lost, Reconnecting};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::time::timeout;

use crate::support::{Args, LONG, by_hand, client, read_all, read_until, serve_bare, socket};

#[tokio::test]
async fn a_call_given_up_harms_nobody() {
    let client = client().await;
    for _ in 0..100 {
        let given_up = timeout(Duration::from_millis(1), client.call::<u64>("Time.Sleep", &5_000)).await;
        assert!(given_up.is_err());
    }
    assert_eq!(client.in_flight(), 0);
    for n in 0..100 {
        let product: i64 = client.call("Arith.Multiply", &Args { a: n, b: 2 }).await.expect("a product");
        assert_eq!(product, n * 2);
    }
}

/// What was begun to be written leaves whole, though nobody waits for it any more.
#[tokio::test]
async fn a_call_given_up_in_the_middle_of_its_write_leaves_whole() {
    let (client, mut peer) = by_hand(Config::default()).await;
    let long = "x".repeat(64 << 20);
    let given_up = timeout(Duration::from_millis(300), client.call::<String>("Text.Echo", &long)).await;
    assert!(given_up.is_err(), "the peer reads nothing");
    let next = tokio::spawn({
        let client = client.clone();
        async move { client.call::<i64>("Arith.Multiply", &Args { a: 7, b: 8 }).await }
    });
    let mut first = vec![0; long.len() + "{\"method\":\"Text.Echo\",\"params\":[\"\"],\"id\":0}\n".len()];
    timeout(LONG, peer.read_exact(&mut first)).await.expect("in time").expect("whole");
    assert!(first.ends_with(b"x\"],\"id\":0}\n"));
    let call = read_until(&mut peer, "\n").await;
    assert_eq!(call, "{\"method\":\"Arith.Multiply\",\"params\":[{\"A\":7,\"B\":8}],\"id\":1}\n");
    peer.write_all(
        b"{\"id\":0,\"result\":\"late\",\"error\":null}\n{\"id\":1,\"result\":56,\"error\":null}\n",
    )
    .await
    .expect("sent");
    assert_eq!(next.await.expect("no panic").expect("an answer"), 56);
    assert_eq!(client.in_flight(), 0);
}

#[tokio::test]
async fn a_deadline_ends_one_call() {
    let client = client().await;
    let limit = Duration::from_millis(20);
    let error = client.call_within::<u64>(limit, "Time.Sleep", &10_000).await.expect_err("too late");
    assert!(matches!(error, CallError::TimedOut { limit: said } if said == limit), "{error:?}");
    let slept: u64 = client.call("Time.Sleep", &1).await.expect("it goes on");
    assert_eq!(slept, 1);
    let (_, url) = serve_bare(Config::default()).await;
    let dial =
        hijack::rpc::Dial::to(&url).expect("a URL").configure(|config| config.call_timeout = Some(limit));
    let error = dial.open(&Json).await.expect("it listens").call::<u64>("Time.Sleep", &10_000).await;
    assert!(matches!(error, Err(CallError::TimedOut { .. })), "{error:?}");
}

#[tokio::test]
async fn closing_ends_what_is_under_way() {
    let client = client().await;
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.call::<u64>("Time.Sleep", &60_000).await }
    });
    while client.in_flight() == 0 {
        tokio::task::yield_now().await;
    }
    client.close();
    assert!(matches!(call.await.expect("no panic"), Err(CallError::Shutdown)));
    let error = client.call::<u64>("Time.Sleep", &1).await.expect_err("closed");
    assert_eq!(error.to_string(), "connection is shut down");
    timeout(LONG, client.closed()).await.expect("in time");
    client.close();
}

#[tokio::test]
async fn the_servers_end_is_an_unexpected_one_for_all_who_wait() {
    let (client, mut peer) = by_hand(Config::default()).await;
    let calls: Vec<_> = (0..3)
        .map(|n| {
            let client = client.clone();
            tokio::spawn(async move { client.call::<i64>("A.B", &n).await })
        })
        .collect();
    for _ in 0..3 {
        read_until(&mut peer, "\n").await;
    }
    peer.shutdown().await.expect("closed");
    for call in calls {
        let error = call.await.expect("no panic").expect_err("no answer");
        assert!(matches!(error, CallError::Lost(Lost::UnexpectedEof)), "{error:?}");
        assert_eq!(error.to_string(), "unexpected EOF");
    }
    timeout(LONG, client.closed()).await.expect("in time");
    assert!(matches!(client.call::<i64>("A.B", &1).await, Err(CallError::Shutdown)));
}

/// Half-closed by the client: what was asked is answered, then the server ends too.
#[tokio::test]
async fn a_client_that_has_ended_its_direction_gets_its_answers() {
    let client = client().await;
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.call::<u64>("Time.Sleep", &200).await }
    });
    while client.in_flight() == 0 {
        tokio::task::yield_now().await;
    }
    client.finish();
    assert!(matches!(client.call::<u64>("Time.Sleep", &1).await, Err(CallError::Shutdown)));
    assert_eq!(timeout(LONG, call).await.expect("in time").expect("no panic").expect("answered"), 200);
    timeout(LONG, client.closed()).await.expect("in time");
}

/// The last handle goes; who still waits for an answer gets it, and then the connection closes.
#[tokio::test]
async fn the_last_clone_ends_the_connection() {
    let (client, mut peer) = by_hand(Config::default()).await;
    let call = tokio::spawn(async move { client.call::<i64>("A.B", &1).await });
    read_until(&mut peer, "\n").await;
    peer.write_all(b"{\"id\":0,\"result\":1,\"error\":null}\n").await.expect("sent");
    assert_eq!(call.await.expect("no panic").expect("an answer"), 1);
    assert_eq!(read_all(&mut peer).await, "");
}

#[tokio::test]
async fn a_server_that_drains_answers_what_runs() {
    let (server, url) = serve_bare(Config::default()).await;
    let client: Client<Json> = hijack::rpc::dial(&url).await.expect("it listens");
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.call::<u64>("Time.Sleep", &200).await }
    });
    // The second answer says that the first call was read.
    client.call::<u64>("Time.Sleep", &1).await.expect("answered");
    server.drain();
    assert_eq!(timeout(LONG, call).await.expect("in time").expect("no panic").expect("answered"), 200);
    timeout(LONG, client.closed()).await.expect("in time");
}

#[tokio::test]
async fn a_peer_that_takes_nothing_is_given_up() {
    let mut config = Config::default();
    config.write_timeout = Duration::from_millis(200);
    let (client, peer) = by_hand(config).await;
    let error = client.call::<()>("Text.Echo", &"x".repeat(64 << 20)).await.expect_err("not taken");
    assert!(matches!(error, CallError::Lost(Lost::WriteTimedOut { .. })), "{error:?}");
    drop(peer);
}

#[tokio::test]
async fn a_client_connects_again_when_it_is_asked_to() {
    let (server, url) = serve_bare(Config::default()).await;
    let client = Reconnecting::new(Dial::to(&url).expect("a URL"), Json);
    let call = async || client.call::<i64>("a.b.C", &1).await;
    assert_eq!(call().await.expect("the first connection"), 2);
    let first = client.client().await.expect("it is there");
    assert_eq!(call().await.expect("the same connection"), 2);
    assert_eq!(first.in_flight(), 0);
    first.close();
    timeout(LONG, first.closed()).await.expect("in time");
    assert_eq!(call().await.expect("another connection"), 2);
    let second = client.client().await.expect("it is there");
    // Accepting ends with it too.
    server.drain();
    timeout(LONG, second.closed()).await.expect("in time");
    let error = call().await.expect_err("nobody listens");
    assert!(matches!(error, CallError::Dial(_)) && error.is_connection_gone(), "{error:?}");
}

/// A client that asks and never reads: the server stops reading it, and then gives it up.
#[tokio::test]
async fn a_client_that_never_reads_is_not_read_for_ever() {
    let mut config = Config::default();
    config.write_timeout = Duration::from_millis(500);
    let (_, url) = serve_bare(config).await;
    let mut socket = socket(&url).await;
    let call = format!("{{\"method\":\"Text.Echo\",\"params\":[\"{}\"],\"id\":1}}\n", "x".repeat(1 << 20));
    let sending = async {
        for sent in 0..1_000 {
            if socket.write_all(call.as_bytes()).await.is_err() {
                return sent;
            }
        }
        1_000
    };
    let sent = timeout(LONG, sending).await.expect("given up in time");
    assert!(sent < 100, "{sent} MiB were read and are held");
}

/// A stream whose end never leaves, as TLS's does not while its peer takes nothing.
struct Endless(DuplexStream);

impl AsyncRead for Endless {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Endless {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_that_does_not_leave_is_waited_for_as_long_as_a_write() {
    let (ours, mut theirs) = tokio::io::duplex(1_024);
    let config = Config::default();
    let limit = config.write_timeout + config.linger_timeout + Duration::from_secs(1);
    let client: Client<Json> = Client::over(Endless(ours), &Json, config);
    client.close();
    let read = timeout(limit, async { theirs.read(&mut [0]).await }).await;
    assert_eq!(read.expect("no longer than a write and the linger may").expect("an end"), 0);
}
