//! Two halves in many hands: one reader, and a writer that can be cloned.
//!
//! A lock is held for the length of one poll. Who waits for room in the socket is woken with all others.

use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use hijack_proto::ws::{Close, CloseCode, MessageKind, Prepared};

use super::socket::Inner;
use super::streaming::shown;
use super::{CloseFrame, Error, Message, WebSocket};
use crate::transport::{Stream, Transport};
use crate::waiting::{Place, Waiting};

/// The half that receives. It answers pings and sends what waits, as long as it is polled.
pub struct Reader<Io: Stream = Transport> {
    shared: Arc<Shared<Io>>,
    place: Place,
}

/// The half that sends; clones of it may be anywhere. Messages of one of them keep their order.
///
/// The connection closes when the reader and all writers are dropped.
pub struct Writer<Io: Stream = Transport> {
    shared: Arc<Shared<Io>>,
    /// Where this clone waits as a sink.
    place: Place,
}

struct Shared<Io: Stream> {
    socket: Mutex<WebSocket<Io>>,
    waiting: Arc<Waiting>,
    /// Wakes all who are waiting.
    waker: Waker,
}

impl<Io: Stream> Shared<Io> {
    fn lock(&self) -> MutexGuard<'_, WebSocket<Io>> {
        self.socket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Polls with the waker of all, among whom the owner of `place` is if it has to wait.
    fn poll<R>(
        &self,
        cx: &Context<'_>,
        place: &Place,
        mut poll: impl FnMut(&mut Inner<Io>, &Waker) -> Poll<R>,
    ) -> Poll<R> {
        if let Poll::Ready(ready) = poll(self.lock().inner(), &self.waker) {
            return Poll::Ready(ready);
        }
        // Joined only now, for most never wait; and polled again, for all may have been woken in between.
        place.join(cx);
        poll(self.lock().inner(), &self.waker)
    }
}

impl<Io: Stream> WebSocket<Io> {
    /// Splits the connection into a reader and a writer, which may live in many tasks.
    #[must_use]
    pub fn split(self) -> (Reader<Io>, Writer<Io>) {
        let waiting = Arc::<Waiting>::default();
        let waker = Waker::from(Arc::clone(&waiting));
        let (reading, writing) = (waiting.place(), waiting.place());
        let shared = Arc::new(Shared { socket: Mutex::new(self), waiting, waker });
        (Reader { shared: Arc::clone(&shared), place: reading }, Writer { shared, place: writing })
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

    pub(super) fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        self.place.join(cx);
        self.shared.lock().inner().poll_message(cx, &self.shared.waker, |message| message.into())
    }

    /// Shows the next piece of a message as it came: see [`WebSocket::recv_pieces`]. Writers wait while `show` runs.
    ///
    /// # Errors
    ///
    /// As [`WebSocket::recv`].
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn recv_pieces<R>(
        &mut self,
        mut show: impl FnMut(MessageKind, &[u8], bool) -> R,
    ) -> Result<Option<R>, Error> {
        poll_fn(|cx| {
            self.place.join(cx);
            let shared = &*self.shared;
            shared.lock().inner().poll_pieces(cx, &shared.waker, |piece| Some(shown(piece, &mut show)))
        })
        .await
    }

    /// What the peer said at the end: see [`WebSocket::close_frame`].
    #[must_use]
    pub fn close_frame(&self) -> Option<CloseFrame> {
        self.shared.lock().close_frame().cloned()
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

    /// Sends a message without waiting: queues it, and has the socket take what it takes at once. The rest leaves while
    /// the reader is polled or a writer waits, and with what is sent next. It may overtake those who wait in
    /// [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// [`Error::QueueFull`] while more than [`Config::queue_len`](super::Config::queue_len) waits for a peer that does not
    /// read: nothing is queued then, and the caller may leave this message out or close, say by
    /// [`CloseCode::TRY_LATER`]. Otherwise as [`WebSocket::send`].
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), Error> {
        let message = message.into();
        self.try_send_with(|inner| inner.put(message.kind(), message.as_bytes()))
    }

    /// As [`try_send`](Self::try_send), with what was prepared for many: one that does not read holds up nobody else.
    ///
    /// ```
    /// # use hijack::ws::{Error, Prepared, Writer};
    /// /// Everybody who keeps up stays.
    /// fn tell(members: &mut Vec<Writer>, message: &Prepared) {
    ///     members.retain(|member| member.try_send_prepared(message).is_ok());
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`try_send`](Self::try_send), and [`Error::Local`] for a client.
    pub fn try_send_prepared(&self, prepared: &Prepared) -> Result<(), Error> {
        self.try_send_with(|inner| inner.put_prepared(prepared))
    }

    /// Sends the next piece of a message, as one fragment; `last` ends it. Between two pieces no writer of this
    /// connection can send another message.
    ///
    /// # Errors
    ///
    /// As [`WebSocket::send`].
    ///
    /// # Cancel safety
    ///
    /// As [`WebSocket::send`].
    pub async fn send_piece(&self, kind: MessageKind, piece: &[u8], last: bool) -> Result<(), Error> {
        self.send_with(|inner| inner.put_fragment(kind, piece, last)).await
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

    /// Sends a Close, which waits behind what is queued and for no room in the queue; the reader then receives what the
    /// peer still says, and its Close, or an error in [`Config::close_timeout`](super::Config::close_timeout).
    ///
    /// # Errors
    ///
    /// As [`WebSocket::close`].
    ///
    /// # Cancel safety
    ///
    /// As [`WebSocket::send`].
    pub async fn close(&self, code: CloseCode, reason: &str) -> Result<(), Error> {
        let end = self.with_inner(|inner| {
            inner.begin_close(Some(Close { code, reason }))?;
            Ok::<_, Error>(inner.end_of_queue())
        })?;
        self.sent(&self.shared.waiting.place(), end).await
    }

    async fn send_with(&self, mut put: impl FnMut(&mut Inner<Io>) -> Result<(), Error>) -> Result<(), Error> {
        let place = self.shared.waiting.place();
        let end = poll_fn(|cx| {
            self.shared.poll(cx, &place, |inner, waker| {
                inner.poll_room(waker).map(|room| {
                    room?;
                    put(inner)?;
                    Ok::<_, Error>(inner.end_of_queue())
                })
            })
        });
        let end = end.await?;
        self.sent(&place, end).await
    }

    async fn sent(&self, place: &Place, end: u64) -> Result<(), Error> {
        poll_fn(|cx| self.shared.poll(cx, place, |inner, waker| inner.poll_sent(waker, end))).await?;
        Ok(())
    }

    fn try_send_with(&self, put: impl FnOnce(&mut Inner<Io>) -> Result<(), Error>) -> Result<(), Error> {
        self.with_inner(|inner| inner.try_put(&self.shared.waker, put))
    }

    pub(super) fn with_inner<R>(&self, work: impl FnOnce(&mut Inner<Io>) -> R) -> R {
        work(self.shared.lock().inner())
    }

    /// Polls from this clone's own place.
    pub(super) fn poll_here<R>(
        &self,
        cx: &Context<'_>,
        poll: impl FnMut(&mut Inner<Io>, &Waker) -> Poll<R>,
    ) -> Poll<R> {
        self.shared.poll(cx, &self.place, poll)
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
        Self { shared: Arc::clone(&self.shared), place: self.place.clone() }
    }
}

impl<Io: Stream> std::fmt::Debug for Reader<Io> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Reader").field(&*self.shared.lock()).finish()
    }
}

impl<Io: Stream> std::fmt::Debug for Writer<Io> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Writer").field(&*self.shared.lock()).finish()
    }
}
