//! Taking a connection over: when, and with which bytes.

use std::time::Duration;

use hijack::{Config, Conn, Error, Exchange, Outcome, Reason, Responder, TakeOverError};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Response, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{
    Client, GET, Site, assert_bytes, exchange, exchange_of, ok, once, pattern, read_ahead, read_all,
    read_len, server, shown, soon,
};

/// Behaviour 1: a takeover before any response writes nothing of its own.
#[tokio::test]
async fn takes_over_before_any_response() {
    let (mut client, exchange) = exchange(GET).await;
    let mut conn = exchange.take_over().await.expect("nothing was written");
    conn.write_all(b"hello world").await.expect("open");
    conn.close_write().await.expect("open");
    client.expect_rest("hello world").await;
}

/// Behaviour 1: a takeover after the head, which is flushed.
#[tokio::test]
async fn takes_over_after_the_head() {
    let (mut client, exchange) = exchange(GET).await;
    let responder = exchange.start(Response::new(())).expect("a head");
    let mut conn = responder.take_over().await.expect("an answer under way");
    client.expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    conn.write_all(b"0\r\n\r\nraw").await.expect("open");
    client.expect("0\r\n\r\nraw").await;
}

/// Behaviour 1: a takeover after a flush; what HTTP began is ended by hand.
#[tokio::test]
async fn takes_over_after_a_flush() {
    let (mut client, exchange) = exchange(GET).await;
    let mut responder = exchange.start(Response::new(())).expect("a head");
    responder.write_all(b"part one").await.expect("open");
    responder.flush().await.expect("open");
    client.expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\npart one\r\n").await;
    let mut conn = responder.take_over().await.expect("an answer under way");
    conn.write_all(b"3\r\ntwo\r\n0\r\n\r\n").await.expect("open");
    client.expect("3\r\ntwo\r\n0\r\n\r\n").await;
}

/// Behaviour 1: any final status may be the last words of HTTP, as they are given (here Docker's).
#[tokio::test]
async fn takes_over_after_a_head_as_given() {
    let (mut client, exchange) = exchange("POST /attach HTTP/1.1\r\nHost: a\r\n\r\nstdin").await;
    let mut head = Response::new(());
    head.headers_mut().insert(CONTENT_TYPE, "application/vnd.docker.raw-stream".parse().expect("a value"));
    head.extensions_mut().insert(Reason::new("Fine").expect("words"));
    let mut conn = exchange.take_over_after(head).expect("a final status");
    assert_bytes(read_len(&mut conn, 5).await, "stdin", "early bytes");
    conn.write_all(b"stdout").await.expect("open");
    client.expect("HTTP/1.1 200 Fine\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\nstdout").await;
}

/// Behaviour 2, Go leaves untested: answer bytes that were written and not flushed arrive before later ones.
#[tokio::test]
async fn flushes_what_was_written_before_the_takeover() {
    let (mut client, exchange) = exchange(GET).await;
    let head = Response::builder().header("content-length", 100).body(()).expect("a head");
    let mut responder = exchange.start(head).expect("a head");
    responder.write_all(b"before ").await.expect("open");
    let mut conn = responder.take_over().await.expect("93 bytes are missing");
    conn.write_all(b"after").await.expect("open");
    client.expect("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbefore after").await;
}

/// Behaviour 2: 1 MiB written to a client that reads late is all there before what the owner writes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flushes_a_large_answer_before_the_takeover() {
    let (mut client, exchange) = exchange("GET / HTTP/1.0\r\n\r\n").await;
    let body = pattern(1 << 20);
    let sent = body.clone();
    let writing = tokio::spawn(async move {
        let mut responder = exchange.start(Response::new(())).expect("a head");
        responder.write_all(&sent).await.expect("open");
        let mut conn = responder.take_over().await.expect("an answer under way");
        conn.write_all(b"the end").await.expect("open");
    });
    client.expect("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").await;
    client.expect(body).await;
    client.expect_rest("the end").await;
    writing.await.expect("no panic");
}

/// Behaviour 2: where written bytes cannot be flushed any more, the takeover is an error.
#[tokio::test]
async fn reports_a_takeover_that_cannot_flush() {
    let (client, mut exchange) = exchange(GET).await;
    client.reset();
    soon("the reset", exchange.peer_gone()).await;
    let mut responder = exchange.start(Response::new(())).expect("a head");
    responder.write_all(b"lost otherwise").await.expect("queued");
    let result = soon("the takeover", responder.take_over()).await;
    assert!(matches!(result, Err(Error::Io(_))), "expected an IO error, got {result:?}");
}

