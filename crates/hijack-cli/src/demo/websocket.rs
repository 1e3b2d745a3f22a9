//! `GET /ws`: every message comes back as it was.

use std::pin::pin;

use hijack::ws::{self, CloseCode, Deflate, WebSocket};
use hijack::{Error, Exchange, Outcome, handover};

/// Whether the request offers to become a WebSocket, legally or not.
pub(super) fn is_asked_for(exchange: &Exchange) -> bool {
    handover::offers(exchange.head()).any(|offer| offer.eq_ignore_ascii_case(b"websocket"))
}

/// Echoes messages of up to 64 MiB, the limit that every WebSocket has by default.
pub(super) async fn echo(exchange: Exchange) -> Result<Outcome, Error> {
    let server = ws::Server::new(echo_all).configure(|config| config.deflate = Some(Deflate::default()));
    server.serve(exchange).await
}

async fn echo_all(mut socket: WebSocket) -> Result<(), Error> {
    let mut told = pin!(socket.conn().told());
    loop {
        let message = tokio::select! {
            message = socket.recv() => message?,
            () = &mut told => return say_goodbye(socket).await,
        };
        let Some(message) = message else { return Ok(()) };
        // Leaves with the others that came at once. A client that does not read its own echo is not read either.
        tokio::select! {
            fed = socket.feed(message) => fed?,
            () = &mut told => return say_goodbye(socket).await,
        }
    }
}

/// The server goes down.
async fn say_goodbye(mut socket: WebSocket) -> Result<(), Error> {
    Ok(socket.close(CloseCode::GOING_AWAY, "the server shuts down").await?)
}
