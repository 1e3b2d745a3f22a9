//! What only a service can do: keep the means to take over, hand its request's body on, fail, make the server wait.

use std::convert::Infallible;
use std::future::Ready;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hijack::tower::{Hijacker, IncomingBody, NotTaken};
use hijack::{Conn, EndReason, Error, Listener, Peer, Reason, Refusal, TakeOverError};
use http::header::{CONTENT_LENGTH, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Semaphore, oneshot};
use tower::Service;

use crate::act::{AnyBody, Frames, Talk, boxed};
use crate::play::serve;
use crate::support::{GET, OK, Site, assert_bytes, once, pattern, read_len, server, soon, tcp_pair};

async fn listener() -> Listener {
    Listener::bind("127.0.0.1:0").await.expect("a free port")
}

/// Serves `handle` with defaults.
async fn site<H, F>(handle: H) -> Site
where
    H: Fn(Request<IncomingBody>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Response<AnyBody>, Error>> + Send + 'static,
{
    serve(listener().await, |_| (), tower::service_fn(handle))
}

fn hijacker(request: &Request<IncomingBody>) -> Hijacker {
    request.extensions().get::<Hijacker>().expect("served by hijack").clone()
}

fn ok() -> Response<AnyBody> {
    Response::new(boxed(Full::from("ok")))
}

/// A site that answers `ok` when `answer` is given a permit, and what it was given to take over with and to read.
async fn kept(answer: Arc<Semaphore>) -> (Site, UnboundedReceiver<(Hijacker, IncomingBody)>) {
    let (sender, receiver) = unbounded_channel();
    let site = site(move |request: Request<IncomingBody>| {
        let (sender, answer): (UnboundedSender<_>, _) = (sender.clone(), Arc::clone(&answer));
        async move {
            let _ = sender.send((hijacker(&request), request.into_body()));
            answer.acquire().await.expect("open").forget();
            Ok(ok())
        }
    });
    (site.await, receiver)
}

#[track_caller]
fn assert_late<T: std::fmt::Debug>(result: Result<T, NotTaken>, expected: TakeOverError) {
    match result {
        Err(NotTaken::Late(error)) if error == expected => {}
        other => panic!("expected {expected:?}, got {other:?}"),
    }
}

/// Behaviour 7: a second takeover is an error with a name, by whichever way it is asked for.
#[tokio::test]
async fn a_second_takeover_is_an_error() {
    let mut site = site(|request: Request<IncomingBody>| async move {
        let (first, second) = (hijacker(&request), hijacker(&request));
        let mut conn = first.take_over().await?;
        assert_late(second.clone().take_over().await, TakeOverError::Taken);
        assert_late(second.clone().protocols(["echo"]).take_over().await, TakeOverError::Taken);
        assert_late(second.clone().tunnel().take_over().await, TakeOverError::Taken);
        assert_late(second.clone().after(Response::new(())).take_over().await, TakeOverError::Taken);
        assert_eq!((second.peer(), second.connection_id()), (Peer::Unknown, None));
        conn.write_all(b"first").await?;
        drop(conn.close().await?);
        // Not carried out either.
        Ok(second
            .take_over_with(|conn: Conn| async move { panic!("a second takeover: {conn:?}") })
            .map(boxed))
    })
    .await;
    let mut client = site.client_with(GET).await;
    client.expect_rest("first").await;
    drop(client);
    assert_eq!(site.events.reason().await, EndReason::Closed);
}

/// Behaviours 8 and 24: kept beyond the answer, it takes nothing over, the body reads nothing, and HTTP goes on.
#[tokio::test]
async fn what_is_kept_beyond_the_answer_is_an_error() {
    let (site, mut held) = kept(Arc::new(Semaphore::new(2))).await;
    let request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    let mut client = site.client_with(request).await;
    client.expect(OK).await;
    client.send(GET).await;
    client.expect(OK).await;
    let (hijacker, mut body) = held.recv().await.expect("a request");
    let error = body.frame().await.expect("an error").expect_err("the exchange is over");
    assert!(matches!(error, Error::TakeOver(TakeOverError::AnswerComplete)), "{error:?}");
    assert!(body.frame().await.is_none(), "an error is the end");
    assert_late(hijacker.clone().take_over().await, TakeOverError::AnswerComplete);
    assert_late(hijacker.protocols(["echo"]).take_over().await, TakeOverError::AnswerComplete);
    client.end().await;
    client.expect_rest("").await;
}

/// Whoever waits for a body hears when there is nothing more to wait for: behind the answer, and behind a takeover
/// (behaviour 13).
#[tokio::test]
async fn a_waiting_reader_hears_of_the_end() {
    let request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n";
    for take in [false, true] {
        let answer = Arc::new(Semaphore::new(0));
        let (site, mut held) = kept(Arc::clone(&answer)).await;
        let mut client = site.client_with(request).await;
        let (hijacker, mut body) = held.recv().await.expect("a request");
        let (reading, started) = oneshot::channel();
        let reader = tokio::spawn(async move {
            assert!(once(body.frame()).await.is_none(), "nothing of the body has come");
            let _ = reading.send(());
            body.frame().await
        });
        started.await.expect("a reader");
        if take {
            let mut conn = hijacker.take_over().await.expect("unanswered");
            client.send("hello").await;
            assert_bytes(read_len(&mut conn, 5).await, "hello", "the body, raw");
        } else {
            answer.add_permits(1);
            client.expect(OK).await;
            client.send(["hello", GET].concat()).await;
            answer.add_permits(1);
            client.expect(OK).await;
        }
        let heard = soon("the reader's end", reader).await.expect("no panic").expect("an error");
        let error = heard.expect_err("nothing of the body is the reader's");
        assert!(matches!(error, Error::TakeOver(_)), "{error:?}");
    }
}

/// Behaviours 8 and 24: while an answer is on its way nobody can tear it.
#[tokio::test]
async fn an_answer_on_its_way_is_not_torn() {
    let data = pattern(8 << 20);
    let (sender, mut held) = unbounded_channel();
    let site = {
        let data = Bytes::from(data.clone());
        site(move |request: Request<IncomingBody>| {
            let _ = sender.send(hijacker(&request));
            let data = data.clone();
            async move { Ok(Response::new(boxed(Full::from(data)))) }
        })
        .await
    };
    let mut client = site.client_with(GET).await;
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", data.len());
    client.expect(head).await;
    let hijacker = held.recv().await.expect("a request");
    let late = hijacker.take_over().await;
    assert_late(late, TakeOverError::AnswerBegun);
    client.expect(data).await;
}

/// Behaviour 13: a body read that was begun and given up takes nothing from a takeover.
#[tokio::test]
async fn a_read_given_up_takes_nothing() {
    let site = site(|request: Request<IncomingBody>| async move {
        let hijacker = hijacker(&request);
        let mut body = request.into_body();
        assert!(once(body.frame()).await.is_none(), "nothing of the body has come");
        let mut conn = hijacker.take_over().await?;
        let error = body.frame().await.expect("an error").expect_err("it was taken over");
        assert!(matches!(error, Error::TakeOver(TakeOverError::Taken)), "{error:?}");
        conn.write_all(b"go").await?;
        let mut data = [0; 5];
        conn.read_exact(&mut data).await?;
        conn.write_all(&data).await?;
        drop(conn.close().await?);
        Ok(ok())
    })
    .await;
    let mut client = site.client_with("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n").await;
    client.expect("go").await;
    client.send("hello").await;
    client.expect_rest("hello").await;
}

/// An error of the service, and its panic, close the connection, whoever else holds on to the request.
#[tokio::test]
async fn errors_and_panics_close_whatever_is_kept() {
    for reason in [EndReason::Dropped, EndReason::Panicked] {
        let (sender, mut held) = unbounded_channel();
        let panics = reason == EndReason::Panicked;
        let mut site = site(move |request: Request<IncomingBody>| {
            let _ = sender.send(request);
            async move {
                assert!(!panics, "on purpose");
                Err::<Response<AnyBody>, _>(Error::other("on purpose"))
            }
        })
        .await;
        let mut client = site.client_with(GET).await;
        let kept = held.recv().await.expect("a request");
        client.expect_rest("").await;
        assert_eq!(site.events.reason().await, reason);
        assert_late(hijacker(&kept).take_over().await, TakeOverError::AnswerComplete);
    }
}

/// Streams the request's body back, with its trailers.
async fn echo(request: Request<IncomingBody>) -> Result<Response<AnyBody>, Error> {
    Ok(Response::new(boxed(request.into_body())))
}

/// An answer made of the request's own body, as it comes, trailers included.
#[tokio::test]
async fn streams_an_echo() {
    let site = site(echo).await;
    let mut client =
        site.client_with("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    client.send("2\r\nhe\r\n").await;
    // Somebody reads the body, so the connection is kept although its length is not told.
    client.expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n").await;
    client.send("3\r\nllo\r\n0\r\nX-End: yes\r\n\r\n").await;
    client.expect("3\r\nllo\r\n0\r\nX-End: yes\r\n\r\n").await;
    let request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n";
    client.send(request).await;
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    client.expect(head).await;
    client.send(["hello", request, "again"].concat()).await;
    client.expect(["hello", head, "again"].concat()).await;
    client.send(request.replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n")).await;
    // RFC 9110 §10.1.1: the client may wait for it, and the answer waits for the client.
    client.expect(format!("HTTP/1.1 100 Continue\r\n\r\n{head}")).await;
    client.send("hello").await;
    client.expect("hello").await;
}

/// 16 MiB each way at once: reading and writing do not wait for each other.
#[tokio::test]
async fn streams_a_large_echo_without_deadlock() {
    let site = site(echo).await;
    let data = pattern(16 << 20);
    let head = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", data.len());
    let (mut read, mut write) = site.client_with(head).await.0.into_split();
    let sent = data.clone();
    let sending = tokio::spawn(async move {
        write.write_all(&sent).await.expect("the server reads");
        write
    });
    // Longer than what is thrown away of a body that nobody wants, yet somebody does.
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", data.len());
    assert_bytes(read_len(&mut read, head.len()).await, head, "the head");
    assert_bytes(read_len(&mut read, data.len()).await, &data, "the body");
    sending.await.expect("no panic");
}

/// A request's body that another task reads while the answer goes out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_is_read_in_another_task() {
    let site = site(|request: Request<IncomingBody>| async move {
        let (sender, receiver) = unbounded_channel();
        let mut body = request.into_body();
        tokio::spawn(async move {
            while let Some(frame) = body.frame().await {
                let _ = sender.send(frame.expect("an open exchange"));
            }
        });
        Ok(Response::new(boxed(Channel(receiver))))
    })
    .await;
    let mut client = site.client_with("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello").await;
    client.expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n").await;
    client.send(["world", GET].concat()).await;
    client.expect("5\r\nworld\r\n0\r\n\r\n").await;
    client.expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").await;
}

/// Frames that another task makes.
struct Channel(UnboundedReceiver<Frame<Bytes>>);

impl http_body::Body for Channel {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|frame| frame.map(Ok))
    }
}

