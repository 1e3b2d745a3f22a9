//! The body of a request, pulled by its reader.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hijack_proto::body::BodyEvent;
use http::HeaderMap;
use tokio::io::{AsyncRead, ReadBuf};

use super::serving::Serving;
use crate::Error;
use crate::stream::{Stream, Transport};

/// The most that one part of a body holds.
const PART_LEN: usize = 64 * 1024;

/// The body of a request, read as far as wanted.
///
/// Reading stops exactly behind the last byte that was given out: whatever is not read can still be taken over
/// raw. It reads as `AsyncRead` too; a malformed or cut body is an error of kind `InvalidData` or
/// `UnexpectedEof` there.
pub struct RequestBody<'e, Io = Transport> {
    serving: &'e mut Serving<Io>,
    trailers: Option<HeaderMap>,
}

impl<'e, Io: Stream> RequestBody<'e, Io> {
    pub(super) fn new(serving: &'e mut Serving<Io>) -> Self {
        Self { serving, trailers: None }
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
        let reading = Reading(&mut *self.serving);
        let event = reading.0.next_body(PART_LEN).await?;
        drop(reading);
        Ok(self.note(event))
    }

    /// The trailers, once [`data`](Self::data) has given `None`: fields that framed or routed the request are
    /// not among them (RFC 9110 §6.5.1).
    #[must_use]
    pub fn trailers(&self) -> Option<&HeaderMap> {
        self.trailers.as_ref()
    }

    fn note(&mut self, event: BodyEvent) -> Option<Bytes> {
        match event {
            BodyEvent::Data(data) => Some(data),
            BodyEvent::End(trailers) => {
                self.trailers = trailers;
                None
            }
            BodyEvent::NeedInput => None,
        }
    }
}

/// A read under way. Once it is given up, the client's time for the body does not count on.
struct Reading<'s, Io>(&'s mut Serving<Io>);

impl<Io> Drop for Reading<'_, Io> {
    fn drop(&mut self) {
        self.0.wire.lease.end_wait();
    }
}

impl<Io: Stream> AsyncRead for RequestBody<'_, Io> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let event = match ready!(self.serving.poll_body(cx, buf.remaining())) {
            Ok(event) => event,
            Err(Error::Io(error)) => return Poll::Ready(Err(error)),
            Err(Error::Body(error @ hijack_proto::body::BodyError::Truncated)) => {
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

impl<Io> fmt::Debug for RequestBody<'_, Io> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBody").field("trailers", &self.trailers).finish_non_exhaustive()
    }
}
