//! Bodies of requests: read, half-read, unread, and what a takeover makes of them.

use std::time::Duration;

use hijack::{BodyError, Conn, Error, Exchange, Limits, Timeout};
use http::{HeaderMap, Response, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{
    Client, OK, Site, assert_bytes, exchange, exchange_of, ok, once, pattern, read_ahead, read_all, server,
    shown, soon,
};

const WITH_LENGTH: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n";
const CHUNKED: &str = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

/// A body, its wire, and where on the wire each position of the body lies.
struct Sample {
    head: &'static str,
    wire: &'static [u8],
    data: &'static [u8],
    /// Of the wire, the bytes used when so many bytes of the body have been given out.
    used: &'static [usize],
}

const LENGTH_SAMPLE: Sample =
    Sample { head: WITH_LENGTH, wire: b"abcdef", data: b"abcdef", used: &[0, 1, 2, 3, 4, 5, 6] };

/// Chunk lines, extensions and the ends of chunks belong to what follows them, not to what was read before.
const CHUNKED_SAMPLE: Sample = Sample {
    head: CHUNKED,
    wire: b"5;x=y\r\nhello\r\n3\r\nabc\r\n0\r\nT: v\r\n\r\n",
    data: b"helloabc",
    used: &[0, 8, 9, 10, 11, 12, 18, 19, 20],
};

/// What the next protocol begins with.
const NEXT: &[u8] = b"0\r\n\r\nnext";

impl Sample {
    /// What must be handed over when `len` bytes, or the body with its end, have been given out.
    fn raw_behind(&self, len: usize, ended: bool) -> Vec<u8> {
        let used = if ended { self.wire.len() } else { self.used[len] };
        [&self.wire[used..], NEXT].concat()
    }

    fn request(&self) -> Vec<u8> {
        [self.head.as_bytes(), self.wire, NEXT].concat()
    }
}

/// Reads `len` bytes of the body, takes over, and compares what is handed over.
async fn hands_over_behind(sample: &Sample, len: usize) {
    let (mut client, mut exchange) = exchange(sample.request()).await;
    client.end().await;
    let mut read = vec![0; len];
    exchange.body().read_exact(&mut read).await.expect("a legal body");
    assert_bytes(&read, &sample.data[..len], "the part that was read");
    let mut conn = exchange.take_over().await.expect("nothing was written");
    assert_bytes(
        read_all(&mut conn).await,
        sample.raw_behind(len, false),
        format_args!("{len} bytes were read"),
    );
}

/// Behaviour 10, Go leaves untested: a partly read body with a length is handed over as raw bytes, at every position.
#[tokio::test]
async fn hands_over_a_partly_read_body_with_a_length() {
    for len in 0..=LENGTH_SAMPLE.data.len() {
        hands_over_behind(&LENGTH_SAMPLE, len).await;
    }
}

/// Behaviour 11, Go leaves untested: a partly read chunked body is handed over as raw bytes, at every position.
#[tokio::test]
async fn hands_over_a_partly_read_chunked_body() {
    for len in 0..=CHUNKED_SAMPLE.data.len() {
        hands_over_behind(&CHUNKED_SAMPLE, len).await;
    }
}

/// Behaviours 10 and 11: a body read to its end leaves exactly what stands behind it.
#[tokio::test]
async fn hands_over_behind_a_whole_body() {
    for sample in [LENGTH_SAMPLE, CHUNKED_SAMPLE] {
        let (mut client, mut exchange) = exchange(sample.request()).await;
        client.end().await;
        let read = exchange.read_to_end(100).await.expect("a legal body");
        assert_bytes(&read, sample.data, "the whole body");
        let mut conn = exchange.take_over().await.expect("nothing was written");
        assert_bytes(read_all(&mut conn).await, NEXT, "behind the body");
    }
}

/// Reads what has come of the body until a read has to wait and is given up. The bytes, and whether it ended.
async fn read_what_came(exchange: &mut Exchange<TcpStream>) -> (Vec<u8>, bool) {
    let mut body = exchange.body();
    let mut read = Vec::new();
    loop {
        match once(body.data()).await {
            None => return (read, false),
            Some(part) => match part.expect("a legal body") {
                Some(part) => read.extend_from_slice(&part),
                None => return (read, true),
            },
        }
    }
}

/// Behaviour 13, Go leaves untested: a read of the body that was given up loses nothing and takes nothing: what is
/// handed over begins behind the last byte that was given out, wherever the packets were cut.
#[tokio::test]
async fn a_takeover_behind_a_cancelled_read_is_exact() {
    for sample in [LENGTH_SAMPLE, CHUNKED_SAMPLE] {
        let request = sample.request();
        for cut in sample.head.len()..=request.len() {
            let (server, _events) = server(|_| ());
            let (first, second) = request.split_at(cut);
            let (mut client, mut exchange) = exchange_of(&server, first).await;
            read_ahead(&mut exchange, &server.tracker(), first.len()).await;
            let (read, ended) = read_what_came(&mut exchange).await;
            assert_bytes(&read, &sample.data[..read.len()], "what was read");

            let mut conn = exchange.take_over().await.expect("nothing was written");
            client.send(second).await;
            client.end().await;
            let expected = sample.raw_behind(read.len(), ended);
            let what = format!("behind {}", shown(first));
            assert_bytes(read_all(&mut conn).await, expected, what);
        }
    }
}

/// Behaviour 13: the same with a race that is real: a reader in another task, cancelled at any moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_takeover_that_races_a_body_read_loses_nothing() {
    let data = pattern(300_000);
    let mut wire = Vec::new();
    let mut used = vec![0];
    for chunk in data.chunks(1_000) {
        wire.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        for &byte in chunk {
            wire.push(byte);
            used.push(wire.len());
        }
        wire.extend_from_slice(b"\r\n");
    }
    for round in 0..20_u64 {
        let (mut client, mut exchange) = exchange(CHUNKED).await;
        let sent = wire.clone();
        let sending = tokio::spawn(async move {
            for piece in sent.chunks(1_777) {
                client.send(piece).await;
            }
            client.end().await;
            client
        });
        let mut read = Vec::new();
        let give_up = tokio::time::sleep(Duration::from_micros(200 * round));
        {
            let mut body = exchange.body();
            let reading = async {
                loop {
                    let part = body.data().await.expect("a legal body").expect("it has no end");
                    read.extend_from_slice(&part);
                    tokio::task::yield_now().await;
                    if read.len() == data.len() {
                        return;
                    }
                }
            };
            tokio::select! { () = reading => {}, () = give_up => {} }
        }
        assert_bytes(&read, &data[..read.len()], "what was read");
        let mut conn = exchange.take_over().await.expect("nothing was written");
        let what = format!("{} bytes were read", read.len());
        assert_bytes(read_all(&mut conn).await, &wire[used[read.len()]..], what);
        sending.await.expect("no panic");
    }
}

