//! The client's side where it has to be patient, quick or exact: dials that outlast calls, request streams that look at their
//! own answers, uploads that nobody reads, and what failures are called.

#![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

mod support;

use std::error::Error as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use hijack::{Exchange, Listener, Outcome, Upgrade, handover};
use hijack_tonic::interop::test_service_client::TestServiceClient;
use hijack_tonic::interop::{Empty, SimpleRequest, StreamingOutputCallResponse};
use hijack_tonic::{Channel, DialError, Dialer, Mode, TOKEN};
use http::{Response, StatusCode};
use support::{World, grpc, outputs};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout};
use tonic::{Code, Status, Streaming};

async fn call(channel: &Channel) -> Result<(), Status> {
    TestServiceClient::new(channel.clone()).empty_call(Empty {}).await.map(drop)
}

async fn call_within(channel: &Channel, within: Duration) -> Result<(), Status> {
    let mut request = tonic::Request::new(Empty {});
    request.set_timeout(within);
    TestServiceClient::new(channel.clone()).empty_call(request).await.map(drop)
}

/// A server of `handler`: how to dial it.
async fn served<F, R>(handler: F) -> Dialer
where
    F: Fn(Exchange) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<Outcome, hijack::Error>> + Send + 'static,
{
    let listener = Listener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/grpc", listener.local_address());
    tokio::spawn(async move { hijack::Server::new().serve(listener, handler).await });
    Dialer::to(&url).expect("a URL")
}

fn asks_by_token(exchange: &Exchange) -> bool {
    handover::offers(exchange.head()).any(|offer| offer == TOKEN.as_bytes())
}

fn answer(status: StatusCode) -> Response<hijack::Body> {
    let mut response = Response::new(hijack::Body::from("for a reason\n"));
    *response.status_mut() = status;
    response
}

/// The test service by WebSocket alone: the token is answered with `status`. With it, how often it was asked for at all.
async fn declining(status: StatusCode) -> (Dialer, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let (count, grpc) = (Arc::clone(&asked), grpc());
    let dialer = served(move |exchange: Exchange| {
        count.fetch_add(1, SeqCst);
        let grpc = grpc.clone();
        async move {
            if asks_by_token(&exchange) {
                exchange.respond(answer(status)).await
            } else {
                grpc.serve(exchange).await
            }
        }
    });
    (dialer.await, asked)
}

/// A takeover belongs to the channel: calls whose deadlines are shorter than it do not begin it anew.
#[tokio::test]
async fn short_deadlines_outlive_a_slow_takeover() {
    let tokens = Arc::new(AtomicUsize::new(0));
    let (count, grpc) = (Arc::clone(&tokens), grpc());
    let dialer = served(move |exchange| {
        let (count, grpc) = (Arc::clone(&count), grpc.clone());
        async move {
            if !asks_by_token(&exchange) {
                return grpc.serve(exchange).await;
            }
            // A proxy that swallows the token.
            count.fetch_add(1, SeqCst);
            sleep(Duration::from_secs(60)).await;
            drop(exchange);
            Ok(Outcome::taken())
        }
    })
    .await;
    let channel = dialer.channel();
    let mut late = 0;
    while let Err(status) = call_within(&channel, Duration::from_secs(1)).await {
        assert_eq!(status.code(), Code::DeadlineExceeded);
        late += 1;
        assert!(late < 4, "the takeover needs three seconds");
    }
    assert!(late >= 2 && channel.is_connected(), "{late} late");
    assert_eq!(tokens.load(SeqCst), 1, "one takeover");
    // What worked is remembered by the dialer, too.
    call_within(&dialer.channel(), Duration::from_secs(1)).await.expect("by WebSocket at once");
}

