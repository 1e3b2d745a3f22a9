//! `ConnectInfo` on every kind of listener.

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::get as on_get;
use hijack::tls::rustls::{ClientConfig, RootCertStore, ServerConfig, crypto};
use hijack::{Listener, Peer};
use hijack_axum::Hijacker;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio_rustls::TlsConnector;

use crate::support::{answered, connect, get, listen, soon};

fn app() -> Router {
    Router::new().route("/peer", on_get(peer)).route("/address", on_get(address))
}

async fn peer(ConnectInfo(peer): ConnectInfo<Peer>, hijacker: Hijacker) -> String {
    assert_eq!(peer, hijacker.peer());
    format!("{peer:?}")
}

async fn address(ConnectInfo(address): ConnectInfo<SocketAddr>) -> String {
    address.to_string()
}

/// Both answers on one connection: as they are, and each behind its status.
async fn ask(mut client: impl AsyncRead + AsyncWrite + Unpin) -> [(u16, String); 2] {
    let mut asks = Vec::new();
    for target in ["/peer", "/address"] {
        let close = if target == "/address" { "Connection: close\r\n" } else { "" };
        asks.push(get(target, close));
    }
    client.write_all(asks.concat().as_bytes()).await.unwrap();
    let mut got = String::new();
    soon("both answers", client.read_to_string(&mut got)).await.unwrap();
    let second = got.rfind("HTTP/1.1").unwrap();
    [&got[..second], &got[second..]].map(|answer| {
        let (status, body) = answered(answer);
        (status, body.to_owned())
    })
}

#[tokio::test]
async fn on_tcp() {
    let (listener, at) = listen().await;
    tokio::spawn(hijack_axum::serve(listener, app()).into_future());
    let client = connect(at).await;
    let local = client.local_addr().unwrap();
    assert_eq!(ask(client).await, [(200, format!("Tcp({local})")), (200, local.to_string())]);
}

/// A Unix socket's client has no address: the extractor rejects as it does under axum where nobody gave one.
#[tokio::test]
async fn on_unix() {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("hijack-axum-{}-{}.sock", std::process::id(), COUNT.fetch_add(1, Relaxed));
    let path = std::env::temp_dir().join(name);
    let listener = Listener::bind(&format!("unix:{}", path.display())).await.unwrap();
    let serving = tokio::spawn(hijack_axum::serve(listener, app()).into_future());
    let [peer, (status, body)] = ask(UnixStream::connect(&path).await.unwrap()).await;
    assert_eq!(peer, (200, "Unix".to_owned()));
    assert_eq!(status, 500);
    assert!(body.contains("Missing request extension"), "{body}");
    serving.abort();
}

#[tokio::test]
async fn on_tls() {
    let (server, client) = tls();
    let (listener, at) = listen().await;
    let listener = Listener::from(listener).with_tls(server);
    tokio::spawn(hijack_axum::serve(listener, app()).into_future());
    let tcp = connect(at).await;
    let local = tcp.local_addr().unwrap();
    let connector = TlsConnector::from(Arc::new(client));
    let client = connector.connect("localhost".try_into().unwrap(), tcp).await.unwrap();
    assert_eq!(ask(client).await, [(200, format!("Tcp({local})")), (200, local.to_string())]);
}

/// Both ends' configurations for a certificate that nobody else trusts.
fn tls() -> (Arc<ServerConfig>, ClientConfig) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let provider = || Arc::new(crypto::ring::default_provider());
    let key = made.signing_key.serialize_der().try_into().unwrap();
    let server = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let client = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (Arc::new(server), client)
}
