//! What flows: much at once, in order, and no more than was asked for; and nothing is left of it.

#![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

mod support;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use hijack_tonic::interop::test_service_client::TestServiceClient;
use hijack_tonic::interop::{Empty, Payload, StreamingInputCallRequest};
use hijack_tonic::tonic::body::Body;
use hijack_tonic::tonic::service::Routes;
use hijack_tonic::{Mode, Server};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use sha1_smol::Sha1;
use support::{World, outputs};
use tokio::time::{Instant, sleep, timeout};
use tower_service::Service;

const MODES: [Mode; 2] = [Mode::Token, Mode::WebSocket];

/// T9: ten thousand times there and back, in strict order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ping_pong() {
    let world = World::start().await;
    for mode in MODES {
        let mut client = TestServiceClient::new(world.dialer().mode(mode).channel());
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        let asked =
            stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) });
        let mut answers = client.full_duplex_call(asked).await.expect("answers").into_inner();
        for n in 0..10_000 {
            sender.send(outputs([n % 1000], 0)).await.expect("open");
            let answer = answers.message().await.expect("a message").expect("not the end");
            assert_eq!(answer.payload.unwrap().body.len(), n as usize % 1000, "{mode:?}, message {n}");
        }
    }
}

/// T10: a hundred streams at once, ten thousand messages each way in each, none lost and none swapped.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_streams() {
    let world = World::start().await;
    let channels = MODES.map(|mode| world.dialer().mode(mode).channel());
    for channel in &channels {
        let streams: Vec<_> = (0..100)
            .map(|id| {
                let mut client = TestServiceClient::new(channel.clone());
                tokio::spawn(async move {
                    let wishes = stream::iter((0..MESSAGES).map(move |n| outputs([(id + n) % 311], 0)));
                    let mut answers = client.full_duplex_call(wishes).await.expect("answers").into_inner();
                    for n in 0..MESSAGES {
                        let answer = answers.message().await.expect("a message").expect("not the end");
                        let len = answer.payload.unwrap().body.len();
                        assert_eq!(len, (id + n) as usize % 311, "stream {id}, message {n}");
                    }
                    assert!(answers.message().await.expect("success").is_none(), "stream {id}");
                })
            })
            .collect();
        for stream in streams {
            stream.await.expect("whole");
        }
    }
    assert_eq!(world.http.tracker().count_in(hijack::State::Taken), 2, "one connection for each channel");
}

const MESSAGES: i32 = 10_000;

/// T11: 64 MiB each way at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn much_both_ways() {
    let world = World::start().await;
    for mode in MODES {
        let mut client = TestServiceClient::new(world.dialer().mode(mode).channel());
        let mut upload = client.clone();
        let up = async move {
            let payload = || Some(Payload { r#type: 0, body: vec![7; 65_536] });
            let inputs = (0..1024)
                .map(move |_| StreamingInputCallRequest { payload: payload(), ..Default::default() });
            upload.streaming_input_call(stream::iter(inputs)).await.expect("an answer").into_inner()
        };
        let down = async move {
            let asked = outputs(std::iter::repeat_n(65_536, 1024), 0);
            let answers = client.streaming_output_call(asked).await.expect("answers").into_inner();
            answers
                .fold(
                    0,
                    |sum, answer| async move { sum + answer.expect("a message").payload.unwrap().body.len() },
                )
                .await
        };
        let (up, down) = tokio::join!(up, down);
        assert_eq!((up.aggregated_payload_size, down), (64 << 20, 64 << 20), "{mode:?}");
    }
}

/// Gives every message back.
#[derive(Clone)]
struct Echo;

impl tonic::server::NamedService for Echo {
    const NAME: &'static str = "test.Echo";
}

impl Service<Request<Body>> for Echo {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let success =
            HeaderMap::from_iter([(HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"))]);
        let body = request.into_body().with_trailers(ready(Some(Ok(success))));
        ready(Ok(Response::new(Body::new(body))))
    }
}

/// Message `n` in its frame: 64 KiB that look like chance, and are others in each.
fn message(n: u64) -> Bytes {
    let mut frame = vec![0, 0, 1, 0, 0];
    let mut state = n;
    frame.extend((0..65_536 / 8).flat_map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407 + n);
        state.to_be_bytes()
    }));
    frame.into()
}

