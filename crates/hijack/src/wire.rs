//! A stream with its record: every byte is counted, every wait can be ended from outside.
//!
//! Below this, a stream is whatever was accepted; above it are HTTP (`server`) and the taken-over connection
//! (`conn`), which pass one wire from the one to the other.

use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::ReadBuf;

use crate::observe::{EndReason, Lease};
use crate::scratch;
use crate::transport::{Socket, Stream};

pub(crate) struct Wire<Io> {
    pub(crate) io: Io,
    pub(crate) lease: Lease,
    /// There while something is to be written.
    out: Option<Box<Queue>>,
    /// Whether the stream may still hold what it has taken.
    unflushed: bool,
}

/// Bytes to be written, from `written` on.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    pub(crate) bytes: Vec<u8>,
    /// The bytes that the stream has taken; `written <= bytes.len()`.
    written: usize,
}

impl Queue {
    fn rest(&self) -> &[u8] {
        &self.bytes[self.written..]
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.written = 0;
    }
}

impl<Io: Stream> Wire<Io> {
    pub(crate) fn new(io: Io, lease: Lease) -> Self {
        Self { io, lease, out: None, unflushed: false }
    }

    /// Reads into `buf`; no bytes is the end of the peer's direction.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<usize>> {
        self.lease.check_before_read()?;
        let (before, asked) = (buf.filled().len(), buf.remaining());
        let read = Pin::new(&mut self.io).poll_read(cx, buf).map_ok(|()| buf.filled().len() - before);
        self.note_read(cx, read, asked)
    }

    /// Has `read` take what the socket has; nothing is the end of the peer's direction.
    ///
    /// An error if this is no socket.
    pub(crate) fn poll_read_socket(
        &mut self,
        cx: &mut Context<'_>,
        read: impl FnMut(BorrowedFd<'_>) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        self.lease.check_before_read()?;
        let socket = Socket::of(&self.io).ok_or(io::ErrorKind::Unsupported)?;
        let read = socket.poll_read(cx, read);
        self.note_read(cx, read, usize::MAX)
    }

    /// Counts what a read of `asked` bytes gave.
    fn note_read(
        &self,
        cx: &Context<'_>,
        read: Poll<io::Result<usize>>,
        asked: usize,
    ) -> Poll<io::Result<usize>> {
        let Poll::Ready(result) = read else {
            self.lease.check_reader(cx.waker())?;
            return Poll::Pending;
        };
        let len = self.explain(result)?;
        if len > 0 {
            self.lease.count_in(len);
        } else if asked > 0 {
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
        if self.queued() > 0 {
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
        if self.queued() > 0 {
            ready!(self.poll_flush(cx))?;
        }
        self.poll_write_now(cx, data)
    }

    /// Writes what is queued and as much of `data` as goes with it.
    fn poll_write_behind(&mut self, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        while let Some(queue) = self.out.take() {
            let queued = queue.rest().len();
            let result = self.poll_write_now(cx, &[IoSlice::new(queue.rest()), IoSlice::new(data)]);
            self.out = Some(queue);
            let len = ready!(result)?;
            self.advance(len.min(queued));
            if len > queued || (len == queued && data.is_empty()) {
                return Poll::Ready(Ok(len - queued));
            }
        }
        self.poll_write_now(cx, &[IoSlice::new(data)])
    }

    fn poll_write_now(&mut self, cx: &mut Context<'_>, data: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.lease.check()?;
        let io = Pin::new(&mut self.io);
        let written = match data {
            [one] => io.poll_write(cx, one),
            many => io.poll_write_vectored(cx, many),
        };
        let any = data.iter().any(|part| !part.is_empty());
        self.note_write(cx, written, any)
    }

    /// Has `write` give the socket what it takes, of something. What is queued must have been flushed.
    ///
    /// An error if this is no socket.
    pub(crate) fn poll_write_socket(
        &mut self,
        cx: &mut Context<'_>,
        write: impl FnMut(BorrowedFd<'_>) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        debug_assert_eq!(self.queued(), 0, "what is queued goes first");
        self.lease.check()?;
        let socket = Socket::of(&self.io).ok_or(io::ErrorKind::Unsupported)?;
        let written = socket.poll_write(cx, write);
        self.note_write(cx, written, true)
    }

    /// Counts what a write gave; `any` says whether there was something to write.
    fn note_write(
        &mut self,
        cx: &Context<'_>,
        written: Poll<io::Result<usize>>,
        any: bool,
    ) -> Poll<io::Result<usize>> {
        let Poll::Ready(result) = written else {
            self.lease.check_writer(cx.waker())?;
            return Poll::Pending;
        };
        let len = self.explain(result)?;
        if len == 0 && any {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.lease.count_out(len);
        self.unflushed = true;
        Poll::Ready(Ok(len))
    }

    fn advance(&mut self, len: usize) {
        let Some(queue) = &mut self.out else { return };
        queue.written += len;
        if queue.rest().is_empty()
            && let Some(queue) = self.out.take()
        {
            scratch::give_out(queue);
        }
    }

    /// The queue, to be written into.
    pub(crate) fn out(&mut self) -> &mut Vec<u8> {
        let queue = self.out.get_or_insert_with(scratch::take_out);
        if queue.written > queue.bytes.len() / 2 {
            // A queue that is never empty must not keep what has left. Fewer bytes move here than have left.
            queue.bytes.drain(..std::mem::take(&mut queue.written));
        }
        &mut queue.bytes
    }

    /// Bytes in the queue.
    pub(crate) fn queued(&self) -> usize {
        self.out.as_ref().map_or(0, |queue| queue.rest().len())
    }

    /// Whether something waits, here or in the stream, for [`poll_flush`](Self::poll_flush).
    #[allow(dead_code, reason = "only WebSockets ask")]
    pub(crate) fn is_unflushed(&self) -> bool {
        self.unflushed || self.queued() > 0
    }

    /// Bytes written since the connection opened.
    #[allow(dead_code, reason = "only the halves of a WebSocket ask")]
    pub(crate) fn bytes_out(&self) -> u64 {
        self.lease.record().bytes_out.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Takes the queue away.
    pub(crate) fn take_queued(&mut self) -> Vec<u8> {
        let Some(mut queue) = self.out.take() else { return Vec::new() };
        queue.bytes.drain(..queue.written);
        queue.bytes
    }

    /// Writes all that is queued and flushes the stream.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(queue) = self.out.take_if(|queue| !queue.rest().is_empty()) {
            let result = self.poll_write_now(cx, &[IoSlice::new(queue.rest())]);
            self.out = Some(queue);
            let len = ready!(result)?;
            self.advance(len);
        }
        self.out = None;
        let Poll::Ready(result) = Pin::new(&mut self.io).poll_flush(cx) else {
            self.lease.check_writer(cx.waker())?;
            return Poll::Pending;
        };
        self.unflushed = false;
        Poll::Ready(self.explain(result))
    }

    /// Writes all that is queued and ends our direction.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_flush(cx))?;
        let Poll::Ready(result) = Pin::new(&mut self.io).poll_shutdown(cx) else {
            self.lease.check_writer(cx.waker())?;
            return Poll::Pending;
        };
        if result.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::Unsupported) {
            // Nothing broke: this stream can only be closed whole.
            return Poll::Ready(result);
        }
        self.lease.set_we_ended();
        Poll::Ready(self.explain(result))
    }

    /// Records why the stream failed, if it did.
    fn explain<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.inspect_err(|error| self.note_broken(error))
    }

    /// Records that the stream failed.
    pub(crate) fn note_broken(&self, error: &io::Error) {
        self.lease.record().set_end(EndReason::Broken(error.kind()));
    }
}
