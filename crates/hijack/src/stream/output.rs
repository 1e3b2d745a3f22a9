//! What a process writes, in the order in which it came.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hijack_proto::stream::{Decoded, Decoder, Framing, Limits, StreamType};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::Error;
use super::halves::{OutputHalf, halves};
use crate::conn::ReadHalf;
use crate::scratch;

/// The outputs of a process, read from a connection or from anything else that reads, such as the body of `logs`.
///
/// While it waits it holds no buffer.
pub struct Output<R = ReadHalf> {
    reader: R,
    /// None if nothing is framed.
    decoder: Option<Decoder>,
    /// Bytes that were read and not looked at yet.
    input: Bytes,
}

/// Some output.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Chunk {
    /// [`StreamType::Stdout`] or [`StreamType::Stderr`]. A terminal's output is all stdout.
    pub stream: StreamType,
    /// What was written, never empty. Its borders mean nothing: neither lines nor frames nor writes.
    pub data: Bytes,
}

/// How much output there was, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Copied {
    /// Of stdout, or of a terminal.
    pub stdout: u64,
    /// Of stderr.
    pub stderr: u64,
}

impl<R: AsyncRead + Unpin> Output<R> {
    /// The outputs that `reader` gives, with the default [`Limits`].
    #[must_use]
    pub fn new(reader: R, framing: Framing) -> Self {
        Self::with_limits(reader, framing, Limits::default())
    }

    /// The outputs that `reader` gives.
    #[must_use]
    pub fn with_limits(reader: R, framing: Framing, limits: Limits) -> Self {
        let decoder = match framing {
            Framing::Multiplexed => Some(Decoder::new(limits)),
            Framing::Raw => None,
        };
        Self { reader, decoder, input: Bytes::new() }
    }

    /// What the outputs are read as.
    #[must_use]
    pub fn framing(&self) -> Framing {
        Framing::of_tty(self.decoder.is_none())
    }

    /// The next output; none at the end, which for a stream in frames is at the edge of one.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; [`Error::Frame`], the same ever after, behind everything that came whole in front of it.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn next(&mut self) -> Result<Option<Chunk>, Error> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// As [`next`](Self::next), for whoever polls.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Chunk>, Error>> {
        loop {
            if let Some(chunk) = self.decode()? {
                return Poll::Ready(Ok(Some(chunk)));
            }
            self.input = ready!(read_some(&mut self.reader, cx))?;
            if self.input.is_empty() {
                self.decoder.as_ref().map_or(Ok(()), Decoder::finish)?;
                return Poll::Ready(Ok(None));
            }
        }
    }

    /// The next output in what was read.
    fn decode(&mut self) -> Result<Option<Chunk>, Error> {
        while !self.input.is_empty() {
            let Some(decoder) = &mut self.decoder else {
                let data = std::mem::take(&mut self.input);
                return Ok(Some(Chunk { stream: StreamType::Stdout, data }));
            };
            let (taken, decoded) = decoder.next(&self.input)?;
            let data = self.input.split_to(taken);
            if let Decoded::Data(stream) = decoded {
                // Docker's own reader takes stdin for stdout.
                let stream = if stream == StreamType::Stdin { StreamType::Stdout } else { stream };
                return Ok(Some(Chunk { stream, data }));
            }
        }
        Ok(None)
    }

    /// Writes all that comes to `stdout` and `stderr`, until the end. What came is flushed before more is waited for, so
    /// that a prompt without a line's end shows.
    ///
    /// # Errors
    ///
    /// [`Error::Sink`] if one of the two does not take it, and those of [`next`](Self::next).
    ///
    /// # Cancel safety
    ///
    /// Not safe: what was read may not be written.
    pub async fn copy_to<O, E>(mut self, stdout: &mut O, stderr: &mut E) -> Result<Copied, Error>
    where
        O: AsyncWrite + Unpin + ?Sized,
        E: AsyncWrite + Unpin + ?Sized,
    {
        let mut copied = Copied::default();
        while let Some(Chunk { stream, data }) = self.next().await? {
            let len = data.len() as u64;
            if stream == StreamType::Stderr {
                copied.stderr += len;
                write(stderr, &data).await?;
            } else {
                copied.stdout += len;
                write(stdout, &data).await?;
            }
        }
        Ok(copied)
    }

    /// The reader and what was read of it, if that begins at the edge of a frame.
    pub(super) fn into_unread(self) -> Option<(R, Bytes)> {
        let at_edge = self.decoder.is_none_or(|decoder| decoder.finish().is_ok());
        at_edge.then_some((self.reader, self.input))
    }

    /// Both outputs by themselves: stdout and stderr.
    ///
    /// Either reader reads the connection for both; what is the other's waits for it, [`HALF_LEN`](super::HALF_LEN)
    /// bytes at the most. Beyond, a reader waits until the other half is read or dropped: read both, or drop one.
    #[must_use]
    pub fn split(self) -> (OutputHalf<R>, OutputHalf<R>) {
        halves(self)
    }
}

async fn write(sink: &mut (impl AsyncWrite + Unpin + ?Sized), data: &[u8]) -> Result<(), Error> {
    sink.write_all(data).await.map_err(Error::Sink)?;
    sink.flush().await.map_err(Error::Sink)
}

/// Reads once, through this thread's buffer.
fn read_some<R: AsyncRead + Unpin>(reader: &mut R, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
    scratch::with_read(|scratch| {
        let mut buf = ReadBuf::new(scratch);
        ready!(Pin::new(reader).poll_read(cx, &mut buf))?;
        Poll::Ready(Ok(Bytes::copy_from_slice(buf.filled())))
    })
}

impl<R: fmt::Debug> fmt::Debug for Output<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("reader", &self.reader)
            .field("framed", &self.decoder.is_some())
            .field("unread", &self.input.len())
            .finish()
    }
}
