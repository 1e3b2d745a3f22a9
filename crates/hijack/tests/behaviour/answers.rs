//! Ordinary answers: their framing, their order, and the end of the connection behind them.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hijack::{Body, EncodeError, EndReason, Error, Exchange, Outcome};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body::Frame;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::support::{GET, OK, Site, assert_bytes, exchange, ok, once, pattern, shown, soon};

/// A body whose frames come over time, of which nothing is known before.
struct Frames(UnboundedReceiver<Result<Frame<Bytes>, io::Error>>);

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.0.poll_recv(cx)
    }
}

type Sender = UnboundedSender<Result<Frame<Bytes>, io::Error>>;

fn frames() -> (Sender, Frames) {
    let (sender, receiver) = unbounded_channel();
    (sender, Frames(receiver))
}

fn send(sender: &Sender, data: impl Into<Bytes>) {
    sender.send(Ok(Frame::data(data.into()))).expect("the answer is read");
}

fn fields(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    let line = |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
    lines.iter().map(line).collect()
}

fn response<B>(status: u16, lines: &[(&'static str, &'static str)], body: B) -> Response<B> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    *response.headers_mut() = fields(lines);
    response
}

/// Behaviour 20: the framing headers of every kind of answer with a body of known length. RFC 9110 §8.6, RFC 9112
/// §6.3.
#[tokio::test]
async fn frames_answers_of_known_length() {
    type Row = (&'static str, u16, &'static [(&'static str, &'static str)], &'static str, &'static str);
    let table: [Row; 16] = [
        ("GET / HTTP/1.1", 200, &[], "body", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"),
        ("GET / HTTP/1.1", 200, &[], "", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        (
            "GET / HTTP/1.1",
            200,
            &[("content-length", "4")],
            "body",
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody",
        ),
        (
            "GET / HTTP/1.1",
            200,
            &[("transfer-encoding", "gzip")],
            "body",
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody",
        ),
        ("HEAD / HTTP/1.1", 200, &[], "body", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"),
        ("HEAD / HTTP/1.1", 200, &[], "", "HTTP/1.1 200 OK\r\n\r\n"),
        (
            "HEAD / HTTP/1.1",
            200,
            &[("content-length", "9")],
            "",
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
        ),
        ("GET / HTTP/1.1", 204, &[], "body", "HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET / HTTP/1.1", 204, &[("content-length", "4")], "", "HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET / HTTP/1.1", 304, &[], "", "HTTP/1.1 304 Not Modified\r\n\r\n"),
        (
            "GET / HTTP/1.1",
            304,
            &[("content-length", "9")],
            "",
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
        ),
        ("CONNECT a:1 HTTP/1.1", 200, &[], "body", "HTTP/1.1 200 OK\r\n\r\n"),
        (
            "CONNECT a:1 HTTP/1.1",
            407,
            &[],
            "no",
            "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno",
        ),
        (
            "GET / HTTP/1.0",
            200,
            &[],
            "body",
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody",
        ),
        (
            "GET / HTTP/1.1",
            200,
            &[("connection", "close")],
            "body",
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody",
        ),
        (
            "HEAD / HTTP/1.0",
            200,
            &[],
            "body",
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\n",
        ),
    ];
    for (line, status, headers, body, expected) in table {
        let (mut client, exchange) = exchange(format!("{line}\r\nHost: a\r\n\r\n")).await;
        let outcome = exchange.respond(response(status, headers, Body::from(body))).await.expect("it fits");
        drop(outcome);
        assert_bytes(client.rest().await, expected, format_args!("{line}, {status} {headers:?}, {body:?}"));
    }
}

/// A body that is at its end before it begins, of which nothing else is known: what tower-http's layers make of an
/// empty one.
struct Ended;

impl http_body::Body for Ended {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        true
    }
}

/// RFC 9110 §8.6: an empty body has the length 0, and needs no chunks.
#[tokio::test]
async fn a_body_at_its_end_is_empty() {
    let (mut client, exchange) = exchange(GET).await;
    let outcome = exchange.respond(Response::new(Ended)).await.expect("answered");
    client.expect("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    drop(outcome);
    client.expect_rest("").await;
}

/// Behaviour 20: the framing of a body of unknown length: chunks, the end of the connection toward HTTP/1.0, the
/// declared length where there is one, and no body where there is none.
#[tokio::test]
async fn frames_answers_of_unknown_length() {
    type Row = (&'static str, u16, &'static [(&'static str, &'static str)], &'static str);
    let table: [Row; 7] = [
        (
            "GET / HTTP/1.1",
            200,
            &[],
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        ),
        (
            "GET / HTTP/1.1",
            200,
            &[("content-length", "5")],
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde",
        ),
        ("HEAD / HTTP/1.1", 200, &[], "HTTP/1.1 200 OK\r\n\r\n"),
        ("GET / HTTP/1.1", 204, &[], "HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET / HTTP/1.1", 304, &[], "HTTP/1.1 304 Not Modified\r\n\r\n"),
        ("GET / HTTP/1.0", 200, &[], "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabcde"),
        (
            "GET / HTTP/1.0\r\nConnection: keep-alive",
            200,
            &[],
            "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabcde",
        ),
    ];
    for (line, status, headers, expected) in table {
        let what = format!("{line}, {status} {headers:?}");
        let request = format!("{line}\r\nHost: a\r\n\r\n");
        let (mut client, whole) = exchange(&request).await;
        let (sender, body) = frames();
        send(&sender, "abc");
        send(&sender, "de");
        drop(sender);
        drop(whole.respond(response(status, headers, body)).await.expect("it fits"));
        assert_bytes(client.rest().await, expected, &what);
        // By hand.
        let (mut client, by_hand) = exchange(&request).await;
        let mut responder = by_hand.start(response(status, headers, ())).expect("it fits");
        responder.write_all(b"abc").await.expect("open");
        responder.write_all(b"de").await.expect("open");
        drop(responder.finish().await.expect("the length is right"));
        assert_bytes(client.rest().await, expected, format!("{what}, by hand"));
    }
}

/// Trailers travel with chunks, but for those that frame; elsewhere they are dropped.
#[tokio::test]
async fn sends_trailers_with_chunks() {
    let trailers = fields(&[("x-sum", "7"), ("content-length", "9"), ("host", "evil")]);
    for (line, end) in [("HTTP/1.1", "0\r\nX-Sum: 7\r\n\r\n"), ("HTTP/1.0", "")] {
        let request = format!("GET / {line}\r\nHost: a\r\n\r\n");
        let (mut client, whole) = exchange(&request).await;
        let (sender, body) = frames();
        sender.send(Ok(Frame::trailers(trailers.clone()))).expect("the answer is read");
        drop(sender);
        drop(whole.respond(Response::new(body)).await.expect("it fits"));
        let rest = client.rest().await;
        assert!(rest.ends_with(format!("\r\n\r\n{end}").as_bytes()), "{line}: {}", shown(&rest));

        let (mut client, by_hand) = exchange(&request).await;
        let responder = by_hand.start(Response::new(())).expect("it fits");
        drop(responder.finish_with(&trailers).await.expect("it fits"));
        let rest = client.rest().await;
        assert!(rest.ends_with(format!("\r\n\r\n{end}").as_bytes()), "{line}, by hand: {}", shown(&rest));
    }
}

/// A streaming answer leaves as its body makes it: the head before the first frame, each frame before the next.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_while_the_body_is_pending() {
    let (mut client, exchange) = exchange(GET).await;
    let (sender, body) = frames();
    let answer = tokio::spawn(exchange.respond(Response::new(body)));
    client.expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    for text in ["one", "two!"] {
        assert!(client.is_silent().await, "nothing was made yet");
        send(&sender, text);
        client.expect(format!("{:x}\r\n{text}\r\n", text.len())).await;
    }
    drop(sender);
    client.expect("0\r\n\r\n").await;
    drop(answer.await.expect("no panic").expect("it fits"));
}

/// Large frames go through uncopied and whole, also to a client that reads late.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sends_large_answers_whole() {
    let data = pattern(5_000_000);
    let body = Bytes::from(data.clone());
    let site = Site::start(
        |_| (),
        move |exchange: Exchange| {
            let body = body.clone();
            async move { exchange.respond(Response::new(Body::from(body))).await }
        },
    )
    .await;
    let mut client = site.client_with(format!("{GET}{GET}")).await;
    for _ in 0..2 {
        client.expect("HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n").await;
        client.expect(&data).await;
    }
}

/// A body that fails cuts the answer, so that the client cannot take it for whole, and says why.
#[tokio::test]
async fn a_failing_body_cuts_the_answer() {
    let (mut client, exchange) = exchange(GET).await;
    let (sender, body) = frames();
    send(&sender, "abc");
    sender.send(Err(io::Error::other("the disk is gone"))).expect("the answer is read");
    let error = exchange.respond(Response::new(body)).await.expect_err("the body fails");
    assert_eq!(error.to_string(), "body of the answer failed: the disk is gone");
    let rest = client.rest().await;
    assert!(!rest.ends_with(b"0\r\n\r\n"), "expected a cut answer, got {}", shown(&rest));
}

/// Heads and bodies that do not fit are errors that say how; nothing wrong reaches the client.
#[tokio::test]
async fn refuses_answers_that_do_not_fit() {
    for (status, headers, expected) in [
        (200, &[("content-length", "3")][..], EncodeError::WrongLength),
        (200, &[("content-length", "four")][..], EncodeError::WrongLength),
        (101, &[], EncodeError::Status(StatusCode::SWITCHING_PROTOCOLS)),
        (100, &[], EncodeError::Status(StatusCode::CONTINUE)),
    ] {
        let (mut client, exchange) = exchange(GET).await;
        let error =
            exchange.respond(response(status, headers, Body::from("body"))).await.expect_err("no answer");
        assert!(
            matches!(error, Error::Encode(got) if got == expected),
            "expected {expected:?}, got {error:?}"
        );
        client.expect_rest("").await;
    }
    let (mut client, whole) = exchange(GET).await;
    let mut responder = whole.start(response(200, &[("content-length", "3")], ())).expect("it fits");
    let error = responder.write_all(b"four").await.expect_err("one byte too many");
    assert_eq!(error.to_string(), "body bytes 4 exceed the 3 left of content-length");
    responder.write_all(b"tw").await.expect("they fit");
    let error = responder.finish().await.expect_err("one byte is missing");
    assert_eq!(error.to_string(), "body ended 1 bytes before content-length");
    let rest = client.rest().await;
    assert!(!rest.ends_with(b"four"), "{}", shown(&rest));
}

/// Pipelined requests are answered in their order, however long each takes and however they are cut.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_pipelined_requests_in_order() {
    let site = Site::start(
        |_| (),
        |mut exchange: Exchange| async {
            let path = exchange.uri().path().to_owned();
            let body = exchange.read_to_end(1_000).await?;
            for _ in 0..path.len() % 7 {
                tokio::task::yield_now().await;
            }
            exchange.respond(Response::new(Body::from(format!("{path}={}", shown(&body))))).await
        },
    )
    .await;
    let (mut requests, mut answers) = (String::new(), String::new());
    for index in 0..200 {
        let path = format!("/{}", "x".repeat(index % 13));
        let (lines, body) = match index % 3 {
            0 => ("", String::new()),
            1 => ("Transfer-Encoding: chunked\r\n", format!("3\r\n{index:03}\r\n0\r\n\r\n")),
            _ => ("Content-Length: 3\r\n", format!("{index:03}")),
        };
        requests += &format!("POST {path} HTTP/1.1\r\nHost: a\r\n{lines}\r\n{body}");
        let seen = if index % 3 == 0 { String::new() } else { format!("{index:03}") };
        let answer = format!("{path}={seen}");
        answers += &format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{answer}", answer.len());
    }
    for piece in [requests.len(), 97] {
        let mut client = site.client().await;
        for piece in requests.as_bytes().chunks(piece) {
            client.send(piece).await;
        }
        client.end().await;
        client.expect_rest(&answers).await;
    }
}

/// HTTP/1.0 is kept alive where the client asks for it and the length can be said (RFC 9112 §9.3).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_http10_alive_on_request() {
    let site = Site::start(|_| (), ok).await;
    let mut client = site.client().await;
    for _ in 0..2 {
        client.send("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").await;
        client.expect("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok").await;
    }
    client.send("GET / HTTP/1.0\r\n\r\n").await;
    client.expect_rest("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").await;
    for connection in ["close", "keep-alive, close", "x, CLOSE"] {
        let mut client = site
            .client_with(format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: {connection}\r\n\r\n{GET}"))
            .await;
        client.expect_rest("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").await;
    }
}

/// Empty lines between requests are skipped, a few of them (RFC 9112 §2.2).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn skips_empty_lines_between_requests() {
    let site = Site::start(|_| (), ok).await;
    let mut client = site.client_with(format!("\r\n{GET}\r\n\n\r\n\n{GET}")).await;
    client.expect(format!("{OK}{OK}")).await;
    client.send("\r\n\r\n\r\n\r\n\r\n").await;
    let refusal = client.rest().await;
    assert!(refusal.ends_with(b"more than 4 empty lines before the head\n"), "{}", shown(&refusal));
}

