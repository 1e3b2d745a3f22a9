//! Our client calls Go's server.

use std::time::{Duration, Instant};

use hijack::rpc::{CallError, Client, Codec, Decode, Dial, Encode, Gob, Json, Lost, MsgPack, dial};
use hijack_interop::rpc::{Args, Empty, GoServer, Quotient, serve_msgpack};
use tokio::time::timeout;

use crate::support::run;

#[test]
fn gos_json_server_is_called() {
    let Some(server) = GoServer::start() else { return };
    run(async {
        for url in [format!("{}/_jsonRPC_", server.base()), server.json.clone()] {
            cases::<Json>(&url).await;
            mismatched(&dial::<Json>(&url).await.expect(&url)).await;
        }
        denials(server.base()).await;
    });
}

#[test]
fn gos_gob_server_is_called() {
    let Some(server) = GoServer::start() else { return };
    run(async {
        for url in [server.base(), &server.gob, &server.unix] {
            cases::<Gob>(url).await;
            mismatched(&dial::<Gob>(url).await.expect(url)).await;
        }
    });
}

/// Go sends half of such a call; and it ends a connection on which it cannot answer.
#[test]
fn what_gob_cannot_send() {
    let Some(server) = GoServer::start() else { return };
    run(async {
        let client = dial::<Gob>(&server.gob).await.expect("it listens");
        for _ in 0..2 {
            let error = client.call::<i64>("a.b.C", &None::<i64>).await.expect_err("nil is no argument");
            assert!(matches!(error, CallError::Encode(_)), "{error:?}");
            multiply(&client, 7, 8).await;
        }
        let error = client.call::<Empty>("Bad.Reply", &Empty {}).await.expect_err("no answer");
        assert!(matches!(error, CallError::Lost(Lost::UnexpectedEof)), "{error:?}");
        client.closed().await;
    });
}

#[test]
fn gos_msgpack_server_is_called() {
    let Some((_server, url)) = serve_msgpack() else { return };
    run(cases::<MsgPack>(&url));
}

/// Everything that holds for every codec.
async fn cases<C>(url: &str)
where
    C: Codec + Default,
    Args: Encode<C>,
    Quotient: Decode<C>,
    Empty: Encode<C> + Decode<C>,
    String: Encode<C> + Decode<C>,
    i64: Encode<C> + Decode<C>,
    u64: Encode<C> + Decode<C>,
    str: Encode<C>,
{
    cases_over(&dial::<C>(url).await.expect(url)).await;
    half_closed(dial::<C>(url).await.expect(url)).await;
}

/// Those of them that leave the connection open.
pub(crate) async fn cases_over<C>(client: &Client<C>)
where
    C: Codec,
    Args: Encode<C>,
    Quotient: Decode<C>,
    Empty: Encode<C> + Decode<C>,
    String: Encode<C> + Decode<C>,
    i64: Encode<C> + Decode<C>,
    u64: Encode<C> + Decode<C>,
    str: Encode<C>,
{
    calls(client).await;
    failures(client).await;
    order(client).await;
    crowd(client).await;
    given_up(client).await;
}

async fn multiply<C: Codec>(client: &Client<C>, a: i64, b: i64)
where
    Args: Encode<C>,
    i64: Decode<C>,
{
    let product: i64 = client.call("Arith.Multiply", &Args { a, b }).await.expect("a product");
    assert_eq!(product, a * b);
}

async fn calls<C: Codec>(client: &Client<C>)
where
    Args: Encode<C>,
    Quotient: Decode<C>,
    Empty: Encode<C> + Decode<C>,
    String: Decode<C>,
    i64: Encode<C> + Decode<C>,
    str: Encode<C>,
{
    multiply(client, 7, 8).await;
    let quotient: Quotient = client.call("Arith.Divide", &Args { a: 7, b: 2 }).await.expect("a quotient");
    assert_eq!(quotient, Quotient { quo: 3, rem: 1 });
    for text in ["", "h\u{e9}llo <&>", &"x".repeat(1 << 20)] {
        let same: String = client.call("Text.Echo", text).await.expect("an echo");
        assert_eq!(same, text);
    }
    client.call::<Empty>("Text.Nothing", &Empty {}).await.expect("nothing");
    for n in [-1, 0, 1, i64::MAX - 1] {
        let next: i64 = client.call("a.b.C", &n).await.expect("a dotted service");
        assert_eq!(next, n + 1);
    }
}