/// A head's own words are sent, by both ways.
#[tokio::test]
async fn sends_the_words_of_a_last_head() {
    for inside in [false, true] {
        let site = site(move |request: Request<IncomingBody>| async move {
            let mut head = Response::new(());
            head.extensions_mut().insert(Reason::new("Fine").expect("words"));
            let typed = hijacker(&request).after(head);
            if !inside {
                return Ok(typed.take_over_with(|conn| Talk::Say("raw").run(conn)).map(boxed));
            }
            Talk::Say("raw").run(typed.take_over().await?).await?;
            Ok(ok())
        })
        .await;
        site.client_with(GET).await.expect_rest("HTTP/1.1 200 Fine\r\n\r\nraw").await;
    }
}

/// Serves one request for each permit.
struct Gate {
    permits: Arc<Semaphore>,
    asked: UnboundedSender<()>,
    ready: bool,
}

impl Clone for Gate {
    fn clone(&self) -> Self {
        Self { permits: Arc::clone(&self.permits), asked: self.asked.clone(), ready: false }
    }
}

impl Service<Request<IncomingBody>> for Gate {
    type Response = Response<AnyBody>;
    type Error = Error;
    type Future = Ready<Result<Response<AnyBody>, Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let _ = self.asked.send(());
        if self.permits.is_closed() {
            return Poll::Ready(Err(Error::other("closed")));
        }
        if let Ok(permit) = self.permits.try_acquire() {
            permit.forget();
            self.ready = true;
            return Poll::Ready(Ok(()));
        }
        // It is asked again when a permit may be there.
        let (waker, permits) = (cx.waker().clone(), Arc::clone(&self.permits));
        tokio::spawn(async move {
            drop(permits.acquire().await);
            waker.wake();
        });
        Poll::Pending
    }

    fn call(&mut self, _request: Request<IncomingBody>) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "called before it was ready");
        std::future::ready(Ok(ok()))
    }
}

