//! HTTP to a server behind a proxy: a tunnel through it, and a connection inside.
//!
//! cargo run --example client_proxy http://user:secret@127.0.0.1:3128 https://example.org /

use hijack::{Body, Client, Endpoint, Error, Proxy};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [proxy, server, path] = &args[..] else {
        return Err(Error::Config("usage: client_proxy PROXY SERVER PATH".into()));
    };
    let server: Endpoint = server.parse()?;
    let mut connection = Client::new().connect_through(&read_proxy(proxy)?, &server).await?;
    let request = http::Request::get(path).body(Body::empty()).map_err(Error::other)?;
    let answer = connection.request(request).await?;
    let body = connection.read_to_end(1024 * 1024).await?;
    println!("{} with {} bytes", answer.status(), body.len());
    Ok(())
}

/// `http://host:port`, with or without `user:password@` in front of the host.
fn read_proxy(text: &str) -> Result<Proxy, Error> {
    let Some((user, host)) = text.strip_prefix("http://").and_then(|rest| rest.split_once('@')) else {
        return Ok(Proxy::new(text.parse()?));
    };
    let (user, password) = user.split_once(':').unwrap_or((user, ""));
    Ok(Proxy::new(format!("http://{host}").parse()?).basic_auth(user, password))
}