const EXPECTS: &str = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 6\r\n\r\n";

/// Behaviour 12, Go leaves untested: a takeover of an exchange that expects a 100 sends none.
#[tokio::test]
async fn a_takeover_sends_no_100() {
    let (mut client, exchange) = exchange(EXPECTS).await;
    let mut conn = exchange.take_over().await.expect("nothing was written");
    conn.write_all(b"raw").await.expect("open");
    client.send("abcdef").await;
    assert_bytes(crate::support::read_len(&mut conn, 6).await, "abcdef", "the body");
    drop(conn);
    client.expect_rest("raw").await;

    let (mut client, exchange) = self::exchange_behind_a_refused_upgrade().await;
    let mut conn = exchange.take_over_after(Response::new(())).expect("a final status");
    conn.close_write().await.expect("open");
    client.expect_rest("HTTP/1.1 200 OK\r\n\r\n").await;
}

/// An exchange that was asked for an upgrade which its unread body forbids.
async fn exchange_behind_a_refused_upgrade() -> (Client, Exchange<TcpStream>) {
    let upgrade = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 6\r\n\
                   Connection: upgrade\r\nUpgrade: echo\r\n\r\n";
    let (client, exchange) = exchange(upgrade).await;
    let refused = exchange.upgrade(hijack::Upgrade::to(["echo"])).await.expect_err("a body is unread");
    assert_eq!(refused.refusal(), &hijack::Refusal::BodyUnread);
    (client, refused.into_exchange())
}

/// Behaviour 12: a 100 that a read of the body has begun is sent whole, once, and before what the owner writes.
#[tokio::test]
async fn a_takeover_cuts_no_100_in_half() {
    let (mut client, mut exchange) = exchange(EXPECTS).await;
    assert!(once(exchange.body().data()).await.is_none(), "the client waits for the 100");
    assert!(once(exchange.body().data()).await.is_none(), "the client waits for the 100");
    let mut conn = exchange.take_over().await.expect("unanswered");
    conn.write_all(b"raw").await.expect("open");
    drop(conn);
    client.expect_rest("HTTP/1.1 100 Continue\r\n\r\nraw").await;

    // The stream takes the 100 in pieces.
    let (near, far) = tokio::io::duplex(8);
    let (server, _events) = server(|_| ());
    let mut exchange = server.connection(near, EXPECTS).next().await.expect("legal").expect("a request");
    assert!(once(exchange.body().data()).await.is_none(), "the stream takes 8 bytes");
    let mut client = Client(far);
    let raw = async {
        let mut conn = exchange.take_over().await.expect("unanswered");
        conn.write_all(b"raw").await.expect("open");
    };
    let (rest, ()) = tokio::join!(client.rest(), raw);
    assert_bytes(rest, "HTTP/1.1 100 Continue\r\n\r\nraw", "all that was sent");
}

