//! Bodies of requests on their way: `Expect`, early answers, both directions at once.

use std::time::Duration;

use bytes::Bytes;
use hijack::{Body, Error, Timeout};
use http::{HeaderValue, Request};
use tokio::io::AsyncReadExt;

use crate::scripted::{
    Far, Stage, answer_of, answered, client, expect_answer, get, pair, pipe, polled, post, source,
};
use crate::support::{GET, assert_bytes, once, pattern, soon};

/// A request whose body waits for `100 Continue`.
fn expecting<B>(body: B) -> Request<B> {
    let mut request = post(body);
    request.headers_mut().insert("expect", HeaderValue::from_static("100-Continue"));
    request
}

const HEAD: &str = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 4\r\n\r\n";

/// RFC 9110 §10.1.1: the body waits for `100 Continue`, and for no other interim answer.
#[tokio::test(start_paused = true)]
async fn a_body_waits_for_100_continue() {
    let (mut connection, mut far) = pipe(4096, |_| ());
    connection.send(expecting(Body::from("body"))).await.expect("open");
    assert!(polled(10, connection.answer()).await.is_none());
    far.expect(HEAD).await;
    far.send("HTTP/1.1 102 Processing\r\n\r\n").await;
    assert!(polled(10, connection.answer()).await.is_none());
    assert!(far.is_silent().await, "that was no 100");
    far.send("HTTP/1.1 100 Continue\r\n\r\n").await;
    assert!(polled(10, connection.answer()).await.is_none());
    far.expect("body").await;
    far.send(answered("thanks")).await;
    expect_answer(&mut connection, 200, "thanks").await;
    assert!(connection.is_open());
}

/// RFC 9110 §10.1.1: a client does not wait for ever: `ClientConfig::continue_timeout`.
#[tokio::test(start_paused = true)]
async fn a_body_is_sent_after_some_time_without_100() {
    let (mut connection, mut far) = pipe(4096, |config| config.continue_timeout = Duration::from_secs(3));
    let started = tokio::time::Instant::now();
    connection.send(expecting(Body::from("body"))).await.expect("open");
    let server = async {
        far.expect(HEAD).await;
        far.expect("body").await;
        assert_eq!(started.elapsed(), Duration::from_secs(3));
        far.send(format!("HTTP/1.1 100 Continue\r\n\r\n{}", answered("late"))).await;
    };
    tokio::join!(server, expect_answer(&mut connection, 200, "late"));
}

/// RFC 9110 §10.1.1: behind a final answer the body is not sent, and since it was promised, nothing else is.
#[tokio::test(start_paused = true)]
async fn a_body_is_not_sent_after_a_final_answer() {
    for (answer, status) in [
        ("HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n", 417),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200),
    ] {
        let (mut connection, mut far) = pipe(4096, |_| ());
        let (body, feed) = source();
        feed.data("body");
        connection.send(expecting(body)).await.expect("open");
        far.head().await;
        far.send(answer).await;
        let answer = expect_answer(&mut connection, status, "").await;
        assert!(answer.early && answer.closes);
        assert!(feed.is_unwanted(), "the body was given up");
        assert!(matches!(connection.send(get()).await, Err(Error::Closing)));
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(polled(10, connection.answer()).await.is_none_or(|answer| answer.is_err()));
        assert!(far.is_silent().await, "no byte of the body");
    }
}

/// Without a body there is nothing to wait for.
#[tokio::test(start_paused = true)]
async fn an_empty_body_does_not_wait() {
    let (mut connection, mut far) = pipe(4096, |_| ());
    connection.send(expecting(Body::empty())).await.expect("open");
    far.head().await;
    far.send(answered("at once")).await;
    let answer = expect_answer(&mut connection, 200, "at once").await;
    assert!(!answer.early && connection.is_open());
}

