//! `CONNECT` from the client's side: tunnels, proxies, and answers that are no tunnel.

use hijack::{ConnectFailure, Endpoint, Error, Mismatch, Peer, Proxy, Tunnel};
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, Version};
use tokio::io::AsyncWriteExt;

use crate::scripted::{Stage, answered, declined, expect_answer, get, pair};
use crate::support::{GET, assert_bytes, pattern, read_all, read_len, soon};

const CONNECT: &str = "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n";

fn tunnel() -> Tunnel {
    Tunnel::to("example.org:443")
}

/// Behaviour 34: any 2xx opens the tunnel, whatever its headers say of a body, and bytes behind it come first
/// (RFC 9110 §9.3.6).
#[tokio::test]
async fn any_2xx_opens_a_tunnel() {
    for head in [
        "HTTP/1.1 200 Connection established\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
        "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 299 Odd\r\nContent-Length: nonsense\r\n\r\n",
        "HTTP/1.0 200 OK\n\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ] {
        let (connection, mut far) = pair().await;
        let server = async {
            far.expect(CONNECT).await;
            assert!(far.is_silent().await, "nothing is sent ahead of the answer");
            far.send(format!("{head}early")).await;
            far.expect("hello").await;
            far.send(" late").await;
            far.end().await;
            far.expect_rest("last").await;
        };
        let client = async {
            let mut conn = connection.tunnel(tunnel()).await.unwrap_or_else(|e| panic!("{head:?}: {e}"));
            assert_eq!(conn.protocol().as_deref(), Some("connect"));
            conn.write_all(b"hello").await.expect("open");
            assert_bytes(read_all(&mut conn).await, "early late", head);
            conn.write_all(b"last").await.expect("half-open");
            conn.close_write().await.expect("open");
        };
        tokio::join!(client, server);
    }
}

/// Behaviour 34: data in both directions at once, early bytes of any length first.
#[tokio::test]
async fn a_tunnel_is_duplex() {
    let (connection, mut far) = pair().await;
    let (up, down) = (pattern(2_000_000), pattern(3_000_000));
    let server = async {
        far.expect(CONNECT).await;
        far.send([b"HTTP/1.1 200 OK\r\n\r\n", &down[..100_000]].concat()).await;
        let (read, mut write) = far.0.split();
        let reading = async {
            let mut got = Vec::new();
            tokio::io::AsyncReadExt::read_to_end(&mut { read }, &mut got).await.expect("open");
            got
        };
        let writing = async {
            write.write_all(&down[100_000..]).await.expect("open");
            write.shutdown().await.expect("open");
        };
        let (got, ()) = tokio::join!(reading, writing);
        assert_bytes(got, &up, "what the client sent");
    };
    let client = async {
        let (mut read, mut write) = connection.tunnel(tunnel()).await.expect("granted").into_split();
        let writing = async {
            write.write_all(&up).await.expect("open");
            write.shutdown().await.expect("open");
        };
        let (got, ()) = tokio::join!(read_all(&mut read), writing);
        assert_bytes(got, &down, "what the server sent");
    };
    soon("both ways", async { tokio::join!(client, server) }).await;
}

/// Behaviour 34: any other answer opens none; the error has its status, headers and body.
#[tokio::test]
async fn another_answer_opens_no_tunnel() {
    for status in [400, 301, 403, 404, 405, 407, 500, 502, 503] {
        let (connection, mut far) = pair().await;
        let server = async {
            far.expect(CONNECT).await;
            far.send(format!("HTTP/1.1 {status} No\r\nX-Why: policy\r\nContent-Length: 6\r\n\r\nreason"))
                .await;
            far.expect(GET).await;
            far.send(answered("ok")).await;
            far
        };
        let client = async {
            let (decline, connection) = declined(connection.tunnel(tunnel()).await);
            assert_eq!(decline.mismatch, Mismatch::Status(decline.head.status()));
            assert_eq!(decline.head.status(), status);
            assert_eq!(decline.head.headers()["x-why"], "policy");
            assert_eq!((&decline.body[..], decline.complete), (&b"reason"[..], true));
            let mut connection = connection.expect("it is still good");
            connection.send(get()).await.expect("open");
            expect_answer(&mut connection, 200, "ok").await;
        };
        tokio::join!(client, server);
    }
}

