//! A chat on axum: what one says is framed once and sent to all, and who is too slow is told and goes.
//!
//! cargo run --example ws_chat
//! hijack ws ws://127.0.0.1:3000/chat   (in two terminals)

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::any;
use hijack::{Error, Listener};
use hijack_axum::ws::{CloseCode, MessageKind, Prepared, WebSocket, WebSocketUpgrade};
use tokio::sync::broadcast::{self, Sender, error::RecvError};

type Room = Sender<Arc<Prepared>>;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:3000".into());
    let listener = Listener::bind(&address).await?;
    println!("listening on {}", listener.local_address());
    let (room, _) = broadcast::channel(64);
    hijack_axum::serve(listener, Router::new().route("/chat", any(join)).with_state(room)).await;
    Ok(())
}

async fn join(ws: WebSocketUpgrade, State(room): State<Room>) -> Response {
    ws.max_message_size(4096).on_upgrade(|socket| talk(socket, room))
}

async fn talk(mut socket: WebSocket, room: Room) -> Result<(), Error> {
    let mut told = std::pin::pin!(socket.conn().told());
    let mut said = room.subscribe();
    loop {
        tokio::select! {
            message = socket.recv() => match message? {
                Some(message) => drop(room.send(Arc::new(Prepared::new(MessageKind::Text, message.as_bytes())))),
                None => return Ok(()),
            },
            heard = said.recv() => match heard {
                Ok(message) => socket.send_prepared(&message).await?,
                Err(RecvError::Lagged(_)) => return Ok(socket.close(CloseCode::TRY_LATER, "too slow").await?),
                Err(RecvError::Closed) => return Ok(()),
            },
            () = &mut told => return Ok(socket.close(CloseCode::GOING_AWAY, "").await?),
        }
    }
}
