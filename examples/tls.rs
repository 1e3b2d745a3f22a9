//! The same takeover inside TLS. Early bytes, half-close and close_notify are as exact as without.
//!
//! cargo run --example tls 127.0.0.1:3000 cert.pem key.pem
//! curl --http0.9 --cacert cert.pem https://localhost:3000/

use std::path::Path;

use hijack::{Error, Exchange, Listener, Server, Transport};
use tokio::io::AsyncWriteExt;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [address, cert, key] = args.as_slice() else {
        return Err(Error::other("usage: tls ADDRESS CERT.pem KEY.pem"));
    };
    let config = hijack::tls::server_config(Path::new(cert), Path::new(key))?;
    let listener = Listener::bind(address).await?.with_tls(config);
    println!("listening on {}", listener.local_address());
    let tell_version = |exchange: Exchange| async {
        let mut conn = exchange.take_over().await?;
        let Transport::Tls(session) = conn.io() else { return Err(Error::other("not TLS")) };
        let text = format!("hello over {:?}\n", session.state().protocol_version());
        conn.write_all(text.as_bytes()).await?;
        conn.close().await
    };
    Server::new().serve(listener, tell_version).await;
    Ok(())
}