/// An early answer to an upload that goes on is seen whole: the client can write all 4 MiB and read the answer
/// without a reset.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_early_answer_outlives_an_unread_upload() {
    let mut site = Site::start(
        |_| (),
        |exchange: Exchange| async { exchange.respond(response(413, &[], Body::from("too long"))).await },
    )
    .await;
    let mut client = site.client_with("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4194304\r\n\r\n").await;
    for piece in pattern(4 << 20).chunks(64 << 10) {
        client.send(piece).await;
    }
    let head = "HTTP/1.1 413 Payload Too Large\r\nContent-Length: 8\r\nConnection: close\r\n\r\n";
    client.expect_rest(format!("{head}too long")).await;
    drop(client);
    let drain_len = site.server.config().drain_len;
    assert_eq!(site.events.reason().await, EndReason::LimitReached("drain_len", drain_len));
}

/// The same where the answer itself says that it is the last.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closing_answer_outlives_an_unread_upload() {
    let site = Site::start(
        |_| (),
        |exchange: Exchange| async {
            exchange.respond(response(413, &[("connection", "close")], Body::from("too long"))).await
        },
    )
    .await;
    let mut client =
        site.client_with("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    client.send("400000\r\n").await;
    for piece in pattern(4 << 20).chunks(64 << 10) {
        client.send(piece).await;
    }
    let expected = "HTTP/1.1 413 Payload Too Large\r\nConnection: close\r\nContent-Length: 8\r\n\r\ntoo long";
    client.expect_rest(expected).await;
}

