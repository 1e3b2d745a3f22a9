//! The bytes of requests: start lines, hosts, framing.

use bytes::Bytes;
use hijack::{Body, BoxError, Client, EncodeError, Endpoint, Error};
use http::{HeaderMap, HeaderValue, Method, Request, Version};
use tokio::net::UnixListener;

use crate::scripted::{Far, Stage, answered, expect_answer, get, pair, polled, post, source};
use crate::support::{self, GET, assert_bytes, once};

/// A request from its start line's parts and headers.
fn request(method: &str, uri: &str, version: Version, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(uri).version(version);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).expect("a request")
}

/// Method, URI, version and headers of a request, and its head.
type Row = (&'static str, &'static str, Version, &'static [(&'static str, &'static str)], &'static str);

const OLD: Version = Version::HTTP_10;
const NEW: Version = Version::HTTP_11;

/// RFC 9112 §3.2: the four forms of targets, and the `Host` that goes with them. `HERE` is the endpoint's.
#[tokio::test]
async fn writes_heads() {
    let stage = Stage::new(|_| ()).await;
    let here = format!("127.0.0.1:{}", stage.listener.local_addr().expect("bound").port());
    let table: &[Row] = &[
        ("GET", "/", NEW, &[], "GET / HTTP/1.1\r\nHost: HERE\r\n\r\n"),
        ("GET", "/a/b?c=d&e", NEW, &[], "GET /a/b?c=d&e HTTP/1.1\r\nHost: HERE\r\n\r\n"),
        ("GET", "http://b", NEW, &[], "GET / HTTP/1.1\r\nHost: b\r\n\r\n"),
        ("GET", "http://b:8080?q", NEW, &[], "GET /?q HTTP/1.1\r\nHost: b:8080\r\n\r\n"),
        ("GET", "http://user:pw@b/", NEW, &[], "GET / HTTP/1.1\r\nHost: b\r\n\r\n"),
        ("GET", "https://[::1]:8443/x", NEW, &[], "GET /x HTTP/1.1\r\nHost: [::1]:8443\r\n\r\n"),
        ("GET", "/x#fragment", NEW, &[], "GET /x HTTP/1.1\r\nHost: HERE\r\n\r\n"),
        ("GET", "/caf\u{e9}", NEW, &[], "GET /caf\u{e9} HTTP/1.1\r\nHost: HERE\r\n\r\n"),
        ("GET", "/", NEW, &[("host", "mine")], "GET / HTTP/1.1\r\nHost: mine\r\n\r\n"),
        (
            "GET",
            "http://b/",
            NEW,
            &[("x", "1"), ("host", "mine")],
            "GET / HTTP/1.1\r\nX: 1\r\nHost: mine\r\n\r\n",
        ),
        ("GET", "/", OLD, &[], "GET / HTTP/1.0\r\n\r\n"),
        ("GET", "http://b/", OLD, &[], "GET / HTTP/1.0\r\n\r\n"),
        ("GET", "/", OLD, &[("host", "mine")], "GET / HTTP/1.0\r\nHost: mine\r\n\r\n"),
        ("GET", "/", Version::HTTP_2, &[], "GET / HTTP/1.1\r\nHost: HERE\r\n\r\n"),
        ("GET", "/", Version::HTTP_3, &[], "GET / HTTP/1.1\r\nHost: HERE\r\n\r\n"),
        ("HEAD", "/", NEW, &[], "HEAD / HTTP/1.1\r\nHost: HERE\r\n\r\n"),
        ("OPTIONS", "*", NEW, &[], "OPTIONS * HTTP/1.1\r\nHost: HERE\r\n\r\n"),
        ("DELETE", "/x", NEW, &[], "DELETE /x HTTP/1.1\r\nHost: HERE\r\n\r\n"),
        ("PURGE", "/x", NEW, &[], "PURGE /x HTTP/1.1\r\nHost: HERE\r\n\r\n"),
        ("CONNECT", "b:443", NEW, &[], "CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n"),
        ("CONNECT", "[::1]:443", NEW, &[], "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n"),
        ("CONNECT", "user@b:443", NEW, &[], "CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n"),
        ("CONNECT", "/_goRPC_", OLD, &[], "CONNECT /_goRPC_ HTTP/1.0\r\n\r\n"),
        ("POST", "/", NEW, &[], "POST / HTTP/1.1\r\nHost: HERE\r\nContent-Length: 0\r\n\r\n"),
        ("PUT", "/", NEW, &[], "PUT / HTTP/1.1\r\nHost: HERE\r\nContent-Length: 0\r\n\r\n"),
        ("PATCH", "/", NEW, &[], "PATCH / HTTP/1.1\r\nHost: HERE\r\nContent-Length: 0\r\n\r\n"),
        (
            "GET",
            "/",
            NEW,
            &[("a", "1"), ("a", "2"), ("transfer-encoding", "chunked"), ("x-\u{79}", "")],
            "GET / HTTP/1.1\r\nHost: HERE\r\nA: 1\r\nA: 2\r\nX-Y: \r\n\r\n",
        ),
    ];
    for (method, uri, version, headers, head) in table {
        let (mut connection, mut far) = stage.connect().await;
        connection.send(request(method, uri, *version, headers)).await.expect("it can be sent");
        connection.close().await.expect("open");
        assert_bytes(far.rest().await, head.replace("HERE", &here), format!("{method} {uri} {headers:?}"));
    }
}

