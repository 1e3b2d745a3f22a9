//! WebSocket: what axum's own extractor says here, and what to write instead.

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::http::header::{HeaderMap, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get as on_get;
use futures_util::{SinkExt, StreamExt};
use hijack_axum::Hijacker;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::support::{answered, connect, get, say, serve, soon, values};

fn app() -> Router {
    let old = |ws: WebSocketUpgrade| async { ws.on_upgrade(async |_| ()) };
    Router::new().route("/old", on_get(old)).route("/new", on_get(echo))
}

/// The handler of the page on migration.
async fn echo(hijacker: Hijacker, headers: HeaderMap) -> Response {
    let Some(key) = headers.get(SEC_WEBSOCKET_KEY) else { return StatusCode::BAD_REQUEST.into_response() };
    let accept = derive_accept_key(key.as_bytes());
    hijacker.protocols(["websocket"]).header(SEC_WEBSOCKET_ACCEPT, accept).take_over_with(|conn| async move {
        let mut socket = WebSocketStream::from_raw_socket(conn, Role::Server, None).await;
        while let Some(Ok(message)) = socket.next().await {
            let is_data = message.is_text() || message.is_binary();
            if is_data && socket.send(message).await.is_err() {
                return Ok(());
            }
        }
        Ok(())
    })
}

/// The client's part of RFC 6455 §4.1, with the key of its §1.3.
const FIELDS: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// `WebSocketUpgrade` asks hyper for the connection, and hyper is not there.
#[tokio::test]
async fn axums_own_extractor_is_rejected() {
    let at = serve(app()).await;
    let answer = say(at, get("/old", FIELDS)).await;
    let sentence = "WebSocket request couldn't be upgraded since no upgrade state was present";
    assert_eq!(answered(&answer), (426, sentence));
    assert_eq!(values(&answer, "upgrade"), [""; 0]);
}

/// RFC 6455 §1.3 has the key and what is accepted.
#[tokio::test]
async fn the_handshake() {
    let at = serve(app()).await;
    // Early: the text "hi", masked with zeros.
    let early = [&get("/new", FIELDS).into_bytes()[..], b"\x81\x82\0\0\0\0hi\x88\x80\0\0\0\0"].concat();
    let answer = {
        let mut client = connect(at).await;
        tokio::io::AsyncWriteExt::write_all(&mut client, &early).await.unwrap();
        let mut answer = Vec::new();
        soon("the end", tokio::io::AsyncReadExt::read_to_end(&mut client, &mut answer)).await.unwrap();
        answer
    };
    assert!(answer.ends_with(b"\r\n\r\n\x81\x02hi\x88\0"), "{}", answer.escape_ascii());
    let head = String::from_utf8_lossy(&answer);
    assert_eq!(values(&head, "sec-websocket-accept"), ["s3pPLMBiTxaQ9kYGzzhZRbK+xOo="]);
    let answer = say(at, get("/new", "")).await;
    assert_eq!(answered(&answer).0, 400);
}

async fn dial() -> WebSocketStream<TcpStream> {
    let at = serve(app()).await;
    let (socket, answer) = client_async(format!("ws://{at}/new"), connect(at).await).await.unwrap();
    assert_eq!(answer.status(), 101);
    assert_eq!(answer.headers().get("upgrade"), Some(&HeaderValue::from_static("websocket")));
    socket
}

async fn echoed(socket: &mut WebSocketStream<TcpStream>, message: Message) {
    socket.send(message.clone()).await.unwrap();
    let answer = soon("an answer", socket.next()).await.unwrap().unwrap();
    assert!(answer == message, "{} bytes were sent, {} came", message.len(), answer.len());
}

#[tokio::test]
async fn messages() {
    let mut socket = dial().await;
    echoed(&mut socket, Message::text("grüße")).await;
    echoed(&mut socket, Message::text("")).await;
    echoed(&mut socket, Message::binary(vec![0, 255, 1])).await;
    let large: Vec<u8> = (0..1024 * 1024_u32).map(|at| at.to_le_bytes()[1]).collect();
    echoed(&mut socket, Message::binary(large)).await;
    echoed(&mut socket, Message::text("x".repeat(1024 * 1024))).await;
}

/// RFC 6455 §7.1.2: both ends say that they close, and then the server closes the connection.
#[tokio::test]
async fn closing() {
    let mut socket = dial().await;
    echoed(&mut socket, Message::text("before")).await;
    let frame = CloseFrame { code: CloseCode::Normal, reason: "done".into() };
    socket.send(Message::Close(Some(frame.clone()))).await.unwrap();
    let answer = soon("the other close", socket.next()).await.unwrap().unwrap();
    assert_eq!(answer, Message::Close(Some(frame)));
    assert!(soon("the end", socket.next()).await.is_none());
}