/// Behaviour 3: bytes in the request's own packet are read first, then later ones.
#[tokio::test]
async fn reads_bytes_of_the_requests_packet_first() {
    let (mut client, exchange) = exchange(format!("{GET}early ")).await;
    let mut conn = exchange.take_over().await.expect("nothing was written");
    assert_bytes(conn.unread(), "early ", "unread bytes");
    client.send("late").await;
    client.end().await;
    assert_bytes(read_all(&mut conn).await, "early late", "all bytes");
}

/// Behaviour 4: early data beyond every buffer arrives whole, whenever the takeover comes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn early_data_of_any_length_arrives_intact() {
    for len in [100 << 10, 1 << 20, 3 << 20] {
        for ahead in [0, 10_000, 64 << 10] {
            let (server, _events) = server(|config| config.read_ahead_len = 128 << 10);
            let (mut client, mut exchange) = exchange_of(&server, GET).await;
            let data = pattern(len);
            let sent = data.clone();
            let sending = tokio::spawn(async move {
                client.send(sent).await;
                client.end().await;
                client
            });
            read_ahead(&mut exchange, &server.tracker(), GET.len() + ahead).await;
            let mut conn = exchange.take_over().await.expect("nothing was written");
            assert_bytes(read_all(&mut conn).await, &data, format_args!("{len} bytes, {ahead} read ahead"));
            sending.await.expect("no panic");
        }
    }
}

/// Behaviour 4: the same, with the request and 100 KiB in one write, through a listening server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn early_data_in_the_requests_write_is_echoed_whole() {
    let site = Site::start(
        |_| (),
        |exchange: Exchange| async {
            let mut conn = exchange.take_over().await?;
            let mut data = vec![0; 100 << 10];
            conn.read_exact(&mut data).await?;
            conn.write_all(&data).await?;
            conn.close().await
        },
    )
    .await;
    let data = pattern(100 << 10);
    let mut client = site.client_with([GET.as_bytes(), &data].concat()).await;
    client.expect_rest(data).await;
}

/// Behaviour 5: a byte that arrives between the answer's flush and the handover is not lost.
#[tokio::test]
async fn keeps_a_byte_that_comes_between_answer_and_handover() {
    let (mut client, exchange) = exchange("GET / HTTP/1.0\r\n\r\n").await;
    let mut responder = exchange.start(Response::new(())).expect("a head");
    responder.flush().await.expect("open");
    client.head().await;
    client.send("x").await;
    let mut conn = responder.take_over().await.expect("an answer under way");
    client.send("y").await;
    assert_bytes(read_len(&mut conn, 2).await, "xy", "bytes behind the answer");
}

/// Behaviour 5: the same when that byte was already read ahead by whoever watched for the client's end.
#[tokio::test]
async fn keeps_a_byte_that_was_read_ahead_between_answer_and_handover() {
    let (server, _events) = server(|_| ());
    let (mut client, mut exchange) = exchange_of(&server, GET).await;
    exchange.interim(StatusCode::PROCESSING, &HeaderMap::new()).await.expect("an interim answer");
    client.expect("HTTP/1.1 102 Processing\r\n\r\n").await;
    client.send("x").await;
    read_ahead(&mut exchange, &server.tracker(), GET.len() + 1).await;
    let mut conn = exchange.take_over().await.expect("unanswered");
    client.send("y").await;
    assert_bytes(read_len(&mut conn, 2).await, "xy", "bytes behind the interim answer");
}

/// Behaviour 8: a takeover behind a complete answer is an error and no panic; the answer arrives.
#[tokio::test]
async fn refuses_a_takeover_behind_a_complete_answer() {
    for (length, body) in [(5, "whole"), (0, "")] {
        let (mut client, exchange) = exchange(GET).await;
        let head = Response::builder().header("content-length", length).body(()).expect("a head");
        let mut responder = exchange.start(head).expect("a head");
        responder.write_all(body.as_bytes()).await.expect("open");
        let result = responder.take_over().await;
        assert!(
            matches!(result, Err(Error::TakeOver(TakeOverError::AnswerComplete))),
            "expected AnswerComplete, got {result:?}"
        );
        client.expect_rest(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}")).await;
    }
}

