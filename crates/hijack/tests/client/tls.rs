//! TLS toward servers: trusted, untrusted, broken, inside tunnels.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hijack::tls::client_config_with;
use hijack::tls::rustls::{ClientConfig, ServerConfig};
use hijack::{
    BodyError, Client, Conn, ConnectFailure, EndReason, Endpoint, Error, Exchange, Listener, Proxy,
};
use hijack::{Timeout, Upgrade};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::certificates::configs;
use crate::dialling::{assert_probed, assert_says, refused};
use crate::scripted::{Far, Stage, declined, expect_answer, get, post};
use crate::support::{self, GET, Site, assert_bytes, log, ok, pattern, read_all, read_len, soon};

/// A client that trusts `config`'s authorities.
fn trusting(config: ClientConfig) -> Client {
    Client::builder().tls(Arc::new(config)).configure(|config| config.answer_timeout = None).build()
}

/// Echoes behind an upgrade; answers `ok` else.
async fn echo(exchange: Exchange) -> Result<hijack::Outcome, Error> {
    if exchange.headers().contains_key("upgrade") {
        let Ok(mut conn) = exchange.upgrade(Upgrade::to(["echo"])).await else { panic!("it was offered") };
        let (mut read, mut write) = tokio::io::split(&mut conn);
        tokio::io::copy(&mut read, &mut write).await?;
        return conn.close().await;
    }
    ok(exchange).await
}

/// Our own server inside TLS, and where it is.
async fn site(server: Arc<ServerConfig>) -> (Site, Endpoint) {
    let listener = Listener::bind("127.0.0.1:0").await.expect("a free port");
    let site = Site::on(listener.with_tls(server), |_| (), echo);
    let port = site.address.rsplit(':').next().and_then(|port| port.parse().ok()).expect("an address");
    (site, Endpoint::tcp("localhost", port).with_tls(true))
}

/// Requests, a body both ways, and a takeover inside TLS, which keeps the probes of its socket.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn speaks_inside_tls() {
    let (server, trusted) = configs();
    let (site, endpoint) = site(server).await;
    let mut connection = trusting(trusted).connect(&endpoint).await.expect("it is trusted");
    assert_eq!(connection.io().kind(), "tls");
    assert_probed(connection.io().tcp().expect("TLS over TCP"), Some(Duration::from_secs(30)));
    for _ in 0..2 {
        connection.send(post(hijack::Body::from(pattern(200_000)))).await.expect("open");
        expect_answer(&mut connection, 200, "ok").await;
    }
    let conn = soon("the upgrade", connection.upgrade(get(), ["echo"])).await.expect("granted");
    let data = pattern(1_000_000);
    let (mut read, mut write) = conn.into_split();
    let writing = async {
        write.write_all(&data).await.expect("open");
        write.shutdown().await.expect("open");
    };
    let (got, ()) = tokio::join!(read_all(&mut read), writing);
    assert_bytes(got, &data, "echoed");
    drop((read, write, site));
}

/// The authorities may stand in a file, as Docker's do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trusts_the_authorities_in_a_file() {
    let (server, _) = configs();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let file = |end| std::env::temp_dir().join(format!("hijack-client-{}.{end}", std::process::id()));
    let (certificate, key) = (file("pem"), file("key"));
    std::fs::write(&certificate, made.cert.pem()).expect("a folder for such files");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("a folder for such files");
    let own = hijack::tls::server_config(&certificate, &key).expect("PEM files");
    let client = Client::builder().tls(client_config_with(&certificate, None).expect("a PEM file")).build();
    let shows = client_config_with(&certificate, Some((&certificate, &key))).expect("PEM files");
    std::fs::remove_file(&certificate).expect("written above");
    std::fs::remove_file(&key).expect("written above");
    let (_site, endpoint) = site(own).await;
    for client in [client.clone(), Client::builder().tls(shows).build()] {
        let mut connection = client.connect(&endpoint).await.expect("it is trusted");
        connection.send(get()).await.expect("open");
        expect_answer(&mut connection, 200, "ok").await;
    }
    let (_site, other) = site(server).await;
    let error = refused(&client, &other).await;
    assert_says(&error, ConnectFailure::Tls, &[]);
    let error = client_config_with(&certificate, None).expect_err("it is gone").to_string();
    assert!(error.contains(".pem"), "{error}");
}

