//! The stream underneath a connection of either role: read through the thread's buffer, written from a queue.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncReadExt, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use super::Inbox;
use crate::scratch;
use crate::transport::Stream;

/// A stream with what is on its way out.
#[derive(Debug)]
pub(super) struct Line<S> {
    io: S,
    /// Bytes to be written, from `written` on. Its memory is kept for the next ones unless it has grown long.
    out: Vec<u8>,
    /// Of `out`, the bytes that the stream has taken; `written <= out.len()`.
    written: usize,
    unflushed: bool,
    /// Runs while the peer takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    write_timeout: Duration,
}

/// Why nothing more can be written.
#[derive(Debug)]
pub(super) enum SendError {
    Io(io::Error),
    /// The peer took nothing for the time that is allowed.
    Stalled(Duration),
}

impl<S: Stream> Line<S> {
    pub(super) fn new(io: S, write_timeout: Duration) -> Self {
        Self { io, out: Vec::new(), written: 0, unflushed: false, stalled: None, write_timeout }
    }

    /// Reads once into `inbox`; nothing is the end of the peer's direction.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, inbox: &mut Inbox) -> Poll<io::Result<usize>> {
        // It may be long until something comes.
        inbox.let_go();
        if inbox.is_long() {
            let reading = pin!(self.io.read_buf(inbox.room(LONG_READ)));
            return reading.poll(cx);
        }
        scratch::with_relay(|buffer| {
            let mut read = ReadBuf::new(buffer);
            ready!(Pin::new(&mut self.io).poll_read(cx, &mut read))?;
            inbox.feed(read.filled());
            Poll::Ready(Ok(read.filled().len()))
        })
    }

    /// Whether bytes wait to be written.
    pub(super) fn is_sending(&self) -> bool {
        self.written < self.out.len()
    }

    /// Bytes that wait to be written.
    pub(super) fn queued(&self) -> usize {
        self.out.len() - self.written
    }

    /// Takes what is in `queue`, if all that was taken before is written.
    pub(super) fn take(&mut self, queue: &mut Vec<u8>) {
        if !self.is_sending() && !queue.is_empty() {
            self.out.clear();
            self.written = 0;
            std::mem::swap(&mut self.out, queue);
        }
    }

    /// Writes all that was taken and flushes.
    pub(super) fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        while self.written < self.out.len() {
            match Pin::new(&mut self.io).poll_write(cx, &self.out[self.written..]) {
                Poll::Ready(Ok(0)) => {
                    return Poll::Ready(Err(io::Error::from(io::ErrorKind::WriteZero).into()));
                }
                Poll::Ready(Ok(len)) => {
                    self.written += len;
                    self.unflushed = true;
                    self.stalled = None;
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error.into())),
                Poll::Pending => return self.poll_stalled(cx),
            }
        }
        self.let_go();
        if self.unflushed {
            if Pin::new(&mut self.io).poll_flush(cx)?.is_pending() {
                return self.poll_stalled(cx);
            }
            self.unflushed = false;
            self.stalled = None;
        }
        Poll::Ready(Ok(()))
    }

    /// A queue that has grown long is not kept for the next small answer.
    fn let_go(&mut self) {
        scratch::recycle(&mut self.out);
        self.written = 0;
    }

    fn poll_stalled(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(self.write_timeout)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(SendError::Stalled(self.write_timeout)))
    }

    /// Ends our direction. What was taken must have been written.
    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    /// Ends our direction, or gives up when that takes as long as a write may: TLS has last words.
    pub(super) async fn shutdown(&mut self) {
        let limit = self.write_timeout;
        let ended = std::future::poll_fn(|cx| self.poll_shutdown(cx));
        // The peer may be gone, which it may.
        let _ = tokio::time::timeout(limit, ended).await;
    }

    /// Reads and throws away until the peer ends its direction, for `limit` at the most: a reset would destroy what it
    /// has not read yet.
    pub(super) async fn linger(mut self, limit: Duration) {
        let until = Instant::now() + limit;
        let drained = std::future::poll_fn(|cx| {
            scratch::with_read(|buffer| {
                loop {
                    let mut read = ReadBuf::new(buffer);
                    let is_read = ready!(Pin::new(&mut self.io).poll_read(cx, &mut read)).is_ok();
                    if !is_read || read.filled().is_empty() {
                        return Poll::Ready(());
                    }
                }
            })
        });
        let _ = tokio::time::timeout_at(until, pin!(drained)).await;
    }
}

/// Whether to look for the peer's bytes again instead of sleeping, where one call at a time goes to and fro: to wake a core
/// that sleeps costs both sides more than to look a few times, if what is waited for comes by then. Where it does not, the
/// peer being far or slow, hardly anything is wasted: the more often it was in vain, the more seldom it is tried.
///
/// Other tasks run between any two looks.
#[derive(Debug, Default)]
pub(super) struct Vigil {
    /// Looks that are left of this wait.
    looks: u32,
    waits: u32,
    /// How many waits were in vain since the last one that was not; at most `MOST_VAIN`.
    vain: u32,
}

impl Vigil {
    /// What was waited for has come; another wait may follow.
    pub(super) fn rewarded(&mut self) {
        if self.looks > 0 && self.looks < LOOKS {
            self.vain = 0;
        }
        self.waits = self.waits.wrapping_add(1);
        self.looks = if self.waits.is_multiple_of(1 << self.vain) { LOOKS } else { 0 };
    }

    /// Has the task run again soon, if this wait is worth it.
    pub(super) fn look_again(&mut self, cx: &mut Context<'_>) {
        if self.looks == 0 {
            return;
        }
        self.looks -= 1;
        if self.looks == 0 {
            self.vain = (self.vain + 1).min(MOST_VAIN);
        }
        later(cx);
    }
}

/// Looks of one wait. Each is a system call of less than half a microsecond; a small call and its answer, over the loopback
/// between two cores that are awake, take some twenty of them. To wake a core of a virtual machine takes as many.
const LOOKS: u32 = 40;

/// Of so many waits, as a power of two, one is tried at least.
const MOST_VAIN: u32 = 8;

/// Has the task run again when the others have, and the sockets have been looked at.
pub(super) fn later(cx: &mut Context<'_>) {
    // It only tells the runtime, at its first poll.
    let _ = pin!(tokio::task::yield_now()).poll(cx);
}

/// Bytes of a long message that are asked for at once.
const LONG_READ: usize = 256 * 1024;

impl From<io::Error> for SendError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    /// How often a task runs again for nothing during `waits` that nothing ends.
    fn in_vain(vigil: &mut Vigil, waits: u32) -> u32 {
        let mut cx = Context::from_waker(Waker::noop());
        (0..waits)
            .map(|_| {
                vigil.rewarded();
                let before = vigil.looks;
                (0..2 * LOOKS).for_each(|_| vigil.look_again(&mut cx));
                before
            })
            .sum()
    }

    #[test]
    fn waits_in_vain_are_hardly_tried_any_more() {
        let mut vigil = Vigil::default();
        assert!(in_vain(&mut vigil, 1_000) <= 12 * LOOKS);
        assert!(in_vain(&mut vigil, 1_024) <= 4 * LOOKS);
    }

    #[test]
    fn a_wait_that_is_rewarded_is_tried_again_each_time() {
        let mut vigil = Vigil::default();
        in_vain(&mut vigil, 1_000);
        let mut cx = Context::from_waker(Waker::noop());
        while vigil.looks == 0 {
            vigil.rewarded();
        }
        for _ in 0..10 {
            vigil.look_again(&mut cx);
            vigil.rewarded();
            assert_eq!(vigil.looks, LOOKS);
        }
    }
}
