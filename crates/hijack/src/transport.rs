//! What connections are made of: any duplex byte stream, and the one type that covers the usual ones.

use std::any::Any;
use std::fmt;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use crate::observe::{Identity, Peer};
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

    /// Whom the peer's certificates name, if this is TLS.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        match self {
            Self::Tls(tls) => Some(tls.identity()),
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
}

/// Has the kernel ask, after silence of `after`, whether the peer still lives. Sockets that cannot stay as they are.
pub(crate) fn set_probes<'s>(socket: impl Into<SockRef<'s>>, after: Option<Duration>) {
    if let Some(after) = after {
        let probes = socket2::TcpKeepalive::new().with_time(after).with_interval(after);
        let _ = socket.into().set_tcp_keepalive(&probes);
    }
}

/// Why the kernel has given the socket up, if it is one and that was not told yet.
pub(crate) fn take_error<Io: Stream>(io: &Io) -> Option<io::Error> {
    socket_of(io)?.take_error().ok().flatten()
}

/// Whether the kernel holds bytes of the peer's, or its end: a busy runtime may not have heard of them yet.
pub(crate) fn has_news<Io: Stream>(io: &Io) -> bool {
    let is_empty = |error: io::Error| error.kind() == io::ErrorKind::WouldBlock;
    socket_of(io).is_some_and(|socket| !socket.peek(&mut [MaybeUninit::uninit()]).is_err_and(is_empty))
}

fn socket_of<Io: Stream>(io: &Io) -> Option<SockRef<'_>> {
    match (tcp_of(io), Socket::of(io)) {
        (Some(tcp), _) => Some(SockRef::from(tcp)),
        (None, Some(Socket::Unix(unix))) => Some(SockRef::from(unix)),
        _ => None,
    }
}

/// Has TCP tell the peer of a break rather than of an end once the socket is closed, whatever runs on it. What is
/// not sent by then is lost.
pub(crate) fn reset_on_close<Io: Stream>(io: &Io) {
    if let Some(tcp) = tcp_of(io) {
        let _ = SockRef::from(tcp).set_linger(Some(Duration::ZERO));
    }
}

/// Whom a stream leads to, as far as its socket can tell.
pub(crate) fn peer_of<Io: Stream>(io: &Io) -> Peer {
    match (tcp_of(io), Socket::of(io)) {
        (Some(tcp), _) => tcp.peer_addr().map_or(Peer::Unknown, Peer::Tcp),
        (None, Some(Socket::Unix(_))) => Peer::Unix,
        _ => Peer::Unknown,
    }
}

/// The TCP socket of a stream that is one, or has one inside.
pub(crate) fn tcp_of<Io: Stream>(io: &Io) -> Option<&TcpStream> {
    let io: &dyn Any = io;
    io.downcast_ref::<TcpStream>().or_else(|| io.downcast_ref::<Transport>()?.tcp())
}

/// A stream that is a socket of the kernel's and nothing else, so that bytes may pass it without passing us.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Socket<'s> {
    Tcp(&'s TcpStream),
    Unix(&'s UnixStream),
}

impl<'s> Socket<'s> {
    /// The socket that `io` is. Inside TLS or another stream there is none.
    pub(crate) fn of<Io: Stream>(io: &'s Io) -> Option<Self> {
        let io: &dyn Any = io;
        match io.downcast_ref::<Transport>() {
            Some(Transport::Tcp(tcp)) => Some(Self::Tcp(tcp)),
            Some(Transport::Unix(unix)) => Some(Self::Unix(unix)),
            Some(_) => None,
            None => match io.downcast_ref::<TcpStream>() {
                Some(tcp) => Some(Self::Tcp(tcp)),
                None => io.downcast_ref::<UnixStream>().map(Self::Unix),
            },
        }
    }

    /// Tries `read` whenever there may be something to read.
    pub(crate) fn poll_read(
        self,
        cx: &mut Context<'_>,
        mut read: impl FnMut(BorrowedFd<'_>) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            let result = match self {
                Self::Tcp(tcp) => {
                    ready!(tcp.poll_read_ready(cx))?;
                    tcp.try_io(Interest::READABLE, || read(tcp.as_fd()))
                }
                Self::Unix(unix) => {
                    ready!(unix.poll_read_ready(cx))?;
                    unix.try_io(Interest::READABLE, || read(unix.as_fd()))
                }
            };
            if !would_block(&result) {
                return Poll::Ready(result);
            }
        }
    }

    /// Tries `write` whenever there may be room.
    pub(crate) fn poll_write(
        self,
        cx: &mut Context<'_>,
        mut write: impl FnMut(BorrowedFd<'_>) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            let result = match self {
                Self::Tcp(tcp) => {
                    ready!(tcp.poll_write_ready(cx))?;
                    tcp.try_io(Interest::WRITABLE, || write(tcp.as_fd()))
                }
                Self::Unix(unix) => {
                    ready!(unix.poll_write_ready(cx))?;
                    unix.try_io(Interest::WRITABLE, || write(unix.as_fd()))
                }
            };
            if !would_block(&result) {
                return Poll::Ready(result);
            }
        }
    }
}

fn would_block<T>(result: &io::Result<T>) -> bool {
    matches!(result, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
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
