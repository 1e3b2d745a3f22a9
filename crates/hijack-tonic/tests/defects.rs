//! The six defects that were found in gRPC over taken-over connections, each cured and with a test of its name. The sixth, a
//! `CONNECT` that dials, is in `door`.

#![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

mod support;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use hijack::{Listener, Upgrade};
use hijack_tonic::interop::test_service_client::TestServiceClient;
use hijack_tonic::interop::test_service_server::{self, TestServiceServer};
use hijack_tonic::interop::{
    Empty, SimpleRequest, SimpleResponse, StreamingInputCallRequest, StreamingInputCallResponse,
    StreamingOutputCallRequest, StreamingOutputCallResponse,
};
use hijack_tonic::tonic::service::Routes;
use hijack_tonic::{Channel, Mode, Server, TOKEN};
use support::{World, grpc, outputs};
use tokio::time::{Instant, sleep, timeout};
use tonic::{Code, Request, Response, Status, Streaming};

/// What a service has seen.
#[derive(Debug, Clone, Default)]
struct Seen(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    begun: AtomicUsize,
    ended: AtomicUsize,
}

/// A handler at work.
struct Work(Seen);

impl Seen {
    fn begin(&self) -> Work {
        self.0.begun.fetch_add(1, SeqCst);
        Work(self.clone())
    }

    fn begun(&self) -> usize {
        self.0.begun.load(SeqCst)
    }

    /// Waits until nothing is at work, and `begun` were.
    async fn idle_after(&self, begun: usize, within: Duration) {
        let idle = async {
            while self.begun() < begun || self.0.ended.load(SeqCst) < self.begun() {
                sleep(Duration::from_millis(1)).await;
            }
        };
        let idle = timeout(within, idle).await;
        idle.unwrap_or_else(|_| panic!("{:?} are not {begun} begun and all ended after {within:?}", self.0));
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.0.0.ended.fetch_add(1, SeqCst);
    }
}

/// A service that answers a first message where it can, and then nothing for ever. `EmptyCall` works.
#[derive(Debug, Clone, Default)]
struct Stuck(Seen);

type Outputs = Pin<Box<dyn Stream<Item = Result<StreamingOutputCallResponse, Status>> + Send>>;

impl Stuck {
    fn server(&self) -> Server {
        Server::new(Routes::new(TestServiceServer::new(self.clone())))
    }

