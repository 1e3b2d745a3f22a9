//! The pool: which connection a request goes over, when one ends, when a request is sent again.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use hijack::{Body, Connection, EndReason, Error, Observer, Pool, PooledBody, Timeout};
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use tokio::task::JoinHandle;

use crate::scripted::{Far, Stage, answered, get, polled, post, source};
use crate::support::{GET, assert_bytes, once, soon, until};

/// A stage whose client has a pool.
struct Pooled {
    stage: Stage,
    pool: Pool,
}

impl Pooled {
    async fn new(configure: impl FnOnce(&mut hijack::ClientConfig)) -> Self {
        let stage = Stage::new(configure).await;
        let pool = stage.client.pool();
        Self { stage, pool }
    }

    /// A request under way.
    fn ask(&self, request: Request<Body>) -> JoinHandle<Result<Response<PooledBody>, Error>> {
        let (pool, endpoint) = (self.pool.clone(), self.stage.endpoint.clone());
        tokio::spawn(async move { pool.request(&endpoint, request).await })
    }

    /// A request over a new connection, answered with `answer`; the answer, and the server's end.
    async fn asked(&self, answer: impl AsRef<[u8]>) -> (Response<PooledBody>, Far) {
        let asking = self.ask(get());
        let mut far = self.stage.accept().await;
        far.expect(GET).await;
        far.send(answer).await;
        (answer_of(asking).await, far)
    }

    /// A whole exchange over the connection of `far`.
    async fn again(&self, far: &mut Far) {
        let asking = self.ask(get());
        far.expect(GET).await;
        far.send(answered("again")).await;
        assert_eq!(whole(answer_of(asking).await).await, "again");
    }

    fn counts(&self) -> (usize, usize) {
        (self.pool.open(), self.pool.idle())
    }
}

/// Lets the runtime notice what came over its sockets.
async fn noticed() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

type Asking = JoinHandle<Result<Response<PooledBody>, Error>>;

async fn outcome(asking: Asking) -> Result<Response<PooledBody>, Error> {
    soon("an answer", asking).await.expect("no panic")
}

async fn answer_of(asking: Asking) -> Response<PooledBody> {
    outcome(asking).await.expect("a legal answer")
}

async fn whole(response: Response<PooledBody>) -> Bytes {
    soon("the body", response.into_body().collect()).await.expect("a whole body").to_bytes()
}

/// One connection serves one request after the other, and is free again as soon as the last byte of a body is read.
#[tokio::test]
async fn connections_are_used_again() {
    let pooled = Pooled::new(|_| ()).await;
    assert_eq!(pooled.counts(), (0, 0));
    let (response, mut far) = pooled.asked(answered("first")).await;
    assert_eq!(
        (response.status().as_u16(), response.headers()["content-length"].as_bytes()),
        (200, &b"5"[..])
    );
    assert_eq!(http_body::Body::size_hint(response.body()).exact(), Some(5));
    assert_eq!(pooled.counts(), (1, 0), "busy with its body");
    let mut body = response.into_body();
    let frame = body.frame().await.expect("some").expect("legal");
    assert_eq!(frame.into_data().expect("data"), "first");
    assert_eq!(pooled.counts(), (1, 1), "free before its end is asked for");
    assert!(http_body::Body::is_end_stream(&body) && body.frame().await.is_none());
    for _ in 0..5 {
        pooled.again(&mut far).await;
        assert_eq!(pooled.counts(), (1, 1));
    }
    assert!(pooled.stage.is_deserted().await, "no other connection was made");
    assert_eq!(pooled.stage.client.tracker().count(), 1);
}

