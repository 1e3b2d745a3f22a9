//! TLS inside the connections.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hijack::tls::rustls::ClientConfig;
use hijack::tls::rustls::pki_types::ServerName;
use hijack::tls::{rustls, server_config};
use hijack::{Config, Conn, EndReason, Error, Exchange, Listener, Outcome, State, Timeout, Transport};
use http::Response;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::certificates::configs;
use crate::support::{Client, GET, OK, Site, assert_bytes, ok, pattern, read_len, soon, until};

struct TlsSite {
    site: Site,
    client: ClientConfig,
}

impl TlsSite {
    async fn start<H, F>(configure: impl FnOnce(&mut Config), handler: H) -> Self
    where
        H: Fn(Exchange) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Outcome, Error>> + Send + 'static,
    {
        let (server, client) = configs();
        let listener = Listener::bind("127.0.0.1:0").await.expect("a free port");
        Self { site: Site::on(listener.with_tls(server), configure, handler), client }
    }

    async fn client(&self) -> Client<TlsStream<TcpStream>> {
        let tcp = self.site.client().await.0;
        let name = ServerName::try_from("localhost").expect("a name");
        let connector = TlsConnector::from(Arc::new(self.client.clone()));
        Client(soon("the handshake", connector.connect(name, tcp)).await.expect("a trusted server"))
    }

    async fn client_with(&self, bytes: impl AsRef<[u8]>) -> Client<TlsStream<TcpStream>> {
        let mut client = self.client().await;
        client.send(bytes).await;
        client
    }
}

async fn taken(exchange: Exchange) -> Result<Conn, Error> {
    Ok(exchange.take_over_after(Response::new(()))?)
}

const HEAD: &str = "HTTP/1.1 200 OK\r\n\r\n";

/// Requests are served inside TLS, kept alive.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serves_requests() {
    let tls = TlsSite::start(
        |_| (),
        |exchange: Exchange| async {
            assert_eq!(exchange.io().kind(), "tls");
            ok(exchange).await
        },
    )
    .await;
    let mut client = tls.client_with(GET).await;
    client.expect(OK).await;
    client.send(format!("{GET}{GET}")).await;
    client.expect(format!("{OK}{OK}")).await;
    client.end().await;
    client.expect_rest("").await;
}

/// Behaviour 25, Go leaves untested: leftovers come first, those of the request's record and those that TLS itself holds,
/// 100 KiB and more of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leftovers_are_kept() {
    let tls = TlsSite::start(
        |_| (),
        |exchange: Exchange| async {
            let mut conn = taken(exchange).await?;
            let mut all = Vec::new();
            conn.read_to_end(&mut all).await?;
            conn.write_all(&all).await?;
            conn.close().await
        },
    )
    .await;
    for len in [1, 5_000, 100 << 10, 1 << 20] {
        let data = pattern(len);
        let mut client = tls.client_with([GET.as_bytes(), &data].concat()).await;
        client.end().await;
        client.expect(HEAD).await;
        client.expect_rest(data).await;
    }
}

/// Behaviour 25: our half-close is a close_notify (a clean end for the client), and what the client sends behind it is
/// still read, up to its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_closes_with_close_notify() {
    let mut tls = TlsSite::start(
        |_| (),
        |exchange: Exchange| async {
            let mut conn = taken(exchange).await?;
            conn.put(b"last words");
            conn.close_write().await?;
            let mut all = Vec::new();
            conn.read_to_end(&mut all).await?;
            assert_bytes(&all, "heard behind the end", "what the client sent");
            conn.close().await
        },
    )
    .await;
    let mut client = tls.client_with(GET).await;
    client.expect(HEAD).await;
    client.expect_rest("last words").await;
    client.send("heard behind the end").await;
    client.end().await;
    assert_eq!(tls.site.events.reason().await, EndReason::Closed);
}

/// Behaviour 25: the client's close_notify ends its direction and not ours.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_behind_the_clients_close_notify() {
    let data = pattern(300_000);
    let sent = data.clone();
    let tls = TlsSite::start(
        |_| (),
        move |exchange: Exchange| {
            let data = sent.clone();
            async move {
                let mut conn = taken(exchange).await?;
                assert_eq!(conn.read(&mut [0]).await?, 0, "the client has ended");
                conn.write_all(&data).await?;
                conn.close().await
            }
        },
    )
    .await;
    let mut client = tls.client_with(GET).await;
    client.end().await;
    client.expect(HEAD).await;
    client.expect_rest(data).await;
}

/// Behaviour 25: a FIN without close_notify is no end but an error, since anybody on the way can make one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_session_is_no_end() {
    let mut tls = TlsSite::start(
        |_| (),
        |exchange: Exchange| async {
            let mut conn = taken(exchange).await?;
            conn.flush().await?;
            let mut all = Vec::new();
            let error = conn.read_to_end(&mut all).await.expect_err("no close_notify came");
            assert_eq!((error.kind(), &all[..]), (std::io::ErrorKind::UnexpectedEof, &b"cut"[..]));
            Err(error.into())
        },
    )
    .await;
    let mut client = tls.client_with(format!("{GET}cut")).await;
    client.expect(HEAD).await;
    let (mut tcp, _) = client.0.into_inner();
    tcp.shutdown().await.expect("open");
    assert_eq!(tls.site.events.reason().await, EndReason::Broken(std::io::ErrorKind::UnexpectedEof));
}

