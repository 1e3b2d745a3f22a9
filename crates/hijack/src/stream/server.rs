//! The side where the process is: its input is read, its outputs are written by whoever has something.
//!
//! A frame goes into the connection, or into its queue, as a whole and under one lock, so that frames of several tasks
//! never mix, whenever one of them gives up. The queue holds one frame at the most; whoever finds something there waits.

use std::fmt;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use hijack_proto::stream::{DetachKeys, FRAME_PAYLOAD_LEN, FrameHeader, Framing, StreamType};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::stdin::copy;
use super::{Error, InputEnd};
use crate::conn::{Conn, LINGER};
use crate::observe::{EndReason, Timeout};
use crate::server::Outcome;
use crate::transport::{Stream, Transport};
use crate::waiting::{Place, Waiting};

/// A process's streams, from the side where it runs.
///
/// - **Who closes?** You: [`Input::close`] ends the connection in order. It also closes, at once, when both fields and
///   everything made of them are dropped.
/// - **Deadlines?** Those of the [`Conn`]: [`Conn::set_limits`] before.
/// - **Unread bytes?** What the client sent with its request is what the input gives first.
/// - **Shutdown and cancellation?** As the [`Conn`] says; [`Input::told`] is told of a shutdown.
#[derive(Debug)]
#[non_exhaustive]
pub struct ServerStreams<Io: Stream = Transport> {
    /// What the process reads.
    pub stdin: Input<Io>,
    /// What it writes.
    pub outputs: Outputs<Io>,
}

impl<Io: Stream> ServerStreams<Io> {
    /// The streams on `conn`, whose answer must have told the client the same `framing`.
    #[must_use]
    pub fn new(conn: Conn<Io>, framing: Framing) -> Self {
        let waiting = Arc::<Waiting>::default();
        let (reading, writing) = (waiting.place(), waiting.place());
        let shared = Arc::new(Shared { conn: Mutex::new(conn), framing, waker: Waker::from(waiting) });
        Self {
            stdin: Input { shared: Arc::clone(&shared), place: reading },
            outputs: Outputs { shared, place: writing },
        }
    }
}

struct Shared<Io> {
    conn: Mutex<Conn<Io>>,
    framing: Framing,
    /// Wakes all who wait for room.
    waker: Waker,
}

impl<Io: Stream> Shared<Io> {
    fn lock(&self) -> MutexGuard<'_, Conn<Io>> {
        self.conn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Polls for room with the waker of all, among whom the owner of `place` is.
    fn poll<R>(
        &self,
        cx: &Context<'_>,
        place: &Place,
        poll: impl FnOnce(&mut Conn<Io>, &mut Context<'_>) -> Poll<R>,
    ) -> Poll<R> {
        place.join(cx);
        poll(&mut self.lock(), &mut Context::from_waker(&self.waker))
    }

    fn poll_write(
        &self,
        conn: &mut Conn<Io>,
        cx: &mut Context<'_>,
        stream: StreamType,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.framing == Framing::Raw {
            return conn.wire.poll_write(cx, data);
        }
        if conn.wire.queued() > 0 {
            ready!(conn.wire.poll_flush(cx))?;
        }
        let data = &data[..data.len().min(FRAME_PAYLOAD_LEN)];
        #[expect(clippy::cast_possible_truncation, reason = "at most FRAME_PAYLOAD_LEN")]
        let header = FrameHeader::new(stream, data.len() as u32).encode();
        let whole = [IoSlice::new(&header), IoSlice::new(data)];
        let written = ready!(conn.wire.poll_write_vectored(cx, &whole))?;
        // The rest of the frame is in front of everything else from now on.
        let out = conn.wire.out();
        out.extend_from_slice(&header[written.min(header.len())..]);
        out.extend_from_slice(&data[written.saturating_sub(header.len())..]);
        if conn.wire.queued() > 0 {
            // The input's reader may be waiting already, and is the one who sends it.
            self.waker.wake_by_ref();
        }
        Poll::Ready(Ok(data.len()))
    }
}

/// What the client sends: the process's input. Its end is the client's half-close.
///
/// While it is read, what outputs left in the queue is sent.
pub struct Input<Io: Stream = Transport> {
    shared: Arc<Shared<Io>>,
    place: Place,
}

impl<Io: Stream> Input<Io> {
    /// Completes once the server shuts down or an operator asks this connection to end: see [`Conn::told`].
    pub fn told(&self) -> impl Future<Output = ()> + Send + 'static + use<Io> {
        self.shared.lock().told()
    }