/// Interim answers come before the final one; not to HTTP/1.0, no 101, no final status among them.
#[tokio::test]
async fn sends_interim_answers() {
    let (mut client, mut first) = exchange(GET).await;
    let link = fields(&[("link", "</a.css>"), ("content-length", "5")]);
    first.interim(StatusCode::EARLY_HINTS, &link).await.expect("an interim status");
    client.expect("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n").await;
    for status in [StatusCode::SWITCHING_PROTOCOLS, StatusCode::OK] {
        let error = first.interim(status, &HeaderMap::new()).await.expect_err("no interim status");
        assert!(matches!(error, Error::Encode(EncodeError::Status(got)) if got == status), "got {error:?}");
    }
    drop(first.respond(Response::new(Body::from("ok"))).await.expect("it fits"));
    client.expect_rest(OK).await;

    let (mut client, mut old) = exchange("GET / HTTP/1.0\r\n\r\n").await;
    old.interim(StatusCode::EARLY_HINTS, &link).await.expect("nothing to send to HTTP/1.0");
    drop(old.respond(Response::new(Body::from("ok"))).await.expect("it fits"));
    client.expect_rest("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").await;
}

/// A handler's error closes its connection, unanswered, and touches no other one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handlers_error_closes_its_connection_only() {
    let mut site = Site::start(
        |_| (),
        |exchange: Exchange| async {
            if exchange.uri().path() == "/fail" {
                return Err(Error::other("it failed"));
            }
            ok(exchange).await
        },
    )
    .await;
    let mut other = site.client_with(GET).await;
    other.expect(OK).await;
    let mut client = site.client_with("GET /fail HTTP/1.1\r\nHost: a\r\n\r\n").await;
    client.expect_rest("").await;
    assert_eq!(site.events.reason().await, EndReason::Dropped);
    other.send(GET).await;
    other.expect(OK).await;
}

