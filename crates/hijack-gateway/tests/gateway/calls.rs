//! Calls of gRPC inside tunnels. What they are made of stands in the tests of `hijack_proto::grpc`.

use hijack::ws::{Message, WebSocket};
use hijack::{Error, Exchange, Listener, Outcome, Server, Side, Upgrade};
use hijack_gateway::{CallView, ConnectionView, Payload};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Site, until};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS: &[u8] = b"\0\0\0\x04\0\0\0\0\0";

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let len = u8::try_from(payload.len()).expect("a short one");
    [&[0, 0, len, kind, flags, 0, 0, 0, stream], payload].concat()
}

/// HEADERS with one field that is never indexed (RFC 7541 §6.2.3), complete.
fn headers(flags: u8, stream: u8, name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).expect("short")], text.as_bytes()].concat();
    frame(1, 0x4 | flags, stream, &[vec![0x10], text(name), text(value)].concat())
}

/// A call with two messages, and one that its client gives up.
fn asked() -> Vec<u8> {
    [
        PREFACE,
        SETTINGS,
        &headers(0, 1, ":path", "/a.B/One"),
        &frame(0, 1, 1, b"\0\0\0\0\x02hi\0\0\0\0\0"),
        &headers(0, 3, ":path", "/a.B/Two"),
        &frame(3, 0, 3, &[0, 0, 0, 8]),
        &headers(0, 5, ":path", "/a.B/Three"),
    ]
    .concat()
}

/// What is answered to the first of them.
fn answered() -> Vec<u8> {
    [
        SETTINGS,
        &headers(0, 1, ":status", "200"),
        &frame(0, 0, 1, b"\0\0\0\0\x01x"),
        &headers(1, 1, "grpc-status", "5"),
    ]
    .concat()
}

/// `/ws` and every other path: answers all of [`asked`], and waits for the end.
async fn upstream() -> String {
    let listener = Listener::bind("127.0.0.1:0").await.expect("bound");
    let address = format!("http://{}", listener.local_address());
    tokio::spawn(async move { Server::new().serve(listener, serve).await });
    address
}

async fn serve(exchange: Exchange) -> Result<Outcome, Error> {
    if exchange.uri().path() == "/ws" {
        let server = hijack::ws::Server::new(|mut socket: WebSocket| async move {
            let mut came = 0;
            while came < asked().len() {
                let Some(message) = socket.recv().await? else { return Ok(()) };
                came += message.into_bytes().len();
            }
            socket.send(Message::Binary(answered())).await?;
            while socket.recv().await?.is_some() {}
            Ok(())
        });
        return server.serve(exchange).await;
    }
    let Ok(conn) = exchange.upgrade(Upgrade::to(["hijack-grpc"])).await else { return Err(Error::Closing) };
    Ok(conn.hand_off(|mut conn| async move {
        conn.read_exact(&mut vec![0; asked().len()]).await?;
        conn.write_all(&answered()).await?;
        conn.read_to_end(&mut Vec::new()).await?;
        Ok(())
    }))
}

/// The call's number, method, messages each way and status.
fn line(call: &CallView) -> (u32, &str, u64, u64, Option<&str>) {
    let CallView { stream, method, messages_in, messages_out, status, .. } = call;
    (*stream, method, *messages_in, *messages_out, status.as_deref())
}

/// Asks for `filter`'s connection until two of its calls have ended.
async fn two_ended(site: &Site, filter: &str) -> ConnectionView {
    let id = site.found(filter).await.id;
    let view = || site.gateway.get(id).expect("it lives");
    until("two calls have ended", || view().calls.is_some_and(|calls| calls.begun - calls.open == 2)).await;
    view()
}

