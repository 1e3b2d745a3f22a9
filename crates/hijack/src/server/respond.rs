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
use crate::transport::{Stream, Transport};
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
        let length = length_of(&body);
        // The head is written before anything is awaited, so the future is small.
        let goes_on = self.0.drains_soon();
        let begun = self.0.put_answer(&head, length, goes_on);
        async move {
            begun?;
            send(&mut self.0, pin!(body)).await?;
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

/// Whoever has the connection while an answer is sent: its owner, or a place where others reach it too.
pub(crate) trait Holder<Io> {
    /// Does one step with it.
    fn with<R>(&mut self, act: impl FnOnce(&mut Serving<Io>) -> R) -> Result<R, Error>;
}

impl<Io> Holder<Io> for Box<Serving<Io>> {
    fn with<R>(&mut self, act: impl FnOnce(&mut Serving<Io>) -> R) -> Result<R, Error> {
        Ok(act(self))
    }
}

/// Sends a whole answer for a request whose body may still be read by somebody, the answer's own body for one.
///
/// Whether it will be read cannot be known yet. The head therefore does not announce the end of the connection; should
/// too much be left in the end it is closed unannounced, rather than behind every answer that is made while the request
/// comes.
pub(crate) async fn send_answer<Io, H, B>(
    holder: &mut H,
    head: &response::Parts,
    mut body: Pin<&mut B>,
) -> Result<(), Error>
where
    Io: Stream,
    H: Holder<Io>,
    B: http_body::Body,
    B::Error: Into<BoxError>,
{
    let length = length_of(&*body);
    let mut first = Poll::Pending;
    if holder.with(|serving| serving.session.expects_continue())? && !body.is_end_stream() {
        // RFC 9110 §10.1.1: behind the head there is no 100 any more, and a body that reads the request's would wait
        // for what the client never sends.
        first = poll_fn(|cx| Poll::Ready(body.as_mut().poll_frame(cx).map_err(Into::into))).await;
    }
    holder.with(|serving| serving.put_answer(head, length, true))??;
    send(holder, pin!(Begun { first, body })).await
}

/// A body that was polled once, with what that gave.
struct Begun<'a, B: http_body::Body> {
    first: Poll<Option<Result<Frame<B::Data>, BoxError>>>,
    body: Pin<&'a mut B>,
}

/// Nothing in it is pinned in its place.
impl<B: http_body::Body> Unpin for Begun<'_, B> {}

impl<B: http_body::Body<Error: Into<BoxError>>> http_body::Body for Begun<'_, B> {
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, BoxError>>> {
        match std::mem::replace(&mut self.first, Poll::Pending) {
            Poll::Pending => self.body.as_mut().poll_frame(cx).map_err(Into::into),
            first => first,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_pending() && self.body.is_end_stream()
    }
}

/// What is known of a body's length: one that is at its end is empty, though a layer around it may not say so.
fn length_of(body: &impl http_body::Body) -> AnswerBody {
    if body.is_end_stream() {
        return AnswerBody::Exact(0);
    }
    body.size_hint().exact().map_or(AnswerBody::Unknown, AnswerBody::Exact)
}

/// Writes a body and ends the answer.
async fn send<Io, H, B>(holder: &mut H, mut body: Pin<&mut B>) -> Result<(), Error>
where
    Io: Stream,
    H: Holder<Io>,
    B: http_body::Body,
    B::Error: Into<BoxError>,
{
    let mut trailers = None;
    loop {
        let frame = match poll_fn(|cx| poll_frame(holder, cx, body.as_mut())).await {
            Ok(Some(frame)) => frame,
            Ok(None) => break,
            Err(error) => {
                // What the body gave before is the client's, cut as it is.
                let _ = flush(holder).await;
                return Err(error);
            }
        };
        match frame.into_data() {
            Ok(data) => write_data(holder, data).await?,
            Err(frame) => trailers = frame.into_trailers().ok().map(Box::new),
        }
    }
    holder.with(|serving| serving.put_end(trailers.as_deref()))??;
    flush(holder).await
}

/// The next frame of a body; while it makes none, what is queued is written.
fn poll_frame<Io, H, B>(
    holder: &mut H,
    cx: &mut Context<'_>,
    body: Pin<&mut B>,
) -> Poll<Result<Option<Frame<B::Data>>, Error>>
where
    Io: Stream,
    H: Holder<Io>,
    B: http_body::Body,
    B::Error: Into<BoxError>,
{
    if body.is_end_stream() {
        return Poll::Ready(Ok(None));
    }
    match body.poll_frame(cx) {
        Poll::Ready(frame) => Poll::Ready(frame.transpose().map_err(|error| Error::Answer(error.into()))),
        Poll::Pending => {
            ready!(holder.with(|serving| serving.poll_flush_queued(cx))?)?;
            Poll::Pending
        }
    }
}

async fn write_data<Io: Stream, H: Holder<Io>>(holder: &mut H, mut data: impl Buf) -> Result<(), Error> {
    while data.has_remaining() {
        let part = data.chunk();
        let len = part.len();
        if len <= COPY_LEN {
            holder.with(|serving| serving.session.put_data(part, serving.wire.out()))??;
        } else if holder.with(|serving| serving.session.open_data(len, serving.wire.out()))?? {
            write_uncopied(holder, part).await?;
            holder.with(|serving| serving.session.close_data(serving.wire.out()))?;
        }
        data.advance(len);
        if holder.with(|serving| serving.wire.queued())? >= QUEUE_LEN {
            flush(holder).await?;
        }
    }
    Ok(())
}

async fn write_uncopied<Io: Stream, H: Holder<Io>>(holder: &mut H, mut data: &[u8]) -> Result<(), Error> {
    while !data.is_empty() {
        let written = poll_fn(|cx| match holder.with(|serving| serving.poll_write(cx, data)) {
            Ok(polled) => polled,
            Err(error) => Poll::Ready(Err(error)),
        });
        data = &data[written.await?..];
    }
    Ok(())
}

async fn flush<Io: Stream, H: Holder<Io>>(holder: &mut H) -> Result<(), Error> {
    poll_fn(|cx| match holder.with(|serving| serving.poll_flush(cx)) {
        Ok(polled) => polled,
        Err(error) => Poll::Ready(Err(error)),
    })
    .await
}

impl<Io: Stream> Serving<Io> {
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

    fn poll_write(&mut self, cx: &mut Context<'_>, data: &[u8]) -> Poll<Result<usize, Error>> {
        self.wire.lease.end_other_waits(crate::observe::Timeout::Write);
        let Poll::Ready(written) = self.wire.poll_write(cx, data) else {
            self.wire.lease.wait(crate::observe::Timeout::Write, self.config.write_timeout);
            return Poll::Pending;
        };
        Poll::Ready(Ok(written?))
    }

    fn poll_flush_queued(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.wire.queued() > 0 { self.poll_flush(cx) } else { Poll::Ready(Ok(())) }
    }

    fn put_end(&mut self, trailers: Option<&HeaderMap>) -> Result<(), Error> {
        self.session.end_answer(trailers, self.wire.out())?;
        self.set_answered();
        Ok(())
    }

    async fn end_answer(&mut self, trailers: Option<&HeaderMap>) -> Result<(), Error> {
        self.put_end(trailers)?;
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
