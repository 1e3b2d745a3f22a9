//! Both ways of takeover, of all four kinds, in nested routers and behind the usual layers, with bytes in the request's
//! packet.

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use axum::http::{self, StatusCode};
use axum::response::Response;
use axum::routing::{any, get as on_get};
use hijack_axum::{Hijacker, NotTaken};
use tower::ServiceBuilder;
use tower_http::ServiceBuilderExt;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::CorsLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;

use crate::support::{answered, bracket, get, request, say, serve, upgrade, values};

const ID: HeaderName = HeaderName::from_static("x-request-id");

fn app() -> Router {
    let layers = ServiceBuilder::new()
        .layer(SetRequestIdLayer::new(ID, MakeRequestUuid))
        .layer(TraceLayer::new_for_http())
        .layer(PropagateRequestIdLayer::new(ID))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, Duration::from_secs(10)))
        .layer(CorsLayer::permissive())
        .layer(CompressionLayer::new())
        .layer(CatchPanicLayer::new())
        .layer(RequestBodyLimitLayer::new(1_000))
        .map_response_body(axum::body::Body::new);
    let inner = Router::new()
        .route("/raw", any(|hijacker: Hijacker| async { hijacker.take_over_with(bracket) }))
        .route("/raw-inside", any(raw_inside))
        .route("/upgrade", any(upgrade_outside))
        .route("/upgrade-inside", any(upgrade_inside))
        .route("/upgrade-read", any(upgrade_read))
        .route(
            "/after",
            on_get(|hijacker: Hijacker| async { hijacker.after(head()).take_over_with(bracket) }),
        )
        .route("/after-framed", on_get(after_framed))
        .route("/after-inside", on_get(after_inside))
        .route("/tunnel", any(|hijacker: Hijacker| async { hijacker.tunnel().take_over_with(bracket) }))
        .route("/tunnel-inside", any(tunnel_inside));
    Router::new()
        .nest("/deep/{room}", inner)
        .fallback(|hijacker: Hijacker| async { hijacker.tunnel().take_over_with(bracket) })
        .layer(layers)
}

async fn raw_inside(hijacker: Hijacker) -> Result<&'static str, NotTaken> {
    bracket(hijacker.take_over().await?).await.unwrap();
    Ok("never sent")
}

async fn upgrade_outside(Path(room): Path<String>, hijacker: Hijacker) -> Response {
    let room = HeaderValue::try_from(room).unwrap();
    hijacker.protocols(["chat"]).header(HeaderName::from_static("x-room"), room).take_over_with(bracket)
}

async fn upgrade_inside(hijacker: Hijacker) -> Result<StatusCode, NotTaken> {
    let typed = hijacker.protocols(["chat"]);
    assert_eq!(typed.protocol(), Some("chat"));
    bracket(typed.take_over().await?).await.unwrap();
    Ok(StatusCode::IM_A_TEAPOT)
}

/// The body is read first, and the upgrade is then legal.
async fn upgrade_read(hijacker: Hijacker, body: Bytes) -> Response {
    let body = HeaderValue::try_from(&body[..]).unwrap();
    hijacker.protocols(["chat"]).header(HeaderName::from_static("x-body"), body).take_over_with(bracket)
}

fn head() -> http::Response<()> {
    http::Response::builder().header(CONTENT_TYPE, "application/vnd.docker.raw-stream").body(()).unwrap()
}

/// So much text that layers would pack it; two bytes of it are the brackets.
async fn after_framed(hijacker: Hijacker) -> Response {
    let head = http::Response::builder().header(CONTENT_TYPE, "text/plain").header(CONTENT_LENGTH, 102);
    hijacker.after(head.body(()).unwrap()).take_over_with(bracket)
}

async fn after_inside(hijacker: Hijacker) -> Result<(), NotTaken> {
    bracket(hijacker.after(head()).take_over().await?).await.unwrap();
    Ok(())
}

async fn tunnel_inside(hijacker: Hijacker) -> Result<(), NotTaken> {
    bracket(hijacker.tunnel().take_over().await?).await.unwrap();
    Ok(())
}

/// What layers look at when they are tempted.
const TEMPTING: &str = "Accept-Encoding: gzip\r\nOrigin: http://b\r\nX-Request-Id: seven\r\n";

#[tokio::test]
async fn raw() {
    let at = serve(app()).await;
    for target in ["/deep/a/raw", "/deep/a/raw-inside"] {
        assert_eq!(say(at, get(target, TEMPTING) + "early").await, "[early]", "{target}");
        assert_eq!(say(at, get(target, TEMPTING)).await, "[]", "{target}");
    }
}

