//! gRPC through a gateway that lists its calls: tonic on both ends, in each way to take a connection over.

use hijack::Listener;
use hijack_interop::gateway::Program;
use hijack_tonic::interop::test_service_client::TestServiceClient;
use hijack_tonic::interop::{
    self, EchoStatus, ResponseParameters, SimpleRequest, StreamingOutputCallRequest,
};
use hijack_tonic::tonic::Code;
use hijack_tonic::tonic::service::Routes;
use hijack_tonic::{Dialer, Mode};
use serde_json::Value;

/// The official test service on `/grpc`.
async fn upstream() -> String {
    let listener = Listener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_address());
    let grpc = hijack_tonic::Server::new(Routes::new(interop::server()));
    tokio::spawn(async move {
        let handler = move |exchange| {
            let grpc = grpc.clone();
            async move { grpc.serve(exchange).await }
        };
        hijack::Server::new().serve(listener, handler).await;
    });
    base
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_listed_in_every_way() {
    let upstream = upstream().await;
    let Some(gateway) = Program::before(&upstream, "grpc = true") else { return };
    for (mode, protocol) in [(Mode::Token, "hijack-grpc"), (Mode::WebSocket, "websocket")] {
        let dialer = Dialer::to(&format!("{}/grpc", gateway.base())).expect("a URL").mode(mode);
        let channel = dialer.channel();
        talk(TestServiceClient::new(channel.clone())).await;
        let path = format!("/api/connections?filter=protocol={protocol}");
        let id = &gateway.ask(&path)["connections"][0]["id"];
        let view = gateway.ask(&format!("/api/connections/{id}"));
        assert_eq!(lines(&view["calls"]["list"]), EXPECTED, "{view}");
        assert_eq!(view["calls"]["ended"], serde_json::json!({ "OK": 2, "NOT_FOUND": 1 }), "{view}");
        assert_eq!(view["calls"]["lost"], Value::Null, "{view}");
        drop(channel);
    }
}

/// Method, messages each way, status, and what was said.
const EXPECTED: [&str; 3] =
    ["UnaryCall 1 1 OK ", "UnaryCall 1 0 NOT_FOUND none ☺", "StreamingOutputCall 1 1000 OK "];

async fn talk(mut client: TestServiceClient<hijack_tonic::Channel>) {
    let request = SimpleRequest { response_size: 100_000, ..Default::default() };
    client.unary_call(request).await.expect("an answer");
    let status = EchoStatus { code: 5, message: "none ☺".into() };
    let request = SimpleRequest { response_status: Some(status), ..Default::default() };
    let failed = client.unary_call(request).await.expect_err("a failure");
    assert_eq!(failed.code(), Code::NotFound);
    let wanted = ResponseParameters { size: 1_000, ..Default::default() };
    let response_parameters = vec![wanted; 1_000];
    let request = StreamingOutputCallRequest { response_parameters, ..Default::default() };
    let mut answers = client.streaming_output_call(request).await.expect("answers").into_inner();
    let mut count = 0;
    while answers.message().await.expect("a message").is_some() {
        count += 1;
    }
    assert_eq!(count, 1_000);
}

fn lines(list: &Value) -> Vec<String> {
    let text = |call: &Value, name: &str| call[name].as_str().unwrap_or_default().to_owned();
    let line = |call: &Value| {
        let method = text(call, "method");
        let method = method.strip_prefix("/grpc.testing.TestService/").unwrap_or(&method);
        let (came, went) = (&call["messages_in"], &call["messages_out"]);
        format!("{method} {came} {went} {} {}", text(call, "status"), text(call, "message"))
    };
    list.as_array().into_iter().flatten().map(line).collect()
}