/// Behaviour 34: a proxy that asks for credentials is asked again on the same connection.
#[tokio::test]
async fn asks_again_with_credentials() {
    let (connection, mut far) = pair().await;
    let server = async {
        far.expect(CONNECT).await;
        far.send(
            "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"a\"\r\n\
             Transfer-Encoding: chunked\r\n\r\n5\r\nplease\r\n"
                .replace("5\r\n", "6\r\n"),
        )
        .await;
        far.send("0\r\n\r\n").await;
        far.expect(
            "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\
             Proxy-Authorization: Basic dXNlcjpzOmVjcmV0\r\n\r\n",
        )
        .await;
        far.send("HTTP/1.1 200 OK\r\n\r\nearly").await;
        far
    };
    let client = async {
        let (decline, connection) = declined(connection.tunnel(tunnel()).await);
        assert_eq!(decline.head.status(), StatusCode::PROXY_AUTHENTICATION_REQUIRED);
        assert_eq!(decline.to_string(), "the server answered 407 Proxy Authentication Required: please");
        let connection = connection.expect("it is still good");
        connection.tunnel(tunnel().basic_auth("user", "s:ecret")).await.expect("granted")
    };
    let (mut conn, _far) = tokio::join!(client, server);
    assert_bytes(read_len(&mut conn, 5).await, "early", "behind the 200");
}

/// Behaviour 34: a proxy that closes behind its refusal leaves no connection.
#[tokio::test]
async fn a_refusal_that_closes_leaves_no_connection() {
    for answer in [
        "HTTP/1.1 407 No\r\nConnection: close\r\nContent-Length: 6\r\n\r\nreason",
        "HTTP/1.1 407 No\r\nProxy-Connection: x\r\n\r\nreason",
        "HTTP/1.0 407 No\r\nContent-Length: 6\r\n\r\nreason",
    ] {
        let (connection, mut far) = pair().await;
        let server = async {
            far.expect(CONNECT).await;
            far.send(answer).await;
            far.end().await;
            far.rest_or_reset().await
        };
        let (asked, rest) = tokio::join!(connection.tunnel(tunnel()), server);
        let (decline, connection) = declined(asked);
        assert_eq!((&decline.body[..], decline.complete), (&b"reason"[..], true), "{answer:?}");
        assert!(connection.is_none(), "{answer:?}");
        assert_bytes(rest, "", "nothing more was said");
    }
}

