//! A WebSocket as a stream of bytes: for protocols with edges of their own, where nothing but WebSockets passes.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, Bytes};
use hijack_proto::ws::{Close, CloseCode, MessageKind, Payload};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Error, WebSocket};
use crate::Conn;
use crate::transport::{Stream, Transport};

/// The payloads of a WebSocket's binary messages, one behind the other; what is written goes out as binary messages.
/// The edges between messages mean nothing.
///
/// - **Who closes?** Its owner. The end of our direction is a Close of 1000, which the peer answers: both directions end
///   then. Dropping it is as dropping the [`WebSocket`].
/// - **Deadlines?** Those of the [`Config`](super::Config): pings find a dead peer as long as it is read.
/// - **Unread bytes?** What came behind the handshake is read first.
/// - **The end?** The peer's Close reads as no bytes, whatever its code says; a connection that ends without one fails.
///   Text fails, with [`std::io::ErrorKind::InvalidData`].
/// - **Cancellation?** Nothing is lost.
pub struct ByteStream<Io: Stream = Transport> {
    socket: WebSocket<Io>,
    /// What came and did not fit into the reader's buffer, or was put back.
    ahead: Bytes,
    /// The writer that waits, perhaps another task than the reader: it is the one to be woken when there is room.
    writer: Option<Waker>,
}

impl<Io: Stream> WebSocket<Io> {
    /// The WebSocket as a stream of bytes. Half a message that was received by [`recv`](Self::recv) is lost.
    #[must_use]
    pub fn into_byte_stream(self) -> ByteStream<Io> {
        ByteStream { socket: self, ahead: Bytes::new(), writer: None }
    }
}

impl<Io: Stream> ByteStream<Io> {
    /// The connection underneath: its peer, head, limits and record.
    #[must_use]
    pub fn conn(&self) -> &Conn<Io> {
        self.socket.conn()
    }

    /// The connection underneath, to be limited or named: reading from it or writing to it would break the frames.
    pub fn conn_mut(&mut self) -> &mut Conn<Io> {
        self.socket.conn_mut()
    }

    /// Puts `bytes` in front of everything that is still to be read.
    pub fn unshift(&mut self, bytes: impl Into<Bytes>) {
        let bytes = bytes.into();
        self.ahead = if self.ahead.is_empty() { bytes } else { [&bytes[..], &self.ahead].concat().into() };
    }
}

impl<Io: Stream> ByteStream<Io> {
    /// Keeps whom to wake if `polled` is pending.
    fn waited<T>(&mut self, cx: &Context<'_>, polled: Poll<T>) -> Poll<T> {
        self.writer = polled.is_pending().then(|| cx.waker().clone());
        polled
    }
}

/// Of one write, the bytes that make a message: a reader that wants whole messages has them in bounded memory.
const MESSAGE_LEN: usize = 64 * 1024;

impl<Io: Stream> AsyncRead for ByteStream<Io> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Self { socket, ahead, writer } = self.get_mut();
        if ahead.is_empty() {
            let writes = writer.as_ref().unwrap_or(cx.waker()).clone();
            let came = ready!(socket.inner().poll_pieces(cx, &writes, |piece| match piece.payload {
                Payload::Binary([]) => None,
                Payload::Binary(bytes) => {
                    let (fits, rest) = bytes.split_at(bytes.len().min(buf.remaining()));
                    buf.put_slice(fits);
                    *ahead = Bytes::copy_from_slice(rest);
                    Some(Ok(()))
                }
                Payload::Text(_) => Some(Err(io::ErrorKind::InvalidData.into())),
            }));
            return Poll::Ready(came.map_err(into_io)?.unwrap_or_else(|| ended(socket)));
        }
        let len = ahead.len().min(buf.remaining());
        buf.put_slice(&ahead[..len]);
        ahead.advance(len);
        Poll::Ready(Ok(()))
    }
}

impl<Io: Stream> AsyncWrite for ByteStream<Io> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let room = self.socket.inner().poll_room(cx.waker());
        ready!(self.waited(cx, room))?;
        let len = data.len().min(MESSAGE_LEN);
        self.socket.inner().put(MessageKind::Binary, &data[..len]).map_err(into_io)?;
        Poll::Ready(Ok(len))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = self.socket.inner().poll_flush(cx.waker());
        self.waited(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.inner().begin_close(Some(Close::new(CloseCode::NORMAL))).map_err(into_io)?;
        self.poll_flush(cx)
    }
}

/// The end of what can be read, if the peer said so.
fn ended<Io: Stream>(socket: &WebSocket<Io>) -> io::Result<()> {
    match socket.close_frame() {
        Some(close) if close.code == CloseCode::ABNORMAL => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

fn into_io(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        error @ Error::CutOff => io::Error::new(io::ErrorKind::UnexpectedEof, error),
        error @ Error::Local(_) => io::Error::new(io::ErrorKind::BrokenPipe, error),
        error => io::Error::new(io::ErrorKind::InvalidData, error),
    }
}

impl<Io: Stream> fmt::Debug for ByteStream<Io> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteStream").field("conn", self.conn()).field("ahead", &self.ahead.len()).finish()
    }
}
