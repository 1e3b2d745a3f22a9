//! What a process reads: raw bytes, never framed.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hijack_proto::stream::{DetachKeys, DetachMatcher};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::Error;
use crate::conn::WriteHalf;
use crate::transport::{Stream, Transport};

/// The input of a process. [`close`](Self::close) is its end; output goes on behind it.
///
/// Dropping it does not end the input: a process that reads to the end would wait for as long as the connection lives.
#[derive(Debug)]
pub struct Stdin<Io: Stream = Transport>(WriteHalf<Io>);

/// How a copied input ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InputEnd {
    /// The source ended. The client has closed the process's input with it; what the server makes of that is its own.
    Closed,
    /// The keys to detach were typed. The process's input goes on, and the connection: drop it to detach.
    Detached,
}

impl<Io: Stream> Stdin<Io> {
    pub(super) fn new(write: WriteHalf<Io>) -> Self {
        Self(write)
    }

    pub(super) fn into_write(self) -> WriteHalf<Io> {
        self.0
    }

    /// Ends the process's input: a half-close, behind which output is still read.
    ///
    /// What follows is the container's doing: dockerd closes the process's stdin where it was made with `StdinOnce` and
    /// without a terminal, and an exec's always; of any other container it detaches.
    ///
    /// # Errors
    ///
    /// An IO error, [`io::ErrorKind::Unsupported`] where the connection cannot be half-closed.
    ///
    /// # Cancel safety
    ///
    /// Safe: call it again.
    pub async fn close(&mut self) -> io::Result<()> {
        self.0.shutdown().await
    }

    /// Sends what `source` gives until it ends, then closes; or until `detach` stands in it, then leaves everything open.
    /// Keys of which only the beginning was typed are held back, and sent once something else follows. They are looked
    /// for in what a terminal sends only: give none for any other source, as Docker does.
    ///
    /// # Errors
    ///
    /// [`Error::Source`] if the source fails, [`Error::Io`] if the connection does; a process that ended without reading
    /// on is mostly [`io::ErrorKind::BrokenPipe`] or [`io::ErrorKind::ConnectionReset`], and no failure of its own.
    ///
    /// # Cancel safety
    ///
    /// Not safe: what was read of the source may not be sent.
    pub async fn copy_from<R>(
        &mut self,
        source: &mut R,
        detach: Option<DetachKeys>,
    ) -> Result<InputEnd, Error>
    where
        R: AsyncRead + Unpin + ?Sized,
    {
        let end = copy(source, self, detach, Error::Source, Error::Io).await?;
        if end == InputEnd::Closed {
            self.close().await?;
        }
        Ok(end)
    }
}

/// Passes on what `source` gives until it ends or the keys are found; each side's failures get its own name.
pub(super) async fn copy<R, W>(
    source: &mut R,
    sink: &mut W,
    detach: Option<DetachKeys>,
    read_failed: fn(io::Error) -> Error,
    write_failed: fn(io::Error) -> Error,
) -> Result<InputEnd, Error>
where
    R: AsyncRead + Unpin + ?Sized,
    W: AsyncWrite + Unpin + ?Sized,
{
    let mut matcher = detach.map(DetachMatcher::new);
    let mut buffer = vec![0; COPY_LEN];
    let mut passed = Vec::new();
    loop {
        let len = source.read(&mut buffer).await.map_err(read_failed)?;
        let Some(matcher) = &mut matcher else {
            if len == 0 {
                return Ok(InputEnd::Closed);
            }
            send(sink, &buffer[..len]).await.map_err(write_failed)?;
            continue;
        };
        passed.clear();
        let detached = matcher.feed(&buffer[..len], &mut passed).is_some();
        if len == 0 {
            matcher.finish(&mut passed);
        }
        send(sink, &passed).await.map_err(write_failed)?;
        if detached {
            return Ok(InputEnd::Detached);
        }
        if len == 0 {
            return Ok(InputEnd::Closed);
        }
    }
}

async fn send<W: AsyncWrite + Unpin + ?Sized>(sink: &mut W, data: &[u8]) -> io::Result<()> {
    sink.write_all(data).await?;
    sink.flush().await
}

/// Bytes of input that are read at a time.
const COPY_LEN: usize = 32 * 1024;

impl<Io: Stream> AsyncWrite for Stdin<Io> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    /// Ends the process's input: see [`Stdin::close`].
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
