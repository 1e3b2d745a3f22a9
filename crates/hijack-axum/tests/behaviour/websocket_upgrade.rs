//! The extractor `WebSocketUpgrade`, before tungstenite's client and before raw bytes.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use futures_util::{SinkExt, StreamExt};
use hijack_axum::ws::{Deflate, Json, Origins, WebSocket, WebSocketUpgrade};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Response as Answer;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::support::{answered, connect, get, request, say, serve, soon, until, values};

/// What `on_failed_upgrade` was told.
type Told = Arc<Mutex<Vec<String>>>;

fn app(told: Told) -> Router {
    let everybody = || Origins { any: true, ..Origins::default() };
    Router::new()
        .route("/echo", any(|ws: WebSocketUpgrade| async { ws.on_upgrade(echo) }))
        .route("/as-in-axum", any(|ws: WebSocketUpgrade| async { ws.on_upgrade(as_in_axum) }))
        .route("/live", any(live))
        .route(
            "/small",
            any(|ws: WebSocketUpgrade| async { ws.max_message_size(5).max_frame_size(5).on_upgrade(echo) }),
        )
        .route(
            "/open",
            any(move |ws: WebSocketUpgrade| async move { ws.origins(everybody()).on_upgrade(echo) }),
        )
        .route("/add", any(|ws: WebSocketUpgrade| async { ws.on_upgrade(add) }))
        .route("/deflate", any(compressed))
        .route("/declined", any(reported).layer(from_fn(declining)))
        .route("/reported", any(reported))
        .with_state(told)
}

async fn echo(mut socket: WebSocket) -> Result<(), hijack::Error> {
    while let Some(message) = socket.recv().await? {
        socket.feed(message).await?;
    }
    Ok(())
}

/// The loop of axum's own documentation, but for the order of `Ok` and `Some`.
async fn as_in_axum(mut socket: WebSocket) {
    while let Ok(Some(message)) = socket.recv().await {
        if socket.send(message).await.is_err() {
            return;
        }
    }
}

async fn live(ws: WebSocketUpgrade) -> Response {
    let ws = ws.protocols(["v2", "v1"]);
    let seen = format!("{:?} of {:?}", ws.selected_protocol(), ws.requested_protocols().collect::<Vec<_>>());
    ws.on_upgrade(|mut socket| async move {
        socket.send(format!("{seen}; {:?}", socket.subprotocol())).await?;
        Ok(())
    })
}

async fn add(mut socket: WebSocket) -> Result<(), hijack::Error> {
    while let Some(Json((a, b))) = socket.recv_value::<Json<(i64, i64)>>().await? {
        socket.send_value(&Json(a + b)).await?;
    }
    Ok(())
}

async fn compressed(ws: WebSocketUpgrade) -> Response {
    ws.configure(|config| config.deflate = Some(Deflate::default())).on_upgrade(|mut socket| async move {
        let text = format!("compressed: {}", socket.is_compressed());
        socket.send(text).await?;
        Ok(())
    })
}

async fn reported(State(told): State<Told>, ws: WebSocketUpgrade) -> Response {
    ws.on_failed_upgrade(move |error| told.lock().unwrap().push(error.to_string())).on_upgrade(echo)
}

/// A layer that puts another response in place of the handler's.
async fn declining(request: axum::extract::Request, next: Next) -> Response {
    drop(next.run(request).await);
    (StatusCode::SERVICE_UNAVAILABLE, "not now\n").into_response()
}

