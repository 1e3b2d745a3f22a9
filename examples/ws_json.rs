//! Values instead of messages: each one is JSON, and one that is none does not end the conversation.
//!
//! cargo run --example ws_json
//! echo '{"a":20,"b":22}' | hijack ws --exit-on-close ws://127.0.0.1:3000/

use hijack::ws::{self, Json, WebSocket};
use hijack::{Error, Listener};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Sum {
    a: i64,
    b: i64,
}

#[derive(Serialize, Deserialize)]
enum Answer {
    Total(i64),
    Wrong(String),
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:3000".into());
    let listener = Listener::bind(&address).await?;
    println!("listening on {}", listener.local_address());
    hijack::Server::new().serve(listener, ws::Server::new(add).into_handler()).await;
    Ok(())
}

async fn add(mut socket: WebSocket) -> Result<(), Error> {
    loop {
        let answer = match socket.recv_value::<Json<Sum>>().await {
            Ok(Some(Json(sum))) => Answer::Total(sum.a + sum.b),
            Ok(None) => return Ok(()),
            Err(ws::Error::Codec(error)) => Answer::Wrong(error.to_string()),
            Err(error) => return Err(error.into()),
        };
        socket.send_value(&Json(answer)).await?;
    }
}
