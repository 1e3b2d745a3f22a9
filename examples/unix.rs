//! A Unix socket instead of a port.
//!
//! cargo run --example unix unix:/tmp/example.sock
//! curl --http0.9 --unix-socket /tmp/example.sock http://example/

use hijack::{Error, Exchange, Listener, Server};
use tokio::io::AsyncWriteExt;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let address = std::env::args().nth(1).unwrap_or("unix:/tmp/example.sock".into());
    let listener = Listener::bind(&address).await?;
    println!("listening on {}", listener.local_address());
    let name_peer = |exchange: Exchange| async {
        let text = format!("hello to {} by {}\n", exchange.peer(), exchange.io().kind());
        let mut conn = exchange.take_over().await?;
        conn.write_all(text.as_bytes()).await?;
        conn.close().await
    };
    Server::new().serve(listener, name_peer).await;
    Ok(())
}