/// RFC 9112 §3.2.2: targets are written whole for a proxy; RFC 9110 §4.2.4: never with the user in them.
#[tokio::test]
async fn writes_whole_targets() {
    let stage = Stage::new(|_| ()).await;
    let here = format!("127.0.0.1:{}", stage.listener.local_addr().expect("bound").port());
    let table = [
        ("GET", "http://b/x?y", "GET http://b/x?y HTTP/1.1\r\nHost: b\r\n\r\n"),
        ("GET", "https://b:1/", "GET https://b:1/ HTTP/1.1\r\nHost: b:1\r\n\r\n"),
        ("GET", "http://b", "GET http://b/ HTTP/1.1\r\nHost: b\r\n\r\n"),
        ("GET", "http://user:pw@b:1/x", "GET http://b:1/x HTTP/1.1\r\nHost: b:1\r\n\r\n"),
        ("GET", "/x", "GET http://HERE/x HTTP/1.1\r\nHost: HERE\r\n\r\n"),
        ("OPTIONS", "*", "OPTIONS http://HERE HTTP/1.1\r\nHost: HERE\r\n\r\n"),
        ("CONNECT", "b:443", "CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n"),
    ];
    for (method, uri, head) in table {
        let (mut connection, mut far) = stage.connect().await;
        connection.set_absolute_form(true);
        connection.send(request(method, uri, NEW, &[])).await.expect("it can be sent");
        connection.close().await.expect("open");
        assert_bytes(far.rest().await, head.replace("HERE", &here), format!("{method} {uri}"));
    }
}

