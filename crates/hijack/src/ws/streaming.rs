//! Messages larger than memory: received in pieces as they come, sent in fragments as they are made.

use std::future::poll_fn;

use hijack_proto::ws::{MessageKind, Payload, Piece};

use super::{Error, WebSocket};
use crate::transport::Stream;

impl<Io: Stream> WebSocket<Io> {
    /// Shows the next piece of the message under way, or of the next one, as it came; nothing at the end. Nothing is
    /// assembled, so that a message may be larger than memory; [`Limits`](super::Limits) bound it all the same.
    ///
    /// Do not mix it with [`recv`](Self::recv) within one message.
    ///
    /// ```
    /// # async fn count(socket: &mut hijack::ws::WebSocket) -> Result<u64, hijack::ws::Error> {
    /// let mut bytes = 0;
    /// while let Some((len, last)) = socket.recv_pieces(|_, bytes, last| (bytes.len() as u64, last)).await? {
    ///     bytes += len;
    ///     if last { break }
    /// }
    /// # Ok(bytes) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn recv_pieces<R>(
        &mut self,
        mut show: impl FnMut(MessageKind, &[u8], bool) -> R,
    ) -> Result<Option<R>, Error> {
        let mut take = |piece: Piece<'_>| Some(shown(piece, &mut show));
        poll_fn(|cx| {
            let waker = cx.waker();
            self.inner().poll_pieces(cx, waker, &mut take)
        })
        .await
    }

    /// Begins a message that is sent piece by piece. Pongs and pings go in between.
    pub fn writer(&mut self, kind: MessageKind) -> MessageWriter<'_, Io> {
        MessageWriter { socket: self, kind }
    }
}

/// What `show` makes of a piece.
pub(super) fn shown<R>(piece: Piece<'_>, show: &mut impl FnMut(MessageKind, &[u8], bool) -> R) -> R {
    match piece.payload {
        Payload::Text(text) => show(MessageKind::Text, text.as_bytes(), piece.last),
        Payload::Binary(bytes) => show(MessageKind::Binary, bytes, piece.last),
    }
}

/// A message on its way. It must be [finished](Self::finish): until then the connection can send nothing else, and
/// another writer goes on with the same message.
#[derive(Debug)]
#[must_use = "a message that is not finished holds up all others"]
pub struct MessageWriter<'s, Io: Stream> {
    socket: &'s mut WebSocket<Io>,
    kind: MessageKind,
}

impl<Io: Stream> MessageWriter<'_, Io> {
    /// Sends the next piece, as one fragment, and waits until the socket has taken it.
    ///
    /// # Errors
    ///
    /// As [`WebSocket::send`].
    ///
    /// # Cancel safety
    ///
    /// Safe: the piece is either not begun or leaves whole, with what is sent or received next.
    pub async fn write(&mut self, piece: &[u8]) -> Result<(), Error> {
        self.put(piece, false).await
    }

    /// Ends the message with `piece`, which may be empty.
    ///
    /// # Errors
    ///
    /// As [`WebSocket::send`].
    ///
    /// # Cancel safety
    ///
    /// As [`write`](Self::write).
    pub async fn finish(mut self, piece: &[u8]) -> Result<(), Error> {
        self.put(piece, true).await
    }

    async fn put(&mut self, piece: &[u8], fin: bool) -> Result<(), Error> {
        poll_fn(|cx| self.socket.inner().poll_room(cx.waker())).await?;
        self.socket.inner().put_fragment(self.kind, piece, fin)?;
        self.socket.flush().await
    }
}
