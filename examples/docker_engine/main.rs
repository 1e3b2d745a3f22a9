//! A tiny engine for Docker's own client: its containers are processes of this machine, each in a folder of its own. They
//! are run, attached to, executed in, waited for and logged; nothing isolates them, and there are no images.
//!
//! cargo run --example docker_engine -- unix:/tmp/engine.sock
//! docker -H unix:///tmp/engine.sock run -it anything sh
//! echo hello | docker -H unix:///tmp/engine.sock run -i --rm anything tr a-z A-Z

mod api;
mod container;
mod process;
mod streams;

use std::sync::Arc;
use std::time::Duration;

use hijack::{Error, Exchange, Listener, Outcome, Server};
use hijack_docker::server::Target;
use tokio::signal::unix::{SignalKind, signal};

use crate::api::Engine;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:2375".into());
    let folder = std::env::temp_dir().join(format!("docker-engine-{}", std::process::id()));
    std::fs::create_dir(&folder)?;
    let engine = Arc::new(Engine::new(folder));
    let listener = Listener::bind(&address).await?;
    println!("listening on {}", listener.local_address());
    let server = Server::new();
    let mut terminate = signal(SignalKind::terminate())?;
    let handler = {
        let engine = Arc::clone(&engine);
        move |exchange: Exchange| handle(Arc::clone(&engine), exchange)
    };
    tokio::select! {
        () = server.serve(listener, handler) => {}
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    server.shutdown(Duration::from_secs(2)).await;
    engine.shut_down().await;
    Ok(())
}

async fn handle(engine: Arc<Engine>, mut exchange: Exchange) -> Result<Outcome, Error> {
    let target = match Target::parse(exchange.uri(), api::API) {
        Ok(target) => target,
        Err(refusal) => return refusal.answer(exchange).await,
    };
    match (exchange.method().as_str(), &target.path()[..]) {
        ("POST", ["containers", id, "attach"]) => streams::attach(&engine, exchange, &target, id).await,
        ("POST", ["exec", id, "start"]) => streams::exec(&engine, exchange, &target, id).await,
        ("POST", ["containers", id, "wait"]) => match engine.container(id) {
            Ok(container) => streams::wait(exchange, &target, &container).await,
            Err(refusal) => refusal.answer(exchange).await,
        },
        ("GET", ["containers", id, "logs"]) => match engine.container(id) {
            Ok(container) => streams::logs(exchange, &target, &container).await,
            Err(refusal) => refusal.answer(exchange).await,
        },
        _ => {
            let method = exchange.method().to_string();
            let body = exchange.read_to_end(api::BODY_LEN).await?;
            match engine.call(&method, &target, &body).await {
                Ok(response) => exchange.respond(response).await,
                Err(refusal) => refusal.answer(exchange).await,
            }
        }
    }
}