/// A certificate that nobody vouches for, and one for another name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_untrusted_server_is_refused() {
    let (server, trusted) = configs();
    let (_, other) = configs();
    let (_site, endpoint) = site(server).await;
    let error = refused(&trusting(other), &endpoint).await;
    assert_says(
        &error,
        ConnectFailure::Tls,
        &["the TLS handshake", "invalid peer certificate", "and trusted?"],
    );
    let port = endpoint.to_string().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let error = refused(&trusting(trusted), &Endpoint::tcp("127.0.0.1", port).with_tls(true)).await;
    assert_says(&error, ConnectFailure::Tls, &["invalid peer certificate", "for this name"]);
}

/// A port that speaks plain HTTP, one that says something else, and one that hangs up.
#[tokio::test]
async fn a_plain_port_is_no_tls() {
    let (_, trusted) = configs();
    let client = trusting(trusted);
    let stage = Stage::new(|_| ()).await;
    let endpoint = stage.endpoint.clone().with_tls(true);
    for said in ["HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "SSH-2.0-x\r\n", ""] {
        let server = async {
            for _ in 0..2 {
                let mut far = stage.accept().await;
                far.0.read_u8().await.expect("the first byte of the handshake");
                far.send(said).await;
                far.end().await;
                far.rest_or_reset().await;
            }
        };
        let (error, ()) = tokio::join!(refused(&client, &endpoint), server);
        assert_says(&error, ConnectFailure::Tls, &["the TLS handshake", "speak TLS there"]);
    }
}

/// Behaviour 35: a server that does not shake hands is given up in time.
#[tokio::test]
async fn a_handshake_has_a_limit() {
    let (_, trusted) = configs();
    let limit = Duration::from_millis(300);
    let client =
        Client::builder().tls(Arc::new(trusted)).configure(|config| config.handshake_timeout = limit).build();
    let stage = Stage::new(|_| ()).await;
    let started = Instant::now();
    let error = refused(&client, &stage.endpoint.clone().with_tls(true)).await;
    assert!(started.elapsed() >= 2 * limit, "it was asked twice");
    let says = ["the TLS handshake: not done within 300ms"];
    assert_says(&error, ConnectFailure::TimedOut { limit }, &says);
}

/// Behaviour 35: a handshake's time does not reach into the connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handshakes_limit_ends_with_it() {
    let (server, trusted) = configs();
    let (_site, endpoint) = site(server).await;
    let limit = Duration::from_millis(500);
    let (log, mut events) = log();
    let client = Client::builder().observer(log).tls(Arc::new(trusted)).configure(|config| {
        config.handshake_timeout = limit;
        config.connect_timeout = limit;
        config.answer_timeout = Some(limit);
    });
    let client = client.build();
    let connection = client.connect(&endpoint).await.expect("it is trusted");
    let mut conn = connection.upgrade(get(), ["echo"]).await.expect("granted");
    tokio::time::sleep(2 * limit).await;
    conn.write_all(b"still").await.expect("open");
    assert_bytes(read_len(&mut conn, 5).await, "still", "echoed");
    conn.set_limits(support::limits(|limits| limits.idle = Some(limit)));
    let error = soon("the limit", conn.read(&mut [0])).await.expect_err("silence");
    assert_eq!(hijack::ended_by(&error), Some(EndReason::TimedOut(Timeout::Idle)));
    drop(conn);
    assert_eq!(events.reason().await, EndReason::TimedOut(Timeout::Idle));
}