/// A service is called only when it is ready; one that never will be again closes the connection.
#[tokio::test]
async fn waits_until_the_service_is_ready() {
    let permits = Arc::new(Semaphore::new(0));
    let (asked, mut asks) = unbounded_channel();
    let gate = Gate { permits: Arc::clone(&permits), asked, ready: false };
    let mut site = serve(listener().await, |_| (), gate);
    let mut client = site.client_with(GET).await;
    soon("a question", asks.recv()).await.expect("a service");
    assert!(client.is_silent().await, "it is not ready");
    permits.add_permits(1);
    client.expect(OK).await;
    permits.close();
    client.send(GET).await;
    client.expect_rest("").await;
    assert_eq!(site.events.reason().await, EndReason::Dropped);
}

/// Refusals know their answer before anything is taken.
#[tokio::test]
async fn a_refusal_is_known_before() {
    let site = site(|request: Request<IncomingBody>| async move {
        let typed = hijacker(&request).protocols(["echo"]);
        assert_eq!(typed.protocol(), None);
        let status = typed.refusal().expect("nothing is offered").status();
        assert_eq!(status, StatusCode::UPGRADE_REQUIRED);
        assert!(matches!(hijacker(&request).tunnel().refusal(), Some(NotTaken::Refused(..))));
        // It was not used up: raw takeovers are always allowed.
        Talk::Say("raw").run(hijacker(&request).take_over().await?).await?;
        Ok(ok())
    })
    .await;
    site.client_with(GET).await.expect_rest("raw").await;
}