/// A further request waits for the body that waits for `100 Continue`.
#[tokio::test(start_paused = true)]
async fn a_pipelined_request_goes_behind_an_expecting_one() {
    let (mut connection, mut far) = pipe(4096, |_| ());
    connection.send(expecting(Body::from("body"))).await.expect("open");
    far.expect(HEAD).await;
    far.send("HTTP/1.1 100 Continue\r\n\r\n").await;
    soon("sending", connection.send(get())).await.expect("open");
    far.expect(format!("body{GET}")).await;
    far.send(format!("{}{}", answered("one"), answered("two"))).await;
    expect_answer(&mut connection, 200, "one").await;
    expect_answer(&mut connection, 200, "two").await;
}

/// An answer to an earlier request says nothing of a body that waits: neither that it is wanted nor that it is not.
#[tokio::test(start_paused = true)]
async fn answers_to_earlier_requests_are_not_the_bodys() {
    for interim in [true, false] {
        let (mut connection, mut far) = pipe(4096, |_| ());
        connection.send(get()).await.expect("open");
        connection.send(expecting(Body::from("body"))).await.expect("open");
        far.expect(GET).await;
        far.expect(HEAD).await;
        if interim {
            far.send("HTTP/1.1 100 Continue\r\n\r\n").await;
            assert!(polled(10, connection.answer()).await.is_none());
            assert!(far.is_silent().await, "that was for the first one");
        }
        far.send(answered("one")).await;
        let answer = expect_answer(&mut connection, 200, "one").await;
        assert!(!answer.early && !answer.closes, "its own request was sent whole");
        assert!(polled(10, connection.answer()).await.is_none());
        assert!(far.is_silent().await, "nor was that for the second one");
        far.send("HTTP/1.1 100 Continue\r\n\r\n").await;
        assert!(polled(10, connection.answer()).await.is_none());
        far.expect("body").await;
        far.send(answered("two")).await;
        expect_answer(&mut connection, 200, "two").await;
        assert!(connection.is_open());
    }
}

/// An answer that closes ends the sending of the requests behind its own.
#[tokio::test]
async fn an_answer_that_closes_ends_a_later_upload() {
    let (mut connection, mut far) = pipe(4096, |_| ());
    connection.send(get()).await.expect("open");
    let (body, feed) = source();
    connection.send(post(body)).await.expect("open");
    far.expect(GET).await;
    far.head().await;
    far.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").await;
    let answer = expect_answer(&mut connection, 200, "").await;
    assert!(answer.closes && !answer.early);
    assert!(feed.is_unwanted(), "nobody reads it any more");
    far.end().await;
    let error = soon("the end", connection.answer()).await.expect_err("it ended");
    assert!(matches!(error, Error::Unanswered(1)), "{error:?}");
}

const LARGE: usize = 20 << 20;

/// An answer that comes while a large body is sent, from a server that closes behind it, in order or by a reset: it is
/// read, with its body.
#[tokio::test]
async fn an_early_answer_is_read_from_a_server_that_closes() {
    for (closes, reset) in [(true, false), (true, true), (false, false), (false, true)] {
        for known in [true, false] {
            let (mut connection, mut far) = pair().await;
            let server = async {
                far.head().await;
                far.0.read_exact(&mut [0; 10_000]).await.expect("some of the body");
                let close = if closes { "Connection: close\r\n" } else { "" };
                far.send(format!("HTTP/1.1 413 Too Large\r\n{close}Content-Length: 8\r\n\r\ntoo much")).await;
                if reset {
                    far.reset();
                } else {
                    far.end().await;
                    far.rest_or_reset().await;
                }
            };
            let asking = async {
                if known {
                    connection.send(post(Body::from(vec![b'x'; LARGE]))).await.expect("it begins");
                } else {
                    let (body, feed) = source();
                    (0..LARGE / 50_000).for_each(|_| feed.data(vec![b'x'; 50_000]));
                    connection.send(post(body)).await.expect("it begins");
                }
                let answer = expect_answer(&mut connection, 413, "too much").await;
                assert!(answer.early);
                if closes {
                    assert!(answer.closes && !connection.is_open());
                }
                drop(connection);
            };
            tokio::join!(asking, server);
        }
    }
}

