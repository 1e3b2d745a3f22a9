//! The answer to an ordinary request.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hijack::ClientConnection;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, ReadBuf};

use crate::client::Line;
use crate::{Docker, Error};

/// What the daemon answered: read it whole, or as it comes. Dropped unread, its connection closes.
#[must_use = "an answer that is not read costs its connection"]
pub struct Answer {
    docker: Docker,
    line: Line,
    head: hijack::Answer,
}

impl Answer {
    pub(crate) fn new(docker: Docker, line: Line, head: hijack::Answer) -> Self {
        Self { docker, line, head }
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.head.status()
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.head.headers()
    }

    /// Reads the body whole.
    ///
    /// # Errors
    ///
    /// [`Error::Connection`], also for a body beyond [`DockerBuilder::answer_len`](crate::DockerBuilder::answer_len).
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection.
    pub async fn bytes(mut self) -> Result<Bytes, Error> {
        match self.line.connection.read_to_end(self.docker.answer_len()).await {
            Ok(body) => {
                self.docker.keep(self.line);
                Ok(body)
            }
            Err(error) => Err(self.docker.failed(error, self.line.said).await),
        }
    }

    /// Reads the body whole, as JSON.
    ///
    /// # Errors
    ///
    /// [`Error::Unexpected`] if it is none, or not what was asked for, and those of [`bytes`](Self::bytes).
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T, Error> {
        let docker = self.docker.clone();
        let body = self.bytes().await?;
        serde_json::from_slice(&body)
            .map_err(|error| Error::unexpected(docker.host(), format!("no JSON that it should be: {error}")))
    }

    /// Reads the body as it comes.
    #[must_use]
    pub fn into_body(self) -> AnswerBody {
        AnswerBody { docker: self.docker, line: Some(self.line) }
    }

    /// Reads why the daemon refused.
    pub(crate) async fn into_refusal(mut self) -> Error {
        let mut text = Vec::new();
        // As much of it, and as long, as of the answer that declines a takeover: some end with their connection only.
        let config = self.docker.config();
        let reading = read_some(&mut self.line.connection, &mut text, config.declined_len);
        if tokio::time::timeout(config.declined_timeout, reading).await.is_ok_and(|whole| whole) {
            self.docker.keep(self.line);
        }
        Error::daemon(self.head.status(), &text)
    }
}

/// Whether the body was read to its end, and not more of it than is kept.
async fn read_some(connection: &mut ClientConnection, text: &mut Vec<u8>, limit: usize) -> bool {
    while let Ok(next) = connection.body().data().await {
        let Some(data) = next else { return true };
        let room = limit - text.len();
        text.extend_from_slice(&data[..data.len().min(room)]);
        if data.len() > room {
            return false;
        }
    }
    false
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("status", &self.status()).finish_non_exhaustive()
    }
}

/// The body of an answer, as it comes: of `logs`, for one. Dropped before its end, its connection closes.
pub struct AnswerBody {
    docker: Docker,
    /// Until the end was read.
    line: Option<Line>,
}

impl AsyncRead for AnswerBody {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(line) = &mut self.line else { return Poll::Ready(Ok(())) };
        let filled = buf.filled().len();
        ready!(Pin::new(&mut line.connection.body()).poll_read(cx, buf))?;
        if buf.filled().len() == filled
            && buf.remaining() > 0
            && let Some(line) = self.line.take()
        {
            self.docker.keep(line);
        }
        Poll::Ready(Ok(()))
    }
}

impl fmt::Debug for AnswerBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswerBody").field("ended", &self.line.is_none()).finish_non_exhaustive()
    }
}