/// The server's end of a session over the next connection of `stage`.
async fn accept(
    stage: &Stage,
    server: &Arc<ServerConfig>,
) -> Far<tokio_rustls::server::TlsStream<TcpStream>> {
    let tcp = stage.accept().await.0;
    let shaken = TlsAcceptor::from(Arc::clone(server)).accept(tcp);
    support::Client(soon("the handshake", shaken).await.expect("the client trusts it"))
}

/// Behaviour 31 inside TLS: early bytes in the record of the 101, and 100 KiB of them.
#[tokio::test]
async fn early_bytes_come_first_inside_tls() {
    let (server, trusted) = configs();
    let client = trusting(trusted);
    let stage = Stage::new(|_| ()).await;
    let endpoint =
        Endpoint::tcp("localhost", stage.listener.local_addr().expect("bound").port()).with_tls(true);
    for len in [1, 16_000, 100 << 10, 1 << 20] {
        let data = pattern(len);
        let (connection, mut far) = tokio::join!(client.connect(&endpoint), accept(&stage, &server));
        let serving = async {
            far.expect("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n").await;
            far.send([b"HTTP/1.1 200 OK\r\n\r\n", &data[..]].concat()).await;
            far.end().await;
        };
        let asking = async {
            let connection = connection.expect("it is trusted");
            let mut conn = connection.tunnel(hijack::Tunnel::to("a:1")).await.expect("granted");
            assert_bytes(read_all(&mut conn).await, &data, len);
        };
        tokio::join!(asking, serving);
    }
}

/// A body up to the connection's end that is cut without close_notify is no whole body: anybody on the way can do that.
#[tokio::test]
async fn a_cut_session_is_no_end_of_a_body() {
    let (server, trusted) = configs();
    let client = trusting(trusted);
    let stage = Stage::new(|_| ()).await;
    let endpoint =
        Endpoint::tcp("localhost", stage.listener.local_addr().expect("bound").port()).with_tls(true);
    for (head, notify) in
        [("", true), ("", false), ("Content-Length: 9\r\n", true), ("Content-Length: 9\r\n", false)]
    {
        let (connection, mut far) = tokio::join!(client.connect(&endpoint), accept(&stage, &server));
        let mut connection = connection.expect("it is trusted");
        connection.send(get()).await.expect("open");
        far.expect(GET).await;
        far.send(format!("HTTP/1.1 200 OK\r\n{head}\r\nhalf")).await;
        let mut cut = None;
        if notify {
            far.end().await;
        } else {
            let (mut tcp, _) = far.0.into_inner();
            tcp.shutdown().await.expect("open");
            cut = Some(tcp);
        }
        soon("an answer", connection.answer()).await.expect("a head");
        match (soon("the body", connection.read_to_end(100)).await, head, notify) {
            (Ok(body), "", true) => assert_eq!(body, "half"),
            (Err(Error::Body(BodyError::Truncated)), "Content-Length: 9\r\n", true) => {}
            (Err(Error::Io(error)), _, false) => {
                assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
            }
            (other, ..) => panic!("{head:?} {notify}: {other:?}"),
        }
        drop(cut);
    }
}

/// Closing ends the session in order.
#[tokio::test]
async fn closes_with_close_notify() {
    let (server, trusted) = configs();
    let client = trusting(trusted);
    let stage = Stage::new(|_| ()).await;
    let endpoint =
        Endpoint::tcp("localhost", stage.listener.local_addr().expect("bound").port()).with_tls(true);
    let (connection, mut far) = tokio::join!(client.connect(&endpoint), accept(&stage, &server));
    connection.expect("it is trusted").close().await.expect("in order");
    far.expect_rest("").await;
}

