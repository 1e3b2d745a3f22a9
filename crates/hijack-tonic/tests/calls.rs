//! All four kinds of calls over a taken-over connection, between hijack's own server and client.

#![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

mod support;

use futures_util::{StreamExt, stream};
use hijack_tonic::Mode;
use hijack_tonic::interop::test_service_client::TestServiceClient;
use hijack_tonic::interop::{
    EchoStatus, Empty, Payload, ResponseParameters, SimpleRequest, StreamingInputCallRequest,
    StreamingOutputCallRequest,
};
use hijack_tonic::reverse::{Agent, AgentRegistry};
use hijack_tonic::tonic::service::Routes;
use support::World;
use tonic::Code;

fn payload(len: usize) -> Option<Payload> {
    Some(Payload { r#type: 0, body: vec![0; len] })
}

fn outputs(sizes: impl IntoIterator<Item = i32>) -> StreamingOutputCallRequest {
    let wanted = |size| ResponseParameters { size, ..Default::default() };
    StreamingOutputCallRequest {
        response_parameters: sizes.into_iter().map(wanted).collect(),
        ..Default::default()
    }
}

/// Unary, server stream, client stream, and both: payloads, order, metadata, status, trailers.
async fn four_kinds<C>(channel: C)
where
    C: tonic::client::GrpcService<tonic::body::Body>,
    C::Error: Into<tonic::codegen::StdError>,
    C::ResponseBody: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    <C::ResponseBody as http_body::Body>::Error: Into<tonic::codegen::StdError> + Send,
{
    let mut client = TestServiceClient::new(channel);
    client.empty_call(Empty {}).await.expect("nothing for nothing");

    let large = SimpleRequest { response_size: 314_159, payload: payload(271_828), ..Default::default() };
    let mut request = tonic::Request::new(large);
    request.metadata_mut().insert("x-grpc-test-echo-initial", "initial".parse().unwrap());
    let answer = client.unary_call(request).await.expect("an answer");
    assert_eq!(answer.metadata().get("x-grpc-test-echo-initial").unwrap(), "initial");
    assert_eq!(answer.get_ref().payload.as_ref().unwrap().body.len(), 314_159);

    let mut request = tonic::Request::new(outputs([31415, 9, 2653, 58979]));
    let echoed = tonic::metadata::MetadataValue::from_bytes(&[0, 1, 0xff]);
    request.metadata_mut().insert_bin("x-grpc-test-echo-trailing-bin", echoed.clone());
    let mut answers = client.streaming_output_call(request).await.expect("answers").into_inner();
    let mut sizes = Vec::new();
    while let Some(answer) = answers.message().await.expect("a message") {
        sizes.push(answer.payload.unwrap().body.len());
    }
    assert_eq!(sizes, [31415, 9, 2653, 58979]);
    let trailers = answers.trailers().await.expect("trailers").expect("some");
    assert_eq!(trailers.get_bin("x-grpc-test-echo-trailing-bin").unwrap(), &echoed);

    let inputs = [27182, 8, 1828, 45904]
        .map(|len| StreamingInputCallRequest { payload: payload(len), expect_compressed: None });
    let answer = client.streaming_input_call(stream::iter(inputs)).await.expect("an answer");
    assert_eq!(answer.get_ref().aggregated_payload_size, 74922);

    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let asked = stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) });
    let mut answers = client.full_duplex_call(asked).await.expect("answers").into_inner();
    for size in [31415, 9, 2653, 58979] {
        sender.send(outputs([size])).await.expect("a call under way");
        let answer = answers.message().await.expect("a message").expect("not the end");
        assert_eq!(answer.payload.unwrap().body.len(), size as usize, "each answered before the next");
    }
    drop(sender);
    assert!(answers.message().await.expect("success").is_none());

    let status = EchoStatus {
        code: 2,
        message: "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n".into(),
    };
    let failing = SimpleRequest { response_status: Some(status.clone()), ..Default::default() };
    let failed = client.unary_call(failing).await.expect_err("a failure");
    assert_eq!((failed.code(), failed.message()), (Code::Unknown, &*status.message));
    let failing = StreamingOutputCallRequest { response_status: Some(status), ..outputs([1]) };
    let mut answers = client.full_duplex_call(stream::iter([failing])).await.unwrap().into_inner();
    assert!(answers.next().await.expect("a message").is_ok());
    assert_eq!(answers.next().await.expect("a status").expect_err("a failure").code(), Code::Unknown);

    let failed = client.unimplemented_call(Empty {}).await.expect_err("not implemented");
    assert_eq!(failed.code(), Code::Unimplemented);
}

#[tokio::test]
async fn four_kinds_by_token() {
    let world = World::start().await;
    four_kinds(world.dialer().mode(Mode::Token).channel()).await;
}

#[tokio::test]
async fn four_kinds_by_websocket() {
    let world = World::start().await;
    four_kinds(world.dialer().mode(Mode::WebSocket).channel()).await;
}

#[tokio::test]
async fn four_kinds_by_connect() {
    let grpc = support::grpc().connect(["demo.hijack.test:80"]);
    let world = World::serve(grpc).await;
    let dialer = world.dialer().mode(Mode::Connect).connect_to("demo.hijack.test:80".parse().unwrap());
    four_kinds(dialer.channel()).await;
}

/// The connector alone, under tonic's own channel.
#[tokio::test]
async fn four_kinds_by_tonics_own_channel() {
    let world = World::start().await;
    let endpoint = tonic::transport::Endpoint::from_static("http://services");
    let channel = endpoint.connect_with_connector(world.dialer()).await.expect("a connection");
    four_kinds(channel).await;
}

/// T2: against the direction of the connection.
#[tokio::test]
async fn four_kinds_of_an_agent() {
    let registry = AgentRegistry::new();
    let listener = hijack::Listener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/agents", listener.local_address());
    let agents = registry.clone();
    tokio::spawn(async move { hijack::Server::new().serve_service(listener, agents).await });
    for mode in [Mode::Token, Mode::WebSocket] {
        let name = format!("{mode:?}");
        let agent = Agent::new(&url, &name).expect("a URL and a name").dial(|dialer| dialer.mode(mode));
        tokio::spawn(async move { agent.serve(Routes::new(hijack_tonic::interop::server())).await });
        let came = registry.wait_for(&name, std::time::Duration::from_secs(5)).await;
        four_kinds(came.unwrap_or_else(|| panic!("{name} does not come"))).await;
    }
}
