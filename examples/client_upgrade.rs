//! A client that upgrades: the answer is checked, and what stays is the raw connection. A server that declines
//! says why, and the connection is still good for HTTP.
//!
//! cargo run --example upgrade
//! echo hello | cargo run --example client_upgrade http://127.0.0.1:3000 shout/2

use hijack::{Body, Client, Endpoint, Error};
use tokio::io::AsyncWriteExt;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mut args = std::env::args().skip(1);
    let server: Endpoint = args.next().unwrap_or("http://127.0.0.1:3000".into()).parse()?;
    let protocol = args.next().unwrap_or("shout".into());

    let connection = Client::new().connect(&server).await?;
    let request = http::Request::get("/").body(Body::empty()).map_err(Error::other)?;
    let mut conn = match connection.upgrade(request, [protocol]).await {
        Ok(conn) => conn,
        Err(untaken) => {
            println!("{untaken}; usable: {}", untaken.connection.is_some());
            return Ok(());
        }
    };
    tokio::io::copy(&mut tokio::io::stdin(), &mut conn).await?;
    conn.close_write().await?;
    tokio::io::copy(&mut conn, &mut tokio::io::stdout()).await?;
    tokio::io::stdout().flush().await?;
    Ok(())
}