/// Behind an early answer that keeps the connection, the rest of the request is sent while the answer is read, and
/// the next exchange follows.
#[tokio::test]
async fn an_early_answer_keeps_the_connection() {
    for known in [true, false] {
        let (mut connection, mut far) = pair().await;
        let data = Bytes::from(pattern(LARGE));
        let server = async {
            far.head().await;
            far.send(answered("early")).await;
            if known {
                far.expect(&data).await;
            } else {
                far.expect(format!("{:x}\r\n", data.len())).await;
                far.expect(&data).await;
                far.expect("\r\n0\r\n\r\n").await;
            }
            far.expect(GET).await;
            far.send(answered("second")).await;
        };
        let asking = async {
            if known {
                connection.send(post(Body::from(data.clone()))).await.expect("it begins");
            } else {
                let (body, feed) = source();
                feed.data(data.clone());
                connection.send(post(body)).await.expect("it begins");
            }
            let answer = expect_answer(&mut connection, 200, "early").await;
            assert!(answer.early && !answer.closes);
            connection.send(get()).await.expect("behind the rest");
            let answer = expect_answer(&mut connection, 200, "second").await;
            assert!(!answer.early);
        };
        soon("both", async { tokio::join!(asking, server) }).await;
    }
}

/// A server that sends back what comes, 8 MiB of it, in both framings: no side waits in vain.
#[tokio::test]
async fn echoes_eight_mib() {
    let data = Bytes::from(pattern(8 << 20));
    let pieces: Vec<Bytes> =
        (0..data.len()).step_by(1 << 16).map(|at| data.slice(at..at + (1 << 16))).collect();
    let (mut connection, mut far) = pair().await;
    let server = async {
        far.head().await;
        far.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", data.len())).await;
        echo(&mut far, data.len()).await;
        far.head().await;
        far.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        echo(&mut far, pieces.len() * ((1 << 16) + "10000\r\n\r\n".len()) + "0\r\n\r\n".len()).await;
    };
    let asking = async {
        for known in [true, false] {
            if known {
                connection.send(post(Body::from(data.clone()))).await.expect("it begins");
            } else {
                let (body, feed) = source();
                pieces.iter().for_each(|piece| feed.data(piece.clone()));
                drop(feed);
                connection.send(post(body)).await.expect("it begins");
            }
            assert!(answer_of(&mut connection).await.early);
            let echoed = connection.read_to_end(9 << 20).await.expect("a body");
            assert_bytes(&echoed, &data, "echoed");
        }
    };
    soon("the echo", async { tokio::join!(asking, server) }).await;
}

/// Sends the next `len` bytes back as they come.
async fn echo(far: &mut Far, len: usize) {
    let (read, mut write) = far.0.split();
    let echoed = tokio::io::copy(&mut read.take(len as u64), &mut write).await.expect("open");
    assert_eq!(echoed, len as u64);
}

/// The same over pipes that hold little.
#[tokio::test]
async fn echoes_through_narrow_pipes() {
    for len in [1, 7, 1_000] {
        let (mut connection, mut far) = pipe(len, |_| ());
        let data = pattern(20_000);
        let server = async {
            far.head().await;
            far.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", data.len())).await;
            let mut left = data.len();
            while left > 0 {
                let mut some = [0; 100];
                let got = far.0.read(&mut some[..left.min(100)]).await.expect("open");
                far.send(&some[..got]).await;
                left -= got;
            }
        };
        let asking = async {
            connection.send(post(Body::from(data.clone()))).await.expect("it begins");
            let answer = answer_of(&mut connection).await;
            assert!(answer.early);
            let got = connection.read_to_end(1 << 20).await.expect("a body");
            assert_bytes(&got, &data, len);
        };
        soon("the echo", async { tokio::join!(asking, server) }).await;
    }
}