/// T11: 64 MiB each way at once in one call, byte for byte.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn much_comes_back_as_it_was_sent() {
    let world = World::serve(Server::new(Routes::new(Echo))).await;
    let mut expected = Sha1::new();
    (0..1024).for_each(|n| expected.update(&message(n)));
    for mode in MODES {
        let messages = stream::iter((0..1024).map(|n| Ok::<_, tonic::Status>(Frame::data(message(n)))));
        let request = Request::post("/test.Echo/All").header("content-type", "application/grpc");
        let request = request.body(Body::new(StreamBody::new(messages))).unwrap();
        let answer = world.dialer().mode(mode).channel().call(request).await.expect("an answer");
        let (mut body, mut got, mut len) = (std::pin::pin!(answer.into_body()), Sha1::new(), 0);
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame.expect("not cut").into_data() {
                len += data.len();
                got.update(&data);
            }
        }
        assert_eq!((len, got.digest()), (1024 * 65_541, expected.digest()), "{mode:?}");
    }
}

/// T12: a caller that does not read stops its sender, and no other call.
#[tokio::test]
async fn a_slow_reader_stops_its_sender_alone() {
    let world = World::start().await;
    for mode in MODES {
        let channel = world.dialer().mode(mode).channel();
        let mut client = TestServiceClient::new(channel);
        let asked = outputs(std::iter::repeat_n(65_536, 1024), 0);
        let mut answers = client.streaming_output_call(asked).await.expect("answers").into_inner();
        answers.message().await.expect("a message").expect("not the end");
        let conn = |world: &World| {
            let list = world.http.tracker().list();
            list.into_iter().map(|connection| connection.bytes_out).max().unwrap_or_default()
        };
        sleep(Duration::from_millis(100)).await;
        let sent = conn(&world);
        sleep(Duration::from_millis(100)).await;
        assert_eq!(conn(&world), sent, "{mode:?}: it stands still");
        // The window, what tonic had read of it, and frames around.
        assert!(sent < (1 << 20) + 6 * 65_536, "{mode:?}: {sent} bytes sent");
        let began = Instant::now();
        client.empty_call(Empty {}).await.expect("beside it");
        assert!(began.elapsed() < Duration::from_millis(50), "{mode:?}: after {:?}", began.elapsed());
        let mut count = 1;
        while answers.message().await.expect("a message").is_some() {
            count += 1;
        }
        assert_eq!(count, 1024);
        drop(client);
        timeout(Duration::from_secs(2), async {
            while world.http.tracker().count() > 0 {
                sleep(Duration::from_millis(5)).await;
            }
        })
        .await
        .expect("the connection ends with its channel");
    }
}

/// T27: what was taken over and ended leaves no descriptor, no task and no record.
#[tokio::test]
async fn nothing_is_left_of_ended_takeovers() {
    let world = World::start().await;
    let metrics = tokio::runtime::Handle::current().metrics();
    let descriptors = || std::fs::read_dir("/proc/self/fd").expect("Linux").count();
    let round = async |takeovers: usize| {
        let many = stream::iter(0..takeovers).for_each_concurrent(32, |n| {
            let mode = MODES[n % 2];
            let dialer = world.dialer().mode(mode);
            async move {
                TestServiceClient::new(dialer.channel()).empty_call(Empty {}).await.expect("an answer");
            }
        });
        many.await;
        let quiet = async {
            while world.http.tracker().count() > 0 || metrics.num_alive_tasks() > 1 {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(10), quiet).await.unwrap_or_else(|_| {
            panic!(
                "{} connections and {} tasks are left",
                world.http.tracker().count(),
                metrics.num_alive_tasks()
            )
        });
    };
    round(100).await;
    let before = descriptors();
    round(TAKEOVERS).await;
    assert!(descriptors() <= before, "{} descriptors, before {before}", descriptors());
}

const TAKEOVERS: usize = 10_000;