/// Bodies of every framing give their connection back, or end it where they must.
#[tokio::test]
async fn bodies_give_their_connection_back() {
    let table = [
        ("HTTP/1.1 204 No Content\r\n\r\n", "", 1),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", 1),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", "", 1),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nA: b\r\n\r\n", "ok", 1),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok", 1),
        ("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", "ok", 0),
        ("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", "", 0),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok", 0),
        ("HTTP/1.1 101 Switching Protocols\r\n\r\n", "", 0),
    ];
    for (answer, body, kept) in table {
        let pooled = Pooled::new(|_| ()).await;
        let (response, mut far) = pooled.asked(answer).await;
        let collected = soon("the body", response.into_body().collect()).await.expect("a whole body");
        assert_eq!(collected.trailers().is_some(), answer.contains("A: b"), "{answer:?}");
        assert_eq!(collected.to_bytes(), body, "{answer:?}");
        assert_eq!(pooled.counts(), (kept, kept), "{answer:?}");
        if kept == 0 {
            far.rest_or_reset().await;
        } else {
            pooled.again(&mut far).await;
        }
    }
    let pooled = Pooled::new(|_| ()).await;
    let (response, mut far) = pooled.asked("HTTP/1.1 200 OK\r\n\r\nto the ").await;
    far.send("end").await;
    far.end().await;
    assert_eq!(whole(response).await, "to the end");
    assert_eq!(pooled.counts(), (0, 0));
}

/// An end in order is recorded as one, whoever brought it about.
#[tokio::test]
async fn ends_have_their_reasons() {
    let mut pooled = Pooled::new(|_| ()).await;
    let (response, _far) =
        pooled.asked("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok").await;
    whole(response).await;
    assert_eq!(pooled.stage.events.reason().await, EndReason::Closed, "the answer was the last");
    let (response, _far) = pooled.asked(answered("unread")).await;
    drop(response);
    assert_eq!(pooled.stage.events.reason().await, EndReason::Dropped, "a body was not read");
    let (response, far) = pooled.asked(answered("ok")).await;
    whole(response).await;
    drop(far);
    noticed().await;
    let asking = pooled.ask(get());
    let mut far = pooled.stage.accept().await;
    assert_eq!(pooled.stage.events.reason().await, EndReason::PeerClosed, "the server's end was seen");
    far.expect(GET).await;
    far.send(answered("ok")).await;
    whole(answer_of(asking).await).await;
}

/// A body that is dropped unread, or half read, closes its connection: nobody else gets the rest of it.
#[tokio::test]
async fn an_unread_body_closes_its_connection() {
    let pooled = Pooled::new(|_| ()).await;
    for read in [false, true] {
        let (response, mut far) = pooled.asked(&answered("unread")[..41]).await;
        let mut body = response.into_body();
        if read {
            body.frame().await.expect("some").expect("legal");
        }
        drop(body);
        assert_eq!(pooled.counts(), (0, 0));
        far.rest_or_reset().await;
    }
    let (response, _far) =
        pooled.asked("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n").await;
    let mut body = response.into_body();
    assert_eq!(body.frame().await.expect("some").expect("legal").into_data().expect("data"), "abc");
    assert!(once(body.frame()).await.is_none(), "its end has not come");
    drop(body);
    assert_eq!(pooled.counts(), (0, 0));
}

/// A cut body is an error, and closes its connection.
#[tokio::test]
async fn a_cut_body_is_an_error() {
    let pooled = Pooled::new(|_| ()).await;
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ncut",
    ] {
        let (response, mut far) = pooled.asked(answer).await;
        far.end().await;
        let mut body = response.into_body();
        assert_eq!(body.frame().await.expect("some").expect("legal").into_data().expect("data"), "cut");
        let error = body.frame().await.expect("an error").expect_err("cut");
        assert!(matches!(error, Error::Body(hijack::BodyError::Truncated)), "{error:?}");
        assert!(body.frame().await.is_none(), "said once");
        assert_eq!(pooled.counts(), (0, 0));
    }
}

/// Answers at the same time need connections of their own; the one used last is used next.
#[tokio::test]
async fn requests_at_once_go_over_connections_of_their_own() {
    let pooled = Pooled::new(|_| ()).await;
    let (first, mut first_far) = pooled.asked(answered("first")).await;
    let (second, mut second_far) = pooled.asked(answered("second")).await;
    assert_eq!(pooled.counts(), (2, 0));
    assert_eq!(whole(second).await, "second");
    assert_eq!(whole(first).await, "first");
    assert_eq!(pooled.counts(), (2, 2));
    pooled.again(&mut first_far).await;
    pooled.again(&mut first_far).await;
    assert!(second_far.is_silent().await);
}

