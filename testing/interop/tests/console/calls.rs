//! The calls of gRPC on a connection's page.

use hijack_tonic::interop::test_service_client::TestServiceClient;
use hijack_tonic::interop::{self, EchoStatus, SimpleRequest};
use hijack_tonic::tonic::service::Routes;
use hijack_tonic::{Dialer, Server};
use serde_json::json;

use crate::look::every_look;
use crate::site::Site;

#[tokio::test(flavor = "multi_thread")]
async fn shows_calls_with_what_became_of_them() {
    let listener = hijack::Listener::bind("127.0.0.1:0").await.expect("bound");
    let upstream = format!("http://{}", listener.local_address());
    let grpc = Server::new(Routes::new(interop::server()));
    let handler = move |exchange| {
        let grpc = grpc.clone();
        async move { grpc.serve(exchange).await }
    };
    tokio::spawn(async move { hijack::Server::new().serve(listener, handler).await });
    let change = |config: &mut hijack_gateway::Config| {
        config.routes[0].grpc = true;
        config.routes[0].upgrades = vec!["hijack-grpc".into()];
    };
    let Some(mut site) = Site::signed_in_with(&upstream, change).await else { return };
    let channel = Dialer::to(&format!("http://{}/grpc", site.address())).expect("a URL").channel();
    let mut client = TestServiceClient::new(channel);
    client.unary_call(SimpleRequest::default()).await.expect("an answer");
    let status = EchoStatus { code: 5, message: "no such <b>thing</b>".into() };
    let request = SimpleRequest { response_status: Some(status), ..Default::default() };
    client.unary_call(request).await.expect_err("a failure");
    site.show(1).await;
    site.browser.until("document.querySelectorAll('.calls tbody tr').length === 2").await;
    let cells = "[...document.querySelector('.calls tbody').rows].map((row) => [row.className, row.title, \
                 ...[1, 2, 4, 5].map((at) => row.cells[at].textContent)])";
    let method = "/grpc.testing.TestService/UnaryCall";
    let expected = json!([
        ["failed", "no such <b>thing</b>", method, "NOT_FOUND", "1", "0"],
        ["ok", "", method, "OK", "1", "1"]
    ]);
    assert_eq!(site.browser.eval(cells).await, expected);
    let summary = site.browser.eval("document.querySelector('.calls summary').textContent").await;
    assert_eq!(summary, "2 calls · 0 open · 1 NOT_FOUND · 1 OK");
    every_look(&mut site, "calls").await;
    site.done().await;
}
