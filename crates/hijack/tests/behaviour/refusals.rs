//! Heads that are refused: the status, the sentence, and the end of the connection.

use std::time::Duration;

use hijack::{Config, EndReason, Timeout};
use http::StatusCode;

use crate::support::{GET, OK, Site, assert_bytes, ok, until};

/// The whole answer to a refused head.
fn refusal(status: &str, text: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}\n",
        text.len() + 1
    )
}

fn small(config: &mut Config) {
    config.limits.head_len = 200;
    config.limits.headers = 3;
    config.limits.target_len = 20;
    config.limits.blank_lines = 1;
}

/// Each head that is refused gets the status and the sentence of its reason, is recorded with it, and ends the
/// connection; what follows is not parsed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refuses_with_the_right_answer() {
    const CL_TE: &str = "Host: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n";
    let long = "x".repeat(300);
    let table = [
        ("garbage\r\n\r\n", "400 Bad Request", "malformed start line"),
        ("\x16\x03\x01\x02\0\x01", "400 Bad Request", "malformed start line"),
        ("GET / HTTP/1.1\r\n\r\n", "400 Bad Request", "missing host header"),
        ("CONNECT a:1 HTTP/1.1\r\n\r\n", "400 Bad Request", "missing host header"),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
            "400 Bad Request",
            "more than one host, or a malformed one",
        ),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "400 Bad Request", "more than one host, or a malformed one"),
        ("GET /#a HTTP/1.1\r\nHost: a\r\n\r\n", "400 Bad Request", "malformed request target"),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", "400 Bad Request", "malformed request target"),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", "400 Bad Request", "malformed header name"),
        ("GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", "400 Bad Request", "malformed header name"),
        ("GET / HTTP/1.1\r\nHost: a\r\nA: \0\r\n\r\n", "400 Bad Request", "malformed header value"),
        (
            "GET / HTTP/1.1\r\nContent-Length: -1\r\nHost: a\r\n\r\n",
            "400 Bad Request",
            "malformed content-length",
        ),
        ("\r\n\r\nGET / HTTP/1.1\r\n\r\n", "400 Bad Request", "more than 1 empty lines before the head"),
        ("GET /345678901234567890 HTTP/1.1\r\nHost: a\r\n\r\n", "200 OK", ""),
        (
            "GET /34567890123456789012 HTTP/1.1\r\nHost: a\r\n\r\n",
            "414 URI Too Long",
            "target of 21 bytes exceeds limit 20",
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n",
            "431 Request Header Fields Too Large",
            "head exceeds limit 3 header lines",
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n",
            "417 Expectation Failed",
            "unknown expectation",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "501 Not Implemented",
            "unsupported transfer-encoding",
        ),
        (
            "GET / HTTP/1.2\r\nHost: a\r\n\r\n",
            "505 HTTP Version Not Supported",
            "version is neither HTTP/1.0 nor HTTP/1.1",
        ),
        (
            "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
            "505 HTTP Version Not Supported",
            "version is neither HTTP/1.0 nor HTTP/1.1",
        ),
        (
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
            "400 Bad Request",
            "transfer-encoding in HTTP/1.0",
        ),
    ];
    let owned = [
        (
            format!("GET / HTTP/1.1\r\nHost: a\r\nA: {long}\r\n\r\n"),
            "431 Request Header Fields Too Large",
            "head exceeds limit 200 bytes",
        ),
        (
            format!("GET / HTTP/1.1\r\nHost: a\r\nA: {long}"),
            "431 Request Header Fields Too Large",
            "head exceeds limit 200 bytes",
        ),
        (
            format!("POST / HTTP/1.1\r\n{CL_TE}\r\n"),
            "400 Bad Request",
            "both content-length and transfer-encoding",
        ),
    ];
    let mut site = Site::start(small, ok).await;
    let rows = table.into_iter().map(|(request, status, text)| (request.to_owned(), status, text));
    for (request, status, text) in rows.chain(owned) {
        // A refused head behind a legal request, with another legal one behind it.
        let mut client = site.client_with(format!("{GET}{request}")).await;
        client.expect(OK).await;
        if text.is_empty() {
            client.expect(OK).await;
            client.end().await;
            assert_eq!(site.events.reason().await, EndReason::PeerClosed);
            continue;
        }
        client.send(GET).await;
        assert_bytes(client.rest().await, refusal(status, text), &request);
        drop(client);
        let code = status[..3].parse::<u16>().expect("a status");
        let reason = EndReason::Refused(StatusCode::from_u16(code).expect("a status"));
        assert_eq!(site.events.reason().await, reason, "{request:?}");
    }
}