/// The first read of a body sends the 100, and one that has no body to wait for sends none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sends_a_100_with_the_first_read() {
    let site = Site::start(
        |_| (),
        |mut exchange: Exchange| async {
            let body = exchange.read_to_end(100).await?;
            exchange.respond(Response::new(hijack::Body::from(body))).await
        },
    )
    .await;
    let mut client = site.client_with(EXPECTS).await;
    client.expect("HTTP/1.1 100 Continue\r\n\r\n").await;
    client.send("abcdef").await;
    client.expect("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef").await;
    // RFC 9110 §10.1.1: without a body, or under HTTP/1.0, the expectation is ignored.
    client.send("GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n").await;
    client.expect("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    client.send("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx").await;
    client.expect_rest("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx").await;
}

/// RFC 9110 §10.1.1: an answer instead of the 100 ends the connection, since the body may come or not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_instead_of_a_100_closes() {
    let site = Site::start(|_| (), ok).await;
    let mut client = site.client_with(EXPECTS).await;
    client.expect("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").await;
    client.send("GET / ").await;
    client.expect_rest("").await;
}

/// Trailers come behind the body, but for those that frame or route (RFC 9110 §6.5.1).
#[tokio::test]
async fn gives_trailers_behind_the_body() {
    let wire = "3\r\nabc\r\n0\r\nX-Sum: 7\r\nHost: evil\r\nContent-Length: 9\r\n\r\n";
    let (_client, mut exchange) = exchange(format!("{CHUNKED}{wire}")).await;
    let mut body = exchange.body();
    assert_eq!(body.data().await.expect("legal").as_deref(), Some(&b"abc"[..]));
    assert_eq!(body.trailers(), None, "the end was not reached");
    assert_eq!(body.data().await.expect("legal"), None);
    let mut expected = HeaderMap::new();
    expected.insert("x-sum", "7".parse().expect("a value"));
    assert_eq!(body.trailers(), Some(&expected));
}

async fn error_of(configure: impl FnOnce(&mut Limits), request: impl AsRef<[u8]>) -> (Client, Error) {
    let (server, _events) = server(|config| configure(&mut config.limits));
    let (mut client, mut exchange) = exchange_of(&server, request).await;
    client.end().await;
    let error = loop {
        match soon("an error", exchange.body().data()).await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the body ended in order"),
            Err(error) => break error,
        }
    };
    // The exchange is still there to be answered.
    let head =
        Response::builder().status(StatusCode::BAD_REQUEST).body(hijack::Body::empty()).expect("a head");
    drop(exchange.respond(head).await.expect("the client listens"));
    client.expect("HTTP/1.1 400 Bad Request\r\n").await;
    (client, error)
}

/// A malformed body is an error that says what is wrong, with the limit if it was one, and can be answered.
#[tokio::test]
async fn names_what_is_wrong_with_a_body() {
    type Case = (fn(&mut Limits), &'static str, BodyError);
    let cases: [Case; 8] = [
        (|_| (), "5\r\nhel", BodyError::Truncated),
        (|_| (), "x\r\n", BodyError::ChunkLine),
        (|_| (), "3\nabc\r\n", BodyError::ChunkLine),
        (|_| (), "3\r\nabcd\r\n", BodyError::ChunkEnd),
        (|_| (), "0\r\nno colon\r\n\r\n", BodyError::Trailers),
        (|limits| limits.chunk_line_len = 8, "1;abcdefgh\r\n", BodyError::ChunkLineTooLong { limit: 8 }),
        (
            |limits| limits.chunk_extensions_len = 5,
            "1;a=b\r\nx\r\n1;c=d\r\nx\r\n",
            BodyError::ExtensionsTooLong { limit: 5 },
        ),
        (|limits| limits.trailers_len = 8, "0\r\nA: bcdef\r\n\r\n", BodyError::TrailersTooLong { limit: 8 }),
    ];
    for (configure, wire, expected) in cases {
        let (_client, error) = error_of(configure, format!("{CHUNKED}{wire}")).await;
        assert!(
            matches!(error, Error::Body(got) if got == expected),
            "{wire:?}: expected {expected}, got {error}"
        );
    }
    let (_client, error) = error_of(|_| (), format!("{WITH_LENGTH}abc")).await;
    assert!(matches!(error, Error::Body(BodyError::Truncated)), "expected Truncated, got {error}");
}

/// `read_to_end` gives up beyond its limit and not at it.
#[tokio::test]
async fn reads_whole_bodies_up_to_a_limit() {
    for (limit, fits) in [(6, true), (5, false)] {
        let (_client, mut exchange) = exchange(format!("{WITH_LENGTH}abcdef")).await;
        match exchange.read_to_end(limit).await {
            Ok(body) => assert!(fits && &body[..] == b"abcdef", "limit {limit}: {body:?}"),
            Err(error) => {
                assert!(!fits, "limit {limit}: {error}");
                assert_eq!(error.to_string(), format!("body exceeds limit {limit} bytes"));
            }
        }
    }
}

/// Behaviour 15, `Config::body_timeout`: a body that stops coming fails its reader, who may still answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_stops_is_timed_out() {
    let mut site = Site::start(
        |config| config.body_timeout = Duration::from_millis(200),
        |mut exchange: Exchange| async {
            let error = exchange.read_to_end(100).await.expect_err("half of the body is missing");
            assert_eq!(error.timeout(), Some(Timeout::Body), "{error}");
            let answer = Response::builder().status(408).header("connection", "close");
            exchange.respond(answer.body(hijack::Body::empty()).expect("a head")).await
        },
    )
    .await;
    let mut client = site.client_with(format!("{WITH_LENGTH}abc")).await;
    let answer = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    client.expect_rest(answer).await;
    drop(client);
    assert_eq!(site.events.reason().await, hijack::EndReason::TimedOut(Timeout::Body));
}