/// Endpoints do not share connections, be the address the same.
#[tokio::test]
async fn endpoints_are_kept_apart() {
    let pooled = Pooled::new(|_| ()).await;
    let (response, _far) = pooled.asked(answered("one")).await;
    whole(response).await;
    let other = Stage::new(|_| ()).await;
    let (pool, endpoint) = (pooled.pool.clone(), other.endpoint.clone());
    let asking: Asking = tokio::spawn(async move { pool.request(&endpoint, get()).await });
    let mut far = other.accept().await;
    far.expect(GET).await;
    far.send(answered("other")).await;
    assert_eq!(whole(answer_of(asking).await).await, "other");
    assert_eq!(pooled.counts(), (2, 2));
}

/// `ClientConfig::max_idle_per_endpoint`: no more than so many are kept, the oldest goes.
#[tokio::test]
async fn idle_connections_are_bounded() {
    let mut pooled = Pooled::new(|config| config.max_idle_per_endpoint = 2).await;
    let mut busy = Vec::new();
    let mut fars = Vec::new();
    for _ in 0..4 {
        let (response, far) = pooled.asked(answered("ok")).await;
        busy.push(response);
        fars.push(far);
    }
    for (index, response) in busy.into_iter().enumerate() {
        whole(response).await;
        assert_eq!(pooled.pool.idle(), (index + 1).min(2));
    }
    assert_eq!(pooled.counts(), (2, 2));
    for far in &mut fars[..2] {
        far.expect_rest("").await;
        assert_eq!(pooled.stage.events.reason().await, EndReason::Closed);
    }
    assert!(fars[2].is_silent().await && fars[3].is_silent().await);
    let none = Pooled::new(|config| config.max_idle_per_endpoint = 0).await;
    let (response, mut far) = none.asked(answered("ok")).await;
    whole(response).await;
    assert_eq!(none.counts(), (0, 0));
    far.expect_rest("").await;
}

/// `ClientConfig::max_per_endpoint`: a further request waits for a connection, and gets the first that is free.
#[tokio::test]
async fn a_request_waits_for_a_connection() {
    let pooled = Pooled::new(|config| config.max_per_endpoint = 1).await;
    let (response, mut far) = pooled.asked(answered("first")).await;
    let second = pooled.ask(get());
    let third = pooled.ask(get());
    tokio::task::yield_now().await;
    assert!(far.is_silent().await && pooled.stage.is_deserted().await);
    assert_eq!(whole(response).await, "first");
    for asking in [second, third] {
        far.expect(GET).await;
        far.send(answered("next")).await;
        let response = answer_of(asking).await;
        assert!(far.is_silent().await, "one at a time");
        assert_eq!(whole(response).await, "next");
    }
    assert_eq!(pooled.counts(), (1, 1));
}

/// A connection that ends makes room as well as one that is given back.
#[tokio::test]
async fn a_waiting_request_gets_the_place_of_a_dead_connection() {
    let pooled = Pooled::new(|config| config.max_per_endpoint = 1).await;
    let (response, _far) = pooled.asked(answered("first")).await;
    let second = pooled.ask(get());
    tokio::task::yield_now().await;
    drop(response);
    let mut far = pooled.stage.accept().await;
    far.expect(GET).await;
    far.send(answered("second")).await;
    assert_eq!(whole(answer_of(second).await).await, "second");
}

/// `Error::PoolFull` after `ClientConfig::connect_timeout`, with the limit in it.
#[tokio::test]
async fn a_request_does_not_wait_for_ever() {
    let pooled = Pooled::new(|config| {
        config.max_per_endpoint = 1;
        config.connect_timeout = Duration::from_millis(200);
    })
    .await;
    let (response, mut far) = pooled.asked(answered("first")).await;
    let error = outcome(pooled.ask(get())).await.expect_err("no place");
    assert!(matches!(error, Error::PoolFull { limit: 1 }), "{error:?}");
    assert_eq!(error.to_string(), "no connection free: max_per_endpoint of 1 are busy");
    assert_eq!(whole(response).await, "first");
    pooled.again(&mut far).await;
}

/// An endpoint that cannot be reached takes no place up.
#[tokio::test]
async fn a_failed_connection_takes_no_place() {
    let pooled = Pooled::new(|config| config.max_per_endpoint = 1).await;
    let gone = hijack::Endpoint::unix("/nowhere/at/all.sock");
    for _ in 0..3 {
        let error = pooled.pool.request(&gone, get()).await.expect_err("nobody is there");
        assert!(matches!(error, Error::Connect(_)), "{error:?}");
        assert_eq!(pooled.counts(), (0, 0));
    }
}