/// FIN from the client does not end a handler; it can be awaited, and the answer still arrives.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fin_does_not_end_a_handler() {
    let site = Site::start(
        |_| (),
        |mut exchange: Exchange| async {
            exchange.peer_gone().await;
            exchange.respond(Response::new(Body::from("still here"))).await
        },
    )
    .await;
    let mut client = site.client_with(GET).await;
    client.end().await;
    client.expect_rest("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nstill here").await;
}

/// Watching for the client's end takes no byte: what it read ahead is the body, the next request, or a takeover's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watching_for_the_clients_end_takes_no_byte() {
    async fn handler(mut exchange: Exchange) -> Result<Outcome, Error> {
        if exchange.uri().path() == "/wait" {
            exchange.peer_gone().await;
        }
        let body = exchange.read_to_end(100).await?;
        exchange.respond(Response::new(Body::from(body))).await
    }
    let site = Site::start(|_| (), handler).await;
    let post = "POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n";
    let mut client = site.client_with(post).await;
    client.send("body").await;
    client.send(format!("{post}more")).await;
    client.end().await;
    let answer = |body| format!("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n{body}");
    client.expect_rest(answer("body") + &answer("more")).await;
}

/// `Config::read_ahead_len`: watching reads no further than that, and sees no end behind it.
#[tokio::test]
async fn watching_reads_no_further_than_its_limit() {
    let (server, _events) = crate::support::server(|config| config.read_ahead_len = 1_000);
    let (mut client, mut exchange) = crate::support::exchange_of(&server, GET).await;
    client.send(vec![b'x'; 200_000]).await;
    client.end().await;
    let len = GET.len() + 1_000;
    crate::support::read_ahead(&mut exchange, &server.tracker(), len).await;
    for _ in 0..10 {
        assert!(once(exchange.peer_gone()).await.is_none(), "its limit is reached");
        tokio::task::yield_now().await;
    }
    let read = server.tracker().list()[0].bytes_in;
    assert!(read < 30_000, "expected one more read at the most, got {read} bytes");
    let mut conn = exchange.take_over().await.expect("unanswered");
    assert_bytes(crate::support::read_all(&mut conn).await, vec![b'x'; 200_000], "all bytes");
}