/// Behaviour 25: `close` ends the session in order while the client still talks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closes_in_order_while_the_client_talks() {
    let data = pattern(1_000_000);
    let sent = data.clone();
    let tls = TlsSite::start(
        |_| (),
        move |exchange: Exchange| {
            let data = sent.clone();
            async move {
                let mut conn = taken(exchange).await?;
                conn.write_all(&data).await?;
                conn.close().await
            }
        },
    )
    .await;
    let mut client = tls.client_with(GET).await;
    client.send(vec![0; 100_000]).await;
    client.expect(HEAD).await;
    client.expect_rest(data).await;
}

/// Behaviour 6 inside TLS: the parts give the session, whose state can be asked, and the leftovers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_parts_hold_the_session() {
    let tls = TlsSite::start(
        |_| (),
        |exchange: Exchange| async {
            let conn = exchange.take_over().await?;
            let parts = conn.into_parts();
            let Transport::Tls(session) = &parts.io else { panic!("expected TLS, got {:?}", parts.io) };
            assert_eq!(session.state().protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
            assert!(parts.io.tcp().is_some(), "TLS over TCP");
            assert_bytes(&parts.unread, "early", "what came with the request");
            let mut conn: Conn = Conn::from_parts(parts);
            conn.write_all(b"seen: ").await?;
            let bytes = read_len(&mut conn, 10).await;
            conn.write_all(&bytes).await?;
            conn.close().await
        },
    )
    .await;
    let mut client = tls.client_with(format!("{GET}early")).await;
    client.expect("seen: ").await;
    client.send(" late").await;
    client.expect_rest("early late").await;
}

/// Split halves work inside TLS too, both directions at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn halves_work_at_once() {
    let data = pattern(500_000);
    let sent = data.clone();
    let tls = TlsSite::start(
        |_| (),
        move |exchange: Exchange| {
            let data = sent.clone();
            async move {
                let (mut read, mut write) = taken(exchange).await?.into_split();
                let writing = tokio::spawn(async move {
                    write.write_all(&data).await?;
                    write.shutdown().await
                });
                let mut all = Vec::new();
                read.read_to_end(&mut all).await?;
                writing.await.map_err(Error::other)??;
                assert_eq!(all.len(), 500_000);
                Ok(Outcome::taken())
            }
        },
    )
    .await;
    let client = tls.client_with(GET).await;
    let (mut read, mut write) = tokio::io::split(client.0);
    let sending = async {
        write.write_all(&data).await.expect("open");
        write.shutdown().await.expect("open");
    };
    let (got, ()) = tokio::join!(crate::support::read_all(&mut read), sending);
    assert_bytes(got, [HEAD.as_bytes(), &data].concat(), "from the server");
}

/// ALPN is `http/1.1`, and a client that speaks HTTP/2 only is refused in the handshake.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offers_http11_only() {
    let mut tls = TlsSite::start(|_| (), ok).await;
    tls.client.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let mut client = tls.client_with(GET).await;
    client.expect(OK).await;
    assert_eq!(client.0.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    tls.client.alpn_protocols = vec![b"h2".to_vec()];
    let connector = TlsConnector::from(Arc::new(tls.client.clone()));
    let name = ServerName::try_from("localhost").expect("a name");
    connector.connect(name, tls.site.client().await.0).await.expect_err("no common protocol");
}

/// `Config::handshake_timeout`: a client that does not shake hands is closed, and so is one that speaks plain HTTP.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handshake_has_a_limit() {
    let mut tls = TlsSite::start(|config| config.handshake_timeout = Duration::from_millis(300), ok).await;
    tls.site.client().await.expect_rest("").await;
    assert_eq!(tls.site.events.reason().await, EndReason::TimedOut(Timeout::Handshake));
    tls.site.client_with(GET).await.rest_or_reset().await;
    assert_eq!(tls.site.events.reason().await, EndReason::Broken(std::io::ErrorKind::InvalidData));
}

/// `Config::max_handshakes`: a further one is closed at once, and one that ends makes room.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handshakes_are_counted() {
    let mut tls = TlsSite::start(|config| config.max_handshakes = 1, ok).await;
    let tracker = tls.site.tracker();
    let slow = tls.site.client().await;
    until("the handshake has begun", || tracker.count_in(State::Handshake) == 1).await;
    tls.site.client().await.rest_or_reset().await;
    assert_eq!(tls.site.events.reason().await, EndReason::LimitReached("max_handshakes", 1));
    drop(slow);
    until("the handshake has ended", || tracker.count_in(State::Handshake) == 0).await;
    for _ in 0..3 {
        tls.client_with(GET).await.expect(OK).await;
    }
}

/// Behaviour 26 inside TLS: a shutdown ends idle sessions with close_notify.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_ends_sessions_in_order() {
    let tls = TlsSite::start(|_| (), ok).await;
    let mut client = tls.client_with(GET).await;
    client.expect(OK).await;
    let report = soon("the shutdown", tls.site.server.shutdown(Duration::from_secs(5))).await;
    assert_eq!((report.idle, report.forced), (1, 0));
    client.expect_rest("").await;
}

/// Files that are no certificate or no key are errors that name them.
#[test]
fn names_files_that_cannot_be_used() {
    let missing = PathBuf::from("/nowhere/at/all.pem");
    let error = server_config(&missing, &missing).expect_err("no such file").to_string();
    assert!(error.starts_with("cannot use /nowhere/at/all.pem for TLS: "), "{error}");
}
