//! Two halves in many hands: one reader, and a writer that can be cloned.
//!
//! A lock is held for the length of one poll. The socket wakes one task when it has room, so everybody who waits for
//! that waits in one list, and all of them are woken.

use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use hijack_proto::ws::{Close, CloseCode, Prepared};

use super::socket::Inner;
use super::{CloseFrame, Error, Message, WebSocket};
use crate::stream::{Stream, Transport};

/// The half that receives. It answers pings and sends what waits, as long as it is polled.
pub struct Reader<Io: Stream = Transport>(Arc<Shared<Io>>);

/// The half that sends; clones of it may be anywhere. Messages of one of them keep their order.
///
/// The connection closes when the reader and all writers are dropped.
pub struct Writer<Io: Stream = Transport>(Arc<Shared<Io>>);

struct Shared<Io: Stream> {
    socket: Mutex<WebSocket<Io>>,
    waiting: Arc<Waiting>,
    /// Wakes all who are waiting.
    waker: Waker,
}

/// Those who wait for room in the socket.
#[derive(Default)]
struct Waiting(Mutex<Vec<Waker>>);

impl Waiting {
    fn join(&self, cx: &Context<'_>) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            waiting.push(cx.waker().clone());
        }
    }
}

impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        let waiting = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl<Io: Stream> Shared<Io> {
    fn lock(&self) -> MutexGuard<'_, WebSocket<Io>> {
        self.socket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Polls with the waker of all, among whom `cx` is from now on.
    fn poll<R>(&self, cx: &Context<'_>, poll: impl FnOnce(&mut Inner<Io>, &Waker) -> Poll<R>) -> Poll<R> {
        self.waiting.join(cx);
        poll(self.lock().inner(), &self.waker)
    }
}

impl<Io: Stream> WebSocket<Io> {
    /// Splits the connection into a reader and a writer, which may live in many tasks.
    #[must_use]
    pub fn split(self) -> (Reader<Io>, Writer<Io>) {
        let waiting = Arc::<Waiting>::default();
        let waker = Waker::from(Arc::clone(&waiting));
        let shared = Arc::new(Shared { socket: Mutex::new(self), waiting, waker });
        (Reader(Arc::clone(&shared)), Writer(shared))
    }
}

impl<Io: Stream> Reader<Io> {
    /// Receives the next message: see [`WebSocket::recv`].
    ///
    /// # Errors
    ///
    /// As [`WebSocket::recv`].
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn recv(&mut self) -> Result<Option<Message>, Error> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        self.0.waiting.join(cx);
        self.0.lock().inner().poll_message(cx, &self.0.waker, |message| message.into())
    }

    /// What the peer said at the end: see [`WebSocket::close_frame`].
    #[must_use]
    pub fn close_frame(&self) -> Option<CloseFrame> {
        self.0.lock().close_frame().cloned()
    }
}

impl<Io: Stream> Writer<Io> {
    /// Sends a message, and waits until the socket has taken it: see [`WebSocket::send`].
    ///
    /// # Errors
    ///
    /// As [`WebSocket::send`].
    ///
    /// # Cancel safety
    ///
    /// As [`WebSocket::send`].
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), Error> {
        let message = message.into();
        self.send_with(|inner| inner.put(message.kind(), message.as_bytes())).await
    }

    /// Sends what was prepared for many: see [`WebSocket::send_prepared`].
    ///
    /// # Errors
    ///
    /// As [`WebSocket::send_prepared`].
    ///
    /// # Cancel safety
    ///
    /// As [`WebSocket::send`].
    pub async fn send_prepared(&self, prepared: &Prepared) -> Result<(), Error> {
        self.send_with(|inner| inner.put_prepared(prepared)).await
    }

    /// Sends a ping: see [`WebSocket::ping`].
    ///
    /// # Errors
    ///
    /// As [`WebSocket::ping`].
    ///
    /// # Cancel safety
    ///
    /// As [`WebSocket::send`].
    pub async fn ping(&self, payload: &[u8]) -> Result<(), Error> {
        self.send_with(|inner| inner.put_ping(payload)).await
    }

    /// Sends a Close; the reader then receives what the peer still says, and its Close, or an error in
    /// [`Config::close_timeout`](super::Config::close_timeout).
    ///
    /// # Errors
    ///
    /// As [`WebSocket::close`].
    ///
    /// # Cancel safety
    ///
    /// As [`WebSocket::send`].
    pub async fn close(&self, code: CloseCode, reason: &str) -> Result<(), Error> {
        self.send_with(|inner| inner.begin_close(Some(Close { code, reason }))).await
    }

    async fn send_with(&self, mut put: impl FnMut(&mut Inner<Io>) -> Result<(), Error>) -> Result<(), Error> {
        let end = poll_fn(|cx| {
            self.0.poll(cx, |inner, waker| match inner.poll_room(waker) {
                Poll::Ready(room) => Poll::Ready(room.map_err(Error::Io).and_then(|()| {
                    put(inner)?;
                    Ok(inner.end_of_queue())
                })),
                Poll::Pending => Poll::Pending,
            })
        });
        let end = end.await?;
        poll_fn(|cx| self.0.poll(cx, |inner, waker| inner.poll_sent(waker, end))).await?;
        Ok(())
    }
}

impl<Io: Stream> Inner<Io> {
    /// Where, of all bytes of this connection, the last one stands that is queued.
    fn end_of_queue(&self) -> u64 {
        self.conn.wire.bytes_out() + self.conn.wire.queued() as u64
    }

    /// Ready when the socket has taken everything up to `end`; what others queued behind it is theirs.
    fn poll_sent(&mut self, writes: &Waker, end: u64) -> Poll<io::Result<()>> {
        match self.poll_flush(writes) {
            Poll::Pending if self.conn.wire.queued() > 0 && self.conn.wire.bytes_out() >= end => {
                Poll::Ready(Ok(()))
            }
            polled => polled,
        }
    }
}

impl<Io: Stream> Clone for Writer<Io> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<Io: Stream> std::fmt::Debug for Reader<Io> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Reader").field(&*self.0.lock()).finish()
    }
}

impl<Io: Stream> std::fmt::Debug for Writer<Io> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Writer").field(&*self.0.lock()).finish()
    }
}
