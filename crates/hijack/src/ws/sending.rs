//! Sending: whole messages, pings, and what was prepared for many.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, Waker, ready};

use hijack_proto::ws::{MessageKind, Prepared};

use super::socket::{Inner, mask_key, with_workspace};
use super::{Error, Message, WebSocket};
use crate::transport::Stream;

impl<Io: Stream> WebSocket<Io> {
    /// Sends a message, and waits until the socket has taken it.
    ///
    /// # Errors
    ///
    /// [`Error::Local`] behind a Close; [`Error::Io`] if the connection fails.
    ///
    /// # Cancel safety
    ///
    /// Safe: a message is either not begun or leaves whole, with what is sent or received next.
    pub async fn send(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        self.feed(message).await?;
        self.flush().await
    }

    /// Queues a message, which leaves with the next [`flush`](Self::flush) or [`send`](Self::send), or as soon as
    /// [`recv`](super::WebSocket::recv) has to wait: all answers to what came at once leave at once. Waits while more than
    /// [`Config::queue_len`](super::Config::queue_len) is queued.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// Safe: a message is either not begun or queued.
    pub async fn feed(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        let message = message.into();
        self.feed_bytes(message.kind(), message.as_bytes()).await
    }

    /// As [`feed`](Self::feed), with bytes that are somebody else's. Text must be UTF-8, or the peer closes.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// As [`feed`](Self::feed).
    pub async fn feed_bytes(&mut self, kind: MessageKind, payload: &[u8]) -> Result<(), Error> {
        self.room().await?;
        self.inner().put(kind, payload)
    }

    /// Sends what was framed, and compressed, once for many: see [`Prepared`]. A server's only.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and [`Error::Local`] for a client.
    ///
    /// # Cancel safety
    ///
    /// As [`send`](Self::send).
    pub async fn send_prepared(&mut self, prepared: &Prepared) -> Result<(), Error> {
        self.room().await?;
        self.inner().put_prepared(prepared)?;
        self.flush().await
    }

    /// Sends a ping of up to 125 bytes. Its pong is not told; silence beyond
    /// [`Config::pong_timeout`](super::Config::pong_timeout) is.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and [`Error::Local`] for a longer payload.
    ///
    /// # Cancel safety
    ///
    /// As [`send`](Self::send).
    pub async fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.room().await?;
        self.inner().put_ping(payload)?;
        self.flush().await
    }

    /// Waits until the socket has taken all that was fed.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the connection fails.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.inner().poll_flush(cx.waker())).await?;
        Ok(())
    }

    async fn room(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.inner().poll_room(cx.waker())).await?;
        Ok(())
    }
}

impl<Io: Stream> Inner<Io> {
    /// Ready when something more may be queued.
    pub(super) fn poll_room(&mut self, writes: &Waker) -> Poll<io::Result<()>> {
        while self.conn.wire.queued() > self.config.queue_len {
            ready!(self.conn.wire.poll_write(&mut Context::from_waker(writes), &[]))?;
        }
        Poll::Ready(Ok(()))
    }

    /// Queues something if there is room, and sends what the socket takes.
    ///
    /// Not on tokio's budget, by which a task that does much in one poll finds every socket unready: whoever tells
    /// thousands would queue for most of them, and all those would be woken to send it.
    pub(super) fn try_put(
        &mut self,
        writes: &Waker,
        put: impl FnOnce(&mut Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let putting = tokio::task::unconstrained(async {
            if let Poll::Ready(room) = self.poll_room(writes) {
                room?;
                put(self)?;
                return Ok(self.send_queued(writes)?);
            }
            Err(Error::QueueFull { queued: self.conn.wire.queued(), limit: self.config.queue_len })
        });
        match pin!(putting).poll(&mut Context::from_waker(writes)) {
            Poll::Ready(put) => put,
            Poll::Pending => unreachable!("it waits for nothing"),
        }
    }

    pub(super) fn put(&mut self, kind: MessageKind, payload: &[u8]) -> Result<(), Error> {
        let out = self.conn.wire.out();
        with_workspace(self.deflate.is_some(), |workspace| {
            self.sender.message(kind, payload, mask_key, workspace, out)
        })?;
        Ok(())
    }

    pub(super) fn put_prepared(&mut self, prepared: &Prepared) -> Result<(), Error> {
        let frame = self.sender.prepared(prepared)?;
        self.conn.wire.out().extend_from_slice(frame);
        Ok(())
    }

    pub(super) fn put_ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.sender.ping(payload, mask_key, self.conn.wire.out())?;
        Ok(())
    }

    pub(super) fn put_fragment(&mut self, kind: MessageKind, payload: &[u8], fin: bool) -> Result<(), Error> {
        let out = self.conn.wire.out();
        with_workspace(self.deflate.is_some(), |workspace| {
            self.sender.fragment(kind, payload, fin, mask_key, workspace, out)
        })?;
        Ok(())
    }
}