/// Behaviour 8: an answer without a body is complete with its head: what follows it is the next request.
#[tokio::test]
async fn refuses_a_takeover_behind_a_head_without_a_body() {
    for (request, status) in [("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", 200), (GET, 204), (GET, 304)] {
        let (_client, exchange) = exchange([request, GET].concat()).await;
        let head = Response::builder().status(status).body(()).expect("a head");
        let result = exchange.start(head).expect("a head").take_over().await;
        assert!(
            matches!(result, Err(Error::TakeOver(TakeOverError::AnswerComplete))),
            "expected AnswerComplete behind {status}, got {result:?}"
        );
    }
}

/// Behaviours 7 and 9: every way into a takeover takes the old object by value, and none can be copied, so
/// there is nothing left to write, flush or take over with. (`compile_fail` examples at `Exchange` and
/// `Responder` show the errors.)
#[test]
fn old_objects_are_consumed() {
    /// `T` has one `probe` if it is not `Clone`, and would have two that cannot be told apart if it were.
    trait NotClone<Marker> {
        fn probe() {}
    }
    impl<T: ?Sized> NotClone<()> for T {}
    struct IsClone;
    impl<T: Clone> NotClone<IsClone> for T {}
    let _ = <Exchange as NotClone<_>>::probe;
    let _ = <Responder as NotClone<_>>::probe;
    let _ = <Conn as NotClone<_>>::probe;

    let _ = |exchange: Exchange| Exchange::take_over(exchange);
    let _ = |responder: Responder| Responder::take_over(responder);
    let _: fn(Exchange, Response<()>) -> _ = Exchange::take_over_after;
    let _: fn(Exchange, Response<()>) -> Result<Responder, Error> = Exchange::start;
}

/// Behaviour 14, Go leaves untested: a stream that knows no deadlines is taken over at once, while nothing comes.
#[tokio::test]
async fn takes_over_a_stream_without_deadlines_at_once() {
    let (near, mut far) = tokio::io::duplex(64);
    let (server, _events) = server(|_| ());
    far.write_all(GET.as_bytes()).await.expect("open");
    let exchange = server.connection(near, "").next().await.expect("a legal head").expect("a request");
    let mut conn =
        once(exchange.take_over()).await.expect("nothing to wait for").expect("nothing was written");
    assert!(once(conn.read_u8()).await.is_none(), "nothing came yet");
    far.write_all(b"x").await.expect("open");
    assert_eq!(conn.read_u8().await.expect("open"), b'x');
}

/// Behaviour 14: a takeover waits for the flush of what was written and for nothing else.
#[tokio::test]
async fn a_takeover_waits_for_the_flush_only() {
    let (near, mut far) = tokio::io::duplex(16);
    let (server, _events) = server(|_| ());
    let connection = server.connection(near, GET);
    let exchange = connection.next().await.expect("a legal head").expect("a request");
    let head = exchange.start(Response::new(())).expect("a head").take_over();
    let mut head = std::pin::pin!(head);
    assert!(once(head.as_mut()).await.is_none(), "the stream takes 16 bytes and the head has more");
    let mut got = Client(&mut far);
    let (conn, ()) = tokio::join!(head, got.expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"));
    drop(conn.expect("an answer under way"));
}

fn impatient(config: &mut Config) {
    let soon = Duration::from_millis(300);
    config.head_timeout = soon;
    config.keep_alive_timeout = soon;
    config.body_timeout = soon;
    config.write_timeout = soon;
    config.linger_timeout = soon;
}

/// Waits until limits that began to count before have passed: those of a connection that is opened now.
async fn server_timers_pass(site: &Site) {
    let mut control = site.client_with("GET / HT").await;
    let refusal = control.head().await;
    assert!(refusal.starts_with("HTTP/1.1 408 "), "expected 408, got {refusal}");
    let mut control = site.client_with(GET).await;
    control.expect(crate::support::OK).await;
    control.expect_rest("").await;
}

/// Behaviour 15, Go leaves untested: no timer of the server's touches the connection behind the handover, not
/// that of the head, of the keep-alive, of a body read given up, of a write.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn server_timers_end_with_the_handover() {
    async fn handler(mut exchange: Exchange) -> Result<Outcome, Error> {
        if exchange.method() == "GET" {
            return ok(exchange).await;
        }
        let mut byte = [0];
        assert!(once(exchange.body().read(&mut byte)).await.is_none(), "the body has not come");
        let conn = exchange.take_over_after(Response::new(()))?;
        Ok(conn.hand_off(|mut conn| async move {
            conn.flush().await?;
            let mut byte = [0];
            while conn.read(&mut byte).await? == 1 {
                conn.write_all(&byte).await?;
            }
            Ok(())
        }))
    }
    let mut site = Site::start(impatient, handler).await;
    let mut client = site.client_with(GET).await;
    client.expect(crate::support::OK).await;
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n").await;
    client.expect("HTTP/1.1 200 OK\r\n\r\n").await;
    site.events.taken().await;
    server_timers_pass(&site).await;
    client.send("a").await;
    client.expect("a").await;
    client.end().await;
    client.expect_rest("").await;
}

