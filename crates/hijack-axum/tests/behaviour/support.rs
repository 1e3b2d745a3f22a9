//! What the tests share: an app that is served, and a client that says which bytes.

use std::future::{Future, IntoFuture};
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use hijack::Conn;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How long anything may take that must happen.
const PATIENCE: Duration = Duration::from_secs(10);

/// Waits for what must happen soon.
pub(crate) async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(output) => output,
        Err(_) => panic!("{what} did not happen within {PATIENCE:?}"),
    }
}

/// Waits until `holds`, while the others go on.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let held = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    soon(what, held).await;
}

pub(crate) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Serves `app` until the test ends.
pub(crate) async fn serve(app: Router) -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(hijack_axum::serve(listener, app).into_future());
    address
}

/// Sends `bytes`, ends the sending, and gives everything that comes.
pub(crate) async fn say(address: SocketAddr, bytes: impl AsRef<[u8]>) -> String {
    let mut client = connect(address).await;
    client.write_all(bytes.as_ref()).await.unwrap();
    client.shutdown().await.unwrap();
    everything(&mut client).await
}

pub(crate) async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.unwrap()
}

/// Reads until the end.
pub(crate) async fn everything(client: &mut TcpStream) -> String {
    let mut got = String::new();
    soon("the end", client.read_to_string(&mut got)).await.unwrap();
    got
}

/// Reads exactly what is expected.
pub(crate) async fn expect(client: &mut TcpStream, expected: &str) {
    let mut got = vec![0; expected.len()];
    let read = soon(expected, client.read_exact(&mut got)).await;
    assert_eq!(String::from_utf8_lossy(&got), expected, "{read:?}");
}

/// A request without a body.
pub(crate) fn get(target: &str, fields: &str) -> String {
    request("GET", target, fields)
}

pub(crate) fn request(method: &str, target: &str, fields: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: a\r\n{fields}\r\n")
}

/// The fields that ask for an upgrade.
pub(crate) fn upgrade(protocols: &str) -> String {
    format!("Connection: upgrade\r\nUpgrade: {protocols}\r\n")
}

/// The status, and what of `answer` comes behind its head.
#[track_caller]
pub(crate) fn answered(answer: &str) -> (u16, &str) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {answer:?}"));
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body)
}

/// The values of a field of `answer`.
pub(crate) fn values<'a>(answer: &'a str, name: &str) -> Vec<&'a str> {
    let (head, _) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let fields = head.lines().filter_map(|line| line.split_once(": "));
    fields.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
}

/// Sends back what comes, in brackets, until the client ends.
pub(crate) async fn bracket(mut conn: Conn) -> Result<(), hijack::Error> {
    conn.write_all(b"[").await?;
    let mut part = [0; 100];
    loop {
        match conn.read(&mut part).await? {
            0 => break,
            len => conn.write_all(&part[..len]).await?,
        }
    }
    conn.write_all(b"]").await?;
    conn.close().await.map(drop)
}
