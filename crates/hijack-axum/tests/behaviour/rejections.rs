//! Where there is no takeover, the client is told why.

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get as on_get};
use hijack_axum::{Hijacker, NotTaken};
use http_body_util::BodyExt;
use tokio::io::AsyncWriteExt;
use tokio::task::JoinHandle;

use crate::support::{answered, bracket, connect, get, listen, request, say, serve, soon, upgrade, values};

/// A hijacker that outlived its request.
type Kept = Arc<Mutex<Option<Hijacker>>>;

fn app() -> Router {
    Router::new()
        .route("/raw", on_get(|hijacker: Hijacker| async { hijacker.take_over_with(bracket) }))
        .route("/maybe", on_get(maybe))
        .route("/twice", on_get(twice))
        .route("/keep", on_get(keep))
        .route("/kept", on_get(kept))
        .route("/upgrade", any(offer))
        .route("/upgrade-inside", on_get(offer_inside))
        .route("/tunnel", any(|hijacker: Hijacker| async { hijacker.tunnel().take_over_with(bracket) }))
        .with_state(Kept::default())
}

async fn maybe(hijacker: Option<Hijacker>) -> Response {
    match hijacker {
        Some(hijacker) => hijacker.take_over_with(bracket),
        None => "no takeover here".into_response(),
    }
}

async fn twice(hijacker: Hijacker) -> Result<(), NotTaken> {
    let mut conn = hijacker.clone().take_over().await?;
    let again = hijacker.clone().take_over().await.unwrap_err();
    let typed = hijacker.protocols(["chat"]).take_over().await.unwrap_err();
    let told = format!("{again}; {typed}; {}", typed.0.status());
    conn.write_all(told.as_bytes()).await.unwrap();
    Ok(())
}

async fn keep(State(kept): State<Kept>, hijacker: Hijacker) {
    *kept.lock().unwrap() = Some(hijacker);
}

async fn kept(State(kept): State<Kept>) -> Result<(), NotTaken> {
    let hijacker = kept.lock().unwrap().take().unwrap();
    assert_eq!(hijacker.peer(), hijack::Peer::Unknown);
    hijacker.take_over().await.map(drop)
}

async fn offer(hijacker: Hijacker) -> Response {
    hijacker.protocols(["chat", "echo/2"]).take_over_with(bracket)
}

async fn offer_inside(hijacker: Hijacker) -> Result<(), NotTaken> {
    let conn = hijacker.protocols(["chat", "echo/2"]).take_over().await?;
    bracket(conn).await.unwrap();
    Ok(())
}

async fn serve_by_hyper() -> (SocketAddr, JoinHandle<()>) {
    let (listener, at) = listen().await;
    (at, tokio::spawn(async { axum::serve(listener, app()).into_future().await.unwrap() }))
}

const NOT_SERVED_BY_HIJACK: &str =
    "this connection cannot be taken over: serve the app with hijack_axum::serve instead of axum::serve\n";

#[tokio::test]
async fn served_by_axum() {
    let (at, serving) = serve_by_hyper().await;
    for target in ["/raw", "/upgrade", "/upgrade-inside", "/tunnel"] {
        let answer = say(at, get(target, &upgrade("chat"))).await;
        assert_eq!(answered(&answer), (500, NOT_SERVED_BY_HIJACK), "{target}");
    }
    assert_eq!(answered(&say(at, get("/maybe", "")).await), (200, "no takeover here"));
    serving.abort();
}

#[tokio::test]
async fn streams_of_http_2() {
    let (at, serving) = serve_by_hyper().await;
    let (mut requests, connection) = h2::client::handshake(connect(at).await).await.unwrap();
    tokio::spawn(connection);
    let mut ask = async |target: &str| {
        let request = axum::http::Request::get(format!("http://a{target}")).body(()).unwrap();
        let (answer, _) = requests.send_request(request, true).unwrap();
        let (head, mut body) = answer.await.unwrap().into_parts();
        let mut text = Vec::new();
        while let Some(data) = body.data().await {
            text.extend(data.unwrap());
        }
        (head.status.as_u16(), String::from_utf8(text).unwrap())
    };
    let sentence = "a stream of HTTP/2 cannot be taken over: ask for this over HTTP/1.1\n";
    assert_eq!(soon("an answer", ask("/raw")).await, (505, sentence.into()));
    assert_eq!(soon("an answer", ask("/maybe")).await, (200, "no takeover here".into()));
    serving.abort();
}

