//! A proxy for `CONNECT` from a plain tower service, without axum: it dials first, so that a tunnel is only promised
//! where there is one. It leads to this machine only.
//!
//! cargo run --example tower_connect_proxy
//! curl -p -x http://127.0.0.1:3000 http://127.0.0.1:9090/handle2

use std::convert::Infallible;

use hijack::tower::{Hijacker, IncomingBody};
use hijack::{Body, Client, Conn, Endpoint, Error, Listener, Relay, Server, Tracker, Transport};
use http::uri::Authority;
use http::{Request, Response, StatusCode};
use tower::service_fn;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:3000".into());
    let listener = Listener::bind(&address).await?;
    println!("listening on {}", listener.local_address());
    Server::new().serve_service(listener, service_fn(proxy)).await;
    Ok(())
}

async fn proxy(mut request: Request<IncomingBody>) -> Result<Response<Body>, Infallible> {
    let Some(hijacker) = request.extensions_mut().remove::<Hijacker>() else {
        return Ok(answer(StatusCode::INTERNAL_SERVER_ERROR, "not served by hijack\n"));
    };
    let here = request.uri().authority().filter(|authority| authority.host() == "127.0.0.1");
    let port = here.and_then(Authority::port_u16);
    let Some(port) = port else {
        return Ok(answer(StatusCode::FORBIDDEN, "this proxy leads to 127.0.0.1 only\n"));
    };
    Ok(match Client::new().dial(&Endpoint::tcp("127.0.0.1", port)).await {
        Ok(server) => hijacker.tunnel().take_over_with(|conn| join(conn, server)),
        Err(error) => answer(StatusCode::BAD_GATEWAY, format!("{error}\n")),
    })
}

async fn join(client: Conn, server: Transport) -> Result<(), Error> {
    println!("{}", Relay::new(client, Tracker::default().adopt(server)).run().await);
    Ok(())
}

fn answer(status: StatusCode, text: impl Into<String>) -> Response<Body> {
    let mut response = Response::new(Body::from(text.into()));
    *response.status_mut() = status;
    response
}
