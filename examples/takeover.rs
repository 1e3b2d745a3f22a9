//! A takeover in ten lines: whatever is asked, the connection is taken and spoken on raw.
//!
//! cargo run --example takeover
//! curl --http0.9 http://127.0.0.1:3000/

use hijack::{Error, Exchange, Listener, Server};
use tokio::io::AsyncWriteExt;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:3000".into());
    let listener = Listener::bind(&address).await?;
    println!("listening on {}", listener.local_address());
    let hello = |exchange: Exchange| async {
        let mut conn = exchange.take_over().await?;
        conn.write_all(b"hello world").await?;
        conn.close().await
    };
    Server::new().serve(listener, hello).await;
    Ok(())
}