/// A takeover ends with the last one who has use for it.
#[tokio::test]
async fn a_takeover_ends_with_its_channel() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let dialer = served(move |exchange: Exchange| {
        let tell = tell.clone();
        async move {
            let begun = tell.send(()).is_ok();
            assert!(begun, "the test goes on");
            sleep(Duration::from_secs(60)).await;
            drop(exchange);
            Ok(Outcome::taken())
        }
    })
    .await;
    let tasks = tokio::runtime::Handle::current().metrics();
    let channel = dialer.mode(Mode::Token).channel();
    let before = tasks.num_alive_tasks();
    let failed = call_within(&channel, Duration::from_millis(50)).await.expect_err("no answer");
    assert_eq!(failed.code(), Code::DeadlineExceeded);
    told.recv().await.expect("asked");
    let during = tasks.num_alive_tasks();
    assert!(during > before, "it goes on: {during} tasks, before {before}");
    drop(channel);
    let ended = async {
        while tasks.num_alive_tasks() >= during {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(1), ended).await.expect("its task is gone");
}

type Answers = Streaming<StreamingOutputCallResponse>;

/// A request stream may hold its own answers: it drops them, and the call is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_stream_may_drop_its_own_answers() {
    let world = World::start().await;
    let mut client = TestServiceClient::new(world.dialer().channel());
    let (hand, mut handed) = oneshot::channel::<Answers>();
    let (dropped, hears) = oneshot::channel();
    let mut dropped = Some(dropped);
    let mut first = Some(outputs([1], 0));
    let asked = stream::poll_fn(move |cx| {
        if let Some(first) = first.take() {
            return Poll::Ready(Some(first));
        }
        if let Poll::Ready(Ok(answers)) = Pin::new(&mut handed).poll(cx) {
            drop(answers);
            let _ = dropped.take().expect("once").send(());
            return Poll::Ready(Some(outputs([2], 0)));
        }
        Poll::Pending
    });
    let within = Duration::from_secs(2);
    let answers = timeout(within, client.full_duplex_call(asked)).await.expect("a head").expect("a head");
    hand.send(answers.into_inner()).expect("the stream waits");
    timeout(within, hears).await.expect("no deadlock").expect("dropped");
    timeout(within, client.empty_call(Empty {})).await.expect("in time").expect("the channel lives");
}

/// A request stream may read its own answers, and make its next request of each. At its end they go with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_stream_may_read_its_own_answers() {
    let world = World::start().await;
    let mut client = TestServiceClient::new(world.dialer().channel());
    let (hand, handed) = oneshot::channel::<Answers>();
    let (tell, told) = oneshot::channel::<()>();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let rest = stream::once(handed).map(|answers| answers.expect("handed")).flatten().map(move |answer| {
        let (_tell, len) = (&tell, answer.expect("a message").payload.unwrap().body.len());
        assert_eq!(len, 1 + counted.fetch_add(1, SeqCst), "each asked for by the one before");
        i32::try_from(len + 1).expect("few")
    });
    let asked = stream::iter([1]).chain(rest).take(100).map(|len| outputs([len], 0));
    let within = Duration::from_secs(2);
    let answers = timeout(within, client.full_duplex_call(asked)).await.expect("a head").expect("a head");
    hand.send(answers.into_inner()).expect("the stream waits");
    timeout(within, told).await.expect("no deadlock").expect_err("the stream is dropped, and all it holds");
    assert_eq!(count.load(SeqCst), 99, "answers read");
    timeout(within, client.empty_call(Empty {})).await.expect("in time").expect("the channel lives");
}

