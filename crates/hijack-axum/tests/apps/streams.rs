//! Answers that come piece by piece: server-sent events, long streams, trailers.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::sse::{Event, Sse};
use axum::routing::get as on_get;
use futures_util::stream::{self, Stream, StreamExt};
use http_body_util::{BodyExt, StreamBody};

use crate::compare::{compare, ours, pipeline, talk};
use crate::wire::{Answer, ask, get};

fn app() -> Router {
    Router::new()
        .route("/events", on_get(events))
        .route("/stream", on_get(long))
        .route("/large", on_get(|| async { vec![b'l'; LARGE] }))
        .route("/trailers", on_get(trailers))
        .route("/named-trailers", on_get(|| async { ([("trailer", "x-sum")], trailers().await) }))
        .route("/echo", axum::routing::post(|body: Body| async { body }))
        .route("/empty", on_get(|| async { Body::from_stream(stream::empty::<Result<Bytes, Infallible>>()) }))
}

const LARGE: usize = 3 * 1024 * 1024;

async fn events() -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let event = |number: u32| {
        Event::default().id(number.to_string()).event("count").data(format!("{number}\nof ten"))
    };
    Sse::new(stream::iter(0..10).map(event).map(Ok).then(|event| async {
        tokio::task::yield_now().await;
        event
    }))
}

async fn long() -> Body {
    let part = |at: u32| Ok::<_, Infallible>(Bytes::from(vec![at.to_le_bytes()[0]; 10_000 + at as usize]));
    Body::from_stream(stream::iter(0..200).map(part))
}

async fn trailers() -> Body {
    let trailers = HeaderMap::from_iter([("x-sum".parse().unwrap(), HeaderValue::from_static("7"))]);
    let data = http_body::Frame::data(Bytes::from_static(b"data"));
    let frames = [data, http_body::Frame::trailers(trailers)].map(Ok::<_, Infallible>);
    Body::new(StreamBody::new(stream::iter(frames)).boxed_unsync())
}

#[tokio::test]
async fn events_and_streams() {
    compare(
        app,
        [
            talk("events", [get("/events"), ask("HEAD", "/events"), get("/events")]),
            talk("long ones", [get("/stream"), get("/large"), get("/empty"), get("/stream")]),
            talk(
                "heads",
                [ask("HEAD", "/large"), ask("HEAD", "/stream"), ask("HEAD", "/empty"), get("/empty")],
            ),
            pipeline("a pair", [get("/events"), get("/stream")]),
        ],
    )
    .await;
}

/// RFC 9112 §7.1.2: for clients that say `TE: trailers`.
#[tokio::test]
async fn trailers_travel() {
    let with = |path: &str| get(path).field("TE: trailers").field("Connection: TE");
    compare(
        app,
        [
            talk("named and asked for", [with("/named-trailers"), get("/large")]),
            talk("not named", [with("/trailers"), get("/large")]).differs("trailers unannounced"),
            talk("not asked for", [get("/named-trailers"), get("/large")]).differs("trailers unannounced"),
        ],
    )
    .await;
}

/// The answer is the request's own body, while it comes.
#[tokio::test]
async fn a_body_that_is_answered() {
    let data: Vec<u8> = (0..500_000_u32).map(|at| at.to_le_bytes()[1]).collect();
    compare(
        app,
        [
            talk("whole", [ask("POST", "/echo").body(data.clone()), get("/events")]),
            talk("chunked", [ask("POST", "/echo").chunks(data.chunks(4_321)), get("/events")]),
            talk("none", [ask("POST", "/echo"), get("/events")]),
        ],
    )
    .await;
}

/// As above for a client that waits for its 100 (RFC 9110 §10.1.1). Hyper writes the head first, and then both wait.
#[tokio::test]
async fn a_body_that_is_answered_is_asked_for_first() {
    let answers = ours(app(), &[ask("POST", "/echo").body("waited for").expecting(), get("/large")]).await;
    let statuses = |answers: &Vec<Answer>| answers.iter().map(|answer| answer.status).collect::<Vec<_>>();
    assert_eq!(answers.iter().map(statuses).collect::<Vec<_>>(), [vec![100, 200], vec![200]]);
    assert_eq!(answers[0][1].body, b"waited for");
}

/// A body that somebody holds and nobody reads is thrown away if it is short, and ends the connection if not.
#[tokio::test]
async fn a_body_that_is_held() {
    let held = Arc::new(Mutex::new(Vec::new()));
    let keeper = Arc::clone(&held);
    let hold = move |body: Body| async move {
        keeper.lock().unwrap().push(body);
        "held"
    };
    let app = Router::new().route("/", axum::routing::post(hold));
    let post = |len| ask("POST", "/").body(vec![b'h'; len]);
    let asks = [post(10), post(100_000), post(1_000_000), post(1)];
    let answers = ours(app, &asks).await;
    assert_eq!(answers.iter().map(|answers| answers[0].status).collect::<Vec<_>>(), [200, 200, 200]);
    let bodies = std::mem::take(&mut *held.lock().unwrap());
    for body in bodies {
        assert!(body.collect().await.is_err(), "its exchange is over");
    }
}

/// Toward HTTP/1.0 the end of the connection is the only end of a stream (RFC 9112 §6.3).
#[tokio::test]
async fn http_1_0() {
    compare(
        app,
        [
            talk("stream", [get("/stream").http10()]).differs("says that it closes"),
            talk("length", [get("/large").http10()]).differs("says that it closes"),
            talk("head", [ask("HEAD", "/large").http10()]).differs("says that it closes"),
        ],
    )
    .await;
}
