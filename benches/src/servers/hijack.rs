//! Ours, with its defaults: every limit, timer, `Date` and the tracker are on.

use std::io;

use hijack::{Body, Conn, Error, Exchange, Outcome, Server, Upgrade};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use tokio::net::TcpListener;

use crate::echo::echo;
use crate::wire::{ECHO_PATH, ECHO_PROTOCOL, PLAIN_BODY, PLAIN_PATH, PLAIN_TYPE};

/// Serves `/plain` and `/echo`; the handler hands the conversation off, as hyper's spawns it.
///
/// # Errors
/// None: it serves for ever.
pub async fn serve(listener: TcpListener) -> io::Result<()> {
    Server::new().serve(listener, |exchange| answer(exchange, hand_off)).await;
    Ok(())
}

/// As [`serve`], but the conversation runs inside the handler.
///
/// # Errors
/// None: it serves for ever.
pub async fn serve_in_handler(listener: TcpListener) -> io::Result<()> {
    Server::new().serve(listener, |exchange| answer(exchange, converse)).await;
    Ok(())
}

async fn answer<F>(exchange: Exchange, taken: fn(Conn) -> F) -> Result<Outcome, Error>
where
    F: Future<Output = Result<Outcome, Error>>,
{
    match exchange.uri().path() {
        PLAIN_PATH => exchange.respond(plain()).await,
        ECHO_PATH => match exchange.upgrade(Upgrade::to([ECHO_PROTOCOL])).await {
            Ok(conn) => taken(conn).await,
            Err(refused) => refused.answer().await,
        },
        _ => exchange.respond(not_found()).await,
    }
}

async fn converse(mut conn: Conn) -> Result<Outcome, Error> {
    echo(&mut conn).await?;
    Ok(Outcome::taken())
}

async fn hand_off(conn: Conn) -> Result<Outcome, Error> {
    Ok(conn.hand_off(|mut conn| async move { Ok(echo(&mut conn).await?) }))
}

fn plain() -> Response<Body> {
    let mut response = Response::new(Body::from(PLAIN_BODY));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PLAIN_TYPE));
    response
}

fn not_found() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}