/// A call that fails while its request stream holds its answers leaves nothing of either.
#[tokio::test]
async fn a_cut_leaves_nothing_of_a_request_stream_that_holds_its_answers() {
    let world = World::start().await;
    let mut client = TestServiceClient::new(world.dialer().channel());
    let (hand, mut handed) = oneshot::channel::<Answers>();
    let (tell, told) = oneshot::channel::<()>();
    let mut first = Some(outputs([1], 0));
    let mut held = None;
    let asked = stream::poll_fn(move |cx| {
        let _tell = &tell;
        if held.is_none()
            && first.is_none()
            && let Poll::Ready(Ok(answers)) = Pin::new(&mut handed).poll(cx)
        {
            held = Some(answers);
        }
        first.take().map_or(Poll::Pending, |first| Poll::Ready(Some(first)))
    });
    let answers = client.full_duplex_call(asked).await.expect("a head").into_inner();
    hand.send(answers).expect("the stream waits");
    sleep(Duration::from_millis(20)).await;
    for connection in world.http.tracker().list() {
        let _ = world.http.tracker().kill(connection.id);
    }
    timeout(Duration::from_secs(2), told).await.expect("dropped").expect_err("dropped");
}

/// What a server that goes down does to one connection says nothing of the way.
#[tokio::test]
async fn auto_remembers_nothing_of_a_failure_that_passes() {
    let (tokens, websockets) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (token, websocket, grpc) = (Arc::clone(&tokens), Arc::clone(&websockets), grpc());
    let dialer = served(move |exchange: Exchange| {
        let count = if asks_by_token(&exchange) { &token } else { &websocket };
        let (number, is_token, grpc) = (count.fetch_add(1, SeqCst), asks_by_token(&exchange), grpc.clone());
        async move {
            match number {
                0 if is_token => {
                    drop(exchange); // without an answer
                    Ok(Outcome::taken())
                }
                1 if is_token => exchange.respond(answer(StatusCode::SERVICE_UNAVAILABLE)).await,
                _ => grpc.serve(exchange).await,
            }
        }
    })
    .await;
    let failed = call(&dialer.channel()).await.expect_err("full");
    assert!(failed.code() == Code::Unavailable && failed.message().contains("503"), "{failed}");
    call(&dialer.channel()).await.expect("by token");
    assert_eq!((tokens.load(SeqCst), websockets.load(SeqCst)), (3, 0), "asked by token, by WebSocket");
}

/// An answer that does not depend on the way is not asked for twice; each has its code, and its cause.
#[tokio::test]
async fn refusals_are_final_and_have_their_codes() {
    for (status, code, times) in [
        (401, Code::Unauthenticated, 1),
        (403, Code::PermissionDenied, 1),
        (407, Code::Unavailable, 1),
        (409, Code::Unavailable, 1),
        (503, Code::Unavailable, 1),
        (404, Code::Unimplemented, 2),
        (500, Code::Unavailable, 2),
    ] {
        let status = StatusCode::from_u16(status).unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let dialer = served(move |exchange| {
            count.fetch_add(1, SeqCst);
            exchange.respond(answer(status))
        })
        .await;
        let failed = call(&dialer.channel()).await.expect_err("refused");
        assert_eq!((failed.code(), asked.load(SeqCst)), (code, times), "{status}: {failed}");
        let cause = failed.source().and_then(|cause| cause.downcast_ref::<DialError>());
        match cause.unwrap_or_else(|| panic!("{status}: no DialError in {failed:?}")) {
            DialError::Declined(decline) => assert!(times == 1 && decline.head.status() == status),
            DialError::Neither { .. } => assert_eq!(times, 2, "{status}"),
            other => panic!("{status}: {other:?}"),
        }
    }
}

/// Where only the token is refused the WebSocket is tried, and remembered.
#[tokio::test]
async fn other_answers_to_the_token_lead_to_the_websocket() {
    for status in
        [StatusCode::OK, StatusCode::NOT_FOUND, StatusCode::BAD_GATEWAY, StatusCode::UPGRADE_REQUIRED]
    {
        let (dialer, asked) = declining(status).await;
        call(&dialer.channel()).await.unwrap_or_else(|error| panic!("{status}: {error}"));
        call(&dialer.channel()).await.unwrap_or_else(|error| panic!("{status}: {error}"));
        assert_eq!(asked.load(SeqCst), 3, "{status}");
    }
}

