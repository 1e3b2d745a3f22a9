//! Connections taken over in moby's way, by grpc-go: it calls on `/grpc`, and is called on `/session`.

use std::future::Future;
use std::time::Duration;

use futures_util::{Stream, stream};
use hijack::{Conn, Error, Exchange, Listener, Outcome};
use hijack_docker::{SessionOptions, server};
use hijack_interop::foreign::Foreign;
use hijack_interop::grpc::{Client, Way, demo};
use hijack_tonic::interop::test_service_client::TestServiceClient;
use hijack_tonic::interop::{
    self, EchoStatus, Payload, ResponseParameters, SimpleRequest, StreamingInputCallRequest,
    StreamingOutputCallRequest, StreamingOutputCallResponse,
};
use hijack_tonic::tonic::{Code, service::Routes};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::sync::mpsc;
use tonic::Streaming;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

use crate::USUAL;

/// The demo's `/grpc` takes `h2c` beside the other tokens; both proxies pass it.
#[test]
fn go_calls_on_grpc() {
    let Some(demo) = demo() else { return };
    let nginx = Foreign::nginx_before(demo.address(), USUAL);
    let haproxy = Foreign::haproxy_before(demo.address());
    let proxies = [&nginx, &haproxy].into_iter().flatten().map(|proxy| proxy.base().to_owned());
    for base in proxies.chain([demo.base()]) {
        let Some(said) = Client::Go.run(&Way::straight(&format!("{base}/grpc")), &[]) else { return };
        println!("{base}: {said}");
    }
}

/// The same, on the `/grpc` that an engine builds with hijack-docker.
#[test]
fn go_calls_on_an_engines_grpc() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let base = runtime.block_on(serve(|exchange| async move {
        let conn = match server::grpc(exchange).await {
            Ok(conn) => conn,
            Err(error) => return error.answer().await,
        };
        let routes = TowerToHyperService::new(Routes::new(interop::server()));
        let served = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(conn), routes)
            .await;
        served.map(|()| Outcome::taken()).map_err(Error::other)
    }));
    // Without `small_frames`: what keeps a connection alive under them is hijack-tonic's, and this is bare hyper.
    let cases =
        ["unary", "server_streaming", "client_streaming", "ping_pong", "status", "deadline", "cancel"];
    if let Some(said) = Client::Go.run(&Way::straight(&format!("{base}/grpc")), &cases) {
        println!("{said}");
    }
}

/// Whoever dialled is the server: all four kinds, and a status, until we end the session.
#[test]
fn go_is_called_on_session() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let (sender, mut sessions) = mpsc::channel(1);
    let base = runtime.block_on(serve(move |exchange| {
        let sender = sender.clone();
        async move {
            match server::session(exchange).await {
                Ok(session) => {
                    sender.send(session).await.map_err(|_| Error::other("nobody waits for it"))?;
                    Ok(Outcome::taken())
                }
                Err(error) => error.answer().await,
            }
        }
    }));
    let calls = runtime.spawn(async move {
        let session = tokio::time::timeout(Duration::from_secs(60), sessions.recv()).await;
        let session = session.expect("it dials in time").expect("a session");
        tokio::time::timeout(Duration::from_secs(20), call(session)).await.expect("it is answered in time");
    });
    let Some(said) = Client::Go.run(&Way::straight(&format!("{base}/session")), &[]) else { return };
    runtime.block_on(calls).expect("every call is answered");
    assert!(said.contains("ok session"), "{said}");
}

async fn call((conn, options): (Conn, SessionOptions)) {
    assert_eq!((&*options.uuid, &*options.name), ("0123456789abcdef", "grpcgo"));
    assert_eq!(options.methods[1], "/grpc.testing.TestService/FullDuplexCall");
    let mut client = TestServiceClient::new(channel(conn).await);

    let asked = SimpleRequest { response_size: 314_159, payload: payload(271_828), ..Default::default() };
    let answer = client.unary_call(asked).await.expect("an answer").into_inner();
    assert_eq!(answer.payload.expect("a payload").body.len(), 314_159);

    let status = EchoStatus { code: 2, message: "whoever dialled \u{263a}".into() };
    let asked = SimpleRequest { response_status: Some(status), ..Default::default() };
    let error = client.unary_call(asked).await.expect_err("a status");
    assert_eq!((error.code(), error.message()), (Code::Unknown, "whoever dialled \u{263a}"));

    let inputs = [27_182, 8, 1_828, 45_904]
        .map(|len| StreamingInputCallRequest { payload: payload(len), ..Default::default() });
    let answer = client.streaming_input_call(stream::iter(inputs)).await.expect("an answer");
    assert_eq!(answer.into_inner().aggregated_payload_size, 74_922);

    let outputs = client.streaming_output_call(wants(&[31_415, 9, 2_653])).await.expect("an answer");
    assert_eq!(lengths(outputs.into_inner()).await, [31_415, 9, 2_653]);

    let (turns, waiting) = mpsc::channel(1);
    // grpc-go sends no head before it has an answer.
    turns.send(wants(&[0])).await.expect("room for one");
    let duplex = client.full_duplex_call(all_of(waiting)).await.expect("an answer");
    let mut outputs = duplex.into_inner();
    for size in 0..1_000 {
        let output = outputs.message().await.expect("no error").expect("an answer");
        assert_eq!(output.payload.expect("a payload").body.len(), size);
        turns.send(wants(&[size + 1])).await.expect("still open");
    }
    outputs.message().await.expect("no error").expect("the last answer");
    drop(turns);
    assert_eq!(outputs.message().await.expect("no error"), None);
}

fn payload(len: usize) -> Option<Payload> {
    Some(Payload { r#type: 0, body: vec![0; len] })
}

fn wants(sizes: &[usize]) -> StreamingOutputCallRequest {
    let wanted = |&size: &usize| ResponseParameters {
        size: i32::try_from(size).expect("a small size"),
        ..Default::default()
    };
    let response_parameters = sizes.iter().map(wanted).collect();
    StreamingOutputCallRequest { response_parameters, ..Default::default() }
}

async fn lengths(mut outputs: Streaming<StreamingOutputCallResponse>) -> Vec<usize> {
    let mut lengths = Vec::new();
    while let Some(output) = outputs.message().await.expect("no error") {
        lengths.push(output.payload.expect("a payload").body.len());
    }
    lengths
}

fn all_of<T>(receiver: mpsc::Receiver<T>) -> impl Stream<Item = T> {
    stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) })
}

/// tonic's own channel over the one connection that there is.
async fn channel(conn: Conn) -> Channel {
    let mut conn = Some(TokioIo::new(conn));
    let given = service_fn(move |_| {
        let conn = conn.take().ok_or_else(|| std::io::Error::other("it is gone, and cannot be dialled"));
        async move { conn }
    });
    Endpoint::from_static("http://session").connect_with_connector(given).await.expect("HTTP/2")
}

/// A server for the rest of the runtime's life, by its URL.
async fn serve<F>(handler: impl Fn(Exchange) -> F + Clone + Send + Sync + 'static) -> String
where
    F: Future<Output = Result<Outcome, Error>> + Send + 'static,
{
    let listener = Listener::bind("127.0.0.1:0").await.expect("a port is free");
    let base = format!("http://{}", listener.local_address());
    tokio::spawn(async move { hijack::Server::new().serve(listener, handler).await });
    base
}
