//! Listening: Unix sockets and their files, addresses, and errors that tell the cure.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use hijack::{EndReason, Error, Exchange, Listener, Peer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};

use crate::support::{Client, GET, OK, Site, assert_bytes, ok, pattern, soon};

/// A path for a socket, which is gone with it.
struct Socket(PathBuf);

impl Socket {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("hijack-{}-{}.sock", std::process::id(), COUNT.fetch_add(1, Relaxed));
        Self(std::env::temp_dir().join(name))
    }

    fn address(&self) -> String {
        format!("unix:{}", self.0.display())
    }

    async fn bind(&self) -> Result<Listener, Error> {
        Listener::bind(&self.address()).await
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A Unix socket is served and taken over as TCP is, half-close and early bytes included.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serves_a_unix_socket() {
    let socket = Socket::new();
    let mut site = Site::on(
        socket.bind().await.expect("a free name"),
        |_| (),
        |exchange: Exchange| async {
            if exchange.uri().path() == "/" {
                return ok(exchange).await;
            }
            let mut conn = exchange.take_over().await?;
            assert_eq!((conn.peer(), conn.io().kind()), (&Peer::Unix, "unix"));
            let mut all = Vec::new();
            conn.read_to_end(&mut all).await?;
            conn.write_all(&all).await?;
            conn.close().await
        },
    );
    assert_eq!(site.address, socket.address());
    let mut client = Client::connect_unix(&site.address).await;
    client.send(GET).await;
    client.expect(OK).await;
    let data = pattern(100 << 10);
    client.send([b"GET /take HTTP/1.1\r\nHost: a\r\n\r\n", &data[..]].concat()).await;
    client.end().await;
    client.expect_rest(data).await;
    drop(client);
    assert_eq!(site.events.reason().await, EndReason::Closed);
}

/// The file that a dead server left is replaced, and ours is removed with its listener.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replaces_a_stale_file_and_removes_its_own() {
    let socket = Socket::new();
    drop(UnixListener::bind(&socket.0).expect("a free name"));
    assert!(socket.0.exists(), "a listener of tokio's leaves its file");
    let site = Site::on(socket.bind().await.expect("nobody listens there"), |_| (), ok);
    let mut client = Client::connect_unix(&site.address).await;
    client.send(GET).await;
    client.expect(OK).await;
    soon("the shutdown", site.server.shutdown(std::time::Duration::from_secs(5))).await;
    soon("the end of serving", site.serving).await.expect("no panic");
    assert!(!socket.0.exists(), "the file is removed");
}

/// A socket that somebody listens on is not replaced.
#[tokio::test]
async fn does_not_replace_a_live_socket() {
    let socket = Socket::new();
    let first = socket.bind().await.expect("a free name");
    let error = socket.bind().await.expect_err("the first one listens");
    assert!(error.to_string().contains("another program listens there"), "{error}");
    assert!(socket.0.exists(), "the first one's file");
    drop(first);
    assert!(!socket.0.exists(), "the file is removed");
}

/// A file that is no socket is somebody's, and is not replaced.
#[tokio::test]
async fn does_not_replace_another_file() {
    let socket = Socket::new();
    std::fs::write(&socket.0, "precious").expect("a folder for such files");
    let error = socket.bind().await.expect_err("the name is taken");
    assert!(error.to_string().starts_with(&format!("cannot listen on {}", socket.address())), "{error}");
    assert_bytes(std::fs::read(&socket.0).expect("it is there"), "precious", "the file");
}

/// A listener of tokio's can be served, with its file left alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serves_listeners_that_others_made() {
    let socket = Socket::new();
    let unix = Site::on(UnixListener::bind(&socket.0).expect("a free name").into(), |_| (), ok);
    let mut client = Client::connect_unix(&unix.address).await;
    client.send(GET).await;
    client.expect(OK).await;
    soon("the shutdown", unix.server.shutdown(std::time::Duration::from_secs(5))).await;
    soon("the end of serving", unix.serving).await.expect("no panic");
    assert!(socket.0.exists(), "not ours to remove");

    let tcp = Site::on(TcpListener::bind("127.0.0.1:0").await.expect("a free port").into(), |_| (), ok);
    let mut client = tcp.client_with(GET).await;
    client.expect(OK).await;
}

/// Accepted TCP connections send small writes at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accepted_connections_have_no_delay() {
    let site = Site::start(
        |_| (),
        |exchange: Exchange| async {
            let tcp = exchange.io().tcp().expect("TCP");
            assert!(tcp.nodelay()?, "TCP_NODELAY is inherited");
            assert!(socket2::SockRef::from(tcp).keepalive()?, "so are probes");
            ok(exchange).await
        },
    )
    .await;
    site.client_with(GET).await.expect(OK).await;
}

/// An address that cannot be had is an error with cause and cure.
#[tokio::test]
async fn tells_why_it_cannot_listen() {
    let taken = Listener::bind("127.0.0.1:0").await.expect("a free port");
    for (address, cure) in [
        (taken.local_address().as_str(), "another program listens there"),
        ("nonsense", "an address looks like 127.0.0.1:8080"),
        ("192.0.2.1:0", "this machine does not have that address"),
        ("unix:/nowhere/at/all.sock", "the folder of the socket does not exist"),
        (&format!("unix:/tmp/{}", "x".repeat(200)), "shorter than 108 bytes"),
    ] {
        let error = Listener::bind(address).await.expect_err(address).to_string();
        assert!(error.starts_with(&format!("cannot listen on {address}: ")), "{error}");
        assert!(error.contains(cure), "expected {cure:?} in {error}");
    }
}
