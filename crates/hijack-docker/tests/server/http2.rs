//! `/grpc` and `/session`: HTTP/2 in both roles behind a 101, by h2, whose prefaces are its own.

use std::future::poll_fn;

use bytes::Bytes;
use hijack::{Error, Exchange, Outcome};
use hijack_docker::server::{Http2Error, grpc, session};
use hijack_docker::{Docker, SessionOptions};
use http::{Request, Response};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::site::{Raw, docker, serve, soon};

async fn handle(exchange: Exchange) -> Result<Outcome, Error> {
    if exchange.uri().path().ends_with("/grpc") {
        return match grpc(exchange).await {
            Ok(conn) => Ok(conn.hand_off(|conn| async {
                answer_one(conn).await;
                Ok(())
            })),
            Err(refused) => refused.answer().await,
        };
    }
    let uuid = SessionOptions::requested_by(&exchange).uuid;
    match session(exchange).await {
        Ok((conn, options)) => {
            assert_eq!(options.uuid, uuid);
            let methods = options.methods.join(",");
            let said = ask_one(conn, &format!("/{}/{}/{methods}", options.name, options.shared_key)).await;
            assert_eq!(said, "you asked for /n/k//a.b/c,/d.e/f");
            Ok(Outcome::taken())
        }
        Err(refused) => refused.answer().await,
    }
}

/// An HTTP/2 server that answers one request.
async fn answer_one(io: impl AsyncRead + AsyncWrite + Unpin) {
    let mut connection = h2::server::handshake(io).await.expect("a preface");
    let (request, mut respond) = soon("a request", connection.accept()).await.expect("one").expect("whole");
    let text = format!("you asked for {}", request.uri().path());
    let mut stream = respond.send_response(Response::new(()), false).expect("open");
    stream.send_data(Bytes::from(text), true).expect("open");
    connection.graceful_shutdown();
    while soon("the end", connection.accept()).await.is_some() {}
}

/// An HTTP/2 client that asks once.
async fn ask_one(io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, path: &str) -> String {
    let (mut client, connection) = h2::client::handshake(io).await.expect("SETTINGS");
    tokio::spawn(connection);
    poll_fn(|cx| client.poll_ready(cx)).await.expect("ready");
    let request = Request::get(format!("http://docker{path}")).body(()).expect("a request");
    let (response, _) = client.send_request(request, true).expect("open");
    let mut body = soon("an answer", response).await.expect("one").into_body();
    let mut text = Vec::new();
    while let Some(data) = body.data().await {
        text.extend_from_slice(&data.expect("whole"));
    }
    String::from_utf8(text).expect("text")
}

async fn site() -> (String, Docker) {
    let address = serve(handle).await;
    (address.clone(), docker(&address))
}

#[tokio::test]
async fn the_engine_is_the_server_on_grpc() {
    let (_, docker) = site().await;
    let conn = soon("a connection", docker.grpc()).await.expect("granted");
    assert_eq!(ask_one(conn, "/x/Y").await, "you asked for /x/Y");
}

#[tokio::test]
async fn the_engine_is_the_client_of_a_session() {
    let (_, docker) = site().await;
    let mut options = SessionOptions::new("id");
    (options.name, options.shared_key) = ("n".into(), "k".into());
    options.methods = vec!["/a.b/c".into(), "/d.e/f".into()];
    let conn = soon("a session", docker.session(&options)).await.expect("granted");
    answer_one(conn).await;
}

/// The words of moby and BuildKit, and keep-alive behind them.
#[tokio::test]
async fn refusals_are_json() {
    let (address, _) = site().await;
    let mut raw = Raw::connect(&address).await;
    for (path, status, offer, text) in [
        ("/v1.44/session", "400 Bad Request", "", "no upgrade proto in request"),
        (
            "/v1.44/session",
            "400 Bad Request",
            "Connection: Upgrade\r\nUpgrade: tcp\r\n",
            "protocol tcp not supported",
        ),
        ("/grpc", "500 Internal Server Error", "", "no upgrade proto in request"),
        ("/grpc", "500 Internal Server Error", "Upgrade: h2c\r\n", "no upgrade in connection"),
    ] {
        raw.send(format!("POST {path} HTTP/1.1\r\nHost: a\r\n{offer}Content-Length: 0\r\n\r\n")).await;
        let answer = raw.until(format!("{{\"message\":\"{text}\"}}\n").as_bytes()).await;
        assert!(answer.starts_with(format!("HTTP/1.1 {status}\r\n").as_bytes()), "{}", answer.escape_ascii());
    }
}

const SWITCHED: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
const ASKED: &str = "POST /grpc HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";

/// RFC 9113 §3.4. A preface in the segment of the request is not lost; what is none ends the connection.
#[tokio::test]
async fn a_preface_is_checked() {
    let (address, _) = site().await;
    let mut raw = Raw::connect(&address).await;
    raw.send([ASKED.as_bytes(), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"].concat()).await;
    raw.expect(SWITCHED).await;
    // The server's own SETTINGS, and the acknowledgement of ours.
    raw.until(b"\0\0\0\x04\x01\0\0\0\0").await;

    for wrong in [&b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..], b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", b"PRI", b""]
    {
        let mut raw = Raw::connect(&address).await;
        raw.send([ASKED.as_bytes(), wrong].concat()).await;
        raw.end().await;
        assert_eq!(String::from_utf8_lossy(&raw.rest().await), SWITCHED, "{}", wrong.escape_ascii());
    }
}

/// An error says what came instead.
#[tokio::test]
async fn errors_say_what_came() {
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let address = serve(move |exchange| {
        let tell = tell.clone();
        async move {
            let error = grpc(exchange).await.expect_err("no preface");
            tell.send(format!("{error}, {}", matches!(error, Http2Error::Unexpected(_)))).expect("heard");
            error.answer().await
        }
    })
    .await;
    let mut raw = Raw::connect(&address).await;
    raw.send([ASKED, "SSH-2.0-OpenSSH_9.2\r\n and more"].concat()).await;
    let said = soon("an error", told.recv()).await.expect("one");
    assert_eq!(
        said,
        "it should begin with HTTP/2's preface, and begins with \"SSH-2.0-OpenSSH_9.2\\r\\n an\", true"
    );
}