/// Ours refuses whole connections of HTTP/2, in words of HTTP/1.1.
#[tokio::test]
async fn connections_of_http_2() {
    let at = serve(app()).await;
    let answer = say(at, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert_eq!(answered(&answer), (505, "HTTP/2 is not spoken here: ask over HTTP/1.1\n"));
    assert_eq!(values(&answer, "connection"), ["close"]);
    let (mut requests, connection) = h2::client::handshake(connect(at).await).await.unwrap();
    let serving = tokio::spawn(connection);
    let request = axum::http::Request::get("http://a/raw").body(()).unwrap();
    let (answer, _) = requests.send_request(request, true).unwrap();
    assert!(soon("a failure", answer).await.is_err());
    assert!(soon("the end", serving).await.unwrap().is_err());
}

#[tokio::test]
async fn a_second_takeover() {
    let at = serve(app()).await;
    let late = "the connection was already taken over";
    let answer = say(at, get("/twice", &upgrade("chat"))).await;
    assert_eq!(answer, format!("{late}; {late}; 500 Internal Server Error"));
}

/// The connection of a request that was answered is the next one's.
#[tokio::test]
async fn behind_the_answer() {
    let at = serve(app()).await;
    let answers = say(at, get("/keep", "") + &get("/kept", "")).await;
    let second = &answers[answers.rfind("HTTP/1.1").unwrap()..];
    assert_eq!(answered(second), (500, "the answer is already complete\n"));
}

/// RFC 9110 §15.5.22: a 426 names the protocols.
#[tokio::test]
async fn upgrades_refused() {
    let at = serve(app()).await;
    let http10 = |target: &str| format!("GET {target} HTTP/1.0\r\n{}\r\n", upgrade("chat"));
    for target in ["/upgrade", "/upgrade-inside"] {
        let asked = [
            (get(target, ""), "the request offers no upgrade\n"),
            (get(target, "Upgrade: chat\r\n"), "the request offers no upgrade\n"),
            (get(target, &upgrade("websocket, h2c")), "none of the offered protocols is supported here\n"),
            (http10(target), "an upgrade needs HTTP/1.1\n"),
        ];
        for (asked, sentence) in asked {
            let answer = say(at, &asked).await;
            assert_eq!(answered(&answer), (426, sentence), "{asked}");
            assert_eq!(values(&answer, "upgrade"), ["chat, echo/2"]);
            assert!(values(&answer, "connection").iter().any(|it| it.contains("upgrade")), "{answer}");
        }
    }
}

/// RFC 9110 §7.8: the protocol begins behind the request, all of it.
#[tokio::test]
async fn upgrades_before_the_body_was_read() {
    let at = serve(app()).await;
    let fields = upgrade("chat") + "Content-Length: 4\r\n";
    let answer = say(at, request("POST", "/upgrade", &fields) + "body").await;
    assert_eq!(answered(&answer), (400, "the request's body is to be read before the upgrade\n"));
}

/// RFC 9110 §15.5.6: a 405 names the method.
#[tokio::test]
async fn tunnels_refused() {
    let at = serve(app()).await;
    let answer = say(at, get("/tunnel", "")).await;
    assert_eq!(answered(&answer), (405, "only CONNECT opens a tunnel\n"));
    assert_eq!(values(&answer, "allow"), ["CONNECT"]);
    let answer = say(at, request("CONNECT", "/tunnel", "Content-Length: 4\r\n") + "body").await;
    assert_eq!(answered(&answer), (400, "CONNECT with a body\n"));
}

/// A refusal is an ordinary answer: the connection goes on.
#[tokio::test]
async fn a_refusal_and_then_a_takeover() {
    let at = serve(app()).await;
    let answer = say(at, get("/upgrade", "") + &get("/raw", "") + "early").await;
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
    assert!(
        answer.ends_with("supported here\n[early]") || answer.ends_with("no upgrade\n[early]"),
        "{answer}"
    );
}

/// The rejection as a value: [`hijack_axum::HijackerRejection`] outside of any server.
#[tokio::test]
async fn a_request_from_nowhere() {
    use tower::ServiceExt;
    let request = axum::http::Request::get("/raw").body(axum::body::Body::empty()).unwrap();
    let response = app().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 500);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, NOT_SERVED_BY_HIJACK);
}