/// The time for a takeover is the dialer's, and its error names it.
#[tokio::test]
async fn a_takeover_has_a_time_limit() {
    let dialer = served(|exchange: Exchange| async move {
        sleep(Duration::from_secs(60)).await;
        drop(exchange);
        Ok(Outcome::taken())
    })
    .await;
    let limit = Duration::from_millis(100);
    for mode in [Mode::Token, Mode::WebSocket, Mode::Connect, Mode::Auto] {
        let began = Instant::now();
        let failed =
            call(&dialer.clone().mode(mode).dial_timeout(limit).channel()).await.expect_err("no answer");
        assert!(failed.code() == Code::Unavailable && failed.message().contains("within 100ms"), "{failed}");
        assert!((100..1000).contains(&began.elapsed().as_millis()), "{mode:?}: after {:?}", began.elapsed());
    }
}

/// A channel's configuration is changed where it is made.
#[tokio::test]
async fn a_channel_is_configured() {
    let world = World::start().await;
    let channel = world.dialer().channel_with(|config| config.deadline = Some(Duration::from_millis(100)));
    let asked = outputs([1], 10_000_000);
    let mut answers =
        TestServiceClient::new(channel).streaming_output_call(asked).await.expect("a head").into_inner();
    let failed = timeout(Duration::from_secs(1), answers.message()).await.expect("in time");
    assert_eq!(failed.expect_err("late").code(), Code::DeadlineExceeded);
}

/// What a server of HTTP/2 by hand answers to each call.
#[derive(Clone)]
struct ByHand {
    head: Response<()>,
    data: &'static [u8],
    trailers: Option<http::HeaderMap>,
}

impl ByHand {
    fn of(status: u16, content_type: &'static str) -> Self {
        let head = Response::builder().status(status).header("content-type", content_type).body(()).unwrap();
        Self { head, data: b"", trailers: None }
    }

    fn trailers(mut self, trailers: &[(&'static str, &'static str)]) -> Self {
        let header =
            |(name, value): &(&'static str, &'static str)| (name.parse().unwrap(), value.parse().unwrap());
        self.trailers = Some(trailers.iter().map(header).collect());
        self
    }

    async fn channel(self) -> Channel {
        let dialer = served(move |exchange: Exchange| {
            let answer = self.clone();
            async move {
                let conn = exchange.upgrade(Upgrade::to([TOKEN])).await?;
                let mut connection = h2::server::handshake(conn).await.map_err(hijack::Error::other)?;
                while let Some(call) = connection.accept().await {
                    let (_, mut respond) = call.map_err(hijack::Error::other)?;
                    let mut body = respond.send_response(answer.head.clone(), false).unwrap();
                    let ends = answer.trailers.is_none();
                    body.send_data(Bytes::from_static(answer.data), ends).unwrap();
                    if let Some(trailers) = answer.trailers.clone() {
                        body.send_trailers(trailers).unwrap();
                    }
                }
                Ok(Outcome::taken())
            }
        });
        dialer.await.mode(Mode::Token).channel()
    }
}

/// An answer that is not of gRPC has the code of its status, as gRPC maps it; one of gRPC says how it ended by itself.
#[tokio::test]
async fn other_answers_than_200_have_their_codes() {
    for (status, code) in [
        (400, Code::Internal),
        (401, Code::Unauthenticated),
        (403, Code::PermissionDenied),
        (404, Code::Unimplemented),
        (429, Code::Unavailable),
        (503, Code::Unavailable),
        (418, Code::Unknown),
    ] {
        let mut by_hand = ByHand::of(status, "text/html");
        by_hand.data = b"<html>not of gRPC</html>";
        let failed = call(&by_hand.channel().await).await.expect_err("no answer of gRPC");
        assert_eq!(failed.code(), code, "{status}: {failed}");
        let by_hand = ByHand::of(status, "application/grpc");
        let failed = call(&by_hand.channel().await).await.expect_err("no status");
        assert_eq!(failed.code(), code, "{status} without grpc-status: {failed}");
    }
    let by_hand = ByHand::of(503, "application/grpc+proto").trailers(&[("grpc-status", "5")]);
    assert_eq!(call(&by_hand.channel().await).await.expect_err("told").code(), Code::NotFound);
    let failed = call(&ByHand::of(200, "application/grpc").channel().await).await.expect_err("no status");
    assert!(failed.code() == Code::Unavailable && failed.message().contains("without a status"), "{failed}");
}

