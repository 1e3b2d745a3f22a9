//! The two directions of a taken-over connection, in two hands.

use std::fmt;
use std::io::Result;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Conn;
use crate::transport::{Stream, Transport};

/// The reading half of a [`Conn`].
///
/// The connection closes when both halves are dropped.
#[derive(Debug)]
pub struct ReadHalf<Io = Transport>(Arc<Mutex<Conn<Io>>>);

/// The writing half of a [`Conn`]. Shutting it down ends our direction; dropping it does not.
///
/// The connection closes when both halves are dropped.
#[derive(Debug)]
pub struct WriteHalf<Io = Transport>(Arc<Mutex<Conn<Io>>>);

/// Two halves that are not of the same connection; both are given back.
#[derive(Debug)]
pub struct ReuniteError<Io = Transport>(pub ReadHalf<Io>, pub WriteHalf<Io>);

impl<Io> fmt::Display for ReuniteError<Io> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the halves are of two connections")
    }
}

impl<Io: fmt::Debug> std::error::Error for ReuniteError<Io> {}

impl<Io: Stream> Conn<Io> {
    /// Splits the connection into halves that may live in two tasks.
    #[must_use]
    pub fn into_split(self) -> (ReadHalf<Io>, WriteHalf<Io>) {
        let shared = Arc::new(Mutex::new(self));
        (ReadHalf(Arc::clone(&shared)), WriteHalf(shared))
    }

    /// Puts two halves together again.
    ///
    /// # Errors
    ///
    /// [`ReuniteError`] if they are of two connections.
    pub fn reunite(read: ReadHalf<Io>, write: WriteHalf<Io>) -> std::result::Result<Self, ReuniteError<Io>> {
        if !Arc::ptr_eq(&read.0, &write.0) {
            return Err(ReuniteError(read, write));
        }
        drop(write);
        match Arc::try_unwrap(read.0) {
            Ok(conn) => Ok(conn.into_inner().unwrap_or_else(PoisonError::into_inner)),
            Err(_) => unreachable!("a connection has two halves"),
        }
    }
}

/// Locks for the length of one poll. No lock is held across a wait, so the halves never wait for each other.
fn with<Io, R>(half: &Mutex<Conn<Io>>, poll: impl FnOnce(Pin<&mut Conn<Io>>) -> R) -> R
where
    Io: Stream,
{
    poll(Pin::new(&mut *half.lock().unwrap_or_else(PoisonError::into_inner)))
}

impl<Io: Stream> ReadHalf<Io> {
    /// Completes once the server shuts down: see [`Conn::told`].
    pub fn told(&self) -> impl Future<Output = ()> + Send + 'static + use<Io> {
        with(&self.0, |conn| conn.told())
    }
}

impl<Io: Stream> AsyncRead for ReadHalf<Io> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        with(&self.0, |conn| conn.poll_read(cx, buf))
    }
}

impl<Io: Stream> AsyncWrite for WriteHalf<Io> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<Result<usize>> {
        with(&self.0, |conn| conn.poll_write(cx, data))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        with(&self.0, |conn| conn.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        ready!(with(&self.0, |conn| conn.poll_shutdown(cx)))?;
        Poll::Ready(Ok(()))
    }
}