/// Behaviour 15: nor does a write that stalled before the handover count behind it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_timer_ends_with_the_handover() {
    let (server, _events) = server(impatient);
    let (near, mut far) = tokio::io::duplex(16);
    let exchange = server.connection(near, GET).next().await.expect("a legal head").expect("a request");
    let mut responder = exchange.start(Response::new(())).expect("a head");
    assert!(once(responder.flush()).await.is_none(), "the stream takes 16 bytes and the head has more");
    let mut got = Client(&mut far);
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let (conn, ()) = tokio::join!(responder.take_over(), got.expect(head));
    let mut conn = conn.expect("an answer under way");
    assert!(once(conn.write_all(&[b'x'; 32])).await.is_none(), "the stream takes 16 bytes");
    let site = Site::start(impatient, ok).await;
    server_timers_pass(&site).await;
    got.expect([b'x'; 16]).await;
    conn.write_all(b"y").await.expect("no timer of the server's");
    got.expect("y").await;
}

/// Behaviour 22: the second request of a kept-alive connection is taken over as the first would be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn takes_over_the_second_request() {
    let site = Site::start(
        |_| (),
        |exchange: Exchange| async {
            if exchange.uri().path() == "/" {
                return ok(exchange).await;
            }
            let mut conn = exchange.take_over().await?;
            assert_eq!(conn.head().expect("a request").target(), b"/take");
            conn.write_all(b"raw: ").await?;
            let mut data = [0; 5];
            conn.read_exact(&mut data).await?;
            conn.write_all(&data).await?;
            conn.close().await
        },
    )
    .await;
    let mut client = site.client_with(GET).await;
    client.expect(crate::support::OK).await;
    client.send("GET /take HTTP/1.1\r\nHost: a\r\n\r\nearly").await;
    client.expect_rest("raw: early").await;
    // And with both in one packet.
    let mut client = site.client_with(format!("{GET}GET /take HTTP/1.1\r\nHost: a\r\n\r\nearly")).await;
    client.expect_rest(format!("{}raw: early", crate::support::OK)).await;
}

/// Behaviour 43: HTTP/2 with prior knowledge can be taken over without losing a byte, at every split point.
#[tokio::test]
async fn takes_over_an_http2_preface() {
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let head_len = preface.len() - 15;
    for cut in 1..preface.len() {
        let (mut client, near) = crate::support::tcp_pair().await;
        let (server, _events) = server(|_| ());
        let (first, second) = preface.split_at(cut);
        client.send(first).await;
        let connection = server.connection(near, "");
        let feeding = async {
            // The second half leaves when the first was received.
            crate::support::until("the first half is read", || {
                server.tracker().list().first().is_some_and(|connection| connection.bytes_in == cut as u64)
            })
            .await;
            client.send(second).await;
            client.end().await;
        };
        let (next, ()) = tokio::join!(connection.next(), feeding);
        let exchange: Exchange<TcpStream> = next.expect("a legal head").expect("a request");
        assert!(exchange.head().is_http2_preface(), "cut {cut}: {:?}", exchange.head());
        let mut conn = exchange.take_over().await.expect("nothing was written");
        assert_bytes(
            conn.head().expect("a request").raw(),
            &preface[..head_len],
            format_args!("head, cut {cut}"),
        );
        assert_bytes(read_all(&mut conn).await, &preface[head_len..], format_args!("cut {cut}"));
    }
}

/// Behaviour 43: answered as HTTP, it is the end of the connection.
#[tokio::test]
async fn an_answered_http2_preface_ends_the_connection() {
    let site = Site::start(|_| (), ok).await;
    let mut client = site.client_with("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    let answer = client.rest().await;
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"), "got {}", shown(&answer));
}