/// Refusals carry `Date` as other answers do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dates_refusals() {
    let site = Site::start(|config| config.date = true, ok).await;
    let head = site.client_with("GET\r\n\r\n").await.head().await;
    assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\nDate: "), "{head}");
}

/// A connection that ends within a head is closed without an answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_head_is_not_answered() {
    let mut site = Site::start(|_| (), ok).await;
    let mut client = site.client_with("GET / HTTP/1.1\r\nHos").await;
    client.end().await;
    client.expect_rest("").await;
    assert_eq!(site.events.reason().await, EndReason::PeerClosed);
}

const SOON: Duration = Duration::from_millis(300);

/// `Config::head_timeout`: a head that does not end in time is answered 408, though each byte comes quickly.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_head_is_answered_408() {
    let mut site = Site::start(|config| config.head_timeout = SOON, ok).await;
    let mut client = site.client().await;
    let drip = async {
        client.send("GET / HTTP/1.1\r\nA: ").await;
        // Bytes go on until the server answers.
        while client.is_silent().await {
            if tokio::io::AsyncWriteExt::write_all(&mut client.0, b"a").await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    crate::support::soon("a refusal", drip).await;
    assert_eq!(site.events.reason().await, EndReason::TimedOut(Timeout::Head));
    let mut client = site.client_with("GET / HTTP/1.1\r\n").await;
    client.expect_rest(refusal("408 Request Timeout", "the head did not come in time")).await;
}

/// `Config::head_timeout`: it counts from the first byte on a kept-alive connection, and from the opening, without an
/// answer, on a new one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_connection_is_closed_without_an_answer() {
    let mut site = Site::start(|config| config.head_timeout = SOON, ok).await;
    site.client().await.expect_rest("").await;
    assert_eq!(site.events.reason().await, EndReason::TimedOut(Timeout::Head));
    let mut client = site.client_with(GET).await;
    client.expect(OK).await;
    client.send("GET /").await;
    client.expect_rest(refusal("408 Request Timeout", "the head did not come in time")).await;
}

/// `Config::keep_alive_timeout`: an idle connection is closed, and one that is used is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_connection_is_closed() {
    let mut site = Site::start(|config| config.keep_alive_timeout = SOON, ok).await;
    let mut client = site.client_with(GET).await;
    client.expect(OK).await;
    let started = std::time::Instant::now();
    client.expect_rest("").await;
    let waited = started.elapsed();
    assert!(waited >= SOON - Duration::from_millis(100), "expected {SOON:?}, waited {waited:?}");
    assert_eq!(site.events.reason().await, EndReason::TimedOut(Timeout::KeepAlive));
    // Used more often than that it lives as long as it likes.
    let mut client = site.client().await;
    let started = std::time::Instant::now();
    while started.elapsed() < 2 * SOON {
        client.send(GET).await;
        client.expect(OK).await;
        tokio::time::sleep(SOON / 10).await;
    }
}

/// `Config::max_heads`: more connections in the middle of a head than that are answered 503; others are served.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_slow_heads_are_answered_503() {
    let mut site = Site::start(|config| config.max_heads = 2, ok).await;
    let tracker = site.tracker();
    let mut slow = Vec::new();
    for count in 1..=2 {
        slow.push(site.client_with("GET / HT").await);
        until("the head has begun", || tracker.count_in(hijack::State::Head) == count).await;
    }
    let mut client = site.client_with("GET / HT").await;
    client.expect_rest(refusal("503 Service Unavailable", "more than 2 heads under way")).await;
    drop(client);
    assert_eq!(site.events.reason().await, EndReason::LimitReached("max_heads", 2));
    site.client_with(GET).await.expect(OK).await;
    // A head that ends makes room.
    let mut done = slow.pop().expect("two");
    done.send("TP/1.0\r\n\r\n").await;
    done.head().await;
    let mut client = site.client_with("GET / HT").await;
    until("the head has begun", || tracker.count_in(hijack::State::Head) == 2).await;
    client.send("TP/1.1\r\nHost: a\r\n\r\n").await;
    client.expect(OK).await;
}
