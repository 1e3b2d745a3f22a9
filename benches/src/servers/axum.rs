//! One axum app on two engines: `hijack_axum::serve`, and `axum::serve` with a takeover through hyper.

use std::io;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{CONNECTION, CONTENT_TYPE, HeaderName, UPGRADE};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use axum::serve::ListenerExt;
use hijack_axum::Hijacker;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::echo::echo;
use crate::wire::{ECHO_PATH, ECHO_PROTOCOL, PLAIN_BODY, PLAIN_PATH, PLAIN_TYPE};

/// Serves the app on our engine, with its defaults.
///
/// # Errors
/// None: it serves for ever.
pub async fn serve_on_hijack(listener: TcpListener) -> io::Result<()> {
    hijack_axum::serve(listener, app(get(take_over))).await;
    Ok(())
}

/// Serves the app on hyper, as axum does it; `TCP_NODELAY` is set, which axum leaves to its user.
///
/// # Errors
/// None: it serves for ever.
pub async fn serve_on_hyper(listener: TcpListener) -> io::Result<()> {
    let listener = listener.tap_io(|stream| _ = stream.set_nodelay(true));
    axum::serve(listener, app(get(upgrade))).await
}

fn app(takeover: MethodRouter) -> Router {
    Router::new().route(PLAIN_PATH, get(plain)).route(ECHO_PATH, takeover)
}

async fn plain() -> ([(HeaderName, &'static str); 1], &'static str) {
    ([(CONTENT_TYPE, PLAIN_TYPE)], PLAIN_BODY)
}

async fn take_over(hijacker: Hijacker) -> Response {
    hijacker.protocols([ECHO_PROTOCOL]).take_over_with(|mut conn| async move { Ok(echo(&mut conn).await?) })
}

async fn upgrade(request: Request) -> Response {
    if request.headers().get(UPGRADE).is_none_or(|token| token != ECHO_PROTOCOL) {
        return StatusCode::UPGRADE_REQUIRED.into_response();
    }
    tokio::spawn(async move {
        if let Ok(upgraded) = hyper::upgrade::on(request).await {
            _ = echo(&mut TokioIo::new(upgraded)).await;
        }
    });
    (StatusCode::SWITCHING_PROTOCOLS, [(CONNECTION, "upgrade"), (UPGRADE, ECHO_PROTOCOL)]).into_response()
}
