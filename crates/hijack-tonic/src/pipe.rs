//! The bytes between two ends that have taken a connection over, whichever way.

use std::fmt;
use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hijack::{Conn, EndReason, ws};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;

/// A taken-over connection as bytes: raw, or in the messages of a WebSocket.
///
/// - **Who closes?** Its owner; dropping it closes the socket.
/// - **Deadlines?** None.
/// - **Unread bytes?** What came behind the head is read first.
/// - **Half-close?** Raw, the end of our direction is a FIN; a WebSocket's is its Close, which ends both.
/// - **Shutdown and cancellation?** As [`Conn`] says.
pub struct Pipe {
    way: Ways,
    /// Whether the peer has ended its direction.
    ended: bool,
    /// Told when the first byte is read.
    heard: Option<oneshot::Sender<()>>,
}

enum Ways {
    Raw(Conn),
    /// Boxed: it is ten times the other one.
    Framed(Box<ws::ByteStream>),
}

impl Pipe {
    fn new(way: Ways) -> Self {
        Self { way, ended: false, heard: None }
    }

    /// Completes when the first byte has been read.
    pub(crate) fn heard(&mut self) -> oneshot::Receiver<()> {
        let (heard, hears) = oneshot::channel();
        self.heard = Some(heard);
        hears
    }

    pub(crate) fn raw(conn: Conn) -> Self {
        Self::new(Ways::Raw(conn))
    }

    pub(crate) fn framed(socket: ws::WebSocket) -> Self {
        Self::new(Ways::Framed(Box::new(socket.into_byte_stream())))
    }

    /// The connection underneath, to be asked or limited: reading it or writing to it would break the stream.
    #[must_use]
    pub fn conn(&self) -> &Conn {
        match &self.way {
            Ways::Raw(conn) => conn,
            Ways::Framed(stream) => stream.conn(),
        }
    }

    /// The connection, if its bytes are the pipe's own: not over a WebSocket.
    ///
    /// # Errors
    ///
    /// The pipe, over a WebSocket.
    #[allow(clippy::result_large_err, reason = "a connection is as large")]
    pub fn into_conn(self) -> std::result::Result<Conn, Self> {
        match self.way {
            Ways::Raw(conn) => Ok(conn),
            way @ Ways::Framed(_) => Err(Self { way, ..self }),
        }
    }

    /// Puts `bytes` in front of everything that is still to be read.
    pub(crate) fn unshift(&mut self, bytes: Bytes) {
        match &mut self.way {
            Ways::Raw(conn) => conn.unshift(bytes),
            Ways::Framed(stream) => stream.unshift(bytes),
        }
    }

    /// Names the reason of the end to come.
    pub(crate) fn set_end_reason(&mut self, reason: EndReason) {
        match &mut self.way {
            Ways::Raw(conn) => conn.set_end_reason(reason),
            Ways::Framed(stream) => stream.conn_mut().set_end_reason(reason),
        }
    }
}

impl AsyncRead for Pipe {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        let before = buf.remaining();
        let polled = match &mut this.way {
            Ways::Raw(conn) => Pin::new(conn).poll_read(cx, buf),
            Ways::Framed(stream) => Pin::new(&mut **stream).poll_read(cx, buf),
        };
        if matches!(polled, Poll::Ready(Ok(()))) {
            this.ended |= before > 0 && buf.remaining() == before;
            if let Some(heard) = this.heard.take_if(|_| buf.remaining() < before) {
                let _ = heard.send(());
            }
        }
        polled
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<Result<usize>> {
        match &mut self.get_mut().way {
            Ways::Raw(conn) => Pin::new(conn).poll_write(cx, data),
            Ways::Framed(stream) => Pin::new(&mut **stream).poll_write(cx, data),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        match &mut self.get_mut().way {
            Ways::Raw(conn) => Pin::new(conn).poll_write_vectored(cx, data),
            Ways::Framed(stream) => Pin::new(&mut **stream).poll_write_vectored(cx, data),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.way {
            Ways::Raw(conn) => conn.is_write_vectored(),
            Ways::Framed(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        match &mut self.get_mut().way {
            Ways::Raw(conn) => Pin::new(conn).poll_flush(cx),
            Ways::Framed(stream) => Pin::new(&mut **stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        let polled = match &mut this.way {
            Ways::Raw(conn) => Pin::new(conn).poll_shutdown(cx),
            Ways::Framed(stream) => Pin::new(&mut **stream).poll_shutdown(cx),
        };
        if matches!(polled, Poll::Ready(Ok(()))) && !this.ended {
            this.set_end_reason(EndReason::Closed);
        }
        polled
    }
}

impl fmt::Debug for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = if matches!(self.way, Ways::Raw(_)) { "raw" } else { "websocket" };
        f.debug_struct("Pipe").field("way", &way).field("conn", self.conn()).finish()
    }
}