/// A proxy in the test's own hands that opens one tunnel to `to`, with `early` behind its answer.
async fn proxy(stage: &Stage, to: &str, early: &[u8]) {
    let mut far = stage.accept().await;
    let head = far.head().await;
    assert!(head.starts_with("CONNECT localhost:"), "{head}");
    far.send([b"HTTP/1.1 200 OK\r\n\r\n", early].concat()).await;
    let mut up = TcpStream::connect(to).await.expect("a server listens");
    let _ = tokio::io::copy_bidirectional(&mut far.0, &mut up).await;
}

/// Behaviour 34: TLS to the server inside the tunnel, and its probes on the proxy's socket.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn speaks_tls_through_a_proxy() {
    let (server, trusted) = configs();
    let (site, endpoint) = site(server).await;
    let stage = Stage::new(|_| ()).await;
    let client = trusting(trusted);
    let through = Proxy::new(stage.endpoint.clone());
    let asking = async {
        let mut connection = client.connect_through(&through, &endpoint).await.expect("it is trusted");
        assert_eq!(connection.io().kind(), "tls");
        assert_probed(connection.io().tcp().expect("TLS over TCP"), Some(Duration::from_secs(30)));
        connection.send(get()).await.expect("open");
        expect_answer(&mut connection, 200, "ok").await;
        let mut conn = connection.upgrade(get(), ["echo"]).await.expect("granted");
        conn.write_all(b"through all of it").await.expect("open");
        conn.close_write().await.expect("open");
        assert_bytes(read_all(&mut conn).await, "through all of it", "echoed");
    };
    soon("all of it", async { tokio::join!(asking, proxy(&stage, &site.address, b"")) }).await;
    assert_eq!(client.tracker().count(), 0);
}

/// Behaviour 34: bytes that come ahead of the handshake are not lost but make it fail: they are no TLS.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_ahead_of_the_handshake_are_part_of_it() {
    let (server, trusted) = configs();
    let (site, endpoint) = site(server).await;
    let stage = Stage::new(|_| ()).await;
    let client = trusting(trusted);
    let through = Proxy::new(stage.endpoint.clone());
    let asking = async {
        let Err(Error::Connect(error)) = client.connect_through(&through, &endpoint).await else {
            panic!("expected a failed handshake")
        };
        assert_says(&error, ConnectFailure::Tls, &["the TLS handshake"]);
    };
    soon("all of it", async { tokio::join!(asking, proxy(&stage, &site.address, b"220 hello\r\n")) }).await;
    assert_eq!(client.tracker().count(), 0);
}

/// Behaviour 34: a proxy that is itself reached by TLS, and TLS to the server inside.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn speaks_tls_inside_tls() {
    let (server, trusted) = configs();
    let (site, endpoint) = site(Arc::clone(&server)).await;
    let address = site.address.clone();
    let tunnels = move |exchange: Exchange| {
        let address = address.clone();
        async move {
            let mut conn: Conn = match exchange.accept_connect(http::HeaderMap::new()).await {
                Ok(conn) => conn,
                Err(refused) => return refused.answer().await,
            };
            let mut up = TcpStream::connect(address).await?;
            tokio::io::copy_bidirectional(&mut conn, &mut up).await?;
            conn.close().await
        }
    };
    let listener = Listener::bind("127.0.0.1:0").await.expect("a free port");
    let proxy = Site::on(listener.with_tls(server), |_| (), tunnels);
    let port = proxy.address.rsplit(':').next().and_then(|port| port.parse().ok()).expect("an address");
    let through = Proxy::new(Endpoint::tcp("localhost", port).with_tls(true));
    let client = trusting(trusted);
    let mut connection = client.connect_through(&through, &endpoint).await.expect("both are trusted");
    connection.send(get()).await.expect("open");
    expect_answer(&mut connection, 200, "ok").await;
    // The proxy refuses what is no tunnel, as an ordinary server does.
    let connection = client.connect(&Endpoint::tcp("localhost", port).with_tls(true)).await.expect("trusted");
    let (decline, connection) = declined(connection.upgrade(get(), ["echo"]).await);
    assert_eq!(decline.head.status(), 405);
    assert!(connection.is_some());
}
