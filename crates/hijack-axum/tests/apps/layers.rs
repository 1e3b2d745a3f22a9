//! What tower-http puts around apps: CORS, compression, decompression, identifiers, limits, panics.

use std::time::Duration;

use axum::Router;
use axum::http::{HeaderName, Method};
use axum::routing::{get as on_get, post};
use tower::ServiceBuilder;
use tower_http::ServiceBuilderExt;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{Any, CorsLayer};
use tower_http::decompression::RequestDecompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::normalize_path::NormalizePathLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::TraceLayer;

use crate::compare::{compare, pipeline, talk};
use crate::wire::{ask, get};

const ID: HeaderName = HeaderName::from_static("x-request-id");

fn app() -> Router {
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::PUT])
        .max_age(Duration::from_secs(60));
    let server = axum::http::HeaderValue::from_static("an app");
    let layers = ServiceBuilder::new()
        .layer(SetRequestIdLayer::new(ID, MakeRequestUuid))
        .layer(TraceLayer::new_for_http())
        .layer(PropagateRequestIdLayer::new(ID))
        .layer(SetResponseHeaderLayer::overriding(axum::http::header::SERVER, server))
        .layer(cors)
        .layer(CompressionLayer::new())
        .layer(RequestDecompressionLayer::new())
        .layer(CatchPanicLayer::new())
        .layer(RequestBodyLimitLayer::new(10_000))
        .map_response_body(axum::body::Body::new)
        .layer(NormalizePathLayer::trim_trailing_slash());
    Router::new()
        .route("/text", on_get(|| async { "a text that is worth it. ".repeat(500) }))
        .route("/short", on_get(|| async { "short" }))
        .route("/panic", on_get(|| async { panic!("a handler's panic, which is caught") as &str }))
        .route("/count", post(|body: String| async move { body.len().to_string() }))
        .layer(layers)
}

fn known(ask: crate::wire::Ask) -> crate::wire::Ask {
    ask.field("X-Request-Id: known")
}

/// A preflight and what follows it.
#[tokio::test]
async fn cors() {
    let preflight = || {
        known(ask("OPTIONS", "/text"))
            .field("Origin: http://other.test")
            .field("Access-Control-Request-Method: PUT")
    };
    compare(
        app,
        [
            talk("preflight", [preflight(), known(get("/short")).field("Origin: http://other.test")]),
            talk("no preflight", [known(ask("OPTIONS", "/text")), known(get("/short"))]),
            pipeline("a pair", [preflight(), known(get("/short"))]),
        ],
    )
    .await;
}

#[tokio::test]
async fn compression() {
    let accepting = |path: &str, coding: &str| known(get(path)).field(format!("Accept-Encoding: {coding}"));
    let text = |coding| accepting("/text", coding);
    let head = known(ask("HEAD", "/text")).field("Accept-Encoding: gzip");
    compare(
        app,
        [
            talk("every coding", [text("gzip"), text("deflate"), text("br"), text("zstd"), text("identity")]),
            talk("too short", [accepting("/short", "gzip"), head, text("gzip")]),
            talk("HTTP/1.0", [text("gzip").http10()]).differs("says that it closes"),
            pipeline("a pair", [text("gzip"), text("br")]),
        ],
    )
    .await;
}

#[tokio::test]
async fn limits_panics_and_identifiers() {
    let count = || known(ask("POST", "/count"));
    // An empty gzip stream, which is nothing unpacked.
    let packed = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    compare(
        app,
        [
            talk("within", [count().body("four"), count().chunks(["fo", "ur"])]),
            talk("beyond", [count().body(vec![b'x'; 10_001]).expecting().gives(413)])
                .differs("says that it closes"),
            talk("beyond, in chunks", [count().chunks([vec![b'x'; 10_001]]).expecting().gives(413)]),
            talk("packed", [count().field("Content-Encoding: gzip").body(packed), known(get("/short"))]),
            talk("panics", [known(get("/panic")).gives(500), known(get("/short"))]),
        ],
    )
    .await;
}