/// Each fails its own call, in Go's words, and the connection goes on.
async fn failures<C: Codec>(client: &Client<C>)
where
    Args: Encode<C>,
    Quotient: Decode<C>,
    Empty: Decode<C>,
    String: Decode<C>,
    i64: Encode<C> + Decode<C>,
    str: Encode<C>,
{
    let table = [
        ("Multiply", "rpc: service/method request ill-formed: Multiply"),
        ("Nobody.Multiply", "rpc: can't find service Nobody.Multiply"),
        ("Arith.Root", "rpc: can't find method Arith.Root"),
        ("a.b.D", "rpc: can't find method a.b.D"),
        ("a.C", "rpc: can't find service a.C"),
    ];
    for (method, text) in table {
        let error = client.call::<i64>(method, &Args { a: 1, b: 2 }).await.expect_err(method);
        assert_eq!(error.remote(), Some(text));
    }
    let error = client.call::<Quotient>("Arith.Divide", &Args { a: 1, b: 0 }).await.expect_err("zero");
    assert_eq!(error.remote(), Some("divide by zero"));
    let error = client.call::<String>("Arith.Multiply", &Args { a: 1, b: 2 }).await.expect_err("a number");
    assert!(matches!(error, CallError::Decode(_)), "{error:?}");
    multiply(client, 7, 8).await;
}

/// Not by MessagePack, whose Go decoder is out of step behind arguments that it cannot read.
async fn mismatched<C: Codec>(client: &Client<C>)
where
    Args: Encode<C>,
    i64: Decode<C>,
    str: Encode<C>,
{
    let error = client.call::<i64>("Arith.Multiply", "seven").await.expect_err("other arguments");
    assert!(error.remote().is_some(), "{error:?}");
    multiply(client, 7, 8).await;
}

async fn order<C: Codec>(client: &Client<C>)
where
    u64: Encode<C> + Decode<C>,
{
    let start = Instant::now();
    let long = client.call::<u64>("Time.Sleep", &1_000);
    let short = async { (client.call::<u64>("Time.Sleep", &50).await, start.elapsed()) };
    let (long, (short, after)) = tokio::join!(long, short);
    assert_eq!((long.expect("slept"), short.expect("slept")), (1_000, 50));
    assert!(after < Duration::from_millis(900), "the short one came after {after:?}");
}

async fn crowd<C: Codec>(client: &Client<C>)
where
    Args: Encode<C>,
    i64: Decode<C>,
{
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..10_000 {
        let client = client.clone();
        tasks.spawn(async move { multiply(&client, n, n + 1).await });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("the right product");
    }
}

async fn given_up<C: Codec>(client: &Client<C>)
where
    Args: Encode<C>,
    i64: Decode<C>,
    u64: Encode<C> + Decode<C>,
{
    for _ in 0..100 {
        let given_up = timeout(Duration::from_millis(1), client.call::<u64>("Time.Sleep", &5_000)).await;
        assert!(given_up.is_err());
    }
    for n in 0..100 {
        multiply(client, n, 3).await;
    }
    assert_eq!(client.in_flight(), 0);
}

/// Go's server answers what it has read when we end our direction.
async fn half_closed<C: Codec>(client: Client<C>)
where
    u64: Encode<C> + Decode<C>,
{
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.call::<u64>("Time.Sleep", &300).await }
    });
    while client.in_flight() == 0 {
        tokio::task::yield_now().await;
    }
    client.finish();
    assert_eq!(call.await.expect("no panic").expect("answered"), 300);
    client.closed().await;
}

/// What Go's server says where it serves no calls.
async fn denials(base: &str) {
    let error = dial::<Json>(&format!("{base}/elsewhere")).await.expect_err("no calls there");
    assert_eq!(error.to_string(), "unexpected HTTP response: 404 Not Found");
    // With another method asked for, this would be a 405; the path of the page takes any.
    let error = Dial::to(base).expect("a URL").path("/debug/rpc").open(&Json).await.expect_err("a page");
    assert_eq!(error.to_string(), "unexpected HTTP response: 200 OK");
}