    /// Gives `sink` what the client sends until it ends its direction, or until `detach` stands in it. The sink is not
    /// ended: whether the client's end is the process's is the container's doing. dockerd ends the stdin of an exec, and
    /// of a container made with `StdinOnce`, unless they have a terminal; from all others the client is detached.
    ///
    /// Keys of which only the beginning was typed are held back, and given once something else follows.
    ///
    /// # Errors
    ///
    /// [`Error::Sink`] if the sink fails, as one does whose process does not read any more; [`Error::Io`] if the
    /// connection does.
    ///
    /// # Cancel safety
    ///
    /// Not safe: what was read of the connection may not be in the sink.
    pub async fn copy_to<W>(&mut self, sink: &mut W, detach: Option<DetachKeys>) -> Result<InputEnd, Error>
    where
        W: AsyncWrite + Unpin + ?Sized,
    {
        copy(self, sink, detach, Error::Io, Error::Sink).await
    }

    /// Ends the connection in order: what is queued, then our direction; then what the client still sends is thrown
    /// away until it ends too, or for two seconds, so that a reset does not destroy the last output. Outputs cannot be
    /// written any more.
    ///
    /// The [`Outcome`] is what a handler returns.
    ///
    /// # Errors
    ///
    /// An IO error of the writing side.
    ///
    /// # Cancel safety
    ///
    /// Cancelling drops the input.
    pub async fn close(self) -> Result<Outcome<Io>, crate::Error> {
        poll_fn(|cx| self.shared.poll(cx, &self.place, |conn, cx| conn.wire.poll_shutdown(cx))).await?;
        {
            let conn = self.shared.lock();
            conn.wire.lease.record().set_end(EndReason::Closed);
            if conn.wire.lease.record().peer_ended() {
                return Ok(Outcome::taken());
            }
            conn.wire.lease.wait(Timeout::Linger, LINGER);
        }
        let drain = |cx: &mut Context<'_>| self.shared.lock().wire.poll_read_with(cx, <[u8]>::len);
        while matches!(poll_fn(drain).await, Ok(1..)) {}
        Ok(Outcome::taken())
    }
}

impl<Io: Stream> AsyncRead for Input<Io> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        // Also while nothing is queued, so that whoever queues something later wakes this reader.
        self.place.join(cx);
        if self.shared.lock().wire.queued() > 0 {
            // A failure shows to those who write.
            let _ = self.shared.poll(cx, &self.place, |conn, cx| conn.wire.poll_flush(cx));
        }
        Pin::new(&mut *self.shared.lock()).poll_read(cx, buf)
    }
}

/// The outputs of a process. Clones of it, and the writers it gives, may be in as many tasks as there are.
pub struct Outputs<Io: Stream = Transport> {
    shared: Arc<Shared<Io>>,
    place: Place,
}

impl<Io: Stream> Outputs<Io> {
    /// How the outputs are written.
    #[must_use]
    pub fn framing(&self) -> Framing {
        self.shared.framing
    }

    /// A writer of stdout.
    #[must_use]
    pub fn stdout(&self) -> OutputWriter<Io> {
        self.writer(StreamType::Stdout)
    }

    /// A writer of stderr. Where nothing is framed it writes to the same output as stdout's.
    #[must_use]
    pub fn stderr(&self) -> OutputWriter<Io> {
        self.writer(StreamType::Stderr)
    }

