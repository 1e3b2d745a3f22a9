//! The body of a message that the peer sends, pulled by its reader: a request's on a server, an answer's on a
//! client.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hijack_proto::body::{BodyError, BodyEvent};
use http::HeaderMap;
use tokio::io::{AsyncRead, ReadBuf};

use crate::Error;

/// The most that one part of a body holds.
pub(crate) const PART_LEN: usize = 64 * 1024;

/// What a body is read from: a connection in either role.
pub(crate) trait Incoming: Send {
    /// The next part of the body, read from the wire where needed. Never [`BodyEvent::NeedInput`].
    fn poll_body(&mut self, cx: &mut Context<'_>, max: usize) -> Poll<Result<BodyEvent, Error>>;

    /// The reader gave up: the peer's time for the body does not count on.
    fn end_wait(&mut self);
}

/// The body of a request or an answer, read as far as wanted.
///
/// Reading stops exactly behind the last byte that was given out: whatever is not read can still be taken over
/// raw. It reads as `AsyncRead` too; a malformed or cut body is an error of kind `InvalidData` or
/// `UnexpectedEof` there.
pub struct BodyReader<'c> {
    source: &'c mut dyn Incoming,
    trailers: Option<HeaderMap>,
}

impl<'c> BodyReader<'c> {
    pub(crate) fn new(source: &'c mut dyn Incoming) -> Self {
        Self { source, trailers: None }
    }

    /// The next part of the body, never empty; `None` at its end.
    ///
    /// # Errors
    ///
    /// [`Error::Body`] if it is malformed or the connection ends within it, [`Error::Io`].
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn data(&mut self) -> Result<Option<Bytes>, Error> {
        let reading = Reading(&mut *self.source);
        let event = poll_fn(|cx| reading.0.poll_body(cx, PART_LEN)).await?;
        drop(reading);
        Ok(self.note(event))
    }

    /// Reads the rest of the body whole.
    ///
    /// # Errors
    ///
    /// [`Error::BodyTooLong`] beyond `limit` bytes, [`Error::Body`] if it is malformed or ends too early,
    /// [`Error::Io`].
    ///
    /// # Cancel safety
    ///
    /// Not safe: what was read is lost.
    pub async fn to_bytes(&mut self, limit: usize) -> Result<Bytes, Error> {
        let first = self.data().await?.unwrap_or_default();
        let mut whole = Vec::new();
        while let Some(data) = self.data().await? {
            if whole.is_empty() {
                whole.extend_from_slice(&first);
            }
            whole.extend_from_slice(&data);
            if whole.len() > limit {
                break;
            }
        }
        let whole = if whole.is_empty() { first } else { whole.into() };
        if whole.len() > limit { Err(Error::BodyTooLong { limit }) } else { Ok(whole) }
    }

    /// The trailers, once [`data`](Self::data) has given `None`: fields that framed or routed the message are
    /// not among them (RFC 9110 §6.5.1).
    #[must_use]
    pub fn trailers(&self) -> Option<&HeaderMap> {
        self.trailers.as_ref()
    }

    fn note(&mut self, event: BodyEvent) -> Option<Bytes> {
        match event {
            BodyEvent::Data(data) => Some(data),
            BodyEvent::End(trailers) => {
                self.trailers = trailers.or(self.trailers.take());
                None
            }
            BodyEvent::NeedInput => None,
        }
    }
}

/// A read under way. Once it is given up, the peer's time for the body does not count on.
struct Reading<'s>(&'s mut dyn Incoming);

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.0.end_wait();
    }
}

impl AsyncRead for BodyReader<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let event = match ready!(self.source.poll_body(cx, buf.remaining())) {
            Ok(event) => event,
            Err(Error::Io(error)) => return Poll::Ready(Err(error)),
            Err(Error::Body(error @ BodyError::Truncated)) => {
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::UnexpectedEof, error)));
            }
            Err(error) => return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, error))),
        };
        if let Some(data) = self.note(event) {
            buf.put_slice(&data);
        }
        Poll::Ready(Ok(()))
    }
}

impl fmt::Debug for BodyReader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyReader").field("trailers", &self.trailers).finish_non_exhaustive()
    }
}
