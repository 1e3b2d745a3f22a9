//! A head, and then the raw connection behind it: how Docker's daemon starts its streams. The answer has neither
//! length nor chunks, so everything behind its head is the stream.
//!
//! cargo run --example head_then_takeover
//! curl -N http://127.0.0.1:3000/

use std::time::Duration;

use hijack::{Error, Exchange, Listener, Outcome, Server};
use http::Response;
use http::header::CONTENT_TYPE;
use tokio::io::AsyncWriteExt;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:3000".into());
    let listener = Listener::bind(&address).await?;
    println!("listening on {}", listener.local_address());
    Server::new().serve(listener, count).await;
    Ok(())
}

async fn count(exchange: Exchange) -> Result<Outcome, Error> {
    let head = Response::builder().header(CONTENT_TYPE, "application/vnd.example.raw-stream");
    let head = head.body(()).map_err(Error::other)?;
    let mut conn = exchange.take_over_after(head)?;
    for number in 1..=3 {
        conn.write_all(format!("{number}\n").as_bytes()).await?;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    conn.close().await
}
