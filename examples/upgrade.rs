//! A typed upgrade: the client offers protocols, the server picks one, and both know that they agree.
//! Whoever offers nothing gets 426 and the list of what there is.
//!
//! cargo run --example upgrade
//! printf 'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: shout\r\n\r\nhello\n' | nc -N 127.0.0.1 3000

use hijack::{Error, Exchange, Listener, Outcome, Server, Upgrade};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:3000".into());
    let listener = Listener::bind(&address).await?;
    println!("listening on {}", listener.local_address());
    Server::new().serve(listener, shout).await;
    Ok(())
}

async fn shout(exchange: Exchange) -> Result<Outcome, Error> {
    let conn = match exchange.upgrade(Upgrade::to(["shout/2", "shout"])).await {
        Ok(conn) => conn,
        Err(refused) => return refused.answer().await,
    };
    let mark = if conn.protocol().as_deref() == Some("shout/2") { "!!" } else { "!" };
    let (reader, mut writer) = conn.into_split();
    let mut lines = BufReader::new(reader).lines();
    while let Some(line) = lines.next_line().await? {
        writer.write_all(format!("{}{mark}\n", line.to_uppercase()).as_bytes()).await?;
    }
    writer.shutdown().await?;
    Ok(Outcome::taken())
}