/// A tunnel with a length is refused by both ways, and the client is told.
#[tokio::test]
async fn a_framed_tunnel_is_answered() {
    for inside in [false, true] {
        let site = site(move |request: Request<IncomingBody>| async move {
            let headers = [(CONTENT_LENGTH, HeaderValue::from_static("3"))].into_iter().collect();
            let typed = hijacker(&request).tunnel().headers(headers);
            if !inside {
                return Ok(typed.take_over_with(|conn| Talk::Drop.run(conn)).map(boxed));
            }
            let refused = typed.take_over().await.expect_err("it is framed");
            assert!(matches!(refused, NotTaken::Refused(Refusal::FramedTunnel, None)), "{refused:?}");
            Ok(refused.into_response().map(boxed))
        })
        .await;
        let words = "a tunnel has neither content-length nor transfer-encoding\n";
        let answer = format!(
            "HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{words}",
            words.len()
        );
        site.client_with("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n").await.expect_rest(answer).await;
    }
}

/// An answer that fails when some of it is out is seen to be cut: its end does not come.
#[tokio::test]
async fn an_answer_that_fails_midway_is_cut() {
    let data = pattern(64 << 10);
    let mut site = {
        let data = Bytes::from(data.clone());
        site(move |_| {
            let frames = [Ok(Frame::data(data.clone())), Err("on purpose".into())];
            async move { Ok(Response::new(boxed(Frames::of(frames)))) }
        })
        .await
    };
    let mut client = site.client_with(GET).await;
    client.expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000\r\n").await;
    client.expect(data).await;
    client.expect_rest("\r\n").await;
    assert_eq!(site.events.reason().await, EndReason::Dropped);
}

/// A stream from elsewhere is served too, and its conversation lives in the same future.
#[tokio::test]
async fn serves_a_stream_from_elsewhere() {
    let (server, mut events) = server(|_| ());
    let (mut client, near) = tcp_pair().await;
    let service = tower::service_fn(|request: Request<IncomingBody>| async move {
        Ok::<_, Error>(hijacker(&request).take_over_with(|conn| Talk::Echo.run(conn)))
    });
    let (served, ()) = tokio::join!(server.serve_service_stream(near, service), async {
        client.send([GET, "early"].concat()).await;
        client.expect("early").await;
        client.end().await;
        client.expect_rest("").await;
    });
    served.expect("it ended in order");
    assert_eq!(events.reason().await, EndReason::Closed);
}