/// A request that is given up while it waits or is answered takes no place up.
#[tokio::test]
async fn a_request_that_is_given_up_takes_no_place() {
    let pooled = Pooled::new(|config| config.max_per_endpoint = 1).await;
    for polls in [1, 2, 10, 50] {
        let asking = pooled.pool.request(&pooled.stage.endpoint, get());
        assert!(polled(polls, asking).await.is_none());
        assert_eq!(pooled.counts(), (0, 0));
    }
    let (response, mut far) = {
        // The connections that were given up are in the queue before the next one.
        let asking = pooled.ask(get());
        let mut far = pooled.stage.accept().await;
        loop {
            let mut first = [0];
            match tokio::io::AsyncReadExt::read(&mut far.0, &mut first).await {
                Ok(1) if !asking.is_finished() => {
                    far.expect(&GET[1..]).await;
                    far.send(answered("ok")).await;
                    if asking.is_finished() || polled(50, until_finished(&asking)).await.is_some() {
                        break (answer_of(asking).await, far);
                    }
                    far = pooled.stage.accept().await;
                }
                _ => far = pooled.stage.accept().await,
            }
        }
    };
    assert_eq!(whole(response).await, "ok");
    let asking = pooled.pool.request(&pooled.stage.endpoint, get());
    assert!(polled(5, asking).await.is_none());
    assert_eq!(pooled.counts(), (0, 0), "the connection that it used is closed");
    far.expect(GET).await;
    far.rest_or_reset().await;
}

async fn until_finished(asking: &Asking) {
    while !asking.is_finished() {
        tokio::task::yield_now().await;
    }
}

/// An idle connection that the server has closed is not used, nor is one on which it has said something.
#[tokio::test]
async fn a_dead_idle_connection_is_not_used() {
    for said in [None, Some("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n"), Some("x")] {
        let pooled = Pooled::new(|_| ()).await;
        let (response, mut far) = pooled.asked(answered("ok")).await;
        whole(response).await;
        if let Some(said) = said {
            far.send(said).await;
        } else {
            far.end().await;
        }
        // No method is repeated here: the end is seen before.
        let asking = pooled.ask(post(Body::empty()));
        let mut new = pooled.stage.accept().await;
        new.expect("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").await;
        new.send(answered("new")).await;
        assert_eq!(whole(answer_of(asking).await).await, "new", "{said:?}");
        assert_bytes(far.rest_or_reset().await, "", "the old one was not used");
        assert_eq!(pooled.counts(), (1, 1));
    }
}

/// RFC 9112 §9.2: what a server says behind an answer is not the next request's answer, however it is cut.
#[tokio::test]
async fn a_second_answer_does_not_poison_the_pool() {
    for first in ["HTTP/1.1 204 No Content\r\n\r\n", &answered("ok"), &answered("")] {
        let pooled = Pooled::new(|_| ()).await;
        let (response, mut far) = pooled.asked(format!("{first}{}", answered("poison"))).await;
        whole(response).await;
        let (response, _new) = pooled.asked(answered("mine")).await;
        assert_eq!(whole(response).await, "mine");
        assert_bytes(far.rest_or_reset().await, "", "the poisoned one was not used");
    }
}

/// An idle connection that closes just as it is used is replaced, for a request that may be repeated (RFC 9110 §9.2.2).
#[tokio::test]
async fn a_request_lost_to_a_closing_connection_is_sent_again() {
    for reset in [false, true] {
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::OPTIONS] {
            let pooled = Pooled::new(|_| ()).await;
            let (response, mut far) = pooled.asked(answered("ok")).await;
            whole(response).await;
            let request = Request::builder().method(method).uri("http://a/x").body(Body::empty());
            let asking = pooled.ask(request.expect("a request"));
            let head = far.head().await;
            if reset {
                far.reset();
            } else {
                far.end().await;
            }
            let mut new = pooled.stage.accept().await;
            assert_eq!(new.head().await, head, "the same again");
            new.send("HTTP/1.1 204 No Content\r\n\r\n").await;
            assert_eq!(answer_of(asking).await.status(), 204);
            assert_eq!(pooled.counts(), (1, 1));
        }
    }
}

