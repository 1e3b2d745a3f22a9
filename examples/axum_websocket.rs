//! A WebSocket on axum by way of a library of one's choice: what `axum::extract::ws` does on hyper.
//!
//! cargo run --example axum_websocket
//! hijack ws ws://127.0.0.1:3000/ws   (or any other WebSocket client)

use axum::Router;
use axum::http::header::{SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::{SinkExt, StreamExt};
use hijack::{Conn, Error, Listener};
use hijack_axum::Hijacker;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:3000".into());
    let listener = Listener::bind(&address).await?;
    println!("listening on {}", listener.local_address());
    hijack_axum::serve(listener, Router::new().route("/ws", get(open))).await;
    Ok(())
}

async fn open(hijacker: Hijacker, headers: HeaderMap) -> Response {
    let version = headers.get("sec-websocket-version").is_some_and(|version| version == "13");
    let Some(key) = headers.get(SEC_WEBSOCKET_KEY).filter(|_| version) else {
        return (StatusCode::BAD_REQUEST, "no WebSocket handshake\n").into_response();
    };
    let accept = derive_accept_key(key.as_bytes());
    hijacker.protocols(["websocket"]).header(SEC_WEBSOCKET_ACCEPT, accept).take_over_with(echo)
}

async fn echo(conn: Conn) -> Result<(), Error> {
    let mut socket = WebSocketStream::from_raw_socket(conn, Role::Server, None).await;
    while let Some(message) = socket.next().await {
        let message = message.map_err(Error::other)?;
        if message.is_text() || message.is_binary() {
            socket.send(message).await.map_err(Error::other)?;
        }
    }
    Ok(())
}
