//! What connections are made of: any duplex byte stream, and the one type that covers the usual ones.

use std::any::Any;
use std::fmt;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use crate::tls::Session;

/// A duplex stream of bytes that can be served, dialled through or taken over.
///
/// Everything that tokio can read and write is one. `poll_shutdown` must end our direction only: it is the
/// half-close of a taken-over connection.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for T {}

/// The transport of a connection, where its type is not kept.
///
/// ```text
/// Tcp · Unix      the kernel's sockets, whose descriptors can be had
/// Tls             TLS over any other transport
/// Custom          whatever else was given to us
/// ```
#[non_exhaustive]
pub enum Transport {
    /// A TCP connection.
    Tcp(TcpStream),
    /// A connection of a Unix socket.
    Unix(UnixStream),
    /// A TLS session. Half-closing it sends close_notify (RFC 8446 §6.1). Without the feature `tls` there is none.
    Tls(Session),
    /// Another stream.
    Custom(Box<dyn Stream>),
}

impl Transport {
    /// Any stream as a transport.
    pub fn custom(stream: impl Stream) -> Self {
        Self::Custom(Box::new(stream))
    }

    /// The socket, if this is TCP or TLS over TCP.
    #[must_use]
    pub fn tcp(&self) -> Option<&TcpStream> {
        match self {
            Self::Tcp(tcp) => Some(tcp),
            Self::Tls(tls) => tls.transport().tcp(),
            _ => None,
        }
    }

    /// Which kind it is: `tcp`, `unix`, `tls` or `custom`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Tcp(_) => "tcp",
            Self::Unix(_) => "unix",
            Self::Tls(_) => "tls",
            Self::Custom(_) => "custom",
        }
    }

    /// Whether the kernel holds bytes of the peer's, or its end: a busy runtime may not have heard of them yet.
    pub(crate) fn has_news(&self) -> bool {
        let socket = match self {
            Self::Tcp(tcp) => SockRef::from(tcp),
            Self::Unix(unix) => SockRef::from(unix),
            Self::Tls(tls) => return tls.transport().has_news(),
            Self::Custom(_) => return false,
        };
        let peeked = socket.peek(&mut [MaybeUninit::uninit()]);
        !peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }
}

/// Has the kernel ask, after silence of `after`, whether the peer still lives. Sockets that cannot stay as they are.
pub(crate) fn set_probes<'s>(socket: impl Into<SockRef<'s>>, after: Option<Duration>) {
    if let Some(after) = after {
        let probes = socket2::TcpKeepalive::new().with_time(after).with_interval(after);
        let _ = socket.into().set_tcp_keepalive(&probes);
    }
}

/// The TCP socket of a stream that is one, or has one inside.
pub(crate) fn tcp_of<Io: Stream>(io: &Io) -> Option<&TcpStream> {
    let io: &dyn Any = io;
    io.downcast_ref::<TcpStream>().or_else(|| io.downcast_ref::<Transport>()?.tcp())
}

impl From<TcpStream> for Transport {
    fn from(tcp: TcpStream) -> Self {
        Self::Tcp(tcp)
    }
}

impl From<UnixStream> for Transport {
    fn from(unix: UnixStream) -> Self {
        Self::Unix(unix)
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Transport").field(&self.kind()).finish()
    }
}

/// Calls a method of the stream within.
macro_rules! each {
    ($self:ident, $stream:ident => $call:expr) => {
        match $self.get_mut() {
            Transport::Tcp($stream) => $call,
            Transport::Unix($stream) => $call,
            Transport::Tls($stream) => $call,
            Transport::Custom($stream) => $call,
        }
    };
}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_read(cx, buf))
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        each!(self, stream => Pin::new(stream).poll_write(cx, data))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(self, stream => Pin::new(stream).poll_write_vectored(cx, data))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(_) | Self::Unix(_) => true,
            Self::Tls(tls) => tls.is_write_vectored(),
            Self::Custom(custom) => custom.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_shutdown(cx))
    }
}
