//! A WebSocket server in ten lines: every message comes back.
//!
//! cargo run --example ws_echo
//! echo hello | hijack ws --exit-on-close ws://127.0.0.1:3000/

use hijack::ws::{self, WebSocket};
use hijack::{Error, Listener};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:3000".into());
    let listener = Listener::bind(&address).await?;
    println!("listening on {}", listener.local_address());
    let echo = ws::Server::new(|mut socket: WebSocket| async move {
        while let Some(message) = socket.recv().await? {
            socket.feed(message).await?; // leaves with the others that came at once
        }
        Ok(())
    });
    hijack::Server::new().serve(listener, echo.into_handler()).await;
    Ok(())
}
