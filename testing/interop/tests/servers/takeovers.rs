//! Connections that become something else, or are refused to.

use hijack::{Body, Client, ClientConnection, Conn, Error, Proxy, Tunnel, Untaken};
use hijack_interop::server::{Server, pattern};
use http::{Request, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::connect;
use crate::connections::get;
use crate::peer::Peer;

pub(crate) async fn upgrade(peer: Peer, base: &str) {
    let mut conn = upgraded(base).await;
    assert_eq!(conn.protocol().as_deref(), Some("echo"));
    if peer == Peer::Node {
        // It writes both at once, so they came together.
        assert_eq!(conn.unread(), b"welcome\n");
    }
    expect(&mut conn, b"welcome\n").await;
    converse(&mut conn).await;
    end(conn).await;
}

/// Our end is on its way behind a megabyte that nobody has read back yet: all of it comes back before theirs.
pub(crate) async fn half_close(_: Peer, base: &str) {
    let (mut read, mut write) = upgraded(base).await.into_split();
    let sent = pattern(1_000_000);
    let expected = [b"welcome\n", &sent[..]].concat();
    let sending = tokio::spawn(async move {
        write.write_all(&sent).await?;
        write.shutdown().await?;
        Ok::<_, std::io::Error>(write)
    });
    let mut came = Vec::new();
    read.read_to_end(&mut came).await.expect("all of it");
    assert!(came == expected, "{} of {} bytes", came.len(), expected.len());
    sending.await.expect("no panic").expect("all is written");
}

/// A refusal has its body, and the connection goes on; Node's does not.
pub(crate) async fn refused_upgrade(peer: Peer, base: &str) {
    let connection = connect(base).await;
    let untaken = connection.upgrade(get("/upgrade"), ["other"]).await.expect_err("nobody knows it");
    let (status, body, connection) = declined(untaken);
    assert_eq!(status, 426);
    if peer != Peer::Ours {
        assert_eq!(body, "upgrade to echo\n");
    }
    assert_eq!(connection.is_some(), peer != Peer::Node);
    if let Some(connection) = connection {
        go_on(connection).await;
    }
}

/// Behind an answer's head the connection is taken over with every byte of its body, framing and all, and what
/// we say then is the next request.
pub(crate) async fn take_over(_: Peer, base: &str) {
    let mut connection = connect(base).await;
    connection.request(get("/bytes/5")).await.expect("an answer");
    assert_eq!(&connection.read_to_end(100).await.expect("a body")[..], pattern(5));
    connection.request(get("/bytes/100000")).await.expect("an answer");
    let mut conn = connection.take_over().expect("behind a head");
    expect(&mut conn, &pattern(100_000)).await;
    conn.write_all(b"HEAD /bytes/7 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.expect("written");
    let mut answer = String::new();
    conn.read_to_string(&mut answer).await.expect("until they close");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
}

/// What is no HTTP at all comes through raw.
pub(crate) async fn raw(_: Peer, base: &str) {
    let mut connection = connect(base).await;
    connection.request(get("/bytes/5")).await.expect("an answer");
    connection.read_to_end(100).await.expect("a body");
    let mut conn = connection.take_over().expect("behind an answer");
    conn.write_all(b"GET /raw HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("written");
    let mut said = String::new();
    conn.read_to_string(&mut said).await.expect("until they close");
    assert_eq!(said, "hello world");
}

/// To a request it is no answer.
pub(crate) async fn no_answer(_: Peer, base: &str) {
    let error = connect(base).await.request(get("/raw")).await.expect_err("that is no HTTP");
    assert!(matches!(error, Error::Head(_)), "{error:?}");
}

pub(crate) async fn tunnel(_: Peer, base: &str) {
    let mut conn = connect(base).await.tunnel(Tunnel::to("echo.test:443")).await.expect("a tunnel");
    converse(&mut conn).await;
    end(conn).await;
}

/// A tunnel to another server, and HTTP inside.
pub(crate) async fn nested(_: Peer, base: &str) {
    let server = tokio::task::spawn_blocking(Server::start).await.expect("it starts");
    let target = server.base().parse().expect("an address");
    let proxy = Proxy::new(base.parse().expect("an address"));
    let mut inside = Client::new().connect_through(&proxy, &target).await.expect("a tunnel");
    for len in [0, 5, 100_000] {
        inside.request(get(&format!("/chunked/{len}"))).await.expect("an answer");
        assert_eq!(&inside.read_to_end(len).await.expect("a body")[..], pattern(len));
    }
    // It runs until its last tunnel has ended.
    drop(inside);
    tokio::task::spawn_blocking(|| drop(server)).await.expect("no panic");
}

/// A refused CONNECT has its answer. Only HAProxy keeps the connection, and it is used again.
pub(crate) async fn refused_tunnel(peer: Peer, base: &str) {
    let untaken = connect(base).await.tunnel(Tunnel::to("refused.test:80")).await.expect_err("refused");
    let (status, body, connection) = declined(untaken);
    match peer {
        // It knows no CONNECT; older ones do not even read its target.
        Peer::Nginx => assert!([400, 405].contains(&status.as_u16()), "{status} {body}"),
        _ => assert_eq!((status, &*body), (StatusCode::FORBIDDEN, "forbidden\n")),
    }
    assert_eq!(connection.is_some(), peer == Peer::Haproxy);
    if let Some(connection) = connection {
        go_on(connection).await;
    }
}

/// The connection is as good as before.
async fn go_on(mut connection: ClientConnection) {
    connection.request(get("/bytes/5")).await.expect("an answer");
    assert_eq!(&connection.read_to_end(100).await.expect("a body")[..], pattern(5));
}

async fn upgraded(base: &str) -> Conn {
    let request = Request::get("/upgrade").body(Body::empty()).expect("a request");
    connect(base).await.upgrade(request, ["echo"]).await.expect("an upgrade")
}

pub(crate) fn declined(untaken: Untaken) -> (StatusCode, String, Option<ClientConnection>) {
    let Error::Declined(decline) = untaken.error else { panic!("{:?}", untaken.error) };
    let body = String::from_utf8(decline.body.to_vec()).expect("text");
    (decline.head.status(), body, untaken.connection)
}

/// A word, then a megabyte both ways at once.
async fn converse(conn: &mut Conn) {
    conn.write_all(b"hello").await.expect("written");
    expect(conn, b"hello").await;
    let sent = pattern(1_000_000);
    let (mut read, mut write) = tokio::io::split(conn);
    let mut came = vec![0; sent.len()];
    let (written, read) = tokio::join!(
        async {
            write.write_all(&sent).await?;
            write.flush().await
        },
        read.read_exact(&mut came)
    );
    written.expect("all is written");
    read.expect("all came back");
    assert!(came == sent, "the echo differs");
}

/// Our end is answered by theirs.
async fn end(mut conn: Conn) {
    conn.close_write().await.expect("our end");
    let mut rest = Vec::new();
    conn.read_to_end(&mut rest).await.expect("their end");
    assert_eq!(rest.escape_ascii().to_string(), "");
}

async fn expect(conn: &mut Conn, expected: &[u8]) {
    let mut came = vec![0; expected.len()];
    conn.read_exact(&mut came).await.expect("bytes");
    assert!(came == expected, "{} instead of {}", came.escape_ascii(), expected.escape_ascii());
}