/// A reset during a handler is seen by whoever watches.
#[tokio::test]
async fn watching_sees_a_reset() {
    let (client, mut exchange) = exchange(GET).await;
    client.reset();
    soon("the reset", exchange.peer_gone()).await;
    exchange.respond(Response::new(Body::from("late"))).await.expect_err("nobody listens");
}

/// `Outcome::taken` says that the connection is somebody else's, who may outlive the handler.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_connection_outlives_its_handler() {
    let site = Site::start(
        |_| (),
        |exchange: Exchange| async {
            let mut conn = exchange.take_over().await?;
            tokio::spawn(async move {
                let byte = tokio::io::AsyncReadExt::read_u8(&mut conn).await.expect("open");
                conn.write_all(&[byte]).await.expect("open");
            });
            Ok(Outcome::taken())
        },
    )
    .await;
    let mut client = site.client_with(GET).await;
    client.send("x").await;
    client.expect_rest("x").await;
}

/// `Date` is there by default, once, and the handler's own stays (RFC 9110 §6.6.1).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dates_answers_once() {
    let site = Site::start(
        |config| config.date = true,
        |exchange: Exchange| async {
            let lines: &[_] = if exchange.uri().path() == "/own" { &[("date", "long ago")] } else { &[] };
            exchange.respond(response(200, lines, Body::empty())).await
        },
    )
    .await;
    let mut client = site.client_with(GET).await;
    let head = client.head().await;
    let date =
        head.lines().nth(1).and_then(|line| line.strip_prefix("Date: ")).expect("a date behind the status");
    assert!(date.len() == 29 && date.ends_with(" GMT"), "{date}");
    client.send("GET /own HTTP/1.1\r\nHost: a\r\n\r\n").await;
    client.expect("HTTP/1.1 200 OK\r\nDate: long ago\r\nContent-Length: 0\r\n\r\n").await;
}
