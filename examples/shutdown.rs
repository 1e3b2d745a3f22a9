//! A shutdown that knows conversations: their owners are told, say goodbye, and are waited for.
//!
//! cargo run --example shutdown
//! nc 127.0.0.1 3000      then type: GET / HTTP/1.0 and an empty line; then press Ctrl-C in the other terminal

use std::pin::pin;
use std::time::Duration;

use hijack::{Error, Exchange, Listener, Outcome, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:3000".into());
    let listener = Listener::bind(&address).await?;
    println!("listening on {}", listener.local_address());
    let server = Server::new();
    tokio::select! {
        () = server.serve(listener, echo) => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    let report = server.shutdown(Duration::from_secs(5)).await;
    println!("{} conversations told, {} ended by force", report.taken, report.forced);
    Ok(())
}

async fn echo(exchange: Exchange) -> Result<Outcome, Error> {
    let mut conn = exchange.take_over().await?;
    conn.write_all(b"welcome\n").await?;
    let mut told = pin!(conn.told());
    let mut buffer = [0; 1024];
    loop {
        let len = tokio::select! {
            read = conn.read(&mut buffer) => read?,
            () = &mut told => {
                conn.write_all(b"goodbye\n").await?;
                break;
            }
        };
        if len == 0 {
            break;
        }
        conn.write_all(&buffer[..len]).await?;
    }
    conn.close().await
}