/// It is not sent again if it may have had an effect: by its method, its body, or the beginning of an answer; nor
/// over a connection that was new.
#[tokio::test]
async fn a_request_that_may_have_had_an_effect_is_not_sent_again() {
    let put = Request::put("http://a/").body(Body::from("body")).expect("a request");
    let table = [(post(Body::empty()), ""), (post(Body::from("body")), ""), (put, ""), (get(), "H")];
    for (request, answer) in table {
        let pooled = Pooled::new(|_| ()).await;
        let (response, mut far) = pooled.asked(answered("ok")).await;
        whole(response).await;
        let asking = pooled.ask(request);
        far.head().await;
        far.send(answer).await;
        far.end().await;
        let error = outcome(asking).await.expect_err("it is lost");
        assert!(matches!(error, Error::Unanswered(1) | Error::Head(_) | Error::Io(_)), "{error:?}");
        assert!(pooled.stage.is_deserted().await);
        assert_eq!(pooled.counts(), (0, 0));
    }
    let pooled = Pooled::new(|_| ()).await;
    let asking = pooled.ask(get());
    let mut far = pooled.stage.accept().await;
    far.expect(GET).await;
    far.end().await;
    let error = outcome(asking).await.expect_err("the connection was new");
    assert!(matches!(error, Error::Unanswered(1)), "{error:?}");
    assert!(pooled.stage.is_deserted().await);
}

/// A server that is silent, and an operator's kill, are no reasons to send a request again.
#[tokio::test]
async fn a_request_that_timed_out_is_not_sent_again() {
    for kill in [false, true] {
        let pooled = Pooled::new(|config| config.answer_timeout = Some(Duration::from_millis(300))).await;
        let (response, mut far) = pooled.asked(answered("ok")).await;
        whole(response).await;
        let asking = pooled.ask(get());
        far.expect(GET).await;
        if kill {
            let tracker = pooled.stage.client.tracker();
            assert!(tracker.list().iter().all(|connection| tracker.kill(connection.id)));
        }
        let error = outcome(asking).await.expect_err("no answer");
        let reason = if kill { EndReason::Killed } else { EndReason::TimedOut(Timeout::Answer) };
        assert_eq!(error.end_reason(), Some(reason), "{error:?}");
        assert!(pooled.stage.is_deserted().await, "it was not sent again");
    }
}

/// Several dead connections in the pool are used up before a new one is made, not one per request.
#[tokio::test]
async fn dead_connections_are_used_up() {
    let pooled = Pooled::new(|_| ()).await;
    let mut busy = Vec::new();
    for _ in 0..5 {
        busy.push(pooled.asked(answered("ok")).await);
    }
    let mut fars = Vec::new();
    for (response, far) in busy {
        whole(response).await;
        fars.push(far);
    }
    assert_eq!(pooled.counts(), (5, 5));
    drop(fars);
    let (response, _far) = pooled.asked(answered("new")).await;
    assert_eq!(whole(response).await, "new");
    assert_eq!(pooled.counts(), (1, 1));
}

/// `ClientConfig::idle_timeout`: an idle connection ends by it, without anybody asking.
#[tokio::test]
async fn idle_connections_grow_old() {
    let mut pooled = Pooled::new(|config| config.idle_timeout = Duration::from_millis(200)).await;
    let (response, mut far) = pooled.asked(answered("ok")).await;
    whole(response).await;
    assert_eq!(pooled.counts(), (1, 1));
    far.expect_rest("").await;
    assert_eq!(pooled.stage.events.reason().await, EndReason::Closed);
    until("the place is free", || pooled.counts() == (0, 0)).await;
    let (response, _far) = pooled.asked(answered("new")).await;
    assert_eq!(whole(response).await, "new");
}

/// An idle connection that the server closes does not stay until it is asked for.
#[tokio::test]
async fn closed_idle_connections_are_found() {
    let mut pooled = Pooled::new(|config| config.idle_timeout = Duration::from_millis(500)).await;
    let (response, far) = pooled.asked(answered("ok")).await;
    whole(response).await;
    drop(far);
    assert_eq!(pooled.stage.events.reason().await, EndReason::PeerClosed);
    until("the place is free", || pooled.counts() == (0, 0)).await;
}

