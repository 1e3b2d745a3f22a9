//! Reading and writing a taken-over connection.

use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};

use super::Conn;
use crate::transport::Stream;

impl<Io: Stream> Conn<Io> {
    /// Reads once from the stream, to the end of `unread`; nothing more there is the end.
    pub(crate) fn poll_read_more(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let Self { wire, unread } = self;
        wire.poll_read_with(cx, |came| {
            *unread =
                if unread.is_empty() { Bytes::copy_from_slice(came) } else { [unread, came].concat().into() };
        })
    }

    /// Takes `len` bytes off the front of what is unread, and frees it once it is all read.
    fn advance(&mut self, len: usize) {
        self.unread.advance(len);
        if self.unread.is_empty() {
            self.unread = Bytes::new();
        }
    }
}

impl<Io: Stream> AsyncRead for Conn<Io> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        if self.unread.is_empty() {
            return self.wire.poll_read(cx, buf).map_ok(drop);
        }
        let len = self.unread.len().min(buf.remaining());
        buf.put_slice(&self.unread[..len]);
        self.advance(len);
        Poll::Ready(Ok(()))
    }
}

impl<Io: Stream> AsyncBufRead for Conn<Io> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<&[u8]>> {
        let this = self.get_mut();
        if this.unread.is_empty() {
            ready!(this.poll_read_more(cx))?;
        }
        Poll::Ready(Ok(&this.unread))
    }

    fn consume(mut self: Pin<&mut Self>, len: usize) {
        self.advance(len);
    }
}

impl<Io: Stream> AsyncWrite for Conn<Io> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<Result<usize>> {
        self.wire.poll_write(cx, data)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        self.wire.poll_write_vectored(cx, data)
    }

    fn is_write_vectored(&self) -> bool {
        self.wire.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.wire.poll_flush(cx)
    }

    /// Ends our direction only: see [`Conn::close_write`].
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.wire.poll_shutdown(cx)
    }
}