#[tokio::test]
async fn calls_are_listed_with_methods_messages_and_status() {
    let site = Site::start_before(upstream().await, |config| {
        config.routes[0].grpc = true;
        config.routes[0].upgrades = vec!["hijack-grpc".into(), "websocket".into()];
    })
    .await;
    let mut client = site.connect().await;
    client
        .send(b"GET /grpc HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: hijack-grpc\r\n\r\n")
        .await;
    assert!(client.head().await.starts_with("HTTP/1.1 101 "));
    client.send(&asked()).await;
    client.expect(&answered()).await;
    let expected = [
        (3, "/a.B/Two", 0, 0, Some("CANCELLED")),
        (1, "/a.B/One", 2, 1, Some("NOT_FOUND")),
        (5, "/a.B/Three", 0, 0, None),
    ];
    let view = two_ended(&site, "protocol=hijack-grpc").await;
    let calls = view.calls.expect("calls");
    assert_eq!(calls.list.iter().map(line).collect::<Vec<_>>(), expected);
    assert_eq!((calls.from.as_deref(), calls.begun, calls.open, calls.lost), (Some("client"), 3, 1, None));
    assert_eq!(calls.list[0].reset_by.as_deref(), Some("client"));
    assert_eq!((&*view.gear, view.movable), ("framed", false));

    // Masked by a client, in messages that end anywhere.
    let mut socket = site.websocket("/ws").await;
    for piece in asked().chunks(7) {
        socket.send(Message::Binary(piece.to_vec())).await.expect("sent");
    }
    let answer = socket.recv().await.expect("an answer").expect("a message");
    assert_eq!(answer.into_bytes(), answered());
    let calls = two_ended(&site, "protocol=websocket").await.calls.expect("calls");
    assert_eq!(calls.list.iter().map(line).collect::<Vec<_>>(), expected);

    // The list of connections has the numbers alone.
    let listed = site.found("protocol=hijack-grpc").await.calls.expect("calls");
    assert_eq!((listed.begun, listed.ended["CANCELLED"], listed.list.len()), (3, 1, 0));
    drop((client, socket));
    until("both have ended", || site.gateway.count() == 0).await;
    let ended = site.found("state=closed").await.calls.expect("calls");
    assert_eq!((ended.open, ended.ended["UNAVAILABLE"], ended.list.len()), (0, 1, 3));
    let metrics = site.gateway.metrics();
    let counted = "hijack_grpc_calls_total{route=\"main\",status=\"NOT_FOUND\"} 2\n";
    assert!(metrics.contains(counted), "{metrics}");
}

#[tokio::test]
async fn other_routes_stay_opaque() {
    let site = Site::start_before(upstream().await, |config| {
        config.routes[0].upgrades = vec!["hijack-grpc".into()];
    })
    .await;
    let mut client = site.connect().await;
    client
        .send(b"GET /grpc HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: hijack-grpc\r\n\r\n")
        .await;
    client.head().await;
    client.send(&asked()).await;
    client.expect(&answered()).await;
    let view = site.found("protocol=hijack-grpc").await;
    assert_eq!((view.calls, &*view.gear, view.movable), (None, "spliced", true));
    assert!(!site.gateway.metrics().contains("status="), "{}", site.gateway.metrics());
}

#[tokio::test]
async fn what_is_no_grpc_passes_all_the_same() {
    let site = Site::start(|route| route.grpc = true).await;
    let mut client = site.connect().await;
    client.send(b"GET /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n").await;
    client.head().await;
    client.send(b"PRI * HTTP/1.1\r\n\r\n").await;
    client.expect(b"PRI * HTTP/1.1\r\n\r\n").await;
    let view = site.found("protocol=tcp").await;
    let lost = view.calls.and_then(|calls| calls.lost);
    assert_eq!(lost.as_deref(), Some("it is not HTTP/2: no end began with its preface"));
    client.send(&[7; 100_000]).await;
    client.expect(&[7; 100_000]).await;
}

/// The receiver reads what an operator put in, and is where nobody knows of any more.
#[tokio::test]
async fn what_an_operator_puts_in_ends_the_following() {
    let site = Site::start_before(upstream().await, |config| {
        config.routes[0].grpc = true;
        config.routes[0].upgrades = vec!["hijack-grpc".into(), "websocket".into()];
    })
    .await;
    let mut client = site.connect().await;
    client
        .send(b"GET /grpc HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: hijack-grpc\r\n\r\n")
        .await;
    client.head().await;
    client.send(&asked()).await;
    client.expect(&answered()).await;
    let mut socket = site.websocket("/ws").await;
    socket.send(Message::Binary(asked())).await.expect("sent");
    assert_eq!(socket.recv().await.expect("an answer").expect("a message").into_bytes(), answered());
    for filter in ["protocol=hijack-grpc", "protocol=websocket"] {
        let id = two_ended(&site, filter).await.id;
        let put = site.gateway.send(id, Side::Client, Payload::Binary("mine".into())).await;
        put.expect("it lives").expect("there is room");
        let lost = || site.gateway.get(id)?.calls?.lost;
        until("it is noted", || lost().as_deref() == Some("a part of it was not seen")).await;
        let calls = site.gateway.get(id).and_then(|view| view.calls).expect("calls");
        assert_eq!((calls.open, calls.ended["UNKNOWN"]), (0, 1), "{filter}");
    }
}