/// The host of a server behind a Unix socket is `localhost`, as curl says; the socket is a connection like any other.
#[tokio::test]
async fn a_unix_socket_is_localhost() {
    let path = std::env::temp_dir().join(format!("hijack-client-{}.sock", std::process::id()));
    let listener = UnixListener::bind(&path).expect("a folder for sockets");
    for text in [format!("unix:{}", path.display()), format!("unix://{}", path.display())] {
        let endpoint: Endpoint = text.parse().expect("an address");
        let mut connection = Client::new().connect(&endpoint).await.expect("it listens");
        assert_eq!(connection.io().kind(), "unix");
        assert_eq!(connection.peer(), &hijack::Peer::Unix);
        let (far, _) = listener.accept().await.expect("it connected");
        let mut far: Far<_> = support::Client(far);
        connection.send(request("GET", "/v1.41/info", NEW, &[])).await.expect("open");
        far.expect("GET /v1.41/info HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        far.send(answered("{}")).await;
        expect_answer(&mut connection, 200, "{}").await;
    }
    std::fs::remove_file(&path).expect("bound above");
}

/// RFC 9112 §6: a body of known length has `Content-Length`, one of unknown length is chunked.
#[tokio::test]
async fn frames_bodies() {
    let (mut connection, mut far) = pair().await;
    connection.send(post(Body::from("hello"))).await.expect("open");
    far.expect("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello").await;
    let mut with_length = post(Body::from("hello"));
    with_length.headers_mut().insert("content-length", HeaderValue::from_static("5"));
    connection.send(with_length).await.expect("it fits");
    far.expect("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello").await;
    let (body, feed) = source();
    for data in ["a", "", "bc"] {
        feed.data(data);
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", HeaderValue::from_static("1"));
    trailers.insert("content-length", HeaderValue::from_static("7"));
    feed.trailers(trailers);
    drop(feed);
    connection.send(post(body)).await.expect("open");
    far.expect("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    far.expect("1\r\na\r\n2\r\nbc\r\n0\r\nX-Sum: 1\r\n\r\n").await;
    let (body, feed) = source();
    let mut with_length = post(body);
    with_length.headers_mut().insert("content-length", HeaderValue::from_static("3"));
    feed.data("abc");
    drop(feed);
    connection.send(with_length).await.expect("open");
    far.expect("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc").await;
    let (body, feed) = source();
    drop(feed);
    connection.send(post(body)).await.expect("open");
    far.expect("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").await;
    assert_eq!(connection.pending(), 5);
}

/// A large body goes out as it is, whatever the sizes of its pieces, in both framings.
#[tokio::test]
async fn sends_pieces_of_any_size() {
    let data = Bytes::from(support::pattern(700_000));
    let lens = [1, 100, 8_191, 8_192, 8_193, 65_536, 300_000, 7];
    let (mut connection, mut far) = pair().await;
    for known in [true, false] {
        let (body, feed) = source();
        let mut request = post(body);
        let (mut expected, mut at) = (Vec::new(), 0);
        for len in lens {
            let piece = data.slice(at..at + len);
            at += len;
            if known {
                expected.extend_from_slice(&piece);
            } else {
                expected.extend_from_slice(format!("{len:x}\r\n").as_bytes());
                expected.extend_from_slice(&piece);
                expected.extend_from_slice(b"\r\n");
            }
            feed.data(piece);
        }
        drop(feed);
        if known {
            request.headers_mut().insert("content-length", at.into());
        } else {
            expected.extend_from_slice(b"0\r\n\r\n");
        }
        let sending = async {
            connection.send(request).await.expect("open");
            expect_answer(&mut connection, 200, "thanks").await;
        };
        let reading = async {
            far.head().await;
            far.expect(&expected).await;
            far.send(answered("thanks")).await;
        };
        tokio::join!(sending, reading);
    }
}

/// A request of a later version goes on as one of HTTP/1.1, chunks and all: its connection is kept.
#[tokio::test]
async fn later_versions_are_sent_as_http11() {
    let (mut connection, mut far) = pair().await;
    let (body, feed) = source();
    feed.data("abc");
    drop(feed);
    let mut request = post(body);
    *request.version_mut() = Version::HTTP_2;
    connection.send(request).await.expect("it can be sent");
    far.expect("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n").await;
    assert!(connection.is_open());
}

/// A head that does not fit its body is refused before a byte is sent.
#[tokio::test]
async fn a_length_that_does_not_fit_is_refused() {
    let (mut connection, mut far) = pair().await;
    for (body, length, error) in [
        ("hello", "4", EncodeError::WrongLength),
        ("hello", "6", EncodeError::WrongLength),
        ("", "1", EncodeError::WrongLength),
        ("hello", "five", EncodeError::WrongLength),
    ] {
        let mut request = post(Body::from(body));
        request.headers_mut().insert("content-length", HeaderValue::from_static(length));
        match connection.send(request).await {
            Err(Error::Encode(got)) => assert_eq!(got, error, "{body:?} {length:?}"),
            other => panic!("{body:?} {length:?}: {other:?}"),
        }
    }
    let (body, _feed) = source();
    let mut request = post(body);
    *request.version_mut() = Version::HTTP_10;
    let error = connection.send(request).await.expect_err("HTTP/1.0 has no chunks");
    assert!(matches!(error, Error::Encode(EncodeError::UnknownLength)), "{error:?}");
    assert_eq!(connection.pending(), 0);
    assert!(far.is_silent().await, "nothing was sent");
    connection.send(get()).await.expect("the connection is as it was");
    far.expect(GET).await;
}

/// A streamed body that is shorter or longer than its head promised is an error, and ends the connection.
#[tokio::test]
async fn a_body_that_breaks_its_promise_is_an_error() {
    for (pieces, expected) in [
        (&["abc", "d"][..], EncodeError::TooShort { missing: 1 }),
        (&[], EncodeError::TooShort { missing: 5 }),
        (&["abc", "def"], EncodeError::TooLong { left: 2, len: 3 }),
    ] {
        let (mut connection, mut far) = pair().await;
        let (body, feed) = source();
        let mut request = post(body);
        request.headers_mut().insert("content-length", HeaderValue::from_static("5"));
        connection.send(request).await.expect("it begins");
        pieces.iter().for_each(|piece| feed.data(*piece));
        drop(feed);
        match support::soon("the answer", connection.answer()).await {
            Err(Error::Encode(error)) => assert_eq!(error, expected),
            other => panic!("expected {expected:?}, got {other:?}"),
        }
        assert!(!connection.is_open());
        assert!(matches!(connection.send(get()).await, Err(Error::Closing)));
        drop(connection);
        let sent = far.rest_or_reset().await;
        assert!(!sent.ends_with(b"def"), "nothing beyond the promise: {}", support::shown(&sent));
    }
}

/// A body that fails is an error of the request, and what was begun is not ended as if it were whole.
#[tokio::test]
async fn a_body_that_fails_is_an_error() {
    let (mut connection, mut far) = pair().await;
    let (body, feed) = source();
    connection.send(post(body)).await.expect("it begins");
    feed.data("half");
    assert!(polled(3, connection.answer()).await.is_none());
    far.expect("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n").await;
    feed.fail("disk on fire");
    let error = support::soon("the answer", connection.answer()).await.expect_err("half a request");
    assert!(matches!(error, Error::Request(_)), "{error:?}");
    assert_eq!(error.to_string(), "body of the request failed: disk on fire");
    assert!(!connection.is_open());
    assert!(matches!(connection.send(get()).await, Err(Error::Closing)));
    drop(connection);
    assert_bytes(far.rest_or_reset().await, "", "no end of the body");
    let (mut connection, _far) = pair().await;
    let (body, feed) = source();
    feed.fail("at once");
    let error = connection.send(post(body)).await.expect_err("it fails at once");
    assert!(matches!(error, Error::Request(_)), "{error:?}");
}

/// RFC 9112 §9.6: whoever says `close`, or speaks HTTP/1.0, sends nothing further.
#[tokio::test]
async fn a_request_may_be_the_last() {
    for last in [request("GET", "http://a/", NEW, &[("connection", "close")]), request("GET", "/", OLD, &[])]
    {
        let (mut connection, mut far) = pair().await;
        connection.send(last).await.expect("open");
        assert!(!connection.is_open());
        assert!(matches!(connection.send(get()).await, Err(Error::Closing)));
        far.head().await;
        far.send(answered("bye")).await;
        let answer = expect_answer(&mut connection, 200, "bye").await;
        assert!(answer.closes, "no further request is answered");
        assert!(far.is_silent().await);
    }
}

/// Request lines cannot be broken out of: what is no target is refused.
#[tokio::test]
async fn heads_cannot_be_injected_into() {
    let (mut connection, mut far) = pair().await;
    for uri in ["/a b", "/a\r\nX: y", "/a\tb", "http://a\r\nb/", "/\u{7f}"] {
        if let Ok(request) = Request::get(uri).body(Body::empty()) {
            let error = connection.send(request).await.expect_err(uri);
            assert!(matches!(error, Error::Encode(EncodeError::Target)), "{uri:?}: {error:?}");
        }
    }
    assert!(HeaderValue::from_str("a\r\nX: y").is_err(), "header values cannot either");
    assert!(far.is_silent().await);
    assert!(once(connection.request(get())).await.is_none());
    far.expect(GET).await;
}

/// Any body of `http_body` can be sent, whatever its data and error types are.
#[tokio::test]
async fn sends_any_body() {
    use http_body_util::{BodyExt, Full};
    let (mut connection, mut far) = pair().await;
    let chained = bytes::Buf::chain(&b"two "[..], &b"parts"[..]);
    let chained = Full::new(chained).map_err(|never| -> BoxError { match never {} });
    connection.send(post(chained)).await.expect("open");
    far.expect("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\ntwo parts").await;
    let boxed = Full::new(Bytes::from_static(b"boxed")).boxed();
    connection
        .send(Request::builder().method(Method::PUT).uri("http://a/").body(boxed).expect("a request"))
        .await
        .expect("open");
    far.expect("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nboxed").await;
}
