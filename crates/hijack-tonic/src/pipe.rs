//! The bytes between two ends that have taken a connection over, whichever way.

use std::convert::Infallible;
use std::fmt;
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hijack::{Conn, EndReason, ws};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;

use crate::preface::{FRAME_HEAD_LEN, is_settings};

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
    /// Until the peer's first frame has come.
    hearing: Option<Hearing>,
    held: Held,
}

/// Looks at the head of the peer's first frame.
struct Hearing {
    head: [u8; FRAME_HEAD_LEN],
    len: usize,
    /// Told when it is a SETTINGS, dropped when it is not.
    heard: oneshot::Sender<()>,
}

/// Whether somebody else may end the pipe.
enum Held {
    Free,
    By(oneshot::Receiver<Infallible>),
    LetGo,
}

/// A hold on a pipe that something else reads and writes: dropped, it ends the pipe.
pub(crate) struct Leash(oneshot::Sender<Infallible>);

impl Leash {
    /// Completes when the pipe is gone.
    pub(crate) async fn ended(&mut self) {
        self.0.closed().await;
    }
}

enum Ways {
    Raw(Conn),
    /// Boxed: it is ten times the other one.
    Framed(Box<ws::ByteStream>),
}

impl Pipe {
    fn new(way: Ways) -> Self {
        Self { way, ended: false, hearing: None, held: Held::Free }
    }

    /// Completes when the peer, a server of HTTP/2, has begun its first frame; with an error if that is another than it must
    /// be, or the pipe ends.
    pub(crate) fn heard(&mut self) -> oneshot::Receiver<()> {
        let (heard, hears) = oneshot::channel();
        self.hearing = Some(Hearing { head: [0; FRAME_HEAD_LEN], len: 0, heard });
        hears
    }

    /// From now on the pipe lives no longer than the leash.
    pub(crate) fn leash(&mut self) -> Leash {
        let (hold, held) = oneshot::channel();
        self.held = Held::By(held);
        Leash(hold)
    }

    /// Fails once the leash is gone.
    fn check(&mut self, cx: &mut Context<'_>) -> Result<()> {
        if let Held::By(hold) = &mut self.held
            && Pin::new(hold).poll(cx).is_ready()
        {
            self.held = Held::LetGo;
        }
        match self.held {
            Held::LetGo => Err(Error::new(ErrorKind::ConnectionAborted, "another connection took its place")),
            Held::Free | Held::By(_) => Ok(()),
        }
    }

    fn hear(&mut self, bytes: &[u8]) {
        let Some(hearing) = &mut self.hearing else { return };
        let more = bytes.len().min(FRAME_HEAD_LEN - hearing.len);
        hearing.head[hearing.len..][..more].copy_from_slice(&bytes[..more]);
        hearing.len += more;
        if hearing.len < FRAME_HEAD_LEN {
            return;
        }
        let is_settings = is_settings(hearing.head);
        let heard = self.hearing.take().map(|hearing| hearing.heard);
        if is_settings {
            let _ = heard.map(|heard| heard.send(()));
        } else {
            self.set_end_reason(EndReason::Broken(ErrorKind::InvalidData));
        }
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
        this.check(cx)?;
        let before = buf.filled().len();
        let had_room = buf.remaining() > 0;
        let polled = match &mut this.way {
            Ways::Raw(conn) => Pin::new(conn).poll_read(cx, buf),
            Ways::Framed(stream) => Pin::new(&mut **stream).poll_read(cx, buf),
        };
        if matches!(polled, Poll::Ready(Ok(()))) {
            this.ended |= had_room && buf.filled().len() == before;
            this.hear(&buf.filled()[before..]);
        }
        polled
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<Result<usize>> {
        let this = self.get_mut();
        this.check(cx)?;
        match &mut this.way {
            Ways::Raw(conn) => Pin::new(conn).poll_write(cx, data),
            Ways::Framed(stream) => Pin::new(&mut **stream).poll_write(cx, data),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let this = self.get_mut();
        this.check(cx)?;
        match &mut this.way {
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
        let this = self.get_mut();
        this.check(cx)?;
        match &mut this.way {
            Ways::Raw(conn) => Pin::new(conn).poll_flush(cx),
            Ways::Framed(stream) => Pin::new(&mut **stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        this.check(cx)?;
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
