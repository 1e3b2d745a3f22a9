//! A port that leads to another one: any TCP service, seen and counted on its way. Ctrl-C tells nobody; connections have
//! three seconds to end.
//!
//! cargo run --example port_forward -- 127.0.0.1:3000 127.0.0.1:9090
//! curl http://127.0.0.1:3000/handle2

use std::io;
use std::time::Duration;

use hijack::{Relay, Tracker};
use tokio::net::{TcpListener, TcpStream};

#[tokio::main]
async fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let listener = TcpListener::bind(arguments.next().unwrap_or("127.0.0.1:3000".into())).await?;
    let target = arguments.next().unwrap_or("127.0.0.1:9090".into());
    println!("listening on {}", listener.local_addr()?);
    let tracker = Tracker::default();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                tokio::spawn(forward(accepted?.0, target.clone(), tracker.clone()));
            }
            _ = tokio::signal::ctrl_c() => break,
        }
    }
    println!("{:?}", tracker.drain(Duration::from_secs(3)).await);
    Ok(())
}

async fn forward(client: TcpStream, target: String, tracker: Tracker) {
    match TcpStream::connect(&target).await {
        Ok(server) => println!("{}", Relay::new(tracker.adopt(client), tracker.adopt(server)).run().await),
        Err(error) => println!("cannot reach {target}: {error}"),
    }
}