    fn writer(&self, stream: StreamType) -> OutputWriter<Io> {
        OutputWriter { shared: Arc::clone(&self.shared), stream, place: self.place.clone() }
    }

    /// Writes `data` in frames of [`FRAME_PAYLOAD_LEN`] at the most, and waits until the connection has taken them.
    ///
    /// # Errors
    ///
    /// An IO error.
    ///
    /// # Cancel safety
    ///
    /// Each frame is sent whole or not at all; which was the last one is not told.
    pub async fn send(&self, stream: StreamType, mut data: &[u8]) -> io::Result<()> {
        let place = self.place.clone();
        while !data.is_empty() {
            let write = |cx: &mut Context<'_>| {
                self.shared.poll(cx, &place, |conn, cx| self.shared.poll_write(conn, cx, stream, data))
            };
            let len = poll_fn(write).await?;
            data = &data[len..];
        }
        self.flush().await
    }

    /// Sends what is queued: the head of the answer, for one, behind which the client knows that it is attached.
    ///
    /// # Errors
    ///
    /// An IO error.
    ///
    /// # Cancel safety
    ///
    /// Safe: call it again.
    pub async fn flush(&self) -> io::Result<()> {
        let place = self.place.clone();
        poll_fn(|cx| self.shared.poll(cx, &place, |conn, cx| conn.wire.poll_flush(cx))).await
    }

    /// Tells the client why the streams end here, which is not the process's doing: a frame of
    /// [`StreamType::SystemError`], which the client reads as [`FrameError::Daemon`](super::FrameError::Daemon); where
    /// nothing is framed the text is output. End the connection behind it.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// As [`send`](Self::send).
    pub async fn fail(&self, text: &str) -> io::Result<()> {
        // One frame only, for the client stops at it; and one in any case, for without it this is a good end.
        let text = if text.is_empty() { "no reason given" } else { text };
        self.send(StreamType::SystemError, &text.as_bytes()[..text.len().min(FRAME_PAYLOAD_LEN)]).await
    }

    /// Sends what is queued and ends our direction, behind which no output can be written. The input is still read;
    /// [`Input::close`] ends both in order.
    ///
    /// # Errors
    ///
    /// An IO error.
    ///
    /// # Cancel safety
    ///
    /// Safe: call it again.
    pub async fn close(&self) -> io::Result<()> {
        let place = self.place.clone();
        poll_fn(|cx| self.shared.poll(cx, &place, |conn, cx| conn.wire.poll_shutdown(cx))).await
    }
}

impl<Io: Stream> Clone for Outputs<Io> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), place: self.place.clone() }
    }
}

/// Writes one output. A write is one frame, of [`FRAME_PAYLOAD_LEN`] at the most; flushed, the connection has taken it.
/// Shutting it down flushes and ends nothing, since the other output goes on.
pub struct OutputWriter<Io: Stream = Transport> {
    shared: Arc<Shared<Io>>,
    stream: StreamType,
    place: Place,
}

impl<Io: Stream> Clone for OutputWriter<Io> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), stream: self.stream, place: self.place.clone() }
    }
}

impl<Io: Stream> AsyncWrite for OutputWriter<Io> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        if data.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let Self { shared, stream, place } = &*self;
        shared.poll(cx, place, |conn, cx| shared.poll_write(conn, cx, *stream, data))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shared.poll(cx, &self.place, |conn, cx| conn.wire.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

impl<Io: Stream> fmt::Debug for Input<Io> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Input").field(&*self.shared.lock()).finish()
    }
}

impl<Io: Stream> fmt::Debug for Outputs<Io> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outputs").field("framing", &self.shared.framing).finish_non_exhaustive()
    }
}

impl<Io: Stream> fmt::Debug for OutputWriter<Io> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutputWriter").field("stream", &self.stream).finish_non_exhaustive()
    }
}
