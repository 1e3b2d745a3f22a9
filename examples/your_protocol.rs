//! A protocol of your own on a taken-over connection: messages with a length in front, counted per connection,
//! with limits, and with the handler's memory gone while the conversation lives.
//!
//! cargo run --example your_protocol

use std::time::Duration;

use hijack::{Conn, ConnLimits, Error, Exchange, Listener, Outcome, Server, Upgrade};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The longest message that is accepted.
const MOST_LEN: u32 = 64 * 1024;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:3000".into());
    let listener = Listener::bind(&address).await?;
    println!("listening on {}", listener.local_address());
    Server::new().serve(listener, accept).await;
    Ok(())
}

async fn accept(exchange: Exchange) -> Result<Outcome, Error> {
    match exchange.upgrade(Upgrade::to(["reverse"])).await {
        Ok(mut conn) => {
            let idle = Some(Duration::from_secs(60));
            conn.set_limits(ConnLimits { idle, ..ConnLimits::default() });
            Ok(conn.hand_off(reverse))
        }
        Err(refused) => refused.answer().await,
    }
}

/// Sends each message back with its bytes reversed.
async fn reverse(mut conn: Conn) -> Result<(), Error> {
    // An end between two messages is a normal one; within a message it is an error.
    while !conn.peek(1).await?.is_empty() {
        let len = conn.read_u32().await?;
        if len > MOST_LEN {
            return Err(Error::other(format!("message of {len} bytes exceeds limit {MOST_LEN}")));
        }
        let mut message = vec![0; len as usize];
        conn.read_exact(&mut message).await?;
        message.reverse();
        conn.put(&len.to_be_bytes()); // leaves with the message, in one write
        conn.write_all(&message).await?;
    }
    conn.close().await.map(drop)
}
