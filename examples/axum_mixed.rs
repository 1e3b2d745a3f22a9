//! Ordinary routes and takeovers in one axum app, with state and middleware: the layers see an ordinary answer, and
//! their timeouts and limits end where the conversation begins.
//!
//! cargo run --example axum_mixed
//! curl http://127.0.0.1:3000/count; curl -i http://127.0.0.1:3000/dial

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use hijack::{Error, Listener};
use hijack_axum::Hijacker;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;

type Count = Arc<AtomicU64>;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:3000".into());
    let listener = Listener::bind(&address).await?;
    println!("listening on {}", listener.local_address());
    let timeout = TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, Duration::from_millis(200));
    let app = Router::new()
        .route("/count", get(count))
        .nest("/dial", Router::new().route("/", get(dial)).layer(from_fn(with_ticket)))
        .layer((TraceLayer::new_for_http(), timeout))
        .with_state(Count::default());
    hijack_axum::serve(listener, app).await;
    Ok(())
}

async fn count(State(count): State<Count>) -> Json<u64> {
    Json(count.load(Relaxed))
}

/// Answers every byte with its successor, for as long as the client likes.
async fn dial(hijacker: Hijacker, State(count): State<Count>) -> Response {
    hijacker.protocols(["dial"]).take_over_with(|mut conn| async move {
        count.fetch_add(1, Relaxed);
        let mut byte = [0];
        while conn.read(&mut byte).await? == 1 {
            conn.write_all(&[byte[0].wrapping_add(1)]).await?;
        }
        conn.close().await.map(drop)
    })
}

/// A layer that answers by itself has declined the takeover.
async fn with_ticket(
    headers: HeaderMap,
    request: Request,
    next: Next,
) -> Result<Response, (StatusCode, &'static str)> {
    if headers.contains_key("x-ticket") {
        Ok(next.run(request).await)
    } else {
        Err((StatusCode::FORBIDDEN, "no ticket\n"))
    }
}
