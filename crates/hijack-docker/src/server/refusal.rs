//! Refusals, in both of dockerd's ways.

use std::fmt;

use hijack::stream::RAW_STREAM;
use hijack::{Body, Exchange, Outcome, Stream};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use tokio::io::AsyncWriteExt;

/// Why a request is not granted: a status and a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    status: StatusCode,
    message: String,
}

impl Refusal {
    /// A refusal with a 4xx or 5xx.
    #[must_use]
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    /// Its status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Answers as dockerd does everywhere but before an attach: `{"message":…}`, and the connection stays HTTP's.
    ///
    /// # Errors
    ///
    /// As [`Exchange::respond`].
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection.
    pub async fn answer<Io: Stream>(self, exchange: Exchange<Io>) -> Result<Outcome<Io>, hijack::Error> {
        let body = serde_json::json!({ "message": self.message });
        let mut response = Response::new(Body::from(format!("{body}\n")));
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        exchange.respond(response).await
    }

    /// Answers as dockerd does before an attach: the text, called a raw stream, until the connection ends.
    ///
    /// # Errors
    ///
    /// An IO error.
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection.
    pub async fn answer_as_stream<Io: Stream>(
        self,
        exchange: Exchange<Io>,
    ) -> Result<Outcome<Io>, hijack::Error> {
        let mut head = Response::new(());
        *head.status_mut() = self.status;
        head.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(RAW_STREAM));
        let mut conn = exchange.take_over_after(head)?;
        conn.write_all(format!("{}\r\n", self.message).as_bytes()).await?;
        conn.close().await
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}