/// `ClientConfig::write_timeout`: a server that takes nothing of a request is waited for that long, however the body is
/// given.
#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_read_times_out() {
    let limit = Duration::from_secs(2);
    for piece in [100, 8 << 10, 1 << 20] {
        for known in [true, false] {
            let (mut connection, _far) = pipe(1_000, |config| {
                config.write_timeout = limit;
                config.answer_timeout = None;
            });
            let started = tokio::time::Instant::now();
            let (body, feed) = source();
            let mut request = post(body);
            if known {
                request.headers_mut().insert("content-length", HeaderValue::from_static("1048576"));
            }
            (0..(1 << 20) / piece).for_each(|_| feed.data(vec![0; piece]));
            connection.send(request).await.expect("it begins");
            let answer = tokio::time::timeout(Duration::from_secs(60), connection.answer()).await;
            let error =
                answer.unwrap_or_else(|_| panic!("no limit on pieces of {piece}")).expect_err("nobody reads");
            assert_eq!(error.timeout(), Some(Timeout::Write), "{piece}: {error:?}");
            let waited = started.elapsed();
            assert!(waited >= limit && waited < limit + Duration::from_secs(1), "{piece}: {waited:?}");
        }
    }
}

/// A server that takes a byte now and then is slow, not gone.
#[tokio::test(start_paused = true)]
async fn a_server_that_reads_slowly_is_waited_for() {
    let (mut connection, mut far) = pipe(10, |config| config.write_timeout = Duration::from_millis(600));
    let server = async {
        far.head().await;
        for byte in pattern(20_000).chunks(1_000) {
            tokio::time::sleep(Duration::from_millis(400)).await;
            far.expect(byte).await;
        }
        far.send(answered("at last")).await;
    };
    let asking = async {
        connection.send(post(Body::from(pattern(20_000)))).await.expect("it begins");
        expect_answer(&mut connection, 200, "at last").await;
    };
    tokio::join!(asking, server);
}

/// Our own slowness is nobody's fault: a body that gives nothing for a long time is no timeout.
#[tokio::test(start_paused = true)]
async fn a_slow_body_is_no_timeout() {
    let (mut connection, mut far) = pipe(4096, |config| {
        config.write_timeout = Duration::from_secs(1);
        config.answer_timeout = Some(Duration::from_secs(1));
    });
    let (body, feed) = source();
    connection.send(post(body)).await.expect("it begins");
    let feeding = async {
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_secs(2)).await;
            feed.data("x");
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        drop(feed);
    };
    let server = async {
        far.head().await;
        far.expect("1\r\nx\r\n1\r\nx\r\n1\r\nx\r\n0\r\n\r\n").await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        far.send(answered("thanks")).await;
    };
    tokio::join!(feeding, server, expect_answer(&mut connection, 200, "thanks"));
}

/// A server that answers everything and reads nothing: the answer comes, and the connection is of no further use
/// than its pipe is wide.
#[tokio::test]
async fn a_server_that_answers_without_reading() {
    let (mut connection, mut far) = pair().await;
    connection.send(post(Body::from(vec![0; LARGE]))).await.expect("it begins");
    far.send(answered("whatever")).await;
    let answer = expect_answer(&mut connection, 200, "whatever").await;
    assert!(answer.early);
    assert!(once(connection.send(get())).await.is_none(), "the first one is not sent");
}

/// A server that breaks while a request waits behind the one that is being sent: both know.
#[tokio::test]
async fn a_reset_under_a_waiting_request_is_an_error() {
    let (mut connection, far) = pair().await;
    let (body, feed) = source();
    connection.send(post(body)).await.expect("it begins");
    feed.data("x");
    far.reset();
    drop(feed);
    let error = soon("sending", connection.send(get())).await.expect_err("broken");
    assert!(matches!(error, Error::Io(_) | Error::Closing), "{error:?}");
    let error = soon("an answer", connection.answer()).await.expect_err("broken");
    assert!(matches!(error, Error::Io(_) | Error::Unanswered(1)), "{error:?}");
}

/// A stream whose reader is silent and whose writer is broken.
struct HalfBroken(tokio::io::DuplexStream);

impl tokio::io::AsyncRead for HalfBroken {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buf: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl tokio::io::AsyncWrite for HalfBroken {
    fn poll_write(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        _: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        std::task::Poll::Ready(Err(std::io::ErrorKind::BrokenPipe.into()))
    }

