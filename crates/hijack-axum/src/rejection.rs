//! Why there is no takeover, as answers.

use std::fmt;

use axum_core::body::Body;
use axum_core::response::{IntoResponse, Response};
use http::{StatusCode, Version};

/// Why a request has no [`Hijacker`](crate::Hijacker).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HijackerRejection {
    /// The request is a stream of an HTTP/2 connection, which others share.
    Http2,
    /// The app is served by something else than [`serve`](crate::serve).
    NotServedByHijack,
}

impl HijackerRejection {
    pub(crate) fn of(version: Version) -> Self {
        if version == Version::HTTP_2 { Self::Http2 } else { Self::NotServedByHijack }
    }

    /// The status of the answer.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::Http2 => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Self::NotServedByHijack => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl fmt::Display for HijackerRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http2 => "a stream of HTTP/2 cannot be taken over: ask for this over HTTP/1.1",
            Self::NotServedByHijack => {
                "this connection cannot be taken over: serve the app with hijack_axum::serve instead of axum::serve"
            }
        })
    }
}

impl std::error::Error for HijackerRejection {}

impl IntoResponse for HijackerRejection {
    fn into_response(self) -> Response {
        (self.status(), format!("{self}\n")).into_response()
    }
}

/// A takeover that was not to be had; as a response it tells the client why.
#[derive(Debug)]
pub struct NotTaken(pub hijack::tower::NotTaken);

impl fmt::Display for NotTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for NotTaken {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

impl IntoResponse for NotTaken {
    fn into_response(self) -> Response {
        self.0.into_response().map(Body::new)
    }
}
