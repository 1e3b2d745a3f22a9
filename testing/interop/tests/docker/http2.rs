//! Behaviour 22: HTTP/2 over connections that were HTTP/1.1, in both roles.

use std::time::Duration;

use hijack_docker::{Error, SessionOptions};
use http::{Request, StatusCode};

use crate::site::{Site, soon};

/// The daemon is the server: it answers a call of gRPC.
pub(crate) async fn grpc(site: Site) {
    let conn = soon("a connection", site.docker.grpc()).await.expect("granted");
    assert_eq!(conn.unread()[3], 4, "SETTINGS were checked, and left");
    let (mut client, connection) = h2::client::handshake(conn).await.expect("HTTP/2");
    tokio::spawn(connection);
    let request = Request::post("http://docker/grpc.health.v1.Health/Check")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(())
        .expect("a request");
    let (answer, mut body) = client.send_request(request, false).expect("open");
    body.send_data(bytes::Bytes::from_static(&[0; 5]), true).expect("open");
    let answer = soon("an answer", answer).await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-type"], "application/grpc");
    let error = site.docker.attach("nope", &Default::default()).await.expect_err("goes on beside it");
    assert_eq!(error.status(), Some(StatusCode::NOT_FOUND));
}

/// The daemon is the client: its preface is there, and it asks for our health over HTTP/2. An id that is in use is
/// refused.
pub(crate) async fn session(site: Site) {
    let mut options = SessionOptions::new("hijack-test-session");
    options.name = "test".into();
    options.methods = vec!["/grpc.health.v1.Health/Check".into()];
    let conn = soon("a connection", site.docker.session(&options)).await.expect("granted");
    assert!(conn.unread().starts_with(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "the preface is left");
    let again = soon("an answer", site.docker.session(&options)).await.expect_err("it is in use");
    assert!(matches!(&again, Error::Daemon { status: StatusCode::BAD_REQUEST, .. }), "{again:?}");

    let mut server = soon("HTTP/2", h2::server::handshake(conn)).await.expect("HTTP/2");
    let asked = tokio::time::timeout(Duration::from_secs(20), server.accept()).await.expect("a health check");
    let (request, mut respond) = asked.expect("open").expect("a request");
    assert_eq!(request.uri().path(), "/grpc.health.v1.Health/Check");
    respond.send_reset(h2::Reason::REFUSED_STREAM);
    drop((request, respond, server));

    options.uuid = "line\nbreak".into();
    assert!(matches!(site.docker.session(&options).await, Err(Error::Config(_))));
}
