//! TLS inside a connection that was taken over, as in a tunnel to ourselves.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use super::Session;
use crate::observe::{EndReason, Timeout};
use crate::transport::Transport;
use crate::{Conn, Error, Parts};

/// Shakes hands as a server inside `conn`, of which nothing of the client's TLS was read yet, or was put back.
///
/// The connection keeps its place in the tracker, and everything that [`Conn`] says holds for the session inside.
///
/// # Errors
///
/// [`Error::Io`] if the handshake fails or takes longer than `within`; the connection is closed.
///
/// # Cancel safety
///
/// Cancelling closes the connection.
pub async fn accept(mut conn: Conn, config: Arc<ServerConfig>, within: Duration) -> Result<Conn, Error> {
    conn.flush().await?;
    let Parts { io, unread, unsent, lease } = conn.into_parts();
    debug_assert!(unsent.is_empty(), "flushed");
    let io = if unread.is_empty() { io } else { Transport::custom(Ahead { unread, io }) };
    let shaken = timeout(within, TlsAcceptor::from(config).accept(io)).await;
    match shaken.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
        Ok(tls) => {
            let io = Transport::Tls(Session(Box::new(tls.into())));
            Ok(Conn::from_parts(Parts { io, unread: Bytes::new(), unsent: Bytes::new(), lease }))
        }
        Err(error) => {
            lease.set_end_reason(match error.kind() {
                io::ErrorKind::TimedOut => EndReason::TimedOut(Timeout::Handshake),
                kind => EndReason::Broken(kind),
            });
            Err(error.into())
        }
    }
}

/// A stream of which some was read already.
struct Ahead {
    unread: Bytes,
    io: Transport,
}

impl AsyncRead for Ahead {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.unread.is_empty() {
            return Pin::new(&mut self.io).poll_read(cx, buf);
        }
        let len = self.unread.len().min(buf.remaining());
        buf.put_slice(&self.unread[..len]);
        self.unread.advance(len);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Ahead {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, data)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, data)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
