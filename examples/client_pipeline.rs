//! Requests sent ahead of their answers: all of them are on their way before the first answer is read.
//!
//! hijack demo
//! cargo run --example client_pipeline http://127.0.0.1:9090 /handle2 /handle2 /nowhere

use hijack::{Body, Client, Endpoint, Error};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mut args = std::env::args().skip(1);
    let server: Endpoint = args.next().unwrap_or("http://127.0.0.1:9090".into()).parse()?;
    let paths: Vec<String> = args.collect();

    let mut connection = Client::new().connect(&server).await?;
    for path in &paths {
        let request = http::Request::get(path).body(Body::empty()).map_err(Error::other)?;
        connection.send(request).await?;
    }
    println!("{} requests under way", connection.pending());
    for path in &paths {
        let answer = connection.answer().await?;
        let body = connection.read_to_end(1024 * 1024).await?;
        println!("{path}: {} with {} bytes", answer.status(), body.len());
    }
    Ok(())
}