/// The heads that ask for tunnels, and what is no place for one.
#[tokio::test]
async fn a_tunnel_leads_to_a_host_and_a_port() {
    for (to, authority) in [("a:1", "a:1"), ("[::1]:8443", "[::1]:8443"), ("127.0.0.1:80", "127.0.0.1:80")] {
        let (connection, mut far) = pair().await;
        let server = async {
            far.expect(format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\nX-A: b\r\n\r\n")).await;
            far.send("HTTP/1.1 200 OK\r\n\r\n").await;
            far
        };
        let tunnel = Tunnel::to(to).header(HeaderName::from_static("x-a"), HeaderValue::from_static("b"));
        tokio::join!(connection.tunnel(tunnel), server).0.expect("granted");
    }
    let (mut connection, mut far) = pair().await;
    for to in ["", "a", "http://a:1", "a:1/path", "/path", "a b:1", "user@a:1", "a:port", "a:99999"] {
        let untaken = connection.tunnel(Tunnel::to(to)).await.expect_err(to);
        assert!(matches!(untaken.error, Error::Config(_)), "{to:?}: {untaken:?}");
        assert!(untaken.error.to_string().contains("host:port"), "{untaken}");
        connection = untaken.connection.expect("nothing was sent");
    }
    assert!(far.is_silent().await);
}

/// Behaviour 34: Go's net/rpc asks for a path over HTTP/1.0, and answers with bare line feeds.
#[tokio::test]
async fn connects_to_a_path_as_net_rpc_does() {
    let (connection, mut far) = pair().await;
    let request = Request::builder()
        .method(Method::CONNECT)
        .uri("/_goRPC_")
        .version(Version::HTTP_10)
        .body(hijack::Body::empty())
        .expect("a request");
    let server = async {
        far.expect("CONNECT /_goRPC_ HTTP/1.0\r\n\r\n").await;
        far.send("HTTP/1.0 200 Connected to Go RPC\n\nearly").await;
        far.expect("call").await;
        far
    };
    let client = async {
        let mut conn = connection.connect(request).await.expect("granted");
        conn.write_all(b"call").await.expect("open");
        conn
    };
    let (mut conn, _far) = tokio::join!(client, server);
    assert_bytes(read_len(&mut conn, 5).await, "early", "behind the 200");
}

fn proxy(stage: &Stage) -> Proxy {
    Proxy::new(stage.endpoint.clone())
        .basic_auth("user", "secret")
        .header(HeaderName::from_static("x-from"), HeaderValue::from_static("here"))
}

/// Behaviour 34: HTTP through a proxy that wants credentials, the target's `Host` inside.
#[tokio::test]
async fn speaks_http_through_a_proxy() {
    let mut stage = Stage::new(|_| ()).await;
    let proxy = proxy(&stage);
    let endpoint: Endpoint = "http://example.org".parse().expect("an address");
    let server = async {
        let mut far = stage.accept().await;
        far.expect(
            "CONNECT example.org:80 HTTP/1.1\r\nHost: example.org:80\r\nX-From: here\r\n\
             Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n\r\n",
        )
        .await;
        far.send("HTTP/1.1 200 OK\r\n\r\n").await;
        far
    };
    let (connection, mut far) = tokio::join!(stage.client.connect_through(&proxy, &endpoint), server);
    let mut connection = connection.expect("the proxy opened it");
    assert!(matches!(connection.peer(), Peer::Tcp(_)), "the proxy's address");
    let request = Request::get("/path").body(hijack::Body::empty()).expect("a request");
    connection.send(request).await.expect("open");
    far.expect("GET /path HTTP/1.1\r\nHost: example.org\r\n\r\n").await;
    far.send(answered("from afar")).await;
    expect_answer(&mut connection, 200, "from afar").await;
    assert_eq!(stage.client.tracker().count(), 1, "one connection, not two");
    drop(connection);
    let heard = stage.events.heard();
    assert_eq!(
        heard.len(),
        5,
        "opened, taken and closed the tunnel; opened and closed what is in it: {heard:?}"
    );
}

/// Behaviour 34: bytes that come with the proxy's 200 are the first of the tunnel.
#[tokio::test]
async fn bytes_come_early_through_a_proxy() {
    let stage = Stage::new(|_| ()).await;
    let data = pattern(100_000);
    let server = async {
        let mut far = stage.accept().await;
        far.head().await;
        far.send([b"HTTP/1.1 200 OK\r\n\r\n", &data[..]].concat()).await;
        far.end().await;
        far
    };
    let (proxy, endpoint) = (proxy(&stage), Endpoint::tcp("example.org", 25));
    let client = async {
        let connection = stage.client.connect_through(&proxy, &endpoint).await.expect("it was opened");
        let mut conn = connection.take_over().expect("nothing was asked");
        assert_bytes(read_all(&mut conn).await, &data, "early bytes");
    };
    tokio::join!(client, server);
}

/// Behaviour 34: a proxy that opens no tunnel is told from one that cannot be reached.
#[tokio::test]
async fn a_proxy_may_refuse() {
    let stage = Stage::new(|_| ()).await;
    let (proxy, endpoint) = (proxy(&stage), Endpoint::tcp("example.org", 80));
    let server = async {
        let mut far = stage.accept().await;
        far.head().await;
        far.send("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 9\r\n\r\nno route\n").await;
        far
    };
    let (refused, _far) = tokio::join!(stage.client.connect_through(&proxy, &endpoint), server);
    let Err(Error::Declined(decline)) = refused else { panic!("expected a refusal, got {refused:?}") };
    assert_eq!(decline.head.status(), 502);
    assert_eq!(decline.to_string(), "the server answered 502 Bad Gateway: no route");
    let unix = Endpoint::unix("/run/some.sock");
    let Err(Error::Connect(error)) = stage.client.connect_through(&proxy, &unix).await else {
        panic!("no proxy leads there")
    };
    assert_eq!(error.failure(), ConnectFailure::Proxy);
    assert!(error.to_string().contains("a proxy leads to TCP ports only"), "{error}");
    drop(stage.listener);
    let Err(Error::Connect(error)) = stage.client.connect_through(&proxy, &endpoint).await else {
        panic!("nobody listens any more")
    };
    assert_eq!(error.failure(), ConnectFailure::Refused);
    assert_eq!(error.endpoint(), stage.endpoint.to_string(), "the proxy is named");
    assert_eq!(stage.client.tracker().count(), 0);
}

/// Behaviour 34: the requests of a forward proxy are written with whole targets.
#[tokio::test]
async fn an_ordinary_proxy_gets_whole_targets() {
    let (mut connection, mut far) = pair().await;
    connection.set_absolute_form(true);
    let request = Request::get("http://example.org:8080/a?b").body(hijack::Body::empty()).expect("a request");
    connection.send(request).await.expect("open");
    far.expect("GET http://example.org:8080/a?b HTTP/1.1\r\nHost: example.org:8080\r\n\r\n").await;
}
