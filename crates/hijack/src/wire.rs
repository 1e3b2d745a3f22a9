//! A stream with its record: every byte is counted, every wait can be ended from outside.
//!
//! Below this, a stream is whatever was accepted; above it are HTTP (`server`) and the taken-over connection
//! (`conn`), which pass one wire from the one to the other.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::ReadBuf;

use crate::observe::{EndReason, Lease};
use crate::scratch;
use crate::stream::Stream;

pub(crate) struct Wire<Io> {
    pub(crate) io: Io,
    pub(crate) lease: Lease,
    /// Bytes to be written, from `written` on. Empty and without memory while nothing is.
    out: Vec<u8>,
    /// Of `out`, the bytes that the stream has taken; `written <= out.len()`.
    written: usize,
}

impl<Io: Stream> Wire<Io> {
    pub(crate) fn new(io: Io, lease: Lease) -> Self {
        Self { io, lease, out: Vec::new(), written: 0 }
    }

    /// Reads into `buf`; no bytes is the end of the peer's direction.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<usize>> {
        self.lease.check_before_read()?;
        let before = buf.filled().len();
        let result = match Pin::new(&mut self.io).poll_read(cx, buf) {
            Poll::Ready(result) => result,
            Poll::Pending => {
                self.lease.check_reader(cx.waker())?;
                return Poll::Pending;
            }
        };
        self.explain(result)?;
        let len = buf.filled().len() - before;
        if len > 0 {
            self.lease.count_in(len);
        } else if buf.remaining() > 0 {
            self.lease.set_peer_ended();
        }
        Poll::Ready(Ok(len))
    }

    /// Reads once through this thread's buffer and shows what came; nothing is the end of the peer's direction.
    pub(crate) fn poll_read_with<R>(
        &mut self,
        cx: &mut Context<'_>,
        show: impl FnOnce(&[u8]) -> R,
    ) -> Poll<io::Result<R>> {
        scratch::with_read(|scratch| {
            let len = ready!(self.poll_read(cx, &mut ReadBuf::new(scratch)))?;
            Poll::Ready(Ok(show(&scratch[..len])))
        })
    }

    /// Writes some of `data`, behind what is queued.
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        if !self.out.is_empty() {
            return self.poll_write_behind(cx, data);
        }
        self.poll_write_now(cx, &[IoSlice::new(data)])
    }

    /// Writes some of `data`, behind what is queued.
    pub(crate) fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if !self.out.is_empty() {
            ready!(self.poll_flush(cx))?;
        }
        self.poll_write_now(cx, data)
    }

    /// Writes what is queued and as much of `data` as goes with it.
    fn poll_write_behind(&mut self, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            let out = std::mem::take(&mut self.out);
            let queued = out.len() - self.written;
            let result = self.poll_write_now(cx, &[IoSlice::new(&out[self.written..]), IoSlice::new(data)]);
            self.out = out;
            let len = ready!(result)?;
            self.advance(len.min(queued));
            if len > queued || (len == queued && data.is_empty()) {
                return Poll::Ready(Ok(len - queued));
            }
            if self.out.is_empty() {
                return self.poll_write_now(cx, &[IoSlice::new(data)]);
            }
        }
    }

    fn poll_write_now(&mut self, cx: &mut Context<'_>, data: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.lease.check()?;
        let io = Pin::new(&mut self.io);
        let result = match data {
            [one] => io.poll_write(cx, one),
            many => io.poll_write_vectored(cx, many),
        };
        let Poll::Ready(result) = result else {
            self.lease.check_writer(cx.waker())?;
            return Poll::Pending;
        };
        let len = self.explain(result)?;
        if len == 0 && data.iter().any(|part| !part.is_empty()) {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.lease.count_out(len);
        Poll::Ready(Ok(len))
    }

    fn advance(&mut self, len: usize) {
        self.written += len;
        if self.written == self.out.len() {
            self.written = 0;
            scratch::give_out(std::mem::take(&mut self.out));
        }
    }

    /// The queue, to be written into.
    pub(crate) fn out(&mut self) -> &mut Vec<u8> {
        if self.out.capacity() == 0 {
            self.out = scratch::take_out();
        }
        &mut self.out
    }

    /// Bytes in the queue.
    pub(crate) fn queued(&self) -> usize {
        self.out.len() - self.written
    }

    /// Takes the queue away.
    pub(crate) fn take_queued(&mut self) -> Vec<u8> {
        let mut out = std::mem::take(&mut self.out);
        out.drain(..std::mem::take(&mut self.written));
        out
    }

    /// Writes all that is queued and flushes the stream.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.out.is_empty() {
            let out = std::mem::take(&mut self.out);
            let result = self.poll_write_now(cx, &[IoSlice::new(&out[self.written..])]);
            self.out = out;
            let len = ready!(result)?;
            self.advance(len);
        }
        self.out = Vec::new();
        let Poll::Ready(result) = Pin::new(&mut self.io).poll_flush(cx) else {
            self.lease.check_writer(cx.waker())?;
            return Poll::Pending;
        };
        Poll::Ready(self.explain(result))
    }

    /// Writes all that is queued and ends our direction.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_flush(cx))?;
        let Poll::Ready(result) = Pin::new(&mut self.io).poll_shutdown(cx) else {
            self.lease.check_writer(cx.waker())?;
            return Poll::Pending;
        };
        self.lease.set_we_ended();
        Poll::Ready(self.explain(result))
    }

    /// Records why the stream failed, if it did.
    fn explain<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.inspect_err(|error| self.lease.record().set_end(EndReason::Broken(error.kind())))
    }
}
