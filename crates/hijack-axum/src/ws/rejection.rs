//! Why a request becomes no WebSocket, as answers.

use std::fmt;

use axum_core::response::{IntoResponse, Response};
use hijack::ws::Refusal;
use http::{HeaderMap, StatusCode};

use crate::HijackerRejection;

/// Why a request has no [`WebSocketUpgrade`](super::WebSocketUpgrade).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebSocketUpgradeRejection {
    /// It is no handshake (RFC 6455 §4.2.1): 405 for another method than `GET`, 426 without the upgrade or for another
    /// version, 400 for what is malformed.
    NoHandshake(Refusal),
    /// Its connection cannot be taken over: 505 for a stream of HTTP/2, 500 where the app is served by something else.
    NoHijacker(HijackerRejection),
}

impl WebSocketUpgradeRejection {
    /// The status of the answer.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::NoHandshake(refusal) => refusal.status(),
            Self::NoHijacker(rejection) => rejection.status(),
        }
    }
}

impl From<HijackerRejection> for WebSocketUpgradeRejection {
    fn from(rejection: HijackerRejection) -> Self {
        Self::NoHijacker(rejection)
    }
}

impl From<Refusal> for WebSocketUpgradeRejection {
    fn from(refusal: Refusal) -> Self {
        Self::NoHandshake(refusal)
    }
}

impl fmt::Display for WebSocketUpgradeRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHandshake(refusal) => refusal.fmt(f),
            Self::NoHijacker(rejection) => rejection.fmt(f),
        }
    }
}

impl std::error::Error for WebSocketUpgradeRejection {}

impl IntoResponse for WebSocketUpgradeRejection {
    fn into_response(self) -> Response {
        match self {
            Self::NoHandshake(refusal) => {
                let mut headers = HeaderMap::new();
                refusal.put_headers(&mut headers);
                (refusal.status(), headers, format!("{refusal}\n")).into_response()
            }
            Self::NoHijacker(rejection) => rejection.into_response(),
        }
    }
}
