//! Answering: a whole response at once, or a head and then piece by piece.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::Buf;
use hijack_proto::Reason;
use hijack_proto::body::BodyEvent;
use hijack_proto::h1::{Answer, AnswerBody};
use http::{HeaderMap, Response, response};
use http_body::Frame;
use tokio::io::AsyncWrite;

use super::Exchange;
use super::outcome::{Kind, Outcome};
use super::serving::Serving;
use super::takeover::hand_over;
use crate::stream::{Stream, Transport};
use crate::{BoxError, Conn, Error};

/// Pieces up to this length are copied behind what is queued; larger ones are written from where they are.
const COPY_LEN: usize = 8 * 1024;

/// So many queued bytes are written before more is asked for.
const QUEUE_LEN: usize = 16 * 1024;

impl<Io: Stream> Exchange<Io> {
    /// Answers the request.
    ///
    /// The framing is chosen for the body: `Content-Length` where its length is known, chunks otherwise, the end
    /// of the connection toward HTTP/1.0; trailers travel with chunks. A `Content-Length` header is used where
    /// the body does not know its length, and must agree where it does. `HEAD`, 204 and 304 send no body. A
    /// [`Reason`] among the response's extensions replaces the status's usual words.
    ///
    /// # Errors
    ///
    /// [`Error::Encode`] if head and body do not fit, [`Error::Answer`] if the body fails, [`Error::Io`]. The
    /// connection is closed then, so that the client sees a cut answer as one.
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection.
    pub fn respond<B>(
        mut self,
        response: Response<B>,
    ) -> impl Future<Output = Result<Outcome<Io>, Error>> + use<Io, B>
    where
        B: http_body::Body,
        B::Error: Into<BoxError>,
    {
        let (head, body) = response.into_parts();
        let length = body.size_hint().exact().map_or(AnswerBody::Unknown, AnswerBody::Exact);
        // The head is written before anything is awaited, so the future is small.
        let goes_on = self.0.drains_soon();
        let begun = self.0.put_answer(&head, length, goes_on);
        async move {
            begun?;
            self.0.send(pin!(body)).await?;
            Ok(Outcome(Kind::Http(self.0)))
        }
    }

    /// Sends the head of an answer, whose body is then written by hand. Framing is chosen as in
    /// [`respond`](Self::respond): give a `Content-Length` header if the length is known.
    ///
    /// # Errors
    ///
    /// [`Error::Encode`] if the head cannot be sent. Nothing is written to the stream yet.
    pub fn start(mut self, head: Response<()>) -> Result<Responder<Io>, Error> {
        let goes_on = self.0.is_drainable();
        self.0.put_answer(&head.into_parts().0, AnswerBody::Unknown, goes_on)?;
        Ok(Responder(self.0))
    }
}

impl<Io: Stream> Serving<Io> {
    /// Writes a body and ends the answer.
    async fn send<B>(&mut self, mut body: Pin<&mut B>) -> Result<(), Error>
    where
        B: http_body::Body,
        B::Error: Into<BoxError>,
    {
        let mut trailers = None;
        loop {
            let data = match poll_fn(|cx| self.poll_frame(cx, body.as_mut())).await? {
                Some(frame) => frame.into_data(),
                None => break,
            };
            let data = match data {
                Ok(data) => data,
                Err(frame) => {
                    trailers = frame.into_trailers().ok().map(Box::new);
                    continue;
                }
            };
            self.write_data(data).await?;
        }
        self.end_answer(trailers.as_deref()).await
    }

    /// Whether the rest of the body is short enough to be read behind the answer. Of a chunked one what has come
    /// is thrown away, since nobody can ask for it any more; the end must be among it.
    ///
    /// To say that the connection goes on and then to close it would break the client's next request.
    fn drains_soon(&mut self) -> bool {
        if self.session.body_remaining().is_none() && !self.session.expects_continue() {
            let mut drained = 0;
            while let Ok(BodyEvent::Data(data)) = self.session.poll_body(usize::MAX) {
                drained += data.len();
                if drained > self.config.drain_len {
                    break;
                }
            }
        }
        self.is_drainable()
    }

    fn put_answer(&mut self, head: &response::Parts, body: AnswerBody, goes_on: bool) -> Result<(), Error> {
        let date = self.date();
        let answer = Answer {
            status: head.status,
            reason: head.extensions.get::<Reason>(),
            headers: &head.headers,
            body,
            date: date.as_ref(),
            close: self.is_closing() || !goes_on,
        };
        Ok(self.session.put_answer(&answer, self.wire.out())?)
    }

    /// The next frame of a body; while it makes none, what is queued is written.
    fn poll_frame<B>(
        &mut self,
        cx: &mut Context<'_>,
        body: Pin<&mut B>,
    ) -> Poll<Result<Option<Frame<B::Data>>, Error>>
    where
        B: http_body::Body,
        B::Error: Into<BoxError>,
    {
        if body.is_end_stream() {
            return Poll::Ready(Ok(None));
        }
        match body.poll_frame(cx) {
            Poll::Ready(frame) => Poll::Ready(frame.transpose().map_err(|error| Error::Answer(error.into()))),
            Poll::Pending => {
                if self.wire.queued() > 0 {
                    ready!(self.poll_flush(cx))?;
                }
                Poll::Pending
            }
        }
    }

