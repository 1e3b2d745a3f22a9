//! stdout and stderr in two hands, out of one connection.
//!
//! Whoever is polled reads for both. The lock is held for the length of one poll; what the connection wakes is both
//! readers, since a reader that was woken and does not come back must not hold up the other one.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::{Buf, BytesMut};
use hijack_proto::stream::{FrameError, StreamType};
use tokio::io::{AsyncRead, ReadBuf};

use super::{Chunk, Error, Output};
use crate::conn::ReadHalf;
use crate::error::ended_by;
use crate::observe::Ended;
use crate::waiting::{Place, Waiting};

/// Bytes of one output that wait for its reader while the other one is read.
pub const HALF_LEN: usize = 256 * 1024;

/// One output of a process. Dropping it throws away what still comes of it.
///
/// An error of the stream is given to both halves, in front of their end and behind what came before, as
/// [`io::Error`]s with the [`FrameError`] inside.
pub struct OutputHalf<R = ReadHalf> {
    shared: Arc<Shared<R>>,
    which: Which,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    Stdout,
    Stderr,
}

struct Shared<R> {
    both: Mutex<Both<R>>,
    /// Wakes both readers.
    waker: Waker,
}

struct Both<R> {
    output: Output<R>,
    stdout: Pipe,
    stderr: Pipe,
    end: Option<End>,
}

/// What waits for one reader.
#[derive(Default)]
struct Pipe {
    /// At most `HALF_LEN` and one chunk.
    waiting: BytesMut,
    dropped: bool,
}

/// How the stream ended, told to each half as often as it asks.
enum End {
    Whole,
    Frame(FrameError),
    /// Its source is kept where it is ours, for `ended_by`.
    Io(io::ErrorKind, String, Option<Ended>),
}

pub(super) fn halves<R>(output: Output<R>) -> (OutputHalf<R>, OutputHalf<R>) {
    let waiting = Arc::<Waiting>::default();
    let (one, other) = (waiting.place(), waiting.place());
    let both = Both { output, stdout: Pipe::default(), stderr: Pipe::default(), end: None };
    let shared = Arc::new(Shared { both: Mutex::new(both), waker: Waker::from(waiting) });
    let stdout = OutputHalf { shared: Arc::clone(&shared), which: Which::Stdout, place: one };
    (stdout, OutputHalf { shared, which: Which::Stderr, place: other })
}

impl<R> Shared<R> {
    fn lock(&self) -> MutexGuard<'_, Both<R>> {
        self.both.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R> Both<R> {
    fn pipe(&mut self, which: Which) -> &mut Pipe {
        match which {
            Which::Stdout => &mut self.stdout,
            Which::Stderr => &mut self.stderr,
        }
    }
}

impl Pipe {
    fn put(&mut self, data: &[u8]) {
        if !self.dropped {
            // Copied, for a chunk of one byte may hold on to a whole read.
            self.waiting.extend_from_slice(data);
        }
    }

    fn is_full(&self) -> bool {
        self.waiting.len() >= HALF_LEN
    }

    /// Gives `buf` what waits; whether that was something.
    fn take(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let len = self.waiting.len().min(buf.remaining());
        buf.put_slice(&self.waiting[..len]);
        self.waiting.advance(len);
        if self.waiting.is_empty() {
            self.waiting = BytesMut::new();
        }
        len > 0
    }
}

impl End {
    fn of(error: Error) -> Self {
        match error {
            Error::Frame(error) => Self::Frame(error),
            error => {
                let error = io::Error::from(error);
                Self::Io(error.kind(), error.to_string(), ended_by(&error).map(Ended))
            }
        }
    }

    fn tell(&self) -> io::Result<()> {
        match self {
            Self::Whole => Ok(()),
            Self::Frame(error) => Err(Error::Frame(error.clone()).into()),
            Self::Io(kind, _, Some(ended)) => Err(io::Error::new(*kind, ended.clone())),
            Self::Io(kind, text, None) => Err(io::Error::new(*kind, text.clone())),
        }
    }
}

impl Which {
    fn of(stream: StreamType) -> Self {
        if stream == StreamType::Stderr { Self::Stderr } else { Self::Stdout }
    }

    fn other(self) -> Self {
        match self {
            Self::Stdout => Self::Stderr,
            Self::Stderr => Self::Stdout,
        }
    }
}

impl<R: AsyncRead + Unpin> Both<R> {
    /// Reads for both until there is something for `which`. `freed` becomes true if the other reader, which may wait for
    /// room, or for bytes that came now, is to be woken.
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        which: Which,
        buf: &mut ReadBuf<'_>,
        wake: &mut bool,
    ) -> Poll<io::Result<()>> {
        let was_full = self.pipe(which).is_full();
        loop {
            if self.pipe(which).take(buf) {
                *wake |= was_full;
                return Poll::Ready(Ok(()));
            }
            if let Some(end) = &self.end {
                return Poll::Ready(end.tell());
            }
            if self.pipe(which.other()).is_full() {
                return Poll::Pending;
            }
            match std::task::ready!(self.output.poll_next(cx)) {
                Ok(Some(Chunk { stream, data })) => {
                    let of = Which::of(stream);
                    self.pipe(of).put(&data);
                    *wake |= of != which;
                }
                ended => {
                    self.end = Some(ended.map_or_else(End::of, |_| End::Whole));
                    *wake = true;
                }
            }
        }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for OutputHalf<R> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        // In the list before the connection is asked, so that no wake-up passes by.
        self.place.join(cx);
        let mut wake = false;
        let waker = &self.shared.waker;
        let polled =
            self.shared.lock().poll_read(&mut Context::from_waker(waker), self.which, buf, &mut wake);
        if wake {
            waker.wake_by_ref();
        }
        polled
    }
}

impl<R> Drop for OutputHalf<R> {
    fn drop(&mut self) {
        *self.shared.lock().pipe(self.which) = Pipe { dropped: true, ..Pipe::default() };
        self.shared.waker.wake_by_ref();
    }
}

impl<R> fmt::Debug for OutputHalf<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.shared.lock().pipe(self.which).waiting.len();
        f.debug_struct("OutputHalf").field("which", &self.which).field("waiting", &waiting).finish()
    }
}