/// T8: what a status says comes whole: control characters, what is no text at all, metadata of one name.
#[tokio::test]
async fn statuses_come_whole() {
    let trailers = [
        ("grpc-status", "9"),
        ("grpc-message", "a%00b%0D%0Ac %E2%98%BA"),
        ("grpc-status-details-bin", "AP8K"),
        ("x-many", "one"),
        ("x-many", "two"),
    ];
    let by_hand = ByHand::of(200, "application/grpc").trailers(&trailers);
    let failed = call(&by_hand.channel().await).await.expect_err("a failure");
    assert_eq!((failed.code(), failed.message()), (Code::FailedPrecondition, "a\0b\r\nc ☺"));
    assert_eq!(failed.details(), [0, 0xff, b'\n']);
    let many: Vec<_> = failed.metadata().get_all("x-many").iter().collect();
    assert_eq!(many, ["one", "two"]);

    // Ours says it so that it comes so.
    let refusing = |_: tonic::Request<()>| -> Result<tonic::Request<()>, Status> {
        let mut metadata = tonic::metadata::MetadataMap::new();
        metadata.append("x-many", "one".parse().unwrap());
        metadata.append("x-many", "two".parse().unwrap());
        let details = Bytes::from_static(&[0, 0xff, b'\n']);
        Err(Status::with_details_and_metadata(Code::Aborted, "a\0b\r\nc ☺", details, metadata))
    };
    let service =
        tonic::service::interceptor::InterceptedService::new(hijack_tonic::interop::server(), refusing);
    let world = World::serve(hijack_tonic::Server::new(tonic::service::Routes::new(service))).await;
    let failed = call(&world.dialer().channel()).await.expect_err("a failure");
    assert_eq!((failed.code(), failed.message()), (Code::Aborted, "a\0b\r\nc ☺"));
    assert_eq!(failed.details(), [0, 0xff, b'\n']);
    let many: Vec<_> = failed.metadata().get_all("x-many").iter().collect();
    assert_eq!(many, ["one", "two"]);
}

/// T8: metadata of one name come as many as they went.
#[tokio::test]
async fn metadata_of_one_name_are_all_kept() {
    let world = World::start().await;
    let mut client = TestServiceClient::new(world.dialer().channel());
    let mut asked = tonic::Request::new(SimpleRequest::default());
    for value in ["one", "two, three", "one"] {
        asked.metadata_mut().append("x-grpc-test-echo-initial", value.parse().unwrap());
    }
    for value in [&[0, 0xff][..], &[], b"text"] {
        let value = tonic::metadata::MetadataValue::from_bytes(value);
        asked.metadata_mut().append_bin("x-grpc-test-echo-trailing-bin", value);
    }
    let answer = client.unary_call(asked).await.expect("an answer");
    let initial: Vec<_> = answer.metadata().get_all("x-grpc-test-echo-initial").iter().collect();
    assert_eq!(initial, ["one", "two, three", "one"]);
    let trailing = answer.metadata().get_all_bin("x-grpc-test-echo-trailing-bin").iter();
    let trailing: Vec<_> = trailing.map(|value| value.to_bytes().unwrap()).collect();
    assert_eq!(trailing, [&[0, 0xff][..], &[], b"text"]);
}

