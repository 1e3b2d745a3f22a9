//! Connections that become something else, or are refused to.

use std::io::ErrorKind;

use hijack::{Body, ClientConnection, Conn, Error, Proxy, Tunnel, Untaken};
use hijack_interop::server::{Server, pattern};
use http::{Request, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::connections::get;
use crate::peer::{Peer, Site};

pub(crate) async fn upgrade(site: &Site) {
    let mut conn = upgraded(site).await;
    assert_eq!(conn.protocol().as_deref(), Some("echo"));
    if site.is(&[Peer::Node]) {
        // It writes both at once, so they came together.
        assert_eq!(conn.unread(), b"welcome\n");
    }
    expect(&mut conn, b"welcome\n").await;
    converse(&mut conn).await;
    end(site, conn).await;
}

/// Our end is on its way behind a megabyte that nobody has read back yet: all of it comes back before theirs.
pub(crate) async fn half_close(site: &Site) {
    let (mut read, mut write) = upgraded(site).await.into_split();
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
pub(crate) async fn refused_upgrade(site: &Site) {
    let connection = site.connect().await;
    let untaken = connection.upgrade(get("/upgrade"), ["other"]).await.expect_err("nobody knows it");
    let (status, body, connection) = declined(untaken);
    assert_eq!(status, 426);
    if !site.is(&[Peer::Ours]) {
        assert_eq!(body, "upgrade to echo\n");
    }
    assert_eq!(connection.is_some(), !site.is(&[Peer::Node]));
    if let Some(connection) = connection {
        go_on(connection).await;
    }
}

/// Behind an answer's head the connection is taken over with every byte of its body, framing and all, and what
/// we say then is the next request.
pub(crate) async fn take_over(site: &Site) {
    let mut connection = site.connect().await;
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
pub(crate) async fn raw(site: &Site) {
    let mut connection = site.connect().await;
    connection.request(get("/bytes/5")).await.expect("an answer");
    connection.read_to_end(100).await.expect("a body");
    let mut conn = connection.take_over().expect("behind an answer");
    conn.write_all(b"GET /raw HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("written");
    let mut said = String::new();
    conn.read_to_string(&mut said).await.expect("until they close");
    assert_eq!(said, "hello world");
}

/// To a request it is no answer.
pub(crate) async fn no_answer(site: &Site) {
    let error = site.connect().await.request(get("/raw")).await.expect_err("that is no HTTP");
    assert!(matches!(error, Error::Head(_)), "{error:?}");
}

pub(crate) async fn tunnel(site: &Site) {
    let mut conn = site.connect().await.tunnel(Tunnel::to("echo.test:443")).await.expect("a tunnel");
    converse(&mut conn).await;
    end(site, conn).await;
}

/// A tunnel to another server, and HTTP inside.
pub(crate) async fn nested(site: &Site) {
    let server = tokio::task::spawn_blocking(Server::start).await.expect("it starts");
    let target = server.base().parse().expect("an address");
    let proxy = Proxy::new(site.base.parse().expect("an address"));
    let mut inside = site.client.connect_through(&proxy, &target).await.expect("a tunnel");
    for len in [0, 5, 100_000] {
        inside.request(get(&format!("/chunked/{len}"))).await.expect("an answer");
        assert_eq!(&inside.read_to_end(len).await.expect("a body")[..], pattern(len));
    }
    // It runs until its last tunnel has ended.
    drop(inside);
    tokio::task::spawn_blocking(|| drop(server)).await.expect("no panic");
}

/// A refused CONNECT has its answer. Only HAProxy keeps the connection, and it is used again.
pub(crate) async fn refused_tunnel(site: &Site) {
    let untaken = site.connect().await.tunnel(Tunnel::to("refused.test:80")).await.expect_err("refused");
    let (status, body, connection) = declined(untaken);
    match site.peer {
        // It knows no CONNECT; older ones do not even read its target.
        Peer::Nginx | Peer::NginxTls => assert!([400, 405].contains(&status.as_u16()), "{status} {body}"),
        _ => assert_eq!((status, &*body), (StatusCode::FORBIDDEN, "forbidden\n")),
    }
    assert_eq!(connection.is_some(), site.is(&[Peer::Haproxy, Peer::HaproxyTls]));
    if let Some(connection) = connection {
        go_on(connection).await;
    }
}

/// The connection is as good as before.
async fn go_on(mut connection: ClientConnection) {
    connection.request(get("/bytes/5")).await.expect("an answer");
    assert_eq!(&connection.read_to_end(100).await.expect("a body")[..], pattern(5));
}

async fn upgraded(site: &Site) -> Conn {
    let request = Request::get("/upgrade").body(Body::empty()).expect("a request");
    site.connect().await.upgrade(request, ["echo"]).await.expect("an upgrade")
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

/// Our end is answered by theirs. nginx leaves the close_notify out, which we tell apart from an end: the stream
/// may have been cut.
async fn end(site: &Site, mut conn: Conn) {
    conn.close_write().await.expect("our end");
    let mut rest = Vec::new();
    match conn.read_to_end(&mut rest).await {
        Err(cut) if site.is(&[Peer::NginxTls]) => assert_eq!(cut.kind(), ErrorKind::UnexpectedEof),
        ended => assert_eq!(ended.expect("their end"), 0),
    }
    assert_eq!(rest.escape_ascii().to_string(), "");
}

async fn expect(conn: &mut Conn, expected: &[u8]) {
    let mut came = vec![0; expected.len()];
    conn.read_exact(&mut came).await.expect("bytes");
    assert!(came == expected, "{} instead of {}", came.escape_ascii(), expected.escape_ascii());
}