/// `Config::body_timeout`: the time between two reads is the handler's, not the client's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn time_between_two_reads_is_not_the_clients() {
    let (server, _events) = server(|config| config.body_timeout = Duration::from_millis(200));
    let (mut client, mut exchange) = exchange_of(&server, WITH_LENGTH).await;
    assert!(once(exchange.body().data()).await.is_none(), "nothing came yet");
    client.send("abcdef").await;
    // Busy for longer than the timeout, which a connection opened later tells.
    let site = Site::start(|config| config.head_timeout = Duration::from_millis(500), ok).await;
    site.client().await.expect_rest("").await;
    let data = soon("the body", exchange.body().data()).await.expect("it came in time");
    assert_bytes(data.expect("it has not ended"), "abcdef", "the body");
}

/// Behaviours 10 and 24: a body that the handler leaves is read and thrown away, and the next request is seen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drains_what_the_handler_leaves() {
    let site = Site::start(
        |_| (),
        |mut exchange: Exchange| async {
            if exchange.uri().path() == "/half" {
                let mut half = [0; 3];
                exchange.body().read_exact(&mut half).await?;
            }
            ok(exchange).await
        },
    )
    .await;
    for path in ["/", "/half"] {
        for sample in [LENGTH_SAMPLE, CHUNKED_SAMPLE] {
            let mut client = site.client().await;
            for _ in 0..3 {
                let head = sample.head.replacen('/', path, 1);
                client.send([head.as_bytes(), sample.wire].concat()).await;
                client.expect(OK).await;
            }
        }
    }
}

/// Of a chunked body nobody knows how much is to come: an answer in the middle of one says that the connection
/// closes, so that no client sends its next request into the end.
#[tokio::test]
async fn says_close_in_the_middle_of_a_chunked_body() {
    let site = Site::start(|_| (), ok).await;
    let mut client = site.client().await;
    client.send(format!("{CHUNKED}5\r\nhel")).await;
    client.expect_rest("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").await;
}

/// A body read through `AsyncRead` tells a cut one from a malformed one by the kind of its error.
#[tokio::test]
async fn async_read_tells_cut_from_malformed() {
    for (wire, kind) in
        [("5\r\nhel", std::io::ErrorKind::UnexpectedEof), ("z\r\n", std::io::ErrorKind::InvalidData)]
    {
        let (mut client, mut exchange) = exchange(format!("{CHUNKED}{wire}")).await;
        client.end().await;
        let mut all = Vec::new();
        let error = exchange.body().read_to_end(&mut all).await.expect_err("no legal body");
        assert_eq!(error.kind(), kind, "{wire:?}: {error}");
    }
}

/// Behaviour 13: after a malformed body the raw bytes can still be had.
#[tokio::test]
async fn hands_over_a_malformed_body_raw() {
    let wire = "3\r\nabc\r\nzz not a chunk";
    let (mut client, mut exchange) = exchange(format!("{CHUNKED}{wire}")).await;
    client.end().await;
    let mut body = exchange.body();
    assert_eq!(body.data().await.expect("legal").as_deref(), Some(&b"abc"[..]));
    body.data().await.expect_err("no chunk line");
    let mut conn: Conn<TcpStream> = exchange.take_over().await.expect("unanswered");
    assert_bytes(read_all(&mut conn).await, "\r\nzz not a chunk", "behind the last byte that was given out");
    conn.write_all(b"bye").await.expect("open");
}