/// T28: heads beyond `max_header_len` end their call and no other, in either direction.
#[tokio::test]
async fn heads_are_bounded() {
    let world = World::start().await;
    let channel = world.dialer().channel();
    call(&channel).await.expect("an answer");
    let long = |len: usize| {
        let mut asked = tonic::Request::new(SimpleRequest::default());
        asked.metadata_mut().insert("x-grpc-test-echo-initial", "x".repeat(len).parse().unwrap());
        asked
    };
    let mut client = TestServiceClient::new(channel.clone());
    client.unary_call(long(12 * 1024)).await.expect("within it");
    let refused = timeout(Duration::from_secs(2), client.unary_call(long(20 * 1024))).await.expect("in time");
    let refused = refused.expect_err("beyond the server's");
    assert!(refused.code() == Code::Unknown && refused.message().contains("431"), "{refused}");
    call(&channel).await.expect("the connection lives");
    let small = world.dialer().channel_with(|config| config.max_header_len = 8 * 1024);
    let mut client = TestServiceClient::new(small.clone());
    let refused = timeout(Duration::from_secs(2), client.unary_call(long(12 * 1024))).await.expect("in time");
    assert_eq!(refused.expect_err("beyond the client's").code(), Code::Internal);
    call(&small).await.expect("the connection lives");
    assert_eq!(world.http.tracker().count_in(hijack::State::Taken), 2, "one connection each");
}

/// A server that has too much of a client says so with a GOAWAY: RESOURCE_EXHAUSTED for calls that it has not begun with, which
/// are not tried again at once. Those that it has begun with end with the connection.
#[tokio::test]
async fn a_goaway_for_too_much_is_resource_exhausted() {
    const CALM: u8 = 0xb;
    for (last, code) in [(0, Code::ResourceExhausted), (1, Code::Unavailable)] {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let dialer = served(move |exchange: Exchange| {
            count.fetch_add(1, SeqCst);
            async move {
                let mut conn = exchange.upgrade(Upgrade::to([TOKEN])).await?;
                conn.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await?; // SETTINGS
                read_to_headers(&mut conn).await?;
                conn.write_all(&[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, last, 0, 0, 0, CALM]).await?;
                sleep(Duration::from_millis(100)).await;
                Ok(Outcome::taken())
            }
        });
        let failed = call(&dialer.await.mode(Mode::Token).channel()).await.expect_err("an end");
        assert_eq!((failed.code(), asked.load(SeqCst)), (code, 1), "last stream {last}: {failed}");
    }
}

/// Reads the preface, and frames to the first HEADERS.
async fn read_to_headers(conn: &mut hijack::Conn) -> std::io::Result<()> {
    let mut preface = [0; 24];
    conn.read_exact(&mut preface).await?;
    loop {
        let mut frame = [0; 9];
        conn.read_exact(&mut frame).await?;
        let len = u32::from_be_bytes([0, frame[0], frame[1], frame[2]]);
        conn.read_exact(&mut vec![0; len as usize]).await?;
        if frame[3] == 1 {
            return Ok(());
        }
    }
}

/// Behind the 101 the first call goes out without waiting for a word of the server's: a takeover costs one round trip.
#[tokio::test]
async fn a_takeover_costs_one_round_trip() {
    let (came, comes) = oneshot::channel();
    let came = Arc::new(std::sync::Mutex::new(Some(came)));
    let dialer = served(move |exchange: Exchange| {
        let came = came.lock().unwrap().take();
        async move {
            let mut conn = exchange.upgrade(Upgrade::to([TOKEN])).await?;
            read_to_headers(&mut conn).await?;
            came.expect("one takeover").send(()).expect("it is waited for");
            Ok(Outcome::taken())
        }
    });
    let channel = dialer.await.mode(Mode::Token).channel();
    let calling = tokio::spawn(async move { call(&channel).await });
    timeout(Duration::from_secs(10), comes).await.expect("the head of a call").expect("an honest server");
    calling.await.expect("no panic").expect_err("the server goes");
}
