//! TLS on both sides, and sockets that are no TCP.

use std::path::PathBuf;

use hijack::{Client, Listener, Server, tls};
use hijack_gateway::TlsFiles;
use http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Site, serve, until};

/// A folder with a certificate for `localhost` and its key, gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("hijack-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        std::fs::write(folder.join("cert.pem"), made.cert.pem()).expect("written");
        std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).expect("written");
        Self(folder)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn tls_in_and_out() {
    let folder = Folder::new("gateway-tls");
    let (cert, key) = (folder.file("cert.pem"), folder.file("key.pem"));
    let listener = Listener::bind("127.0.0.1:0").await.expect("bound");
    let port = listener.local_address().rsplit_once(':').expect("a port").1.to_owned();
    let listener = listener.with_tls(tls::server_config(&cert, &key).expect("usable"));
    tokio::spawn(async move { Server::new().serve(listener, serve).await });
    let site = Site::start_before(format!("https://localhost:{port}"), |config| {
        config.tls = Some(TlsFiles { cert: cert.clone(), key });
        config.upstream_ca = Some(cert.clone());
    })
    .await;

    let client = Client::builder().tls(tls::client_config_with(&cert, None).expect("usable")).build();
    let port = site.address.rsplit_once(':').expect("a port").1;
    let endpoint = format!("https://localhost:{port}").parse().expect("an address");
    let mut connection = client.connect(&endpoint).await.expect("connected");
    let request = || Request::get("/greeting").body(hijack::Body::empty()).expect("a request");
    assert_eq!(connection.request(request()).await.expect("answered").status(), 200);
    let greeting = connection.read_to_end(100).await.expect("a body");
    assert_eq!(greeting, format!("localhost:{port}\n"));

    let request = Request::get("/echo").body(hijack::Body::empty()).expect("a request");
    let mut conn = connection.upgrade(request, ["tcp"]).await.expect("upgraded");
    conn.write_all(b"through two sessions").await.expect("sent");
    let mut echoed = [0; 20];
    conn.read_exact(&mut echoed).await.expect("echoed");
    let view = site.found("protocol=tcp").await;
    assert!(!view.movable);
    let why = view.not_movable.expect("a reason");
    assert!(why.contains("TLS") && why.contains("client"), "{why}");
    conn.close_write().await.expect("half-closed");
    let mut rest = Vec::new();
    conn.read_to_end(&mut rest).await.expect("an end");
    until("it has ended", || site.gateway.count() == 0).await;
}

#[tokio::test]
async fn unix_sockets_in_and_out() {
    let folder = Folder::new("gateway-unix");
    let (inner, outer) = (folder.file("inner.sock"), folder.file("outer.sock"));
    let listener = Listener::bind(&format!("unix:{}", inner.display())).await.expect("bound");
    tokio::spawn(async move { Server::new().serve(listener, serve).await });
    let site = Site::start_before(format!("unix:{}", inner.display()), |config| {
        config.listen = vec![format!("unix:{}", outer.display())];
    })
    .await;
    assert_eq!(site.address, format!("unix:{}", outer.display()));
    let mut stream = tokio::net::UnixStream::connect(&outer).await.expect("connected");
    stream
        .write_all(b"GET /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nhello")
        .await
        .expect("sent");
    stream.shutdown().await.expect("half-closed");
    let mut all = String::new();
    stream.read_to_string(&mut all).await.expect("an end");
    assert!(all.starts_with("HTTP/1.1 101 ") && all.ends_with("\r\n\r\nhello"), "{all}");
    let ended = site.found("state=closed").await;
    assert_eq!((&*ended.peer, ended.movable), ("unix", true));
}
