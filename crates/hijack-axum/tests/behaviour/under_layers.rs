//! What a layer does to a handler it does to a conversation inside it, and never to one behind it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{self, Extensions, HeaderMap, StatusCode, Version};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get as on_get;
use hijack::Conn;
use hijack_axum::{Hijacker, NotTaken};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tower::limit::GlobalConcurrencyLimitLayer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::timeout::TimeoutLayer;

use crate::support::{answered, bracket, connect, everything, expect, get, say, serve, soon, values};

async fn outside(hijacker: Hijacker) -> Response {
    hijacker.take_over_with(bracket)
}

async fn inside(hijacker: Hijacker) -> Result<(), NotTaken> {
    let _ = bracket(hijacker.take_over().await?).await;
    Ok(())
}

/// The permit is back when the conversation begins.
#[tokio::test]
async fn a_permit_ends_with_the_handler() {
    let app = Router::new().route("/", on_get(outside)).layer(GlobalConcurrencyLimitLayer::new(1));
    let at = serve(app).await;
    let mut first = connect(at).await;
    first.write_all(get("/", "").as_bytes()).await.unwrap();
    expect(&mut first, "[").await;
    assert_eq!(say(at, get("/", "") + "second").await, "[second]");
    first.shutdown().await.unwrap();
    expect(&mut first, "]").await;
}

/// The permit is the conversation's: the next one begins when it has ended.
#[tokio::test]
async fn a_permit_is_held_inside_the_handler() {
    type Log = Arc<Mutex<Vec<&'static str>>>;
    let converse = |State(log): State<Log>, hijacker: Hijacker| async move {
        let conn = hijacker.take_over().await?;
        log.lock().unwrap().push("begins");
        let _ = bracket(conn).await;
        log.lock().unwrap().push("ends");
        Ok::<_, NotTaken>(())
    };
    let log = Log::default();
    let limit = GlobalConcurrencyLimitLayer::new(1);
    let app = Router::new().route("/", on_get(converse)).layer(limit).with_state(Arc::clone(&log));
    let at = serve(app).await;
    let mut first = connect(at).await;
    first.write_all(get("/", "").as_bytes()).await.unwrap();
    expect(&mut first, "[").await;
    let mut second = connect(at).await;
    second.write_all(get("/", "").as_bytes()).await.unwrap();
    second.shutdown().await.unwrap();
    first.write_all(b"still here").await.unwrap();
    expect(&mut first, "still here").await;
    first.shutdown().await.unwrap();
    expect(&mut first, "]").await;
    assert_eq!(everything(&mut second).await, "[]");
    let log = log.lock().unwrap();
    assert_eq!(log[..3], ["begins", "ends", "begins"]);
}

/// A timeout drops the conversation, and with it the connection.
#[tokio::test]
async fn a_timeout_inside_the_handler() {
    let timeout = TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, Duration::from_millis(30));
    let at = serve(Router::new().route("/", on_get(inside)).layer(timeout)).await;
    let mut client = connect(at).await;
    client.write_all(get("/", "").as_bytes()).await.unwrap();
    assert_eq!(everything(&mut client).await, "[", "closed, and no 408");
}

/// A compression that packs everything says so of the response's body, which is not what follows.
#[tokio::test]
async fn a_coding_is_not_the_conversations() {
    type Packs = fn(StatusCode, Version, &HeaderMap, &Extensions) -> bool;
    let always: Packs = |_, _, _, _| true;
    let after =
        |hijacker: Hijacker| async { hijacker.after(http::Response::new(())).take_over_with(bracket) };
    let app = Router::new().route("/", on_get(after)).route("/text", on_get(|| async { "text" }));
    let at = serve(app.layer(CompressionLayer::new().compress_when(always))).await;
    let answer = say(at, get("/", "Accept-Encoding: gzip\r\n") + "early").await;
    assert_eq!(answered(&answer), (200, "[early]"));
    assert_eq!(values(&answer, "content-encoding"), [""; 0]);
    let mut packed = connect(at).await;
    packed.write_all(get("/text", "Accept-Encoding: gzip\r\n").as_bytes()).await.unwrap();
    packed.shutdown().await.unwrap();
    let mut answer = Vec::new();
    soon("the end", packed.read_to_end(&mut answer)).await.unwrap();
    assert_eq!(values(&String::from_utf8_lossy(&answer), "content-encoding"), ["gzip"], "the layer is there");
}

/// A panic inside the handler is caught, and what the layer answers is not sent: the connection is gone.
#[tokio::test]
async fn a_panic_inside_the_handler() {
    let panics = |hijacker: Hijacker| async move {
        let mut conn = hijacker.take_over().await?;
        let _ = conn.write_all(b"and then").await;
        if conn.protocol().is_none() {
            panic!("a conversation's panic, which is caught");
        }
        Ok::<_, NotTaken>(())
    };
    let app = Router::new().route("/panics", on_get(panics)).route("/", on_get(outside));
    let at = serve(app.layer(CatchPanicLayer::new())).await;
    assert_eq!(say(at, get("/panics", "")).await, "and then");
    assert_eq!(say(at, get("/", "")).await, "[]");
}

/// Tells when it is dropped.
struct Told(UnboundedSender<&'static str>);

impl Drop for Told {
    fn drop(&mut self) {
        let _ = self.0.send("dropped");
    }
}

/// A layer that answers in place of the handler's response has declined the takeover: the conversation is dropped
/// unrun, and the connection is HTTP's.
#[tokio::test]
async fn a_layer_that_declines() {
    let (sender, mut told) = unbounded_channel();
    let converse = move |hijacker: Hijacker| {
        let told = Told(sender.clone());
        async move {
            hijacker.take_over_with(move |conn: Conn| async move {
                told.0.send("ran").unwrap();
                bracket(conn).await
            })
        }
    };
    let decline = async |request: Request, next: Next| {
        drop(next.run(request).await);
        StatusCode::FORBIDDEN
    };
    let app = Router::new()
        .route("/", on_get(converse))
        .layer(middleware::from_fn(decline))
        .route("/next", on_get(|| async { "next" }));
    let at = serve(app).await;
    let answers = say(at, get("/", "") + &get("/next", "")).await;
    assert!(answers.starts_with("HTTP/1.1 403 "), "{answers}");
    let second = &answers[answers.rfind("HTTP/1.1").unwrap()..];
    assert_eq!(answered(second), (200, "next"));
    assert_eq!(soon("the drop", told.recv()).await, Some("dropped"));
}

/// Nothing of the service lives when the conversation begins: not its future, not what a layer keeps in it.
#[tokio::test]
async fn the_service_is_gone_when_the_conversation_begins() {
    let (sender, mut told) = unbounded_channel();
    let of_the_layer = sender.clone();
    let held = middleware::from_fn(move |request: Request, next: Next| {
        let told = Told(of_the_layer.clone());
        async move {
            let response = next.run(request).await;
            told.0.send("passed").unwrap();
            response
        }
    });
    let converse = move |hijacker: Hijacker| async move {
        hijacker.take_over_with(move |conn: Conn| async move {
            sender.send("ran").unwrap();
            bracket(conn).await
        })
    };
    let at = serve(Router::new().route("/", on_get(converse)).layer(held)).await;
    assert_eq!(say(at, get("/", "") + "early").await, "[early]");
    let mut order = Vec::new();
    while order.len() < 3 {
        order.push(soon("an event", told.recv()).await.unwrap());
    }
    assert_eq!(order, ["passed", "dropped", "ran"]);
}
