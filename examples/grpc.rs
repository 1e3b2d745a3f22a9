//! gRPC over a connection that began as HTTP/1.1: a service of tonic's on a route, and a client of it.
//!
//! cargo run --example grpc
//! hijack grpc-forward --listen 127.0.0.1:50051 --to http://127.0.0.1:3000/grpc
//!
//! And any client of gRPC then calls 127.0.0.1:50051.

use hijack::{Exchange, Listener};
use hijack_tonic::interop::test_service_client::TestServiceClient;
use hijack_tonic::interop::{self, SimpleRequest};
use hijack_tonic::tonic::service::Routes;
use hijack_tonic::{Dialer, Server};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:3000".into());
    let listener = Listener::bind(&address).await?;
    println!("listening on {}", listener.local_address());
    let url = format!("http://{}/grpc", listener.local_address());

    // Yours in place of the official test service.
    let grpc = Server::new(Routes::new(interop::server()));
    let handler = move |exchange: Exchange| {
        let grpc = grpc.clone();
        async move {
            match exchange.uri().path() {
                "/grpc" => grpc.serve(exchange).await,
                _ => exchange.respond(http::Response::new(hijack::Body::from("gRPC is at /grpc\n"))).await,
            }
        }
    };
    tokio::spawn(async move { hijack::Server::new().serve(listener, handler).await });

    let mut client = TestServiceClient::new(Dialer::to(&url)?.channel());
    let answer = client.unary_call(SimpleRequest { response_size: 42, ..Default::default() }).await?;
    println!("{} bytes by gRPC", answer.into_inner().payload.map_or(0, |payload| payload.body.len()));
    std::future::pending().await
}
