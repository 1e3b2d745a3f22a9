//! Requests that are none: both refuse, in words of their own.

use axum::Router;
use axum::routing::any;

use crate::compare::{compare, talk};
use crate::wire::{ask, raw};

fn app() -> Router {
    Router::new().route("/", any(|| async { "never seen" }))
}

#[tokio::test]
async fn requests_that_are_none() {
    let bad = |bytes: &str| [raw("GET", bytes).gives(400)];
    compare(
        app,
        [
            talk("space before the colon", bad("GET / HTTP/1.1\r\nHost : a\r\n\r\n")),
            talk(
                "two lengths",
                bad("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
            ),
            talk("a length of letters", bad("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: ten\r\n\r\n")),
            talk(
                "many fields",
                [(0..200).fold(ask("GET", "/"), |ask, at| ask.field(format!("x-{at}: y"))).gives(431)],
            ),
        ]
        .map(|talk| talk.differs("says what is wrong")),
    )
    .await;
    let unknown = raw("GET", "GET / HTTP/3.0\r\nHost: a\r\n\r\n").gives(505);
    compare(app, [talk("another version", [unknown]).differs("another version")]).await;
}