    async fn write_data(&mut self, mut data: impl Buf) -> Result<(), Error> {
        while data.has_remaining() {
            let part = data.chunk();
            let len = part.len();
            if len <= COPY_LEN {
                self.session.put_data(part, self.wire.out())?;
            } else if self.session.open_data(len, self.wire.out())? {
                self.write_uncopied(part).await?;
                self.session.close_data(self.wire.out());
            }
            data.advance(len);
            if self.wire.queued() >= QUEUE_LEN {
                self.flush().await?;
            }
        }
        Ok(())
    }

    async fn write_uncopied(&mut self, mut data: &[u8]) -> Result<(), Error> {
        while !data.is_empty() {
            let written = poll_fn(|cx| self.poll_write(cx, data)).await?;
            data = &data[written..];
        }
        Ok(())
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, data: &[u8]) -> Poll<Result<usize, Error>> {
        self.wire.lease.end_other_waits(crate::observe::Timeout::Write);
        let Poll::Ready(written) = self.wire.poll_write(cx, data) else {
            self.wire.lease.wait(crate::observe::Timeout::Write, self.config.write_timeout);
            return Poll::Pending;
        };
        Poll::Ready(Ok(written?))
    }

    async fn end_answer(&mut self, trailers: Option<&HeaderMap>) -> Result<(), Error> {
        self.session.end_answer(trailers, self.wire.out())?;
        self.set_answered();
        self.flush().await
    }
}

/// An answer whose head is on its way and whose body is written by hand.
///
/// It is an `AsyncWrite`: what is written gets the answer's framing, and leaves when some has gathered, at a
/// flush, and at the end. [`finish`](Self::finish) ends it; dropped before, it closes the connection, so that
/// the client sees the answer as cut.
///
/// Behind a takeover there is nothing left to write, flush or copy with:
///
/// ```compile_fail,E0382
/// # use tokio::io::AsyncWriteExt;
/// async fn write(mut responder: hijack::Responder) -> Result<(), hijack::Error> {
///     let conn = responder.take_over().await?;
///     Ok(responder.write_all(b"late").await?) // moved above
/// }
/// ```
///
/// ```compile_fail,E0382
/// # use tokio::io::AsyncWriteExt;
/// async fn flush(mut responder: hijack::Responder) -> Result<(), hijack::Error> {
///     let conn = responder.take_over().await?;
///     Ok(responder.flush().await?) // moved above
/// }
/// ```
///
/// ```compile_fail,E0382
/// async fn copy(mut responder: hijack::Responder) -> Result<(), hijack::Error> {
///     let mut conn = responder.take_over().await?;
///     tokio::io::copy(&mut conn, &mut responder).await?; // moved above
///     Ok(())
/// }
/// ```
#[must_use = "dropped unfinished, it closes the connection"]
pub struct Responder<Io = Transport>(Box<Serving<Io>>);

impl<Io: Stream> Responder<Io> {
    /// Ends the answer.
    ///
    /// # Errors
    ///
    /// [`Error::Encode`] if bytes of the declared length are missing, [`Error::Io`].
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection.
    pub async fn finish(mut self) -> Result<Outcome<Io>, Error> {
        self.0.end_answer(None).await?;
        Ok(Outcome(Kind::Http(self.0)))
    }

    /// Ends the answer with trailers. They are dropped where the answer is not chunked.
    ///
    /// # Errors
    ///
    /// As [`finish`](Self::finish).
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection.
    pub async fn finish_with(mut self, trailers: &HeaderMap) -> Result<Outcome<Io>, Error> {
        self.0.end_answer(Some(trailers)).await?;
        Ok(Outcome(Kind::Http(self.0)))
    }

    /// Takes the connection over in the middle of the answer. What was written is flushed first; a chunked
    /// answer is then continued and ended by whoever has the connection.
    ///
    /// Everything that [`Exchange::take_over`] says of the connection holds here too.
    ///
    /// # Errors
    ///
    /// [`Error::TakeOver`] if the answer is complete because its declared length is written, [`Error::Io`].
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection.
    pub async fn take_over(self) -> Result<Conn<Io>, Error> {
        hand_over(self.0, None).await
    }
}

impl<Io: Stream> AsyncWrite for Responder<Io> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let serving = &mut *self.0;
        if serving.wire.queued() >= QUEUE_LEN {
            ready!(serving.poll_flush(cx)).map_err(into_io)?;
        }
        let data = &data[..data.len().min(QUEUE_LEN)];
        serving.session.put_data(data, serving.wire.out()).map_err(io::Error::other)?;
        Poll::Ready(Ok(data.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_flush(cx).map_err(into_io)
    }

    /// Only flushes: the end of an answer is [`finish`](Self::finish), which alone gives the connection back.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

fn into_io(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        error => io::Error::other(error),
    }
}

impl<Io> fmt::Debug for Responder<Io> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Responder").field(&self.0.wire.lease).finish()
    }
}