    fn poll_flush(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn poll_shutdown(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Err(std::io::ErrorKind::BrokenPipe.into()))
    }
}

/// A direction that breaks for writing only: the answer that is there is still read, and nothing spins or is sent anew.
#[tokio::test]
async fn an_answer_is_read_from_a_stream_that_takes_nothing() {
    let (near, far) = tokio::io::duplex(4096);
    let mut far: Far<_> = crate::support::Client(far);
    let mut connection = client(|_| ()).0.connection(HalfBroken(near), "");
    let (body, feed) = source();
    connection.send(post(body)).await.expect("the answer may say why");
    drop(feed);
    assert!(!connection.is_open());
    let error = soon("sending", connection.send(get())).await.expect_err("broken");
    assert!(matches!(error, Error::Closing), "{error:?}");
    far.send("HTTP/1.1 408 Request Timeout\r\nContent-Length: 4\r\n\r\nslow").await;
    expect_answer(&mut connection, 408, "slow").await;
    assert!(matches!(connection.send(get()).await, Err(Error::Closing)));
}

/// The same when nothing comes: the error of the writing side is given, not a bare end.
#[tokio::test]
async fn a_broken_stream_without_an_answer_says_why() {
    let (near, far) = tokio::io::duplex(4096);
    let mut connection = client(|_| ()).0.connection(HalfBroken(near), "");
    connection.send(get()).await.expect("the answer may say why");
    drop(far);
    match soon("the end", connection.answer()).await {
        Err(Error::Io(error)) => assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe),
        other => panic!("expected the broken pipe, got {other:?}"),
    }
}

/// An answer's limits hold while nothing is uploaded any more, those of the body while it is read.
#[tokio::test(start_paused = true)]
async fn a_body_with_a_limit_ends_in_time() {
    let stage_limit = Duration::from_secs(1);
    let (mut connection, mut far) = pipe(4096, |config| config.body_timeout = Some(stage_limit));
    connection.send(get()).await.expect("open");
    far.expect(GET).await;
    far.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome").await;
    answer_of(&mut connection).await;
    assert_eq!(connection.body().data().await.expect("a body").as_deref(), Some(&b"some"[..]));
    tokio::time::sleep(Duration::from_secs(100)).await;
    far.send("more").await;
    let more = connection.body().data().await.expect("it was not read meanwhile");
    assert_eq!(more.as_deref(), Some(&b"more"[..]));
    assert!(once(connection.body().data()).await.is_none());
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert!(once(connection.body().data()).await.is_none(), "a read that was given up does not count on");
    let error = soon("the limit", connection.body().data()).await.expect_err("silence");
    assert_eq!(error.timeout(), Some(Timeout::Body), "{error:?}");
}

/// A read by `AsyncRead` that was given up does not count on either.
#[tokio::test(start_paused = true)]
async fn a_read_that_is_given_up_does_not_count_on() {
    let (mut connection, mut far) = pipe(4096, |config| config.body_timeout = Some(Duration::from_secs(1)));
    connection.send(get()).await.expect("open");
    far.expect(GET).await;
    far.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n").await;
    answer_of(&mut connection).await;
    for _ in 0..3 {
        let mut some = [0; 4];
        assert!(once(connection.body().read(&mut some)).await.is_none());
        tokio::time::sleep(Duration::from_secs(100)).await;
        far.send("some").await;
        let len = connection.body().read(&mut some).await.expect("it was not read meanwhile");
        assert_bytes(&some[..len], "some", "what came");
    }
}

/// A connection that is dropped drops the body that it was sending.
#[tokio::test]
async fn a_dropped_connection_drops_its_body() {
    let stage = Stage::new(|_| ()).await;
    let (mut connection, _far) = stage.connect().await;
    let (body, feed) = source();
    connection.send(post(body)).await.expect("it begins");
    assert!(!feed.is_unwanted());
    drop(connection);
    assert!(feed.is_unwanted());
    assert_eq!(stage.client.tracker().count(), 0);
}