/// A body that nobody read is there as it came.
#[tokio::test]
async fn raw_with_a_body() {
    let at = serve(app()).await;
    for target in ["/deep/a/raw", "/deep/a/raw-inside"] {
        let whole = request("POST", target, "Content-Length: 4\r\n") + "bodybehind";
        assert_eq!(say(at, whole).await, "[bodybehind]", "{target}");
        let chunked =
            request("POST", target, "Transfer-Encoding: chunked\r\n") + "4\r\nbody\r\n0\r\n\r\nbehind";
        assert_eq!(say(at, chunked).await, "[4\r\nbody\r\n0\r\n\r\nbehind]", "{target}");
        let expecting = request("POST", target, "Content-Length: 4\r\nExpect: 100-continue\r\n");
        assert_eq!(say(at, expecting).await, "[]", "{target}: no 100");
    }
}

/// RFC 9110 §7.8. The outer way's head has passed the layers, the inner way's has not.
#[tokio::test]
async fn upgrades() {
    let at = serve(app()).await;
    for (target, ids) in [("/deep/blue/upgrade", vec!["seven"]), ("/deep/blue/upgrade-inside", vec![])] {
        let answer = say(at, get(target, &(upgrade("echo, chat") + TEMPTING)) + "early").await;
        assert_eq!(answered(&answer), (101, "[early]"), "{target}");
        assert_eq!(values(&answer, "upgrade"), ["chat"], "{target}");
        assert_eq!(values(&answer, "connection"), ["Upgrade"], "{target}");
        assert_eq!(values(&answer, "content-length"), [""; 0], "{target}");
        assert_eq!(values(&answer, "content-encoding"), [""; 0], "{target}");
        assert_eq!(values(&answer, "x-request-id"), ids, "{target}");
    }
    let answer = say(at, get("/deep/blue/upgrade", &upgrade("chat"))).await;
    assert_eq!(values(&answer, "x-room"), ["blue"]);
}

#[tokio::test]
async fn upgrades_behind_a_body() {
    let at = serve(app()).await;
    let fields = upgrade("chat") + "Content-Length: 4\r\n";
    let answer = say(at, request("POST", "/deep/a/upgrade-read", &fields) + "bodyearly").await;
    assert_eq!(answered(&answer), (101, "[early]"));
    assert_eq!(values(&answer, "x-body"), ["body"]);
    let fields = upgrade("chat") + "Transfer-Encoding: chunked\r\n";
    let sent = request("POST", "/deep/a/upgrade-read", &fields) + "4\r\nbody\r\n0\r\n\r\nearly";
    assert_eq!(answered(&say(at, sent).await), (101, "[early]"));
}

#[tokio::test]
async fn heads_of_ones_own() {
    let at = serve(app()).await;
    for target in ["/deep/a/after", "/deep/a/after-inside"] {
        let answer = say(at, get(target, TEMPTING) + "early").await;
        assert_eq!(answered(&answer), (200, "[early]"), "{target}");
        assert_eq!(values(&answer, "content-type"), ["application/vnd.docker.raw-stream"], "{target}");
        for framing in ["content-length", "transfer-encoding", "content-encoding"] {
            assert_eq!(values(&answer, framing), [""; 0], "{target}");
        }
    }
}

/// What the handler says of the bytes behind its head stands, whatever layers say of the response's empty body.
#[tokio::test]
async fn heads_that_promise_a_length() {
    let at = serve(app()).await;
    let early = "x".repeat(100);
    let answer = say(at, get("/deep/a/after-framed", TEMPTING) + &early).await;
    assert_eq!(answered(&answer), (200, format!("[{early}]").as_str()));
    assert_eq!(values(&answer, "content-length"), ["102"]);
    assert_eq!(values(&answer, "content-encoding"), [""; 0]);
    assert_eq!(values(&answer, "x-request-id"), ["seven"]);
}

/// RFC 9110 §9.3.6: to an authority, which no route matches, and to a path, as Go's net/rpc asks.
#[tokio::test]
async fn tunnels() {
    let at = serve(app()).await;
    for target in ["b.test:443", "/deep/a/tunnel", "/deep/a/tunnel-inside"] {
        let answer = say(at, request("CONNECT", target, TEMPTING) + "early").await;
        assert_eq!(answered(&answer), (200, "[early]"), "{target}");
        assert_eq!(values(&answer, "content-length"), [""; 0], "{target}");
        assert_eq!(values(&answer, "transfer-encoding"), [""; 0], "{target}");
    }
}

/// Ordinary requests first, and the takeover in the same packet.
#[tokio::test]
async fn behind_other_requests() {
    let at = serve(app()).await;
    let refused = get("/deep/a/upgrade", "");
    for target in ["/deep/a/raw", "/deep/a/raw-inside"] {
        let answer = say(at, refused.repeat(3) + &get(target, "") + "early").await;
        assert_eq!(answer.matches("HTTP/1.1 426 ").count(), 3, "{answer}");
        assert!(answer.ends_with("the request offers no upgrade\n[early]"), "{answer}");
    }
}