async fn dial(
    target: &str,
    fields: &[(&'static str, &str)],
) -> Result<(WebSocketStream<TcpStream>, Answer), tungstenite::Error> {
    let at = serve(app(Told::default())).await;
    let mut request = format!("ws://{at}{target}").into_client_request().unwrap();
    for (name, value) in fields {
        request.headers_mut().append(*name, value.parse().unwrap());
    }
    client_async(request, connect(at).await).await
}

async fn next(socket: &mut WebSocketStream<TcpStream>) -> Message {
    soon("a message", socket.next()).await.unwrap().unwrap()
}

#[tokio::test]
async fn messages() {
    for target in ["/echo", "/as-in-axum"] {
        let (mut socket, answer) = dial(target, &[]).await.unwrap();
        assert_eq!(answer.status(), 101);
        for message in
            [Message::text("grüße"), Message::binary(vec![0, 255]), Message::text("x".repeat(1 << 20))]
        {
            socket.send(message.clone()).await.unwrap();
            assert!(next(&mut socket).await == message, "{target}");
        }
        let frame = CloseFrame { code: CloseCode::Normal, reason: "done".into() };
        socket.close(Some(frame)).await.unwrap();
        let Message::Close(Some(close)) = next(&mut socket).await else { panic!("no close") };
        assert_eq!(close.code, CloseCode::Normal);
        assert!(soon("the end", socket.next()).await.is_none());
    }
}

#[tokio::test]
async fn subprotocols() {
    let table = [
        (vec!["v1, v3, v2"], Some("v2"), r#"Some("v2") of ["v1", "v3", "v2"]; Some("v2")"#),
        (vec!["v1"], Some("v1"), r#"Some("v1") of ["v1"]; Some("v1")"#),
        (vec![], None, "None of []; None"),
    ];
    for (offers, chosen, seen) in table {
        let fields: Vec<_> = offers.iter().map(|offer| ("sec-websocket-protocol", *offer)).collect();
        let (mut socket, answer) = dial("/live", &fields).await.unwrap();
        let told = answer.headers().get("sec-websocket-protocol").map(|name| name.to_str().unwrap());
        assert_eq!(told, chosen);
        assert_eq!(next(&mut socket).await, Message::text(seen));
        // The handler ended: so does the conversation, in order.
        let Message::Close(Some(close)) = next(&mut socket).await else { panic!("no close") };
        assert_eq!(close.code, CloseCode::Normal);
    }
}

#[tokio::test]
async fn values_as_json() {
    let (mut socket, _) = dial("/add", &[]).await.unwrap();
    socket.send(Message::text("[20, 22]")).await.unwrap();
    assert_eq!(next(&mut socket).await, Message::text("42"));
}

/// RFC 6455 §7.4.1: 1009.
#[tokio::test]
async fn limits() {
    let (mut socket, _) = dial("/small", &[]).await.unwrap();
    socket.send(Message::text("12345")).await.unwrap();
    assert_eq!(next(&mut socket).await, Message::text("12345"));
    socket.send(Message::text("123456")).await.unwrap();
    let Message::Close(Some(close)) = next(&mut socket).await else { panic!("no close") };
    assert_eq!(close.code, CloseCode::Size);
}

/// RFC 6455 §10.2.
#[tokio::test]
async fn origins() {
    let foreign = [("origin", "http://evil.test")];
    let Err(tungstenite::Error::Http(answer)) = dial("/echo", &foreign).await else { panic!("not refused") };
    assert_eq!(answer.status(), 403);
    assert_eq!(dial("/open", &foreign).await.unwrap().1.status(), 101);
}

/// RFC 7692 §7: only if the client offers it.
#[tokio::test]
async fn compression() {
    let (mut socket, _) = dial("/deflate", &[]).await.unwrap();
    assert_eq!(next(&mut socket).await, Message::text("compressed: false"));
    let at = serve(app(Told::default())).await;
    let fields = FIELDS.to_owned() + "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    let answer = open_and_close(at, get("/deflate", &fields)).await;
    let agreed = values(&answer, "sec-websocket-extensions");
    assert!(agreed.len() == 1 && agreed[0].starts_with("permessage-deflate"), "{answer}");
}

/// The client's part of RFC 6455 §4.1, with the key of its §1.3.
const FIELDS: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// Sends the request and an empty Close (RFC 6455 §5.5.1) behind it, and gives what comes.
async fn open_and_close(at: SocketAddr, request: String) -> String {
    let mut client = connect(at).await;
    client.write_all(&[request.as_bytes(), b"\x88\x80\0\0\0\0"].concat()).await.unwrap();
    let mut answer = Vec::new();
    soon("the end", client.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// RFC 6455 §4.2.1 and §4.4: what is no handshake gets an answer that says so, and the connection goes on.
#[tokio::test]
async fn rejections() {
    let at = serve(app(Told::default())).await;
    let table = [
        (get("/echo", ""), 426, ("upgrade", vec!["websocket"])),
        (get("/echo", &FIELDS.replace(": 13", ": 8")), 426, ("sec-websocket-version", vec!["13"])),
        (get("/echo", FIELDS).replace("HTTP/1.1", "HTTP/1.0"), 426, ("upgrade", vec!["websocket"])),
        (request("POST", "/echo", FIELDS), 405, ("allow", vec!["GET"])),
        (get("/echo", &FIELDS.replace("==", "")), 400, ("upgrade", vec![])),
        (get("/echo", &(FIELDS.to_owned() + "Origin: null\r\n")), 403, ("upgrade", vec![])),
        (get("/echo", &(FIELDS.to_owned() + "Content-Length: 4\r\n")) + "body", 400, ("upgrade", vec![])),
    ];
    for (asked, status, (name, expected)) in table {
        let answer = say(at, &asked).await;
        let (got, body) = answered(&answer);
        assert_eq!((got, values(&answer, name)), (status, expected), "{asked}");
        assert!(body.ends_with('\n') && body.len() > 10, "{asked}: {body:?}");
    }
    let two = say(at, get("/echo", "") + &get("/echo", "")).await;
    assert_eq!(two.matches("HTTP/1.1 426 ").count(), 2, "{two}");
}

#[tokio::test]
async fn a_failed_upgrade_is_told() {
    let told = Told::default();
    let at = serve(app(Arc::clone(&told))).await;
    let answer = say(at, get("/declined", FIELDS)).await;
    assert_eq!(answered(&answer), (503, "not now\n"));
    let answer = say(at, get("/reported", &(FIELDS.to_owned() + "Origin: http://evil.test\r\n"))).await;
    assert_eq!(answered(&answer).0, 403);
    let answer = open_and_close(at, get("/reported", FIELDS)).await;
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    until("both failures told", || told.lock().unwrap().len() == 2).await;
    let told = told.lock().unwrap();
    assert!(told[0].contains("replaced by a layer") && told[1].contains("403"), "{told:?}");
}

/// Served by axum, there is no connection to take over.
#[tokio::test]
async fn served_by_something_else() {
    use tower::ServiceExt;
    let mut asked = axum::http::Request::get("/echo").header("host", "a");
    for line in FIELDS.lines() {
        let (name, value) = line.split_once(": ").unwrap();
        asked = asked.header(name, value);
    }
    let asked = asked.body(axum::body::Body::empty()).unwrap();
    assert_eq!(app(Told::default()).oneshot(asked).await.unwrap().status(), 500);
}
