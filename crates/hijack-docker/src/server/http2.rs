//! `POST /grpc` and `POST /session`: HTTP/2 behind a 101, for an engine.
//!
//! On `/grpc` the engine is the HTTP/2 server. On `/session` the roles are changed: it is the client, and asks for the
//! files, secrets and keys of whoever asked for the session. Neither is RFC 7540's upgrade: what follows is a connection
//! of prior knowledge (RFC 9113 §3.3). dockerd throws a preface away that comes together with the request; here it is read.

use std::{fmt, io};

use hijack::{Conn, Exchange, Outcome, Stream, Transport, Upgrade, handover};
use http::StatusCode;
use http::header::UPGRADE;

use super::Refusal;
use crate::SessionOptions;
use crate::http2::{Beginning, expect_preface};

/// Why no HTTP/2 begins.
#[non_exhaustive]
pub enum Http2Error<Io = Transport> {
    /// The client did not ask for an upgrade to `h2c`. The exchange is still HTTP's: [`answer`](Http2Error::answer) it.
    Refused {
        /// The request.
        exchange: Exchange<Io>,
        /// What to answer.
        refusal: Refusal,
    },
    /// Behind the 101 came something else than HTTP/2, or nothing. The connection is closed.
    Unexpected(String),
    /// The connection failed.
    Io(io::Error),
}

/// Takes a request for `/grpc` over: the engine is the HTTP/2 server. The client's preface is waited for, ten seconds at the
/// most, checked, and left to be read.
///
/// - **Who closes?** You; dropping it closes the socket.
/// - **Deadlines?** None behind the preface.
/// - **Unread bytes?** The preface, and what came with it.
///
/// # Errors
///
/// An [`Http2Error`]; dockerd refuses with 500.
///
/// # Cancel safety
///
/// Cancelling closes the connection.
pub async fn grpc<Io: Stream>(exchange: Exchange<Io>) -> Result<Conn<Io>, Http2Error<Io>> {
    let mut conn = switch(exchange, StatusCode::INTERNAL_SERVER_ERROR).await?;
    expect_preface(&mut conn).await?;
    Ok(conn)
}

/// Takes a request for `/session` over: the engine is the HTTP/2 client, whose preface goes first. That it is answered by a
/// server's (RFC 9113 §3.4) is seen by the HTTP/2 that is run on it; nothing is waited for here.
///
/// The [`SessionOptions`] are what the client says of itself; none of it is checked, nor whether its id is in use: look at
/// [`SessionOptions::requested_by`] before for that, and refuse with 400.
///
/// - **Who closes?** You; dropping it closes the socket and ends the session.
/// - **Deadlines?** None.
/// - **Unread bytes?** What the other side began with, its SETTINGS mostly.
///
/// # Errors
///
/// [`Http2Error::Refused`]; dockerd refuses with 400.
///
/// # Cancel safety
///
/// Cancelling closes the connection.
pub async fn session<Io: Stream>(
    exchange: Exchange<Io>,
) -> Result<(Conn<Io>, SessionOptions), Http2Error<Io>> {
    let options = SessionOptions::requested_by(&exchange);
    Ok((switch(exchange, StatusCode::BAD_REQUEST).await?, options))
}

impl SessionOptions {
    /// What a request for `/session` says of the session. Headers that are no text are left out.
    #[must_use]
    pub fn requested_by<Io: Stream>(exchange: &Exchange<Io>) -> Self {
        Self::told_in(exchange.headers())
    }
}

async fn switch<Io: Stream>(exchange: Exchange<Io>, status: StatusCode) -> Result<Conn<Io>, Http2Error<Io>> {
    let refused = match exchange.upgrade(Upgrade::to(["h2c"])).await {
        Ok(conn) => return Ok(conn),
        Err(refused) => refused,
    };
    let exchange = refused.into_exchange();
    let offered = handover::offers(exchange.head()).next().map(String::from_utf8_lossy);
    let text = match offered {
        Some(offered) if offered.eq_ignore_ascii_case("h2c") => "the request has a body".to_owned(),
        Some(offered) => format!("protocol {offered} not supported"),
        None if exchange.headers().contains_key(UPGRADE) => "no upgrade in connection".to_owned(),
        None => "no upgrade proto in request".to_owned(),
    };
    Err(Http2Error::Refused { exchange, refusal: Refusal::new(status, text) })
}

impl<Io: Stream> Http2Error<Io> {
    /// Answers a refusal, and gives everything else back as an error: what a handler does with this.
    ///
    /// # Errors
    ///
    /// The error, or what became of the answer.
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection.
    pub async fn answer(self) -> Result<Outcome<Io>, hijack::Error> {
        match self {
            Self::Refused { exchange, refusal } => refusal.answer(exchange).await,
            Self::Unexpected(what) => Err(hijack::Error::other(what)),
            Self::Io(error) => Err(error.into()),
        }
    }
}

impl<Io> From<Beginning> for Http2Error<Io> {
    fn from(wrong: Beginning) -> Self {
        match wrong {
            Beginning::Wrong(what) => Self::Unexpected(what),
            Beginning::Failed(error) => Self::Io(error),
        }
    }
}

impl<Io> fmt::Debug for Http2Error<Io> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { refusal, .. } => f.debug_tuple("Refused").field(refusal).finish(),
            Self::Unexpected(what) => f.debug_tuple("Unexpected").field(what).finish(),
            Self::Io(error) => f.debug_tuple("Io").field(error).finish(),
        }
    }
}

impl<Io> fmt::Display for Http2Error<Io> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { refusal, .. } => refusal.fmt(f),
            Self::Unexpected(what) => f.write_str(what),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl<Io> std::error::Error for Http2Error<Io> {}
