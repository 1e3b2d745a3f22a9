//! Whatever accepts the connection: an axum app, a server of hyper's, a listener with TLS; and a server of Go's with TLS.

use std::convert::Infallible;
use std::fs;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing;
use hijack::rpc::{CONNECTED, Dial, Gob, Origin, Server, dial};
use hijack_axum::Hijacker;
use hijack_interop::process::Folder;
use hijack_interop::rpc::{Args, GoServer, call_as_go, gob_methods};
use http::{Request, StatusCode, Version};
use hyper::body::Incoming;
use hyper::ext::ReasonPhrase;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::support::run;

/// Every case of Go's client, and a call of ours.
async fn is_called(url: String) {
    let client = dial::<Gob>(&url).await.expect(&url);
    let product: i64 = client.call("Arith.Multiply", &Args { a: 7, b: 8 }).await.expect("a product");
    assert_eq!(product, 56);
    tokio::task::spawn_blocking(move || call_as_go(&url, "gob")).await.expect("every case");
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/_goRPC_", listener.local_addr().expect("an address"));
    (listener, url)
}

async fn calls(State(server): State<Server<Gob>>, hijacker: Hijacker) -> Response {
    hijacker.take_over_with(|mut conn| async move {
        conn.write_all(CONNECTED).await?;
        conn.flush().await?;
        Ok(server.serve_conn(conn).await?)
    })
}

#[test]
fn an_axum_app_offers_net_rpc() {
    run(async {
        let app =
            Router::new().route("/_goRPC_", routing::connect(calls)).with_state(Server::new(gob_methods()));
        let (listener, url) = listen().await;
        tokio::spawn(async move { hijack_axum::serve(listener, app).await });
        is_called(url).await;
    });
}

/// hyper answers with the words that Go wants, and the upgraded stream is as good as any.
async fn upgrade(request: Request<Incoming>) -> Result<http::Response<String>, Infallible> {
    tokio::spawn(async move {
        let stream = TokioIo::new(hyper::upgrade::on(request).await.expect("granted"));
        Server::new(gob_methods()).serve_stream(stream, Origin::unknown()).await
    });
    let mut response = http::Response::new(String::new());
    (*response.status_mut(), *response.version_mut()) = (StatusCode::OK, Version::HTTP_10);
    response.extensions_mut().insert(ReasonPhrase::from_static(b"Connected to Go RPC"));
    Ok(response)
}

#[test]
fn a_server_of_hypers_offers_net_rpc() {
    run(async {
        let (listener, url) = listen().await;
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = hyper::service::service_fn(upgrade);
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service);
                tokio::spawn(connection.with_upgrades());
            }
        });
        is_called(url).await;
    });
}

#[test]
fn inside_tls_gos_client_is_served() {
    run(async {
        let folder = Folder::new("rpc-tls").expect("a folder");
        let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
        fs::write(&cert, made.cert.pem()).expect("written");
        fs::write(&key, made.signing_key.serialize_pem()).expect("written");
        let tls = hijack::tls::server_config(&cert, &key).expect("a certificate and its key");
        let listener = hijack::Listener::bind("127.0.0.1:0").await.expect("a port").with_tls(tls);
        let url = format!("https://{}", listener.local_address());
        let handler = Server::new(gob_methods()).into_handler();
        tokio::spawn(async move { hijack::Server::new().serve(listener, handler).await });
        tokio::task::spawn_blocking(move || call_as_go(&url, "gob")).await.expect("every case");
    });
}

#[test]
fn inside_tls_gos_server_is_called() {
    let Some(go) = GoServer::start() else { return };
    run(async {
        let (url, certificate) = &go.tls;
        let folder = Folder::new("rpc-tls").expect("a folder");
        let trusted = folder.path().join("cert.pem");
        fs::write(&trusted, certificate).expect("written");
        let tls = hijack::tls::client_config_with(&trusted, None).expect("a certificate");
        let dial = Dial::to(url).expect("a URL").by(hijack::Client::builder().tls(tls).build());
        let client = dial.open(&Gob::default()).await.expect("a connection");
        let product: i64 = client.call("Arith.Multiply", &Args { a: 7, b: 8 }).await.expect("a product");
        assert_eq!(product, 56);
    });
}