/// A pool that is dropped closes what is idle; a body in use goes on.
#[tokio::test]
async fn a_dropped_pool_closes_what_is_idle() {
    let Pooled { stage, pool } = Pooled::new(|_| ()).await;
    let pooled = Pooled { stage, pool: pool.clone() };
    let (idle, mut idle_far) = pooled.asked(answered("idle")).await;
    let (busy, mut busy_far) = pooled.asked("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbu").await;
    whole(idle).await;
    let Pooled { stage, pool: second } = pooled;
    drop((pool, second));
    busy_far.send("sy").await;
    assert_eq!(whole(busy).await, "busy");
    idle_far.rest_or_reset().await;
    busy_far.rest_or_reset().await;
    until("nothing lives", || stage.client.tracker().count() == 0).await;
}

/// A streamed request goes through the pool too, early answers included.
#[tokio::test]
async fn streams_requests() {
    let pooled = Pooled::new(|_| ()).await;
    for early in [false, true] {
        let (body, feed) = source();
        let (pool, endpoint) = (pooled.pool.clone(), pooled.stage.endpoint.clone());
        let asking: Asking = tokio::spawn(async move { pool.request(&endpoint, post(body)).await });
        let mut far = pooled.stage.accept().await;
        far.expect("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        feed.data("part");
        far.expect("4\r\npart\r\n").await;
        if early {
            far.send(answered("early")).await;
            assert_eq!(whole(answer_of(asking).await).await, "early");
            assert_eq!(pooled.counts(), (0, 0), "half a request is under way on it");
        } else {
            drop(feed);
            far.expect("0\r\n\r\n").await;
            far.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nlate").await;
            assert_eq!(whole(answer_of(asking).await).await, "late");
        }
        far.rest_or_reset().await;
    }
}

/// An observer that asks the pool while it hears of an end.
struct Asks(Arc<OnceLock<Pool>>);

impl Observer for Asks {
    fn closed(&self, _: &Connection, _: &EndReason) {
        if let Some(pool) = self.0.get() {
            assert!(pool.open() >= pool.idle());
        }
    }
}

/// Observers may ask the pool, whatever ends a connection.
#[tokio::test]
async fn observers_may_ask_the_pool() {
    let asked = Arc::new(OnceLock::new());
    let configure = |config: &mut hijack::ClientConfig| {
        config.max_idle_per_endpoint = 1;
        config.idle_timeout = Duration::from_millis(200);
    };
    let client = hijack::Client::builder().observer(Asks(Arc::clone(&asked))).configure(configure).build();
    let stage = Stage::new(|_| ()).await;
    let stage = Stage { client, ..stage };
    let pooled = Pooled { pool: stage.client.pool(), stage };
    assert!(asked.set(pooled.pool.clone()).is_ok());
    let (first, _first) = pooled.asked(answered("ok")).await;
    let (second, second_far) = pooled.asked(answered("ok")).await;
    whole(first).await;
    whole(second).await;
    assert_eq!(pooled.counts(), (1, 1));
    drop(second_far);
    let (third, _third) = pooled.asked(answered("ok")).await;
    whole(third).await;
    until("the last one has grown old", || pooled.counts() == (0, 0)).await;
}

/// Many requests at once over few connections: every one is answered, with its own answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_shares_few_connections() {
    let site = crate::support::Site::start(
        |_| (),
        |exchange: hijack::Exchange| async {
            let path = exchange.uri().path().to_owned();
            exchange.respond(Response::new(Body::from(path))).await
        },
    )
    .await;
    let client = hijack::Client::builder().configure(|config| config.max_per_endpoint = 4).build();
    let pool = client.pool();
    let endpoint: hijack::Endpoint = site.address.parse().expect("an address");
    let mut asking = tokio::task::JoinSet::new();
    for index in 0..200 {
        let (pool, endpoint) = (pool.clone(), endpoint.clone());
        asking.spawn(async move {
            for round in 0..5 {
                let path = format!("/{index}/{round}");
                let request = Request::get(&path).body(Body::empty()).expect("a request");
                let response = pool.request(&endpoint, request).await.expect("an answer");
                assert!(pool.open() <= 4);
                assert_eq!(whole(response).await, path);
            }
        });
    }
    while let Some(asked) = soon("the crowd", asking.join_next()).await {
        asked.expect("no panic");
    }
    assert!(pool.open() <= 4 && pool.open() == pool.idle());
}
