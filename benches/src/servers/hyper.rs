//! The peer in Rust: hyper's HTTP/1 server with its defaults, `upgrade::on` and a spawned task.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, UPGRADE};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

use crate::echo::echo;
use crate::wire::{ECHO_PATH, ECHO_PROTOCOL, PLAIN_BODY, PLAIN_PATH, PLAIN_TYPE};

/// hyper as it is: without a timer its header timeout is silently off.
#[must_use]
pub fn builder() -> http1::Builder {
    http1::Builder::new()
}

/// hyper with its header timeout in force, which also ends idle connections.
#[must_use]
pub fn builder_with_timer() -> http1::Builder {
    let mut builder = builder();
    builder.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(30));
    builder
}

/// Serves `/plain` and `/echo`, one task per connection.
///
/// # Errors
/// When accepting fails.
pub async fn serve(builder: http1::Builder, listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let connection = builder.serve_connection(TokioIo::new(stream), service_fn(answer)).with_upgrades();
        tokio::spawn(connection);
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(match request.uri().path() {
        PLAIN_PATH => plain(),
        ECHO_PATH if request.headers().get(UPGRADE).is_some_and(|token| token == ECHO_PROTOCOL) => {
            take_over(request)
        }
        _ => empty(StatusCode::NOT_FOUND),
    })
}

fn plain() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(PLAIN_BODY));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PLAIN_TYPE));
    response
}

fn take_over(request: Request<Incoming>) -> Response<Full<Bytes>> {
    tokio::spawn(async move {
        if let Ok(upgraded) = hyper::upgrade::on(request).await {
            _ = echo(&mut TokioIo::new(upgraded)).await;
        }
    });
    let mut response = empty(StatusCode::SWITCHING_PROTOCOLS);
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
    response.headers_mut().insert(UPGRADE, HeaderValue::from_static(ECHO_PROTOCOL));
    response
}

fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