    /// As many messages of `len` as are read, or one and then nothing.
    fn first(&self, flood: Option<usize>) -> Outputs {
        let work = self.0.begin();
        let message = move |len| StreamingOutputCallResponse {
            payload: Some(hijack_tonic::interop::Payload { r#type: 0, body: vec![0; len] }),
        };
        match flood {
            Some(len) => Box::pin(stream::repeat_with(move || {
                let _work = &work;
                Ok(message(len))
            })),
            None => Box::pin(stream::iter([Ok(message(1))]).chain(stream::pending()).map(move |message| {
                let _work = &work;
                message
            })),
        }
    }
}

#[tonic::async_trait]
impl test_service_server::TestService for Stuck {
    async fn empty_call(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        let _work = self.0.begin();
        Ok(Response::new(Empty {}))
    }

    async fn unary_call(&self, _: Request<SimpleRequest>) -> Result<Response<SimpleResponse>, Status> {
        let _work = self.0.begin();
        std::future::pending().await
    }

    async fn cacheable_unary_call(
        &self,
        _: Request<SimpleRequest>,
    ) -> Result<Response<SimpleResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    type StreamingOutputCallStream = Outputs;

    async fn streaming_output_call(
        &self,
        request: Request<StreamingOutputCallRequest>,
    ) -> Result<Response<Outputs>, Status> {
        let flood = request.get_ref().response_parameters.first().map(|wanted| wanted.size as usize);
        Ok(Response::new(self.first(flood)))
    }

    async fn streaming_input_call(
        &self,
        request: Request<Streaming<StreamingInputCallRequest>>,
    ) -> Result<Response<StreamingInputCallResponse>, Status> {
        let _work = self.0.begin();
        let mut inputs = request.into_inner();
        // Reads nothing at first.
        sleep(Duration::from_millis(500)).await;
        let mut count = 0;
        while inputs.message().await?.is_some() {
            count += 1;
        }
        Ok(Response::new(StreamingInputCallResponse { aggregated_payload_size: count }))
    }

    type FullDuplexCallStream = Outputs;

    async fn full_duplex_call(
        &self,
        request: Request<Streaming<StreamingOutputCallRequest>>,
    ) -> Result<Response<Outputs>, Status> {
        let inputs = request.into_inner();
        Ok(Response::new(Box::pin(self.first(None).map(move |message| {
            let _inputs = &inputs;
            message
        }))))
    }

    type HalfDuplexCallStream = Outputs;

    async fn half_duplex_call(
        &self,
        _: Request<Streaming<StreamingOutputCallRequest>>,
    ) -> Result<Response<Outputs>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn unimplemented_call(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        Err(Status::unimplemented(""))
    }
}

const DEADLINE: Duration = Duration::from_millis(200);

fn within<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(DEADLINE);
    request
}

/// All four kinds end by their deadline: how each ended, and when.
async fn all_kinds<C>(client: &mut TestServiceClient<C>) -> Vec<(&'static str, Status, Duration)>
where
    C: tonic::client::GrpcService<tonic::body::Body>,
    C::Error: Into<tonic::codegen::StdError>,
    C::ResponseBody: http_body::Body<Data = Bytes> + Send + 'static,
    <C::ResponseBody as http_body::Body>::Error: Into<tonic::codegen::StdError> + Send,
{
    let mut ends = Vec::new();
    let began = Instant::now();
    let failed = client.unary_call(within(SimpleRequest::default())).await.expect_err("no answer");
    ends.push(("unary", failed, began.elapsed()));
    let began = Instant::now();
    let failed = client.streaming_input_call(within(stream::pending())).await.expect_err("no answer");
    ends.push(("client stream", failed, began.elapsed()));
    let began = Instant::now();
    let asked = StreamingOutputCallRequest::default();
    let mut answers = client.streaming_output_call(within(asked)).await.expect("a head").into_inner();
    answers.message().await.expect("a first message").expect("not the end");
    let failed = answers.message().await.expect_err("no second message");
    ends.push(("server stream", failed, began.elapsed()));
    let began = Instant::now();
    let mut answers = client.full_duplex_call(within(stream::pending())).await.expect("a head").into_inner();
    answers.message().await.expect("a first message").expect("not the end");
    let failed = answers.message().await.expect_err("no second message");
    ends.push(("both streams", failed, began.elapsed()));
    ends
}

#[track_caller]
fn all_by_deadline(ends: &[(&str, Status, Duration)]) {
    for (kind, status, lasted) in ends {
        assert_eq!(status.code(), Code::DeadlineExceeded, "{kind}: {status}");
        assert!((180..400).contains(&lasted.as_millis()), "{kind}: after {lasted:?}");
    }
}

/// T14, defect 1, both ends: `DEADLINE_EXCEEDED` in time, and the handlers are gone.
#[tokio::test]
async fn defect_1_deadlines_bound_whole_calls() {
    let stuck = Stuck::default();
    let world = World::serve(stuck.server()).await;
    let mut client = TestServiceClient::new(world.dialer().channel());
    all_by_deadline(&all_kinds(&mut client).await);
    stuck.0.idle_after(4, Duration::from_millis(100)).await;
    client.empty_call(Empty {}).await.expect("the connection goes on");
    assert_eq!(world.http.tracker().count(), 1);
}

/// Defect 1 on the server alone: the client is one that asks the server to keep the time.
#[tokio::test]
async fn defect_1_the_server_ends_calls_by_itself() {
    let stuck = Stuck::default();
    let world = World::serve(stuck.server()).await;
    let stock = tonic::transport::Endpoint::from_static("http://services");
    let channel = stock.connect_with_connector(world.dialer()).await.expect("a connection");
    let mut client = TestServiceClient::new(channel);
    // Of the other two kinds stock tonic keeps the time itself, and says CANCELLED.
    let ends = all_kinds(&mut client).await;
    all_by_deadline(&ends[2..]);
    stuck.0.idle_after(4, Duration::from_millis(100)).await;
}

/// Defect 1 on the client alone: the server is one that does not look at deadlines.
#[tokio::test]
async fn defect_1_the_client_ends_calls_by_itself() {
    let stuck = Stuck::default();
    let url = serve_plainly(Routes::new(TestServiceServer::new(stuck.clone()))).await;
    let dialer = hijack_tonic::Dialer::to(&url).unwrap().mode(Mode::Token);
    let mut client = TestServiceClient::new(dialer.channel());
    all_by_deadline(&all_kinds(&mut client).await);
    stuck.0.idle_after(4, Duration::from_millis(100)).await;
}

/// Serves `routes` by HTTP/2 alone behind the 101, with nothing of ours around them.
async fn serve_plainly(routes: Routes) -> String {
    let listener = Listener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_address());
    let serving = hijack::Server::new();
    tokio::spawn(async move {
        let handler = move |exchange: hijack::Exchange| {
            let routes = routes.clone();
            async move {
                let conn = exchange.upgrade(Upgrade::to([TOKEN])).await?;
                let service = hyper_util::service::TowerToHyperService::new(routes);
                let executor = hyper_util::rt::TokioExecutor::new();
                let io = hyper_util::rt::TokioIo::new(conn);
                let served = hyper::server::conn::http2::Builder::new(executor).serve_connection(io, service);
                served.await.map_err(hijack::Error::other)?;
                Ok(hijack::Outcome::taken())
            }
        };
        serving.serve(listener, handler).await;
    });
    url
}

/// A connection to `world` on which HTTP/2 is spoken by hand.
async fn by_hand(world: &World, window: u32) -> h2::client::SendRequest<Bytes> {
    let pipe = world.dialer().mode(Mode::Token).dial().await.expect("a takeover");
    let mut builder = h2::client::Builder::new();
    builder.initial_window_size(window);
    let (client, connection) = builder.handshake(pipe).await.expect("HTTP/2");
    tokio::spawn(async move { drop(connection.await) });
    client.ready().await.expect("a connection")
}

fn head(method: &str, timeout: Option<&str>) -> http::Request<()> {
    let head = http::Request::post(format!("http://a/grpc.testing.TestService/{method}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    timeout.into_iter().fold(head, |head, timeout| head.header("grpc-timeout", timeout)).body(()).unwrap()
}

/// Defect 1 where the client does not read: the stream is reset, and its handler gone.
#[tokio::test]
async fn defect_1_a_call_whose_client_does_not_read_ends_too() {
    let stuck = Stuck::default();
    let world = World::serve(stuck.server()).await;
    let mut client = by_hand(&world, 1000).await;
    let (answer, mut body) = client.send_request(head("StreamingOutputCall", Some("200m")), false).unwrap();
    // Wants messages of 1000 bytes.
    let wish = [0, 0, 0, 0, 5, 0x12, 3, 0x08, 0xe8, 0x07];
    body.send_data(Bytes::copy_from_slice(&wish), true).unwrap();
    let answer = answer.await.expect("a head");
    assert_eq!(answer.status(), 200);
    assert_eq!(stuck.0.begun(), 1);
    stuck.0.idle_after(1, Duration::from_millis(400)).await;
}

/// T13, defect 2: ten thousand tiny frames that wait for a slow handler do not end the connection.
#[tokio::test]
async fn defect_2_small_frames_that_wait_end_nothing() {
    assert_eq!(send_small_frames(grpc_stuck()).await, Ok(10_000));
    // And with the window that is usual elsewhere they do: the test can fail.
    let usual = grpc_stuck().configure(|config| config.connection_window = 1024 * 1024);
    assert!(
        send_small_frames(usual).await.is_err(),
        "h2 has changed its budget: see Config::connection_window"
    );
}

fn grpc_stuck() -> Server {
    Stuck::default().server()
}

/// Sends 10,000 messages of two bytes in a frame each: how many the handler counted.
async fn send_small_frames(server: Server) -> Result<usize, String> {
    let world = World::serve(server).await;
    let mut client = by_hand(&world, 65_535).await;
    let (answer, mut body) = client.send_request(head("StreamingInputCall", None), false).unwrap();
    for _ in 0..10_000 {
        body.reserve_capacity(7);
        while body.capacity() < 7 {
            let more = std::future::poll_fn(|cx| body.poll_capacity(cx)).await;
            more.ok_or("the stream ended")?.map_err(|error| error.to_string())?;
        }
        // A payload of an empty body.
        body.send_data(Bytes::from_static(&[0, 0, 0, 0, 2, 0x0a, 0]), false)
            .map_err(|error| error.to_string())?;
    }
    body.send_data(Bytes::new(), true).map_err(|error| error.to_string())?;
    let answer = answer.await.map_err(|error| error.to_string())?;
    let mut answer = answer.into_body();
    let message = answer.data().await.ok_or("no message")?.map_err(|error| error.to_string())?;
    // A varint in field 1.
    let count = message[6..].iter().rev().fold(0, |count, byte| count << 7 | usize::from(byte & 0x7f));
    Ok(count)
}

/// Defect 2 the other way: tiny frames of a server wait for a slow caller.
#[tokio::test]
async fn defect_2_small_frames_wait_for_a_slow_caller() {
    let listener = Listener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_address());
    tokio::spawn(async move {
        let handler = |exchange: hijack::Exchange| async move {
            let conn = exchange.upgrade(Upgrade::to([TOKEN])).await?;
            let mut connection = h2::server::handshake(conn).await.map_err(hijack::Error::other)?;
            while let Some(call) = connection.accept().await {
                let (_, mut respond) = call.map_err(hijack::Error::other)?;
                tokio::spawn(async move {
                    let head = http::Response::builder().header("content-type", "application/grpc");
                    let mut body = respond.send_response(head.body(()).unwrap(), false).unwrap();
                    for _ in 0..10_000 {
                        body.send_data(Bytes::from_static(&[0, 0, 0, 0, 2, 0x0a, 0]), false).unwrap();
                    }
                    let trailers = http::HeaderMap::from_iter([(Status::GRPC_STATUS, "0".parse().unwrap())]);
                    body.send_trailers(trailers).unwrap();
                });
            }
            Ok(hijack::Outcome::taken())
        };
        hijack::Server::new().serve(listener, handler).await;
    });
    let dialer = hijack_tonic::Dialer::to(&url).unwrap().mode(Mode::Token);
    let mut client = TestServiceClient::new(dialer.channel());
    let asked = StreamingOutputCallRequest::default();
    let mut answers = client.streaming_output_call(asked).await.expect("a head").into_inner();
    sleep(Duration::from_millis(500)).await;
    let mut count = 0;
    while answers.message().await.expect("no GOAWAY").is_some() {
        count += 1;
    }
    assert_eq!(count, 10_000);
}

fn cut(world: &World) {
    for connection in world.http.tracker().list() {
        let _ = world.http.tracker().kill(connection.id);
    }
}

/// T16, defect 3: a cut ends open calls with `UNAVAILABLE`, and the next call goes over a new takeover; a hundred times.
#[tokio::test]
async fn defect_3_a_cut_is_unavailable_and_the_next_call_goes_on() {
    let stuck = Stuck::default();
    let world = World::serve(stuck.server()).await;
    let mut client = TestServiceClient::new(world.dialer().channel());
    for round in 0..100 {
        let asked = StreamingOutputCallRequest::default();
        let mut open = client.streaming_output_call(asked).await.expect("a head").into_inner();
        open.message().await.expect("a first message").expect("not the end");
        cut(&world);
        let ended = timeout(Duration::from_secs(1), open.message()).await.expect("told within a second");
        assert_eq!(ended.expect_err("a cut").code(), Code::Unavailable, "cut {round}");
        client.empty_call(Empty {}).await.unwrap_or_else(|error| panic!("behind cut {round}: {error}"));
    }
    stuck.0.idle_after(200, Duration::from_secs(1)).await;
    assert_eq!(stuck.0.begun(), 200, "no call twice");
}

/// Defect 3 where calls and cuts meet: a call is answered or `UNAVAILABLE`, and never made twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_3_only_what_was_not_sent_is_sent_again() {
    let stuck = Stuck::default();
    let world = Arc::new(World::serve(stuck.server()).await);
    let channel: Channel = world.dialer().channel();
    let cutting = Arc::clone(&world);
    let cutter = tokio::spawn(async move {
        loop {
            sleep(Duration::from_millis(3)).await;
            cut(&cutting);
        }
    });
    let (mut answered, mut unavailable) = (0, 0);
    for _ in 0..2000 {
        match TestServiceClient::new(channel.clone()).empty_call(Empty {}).await {
            Ok(_) => answered += 1,
            Err(status) if status.code() == Code::Unavailable => unavailable += 1,
            Err(status) => panic!("{status:?}"),
        }
    }
    cutter.abort();
    let begun = stuck.0.begun();
    assert!(
        begun >= answered && begun <= answered + unavailable,
        "{begun} calls of {answered} + {unavailable}"
    );
    assert!(unavailable > 0 && answered > 1000, "{answered} answered, {unavailable} not: no test of cuts");
}

/// Defect 3 where a server says that it has not begun with a call: it goes over a new connection, whole, and once.
#[tokio::test]
async fn defect_3_what_no_server_has_begun_with_is_sent_again() {
    let listener = Listener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_address());
    let (refused, serving) = (Arc::new(AtomicUsize::new(0)), grpc());
    let count = Arc::clone(&refused);
    tokio::spawn(async move {
        let handler = move |exchange: hijack::Exchange| {
            let (count, serving) = (Arc::clone(&count), serving.clone());
            async move {
                let number = count.fetch_add(1, SeqCst);
                if number == 1 {
                    return serving.serve(exchange).await;
                }
                let conn = exchange.upgrade(Upgrade::to([TOKEN])).await?;
                let mut connection = h2::server::handshake(conn).await.map_err(hijack::Error::other)?;
                while let Some(call) = connection.accept().await {
                    let (_, mut respond) = call.map_err(hijack::Error::other)?;
                    respond.send_reset(h2::Reason::REFUSED_STREAM);
                }
                Ok(hijack::Outcome::taken())
            }
        };
        hijack::Server::new().serve(listener, handler).await;
    });
    let dialer = hijack_tonic::Dialer::to(&url).unwrap().mode(Mode::Token);
    let inputs = (1..=3).map(|len| StreamingInputCallRequest {
        payload: Some(hijack_tonic::interop::Payload { r#type: 0, body: vec![0; len * 1000] }),
        ..Default::default()
    });
    let asked = stream::iter(inputs);
    let answer =
        TestServiceClient::new(dialer.channel()).streaming_input_call(asked).await.expect("the second");
    assert_eq!(answer.into_inner().aggregated_payload_size, 6000, "the same three messages");
    // The third connection refuses again, and so does the fourth: once is enough.
    let failed = TestServiceClient::new(dialer.channel()).empty_call(Empty {}).await.expect_err("refused");
    assert_eq!((failed.code(), refused.load(SeqCst)), (Code::Unavailable, 4));
}

/// Defect 4 on the caller's side: a server that answers no ping is given up.
#[tokio::test]
async fn defect_4_a_silent_server_is_given_up() {
    let listener = Listener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_address());
    tokio::spawn(async move {
        let handler = |exchange: hijack::Exchange| async move {
            let conn = exchange.upgrade(Upgrade::to([TOKEN])).await?;
            sleep(Duration::from_secs(60)).await;
            drop(conn);
            Ok(hijack::Outcome::taken())
        };
        hijack::Server::new().serve(listener, handler).await;
    });
    let mut config = hijack_tonic::ChannelConfig::default();
    config.keep_alive_interval = Some(Duration::from_millis(200));
    config.keep_alive_timeout = Duration::from_millis(200);
    let dialer = hijack_tonic::Dialer::to(&url).unwrap().mode(Mode::Token);
    let mut client = TestServiceClient::new(Channel::new(dialer, config));
    let began = Instant::now();
    let failed = timeout(Duration::from_secs(5), client.empty_call(Empty {})).await.expect("given up");
    assert_eq!(failed.expect_err("nobody there").code(), Code::Unavailable);
    assert!(began.elapsed() < Duration::from_secs(2), "after {:?}", began.elapsed());
}

/// Defect 5: a call that succeeds has trailers, unary or not.
#[tokio::test]
async fn defect_5_success_has_trailers() {
    let world = World::serve(grpc()).await;
    let mut client = TestServiceClient::new(world.dialer().channel());
    let value = tonic::metadata::MetadataValue::from_bytes(&[0xab, 0, 0xff]);
    let mut asked = Request::new(SimpleRequest::default());
    asked.metadata_mut().insert_bin("x-grpc-test-echo-trailing-bin", value.clone());
    let answer = client.unary_call(asked).await.expect("an answer");
    assert_eq!(answer.metadata().get_bin("x-grpc-test-echo-trailing-bin"), Some(&value));
    let mut asked = Request::new(stream::iter([outputs([1], 0)]));
    asked.metadata_mut().insert_bin("x-grpc-test-echo-trailing-bin", value.clone());
    let mut answers = client.full_duplex_call(asked).await.expect("answers").into_inner();
    while answers.message().await.expect("a message").is_some() {}
    let trailers = answers.trailers().await.expect("an end").expect("trailers");
    assert_eq!(trailers.get_bin("x-grpc-test-echo-trailing-bin"), Some(&value));
}

/// T15: a call that is dropped is cancelled at once, though its own stream is open; its neighbours go on.
#[tokio::test]
async fn a_dropped_call_is_cancelled_and_no_other() {
    let stuck = Stuck::default();
    let world = World::serve(stuck.server()).await;
    let mut client = TestServiceClient::new(world.dialer().channel());
    let mut neighbour = client.full_duplex_call(stream::pending()).await.expect("a head").into_inner();
    neighbour.message().await.expect("a first message").expect("not the end");
    for _ in 0..20 {
        let before = stuck.0.begun();
        let mut answers = client.full_duplex_call(stream::pending()).await.expect("a head").into_inner();
        answers.message().await.expect("a first message").expect("not the end");
        drop(answers);
        let ended = async {
            while stuck.0.0.ended.load(SeqCst) < before {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(Duration::from_millis(50), ended).await.expect("its handler is gone");
    }
    let waits = timeout(Duration::from_millis(20), neighbour.message()).await;
    assert!(waits.is_err(), "the neighbour still waits");
    assert_eq!(world.http.tracker().count(), 1);
}

/// T15 where nobody reads what the call sends: it is cancelled all the same, and its slot is free.
#[tokio::test]
async fn a_dropped_call_is_cancelled_though_its_upload_waits() {
    let stuck = Stuck::default();
    let world = World::serve(stuck.server().configure(|config| config.max_streams = 1)).await;
    let mut client = TestServiceClient::new(world.dialer().channel());
    client.empty_call(Empty {}).await.expect("an answer");
    let mut answers = client.full_duplex_call(waiting_upload()).await.expect("a head").into_inner();
    answers.message().await.expect("a first message").expect("not the end");
    sleep(Duration::from_millis(200)).await; // until the windows are full
    drop(answers);
    stuck.0.idle_after(2, Duration::from_secs(1)).await;
    let next = timeout(Duration::from_secs(1), client.empty_call(Empty {})).await;
    next.expect("its slot is free").expect("an answer");
    assert_eq!(world.http.tracker().count(), 1);
}

/// Defect 1 likewise, on the client alone: the answers are still held.
#[tokio::test]
async fn defect_1_a_call_whose_upload_waits_ends_too() {
    let stuck = Stuck::default();
    let url = serve_plainly(Routes::new(TestServiceServer::new(stuck.clone()))).await;
    let dialer = hijack_tonic::Dialer::to(&url).unwrap().mode(Mode::Token);
    let mut client = TestServiceClient::new(dialer.channel());
    let asked = within(waiting_upload());
    let mut answers = client.full_duplex_call(asked).await.expect("a head").into_inner();
    answers.message().await.expect("a first message").expect("not the end");
    let failed = timeout(Duration::from_secs(1), answers.message()).await.expect("in time");
    assert_eq!(failed.expect_err("late").code(), Code::DeadlineExceeded);
    stuck.0.idle_after(1, Duration::from_secs(1)).await;
}

/// More than any window has room for.
fn waiting_upload() -> impl Stream<Item = StreamingOutputCallRequest> + Send + 'static {
    let payload = || Some(hijack_tonic::interop::Payload { r#type: 0, body: vec![0; 65_536] });
    stream::repeat_with(move || StreamingOutputCallRequest { payload: payload(), ..Default::default() })
}

/// T17: calls under way are finished at a shutdown, and further ones go to whoever accepts next; none of a thousand fails.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_while_servers_are_replaced() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    port.set_nonblocking(true).unwrap();
    let start = || {
        let listener = tokio::net::TcpListener::from_std(port.try_clone().unwrap()).unwrap();
        let (http, serving) = (hijack::Server::new(), grpc());
        let running = http.clone();
        tokio::spawn(async move { running.serve_service(listener, serving).await });
        http
    };
    let url = format!("http://{}/grpc", port.local_addr().unwrap());
    let channel = hijack_tonic::Dialer::to(&url).unwrap().mode(Mode::Token).channel();
    let calls: Vec<_> = (0..4)
        .map(|_| {
            let channel = channel.clone();
            tokio::spawn(async move {
                for n in 0..250 {
                    let mut client = TestServiceClient::new(channel.clone());
                    let asked = outputs([1, 1], 500);
                    let mut answers =
                        client.streaming_output_call(asked).await.map_err(|error| (n, error))?.into_inner();
                    while answers.message().await.map_err(|error| (n, error))?.is_some() {}
                }
                Ok::<_, (i32, Status)>(())
            })
        })
        .collect();
    let mut server = start();
    let mut replaced = 0;
    while !calls.iter().all(tokio::task::JoinHandle::is_finished) {
        sleep(Duration::from_millis(50)).await;
        let next = start();
        let report = std::mem::replace(&mut server, next).shutdown(Duration::from_secs(5)).await;
        assert_eq!(report.forced, 0, "{report:?}");
        replaced += 1;
    }
    for call in calls {
        call.await.unwrap().unwrap_or_else(|(n, error)| panic!("call {n}: {error}"));
    }
    assert!(replaced > 3, "{replaced} replaced: no test of it");
}

/// T17: a takeover that is just under way when a shutdown begins: its first call is answered, or given back.
#[tokio::test]
async fn a_call_on_its_way_at_a_shutdown_is_answered() {
    for round in 0..20 {
        let world = World::start().await;
        let pipe = world.dialer().mode(Mode::Token).dial().await.expect("a takeover");
        let http = world.http.clone();
        let shutdown = tokio::spawn(async move { http.shutdown(Duration::from_secs(5)).await });
        tokio::task::yield_now().await;
        let (client, connection) = h2::client::handshake(pipe).await.expect("HTTP/2");
        tokio::spawn(async move { drop(connection.await) });
        let (answer, mut body) =
            client.ready().await.unwrap().send_request(head("EmptyCall", None), false).unwrap();
        body.send_data(Bytes::from_static(&[0; 5]), true).unwrap();
        let mut answer = answer.await.unwrap_or_else(|error| panic!("round {round}: {error}")).into_body();
        while let Some(data) = answer.data().await {
            data.expect("a message");
        }
        assert_eq!(answer.trailers().await.unwrap().expect("trailers")["grpc-status"], "0");
        drop(body);
        assert_eq!(shutdown.await.unwrap().forced, 0);
    }
}

/// T28: calls beyond `max_streams` wait at the client, and streams that come and go in masses bring nobody else down.
#[tokio::test]
async fn streams_are_bounded() {
    let stuck = Stuck::default();
    let world = World::serve(stuck.server().configure(|config| config.max_streams = 10)).await;
    let channel = world.dialer().channel();
    TestServiceClient::new(channel.clone()).empty_call(Empty {}).await.expect("an answer");
    let waiting: Vec<_> = (0..50)
        .map(|_| {
            let mut client = TestServiceClient::new(channel.clone());
            tokio::spawn(async move { client.unary_call(SimpleRequest::default()).await })
        })
        .collect();
    sleep(Duration::from_millis(200)).await;
    assert_eq!(stuck.0.begun(), 1 + 10);
    waiting.iter().for_each(tokio::task::JoinHandle::abort);

    let mut hostile = by_hand(&world, 65_535).await;
    for n in 0..5000 {
        match hostile.send_request(head("UnaryCall", None), false) {
            Ok(reset) => drop(reset),
            Err(_) => break,
        }
        if n % 50 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let began = Instant::now();
    TestServiceClient::new(world.dialer().channel()).empty_call(Empty {}).await.expect("beside it");
    assert!(began.elapsed() < Duration::from_secs(1), "after {:?}", began.elapsed());
    stuck.0.idle_after(12, Duration::from_secs(2)).await;
}
