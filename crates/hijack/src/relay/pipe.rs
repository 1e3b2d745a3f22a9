//! Kernel pipes, through which bytes go from socket to socket without passing us.
//!
//! A pipe costs two descriptors and pages of which a user without privileges has few, so there is a pool with a
//! bound, and whoever gets none copies. A pipe that is given back, or dropped empty, serves the next relay.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use rustix::io::retry_on_intr;
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_getpipe_size, fcntl_setpipe_size, pipe_with, splice};

/// A bounded pool of the kernel's pipes. Cheap to clone; clones share the bound.
///
/// Relays use [`Pipes::shared`] unless told otherwise ([`Relay::with_pipes`](crate::Relay::with_pipes)).
#[derive(Debug, Clone)]
pub struct Pipes(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    most: usize,
    /// Pipes that exist, lent ones and idle ones; `open <= most`.
    open: AtomicUsize,
    idle: Mutex<Vec<Kept>>,
}

impl Pipes {
    /// A pool of `most` pipes at once. Each has up to 256 KiB of the kernel's memory and two descriptors; relays
    /// beyond the bound copy. With 0 all do.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Shared { most, open: AtomicUsize::new(0), idle: Mutex::default() }))
    }

    /// The pool of this process, of 128 pipes: half of what Linux grants a user without privileges (`pipe-user-pages-soft`
    /// of 16,384 pages, 64 for each).
    #[must_use]
    pub fn shared() -> Self {
        static SHARED: LazyLock<Pipes> = LazyLock::new(|| Pipes::new(128));
        SHARED.clone()
    }

    /// Pipes that exist at the moment.
    #[must_use]
    pub fn open(&self) -> usize {
        self.0.open.load(Relaxed)
    }

    /// An empty pipe, if one can be had.
    pub(super) fn lend(&self) -> Option<Box<Pipe>> {
        let ends = self.0.idle().pop().or_else(|| self.0.make())?;
        Some(Box::new(Pipe { ends: Some(ends), pool: Arc::clone(&self.0) }))
    }
}

impl Shared {
    fn idle(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn make(&self) -> Option<Kept> {
        let more = |open: usize| (open < self.most).then_some(open + 1);
        self.open.fetch_update(Relaxed, Relaxed, more).ok()?;
        let ends = Ends::new();
        if ends.is_none() {
            self.open.fetch_sub(1, Relaxed);
        }
        ends
    }

    fn take_back(&self, ends: Kept) {
        let mut idle = self.idle();
        if idle.len() < MOST_IDLE {
            idle.push(ends);
        } else {
            drop(idle);
            self.close(ends);
        }
    }

    fn close(&self, ends: Kept) {
        drop(ends);
        self.open.fetch_sub(1, Relaxed);
    }
}

/// Boxed, so that a relay has room for a lent one and no more.
type Kept = Box<Ends>;

#[derive(Debug)]
struct Ends {
    reader: OwnedFd,
    writer: OwnedFd,
    /// Bytes that fit, at the most.
    capacity: usize,
    /// Bytes inside; `held <= capacity`.
    held: usize,
}

impl Ends {
    /// None if the kernel has none for us, or only one too small to be worth it.
    fn new() -> Option<Kept> {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).ok()?;
        // Whoever has used up their pages keeps what size the kernel gave.
        let asked = fcntl_setpipe_size(&writer, CAPACITY);
        let capacity = asked.or_else(|_| fcntl_getpipe_size(&writer)).ok()?;
        (capacity >= LEAST_CAPACITY).then(|| Box::new(Self { reader, writer, capacity, held: 0 }))
    }
}

/// A lent pipe. Small, for every relay has room for two.
#[derive(Debug)]
pub(super) struct Pipe {
    /// There until the drop.
    ends: Option<Kept>,
    pool: Arc<Shared>,
}

impl Pipe {
    /// Bytes inside.
    pub(super) fn held(&self) -> usize {
        self.ends().held
    }

    /// Takes up to `most` bytes that `socket` has into this pipe, which must be empty: a full pipe and an empty socket
    /// look alike.
    pub(super) fn fill(&mut self, socket: BorrowedFd<'_>, most: usize) -> io::Result<usize> {
        let ends = self.ends_mut();
        debug_assert_eq!(ends.held, 0, "a pipe is filled when it is empty");
        let most = most.min(ends.capacity);
        let len = retry_on_intr(|| splice(socket, None, ends.writer.as_fd(), None, most, FLAGS))?;
        ends.held = len;
        Ok(len)
    }

    /// Gives `socket` what it takes.
    pub(super) fn empty(&mut self, socket: BorrowedFd<'_>) -> io::Result<usize> {
        let ends = self.ends_mut();
        let len = retry_on_intr(|| splice(ends.reader.as_fd(), None, socket, None, ends.held, FLAGS))?;
        ends.held -= len;
        Ok(len)
    }

    /// Takes everything out into our memory.
    pub(super) fn take_out(&mut self) -> io::Result<Vec<u8>> {
        let ends = self.ends_mut();
        let mut bytes = vec![0; ends.held];
        let mut taken = 0;
        while taken < bytes.len() {
            taken += retry_on_intr(|| rustix::io::read(&ends.reader, &mut bytes[taken..]))?;
        }
        ends.held = 0;
        Ok(bytes)
    }

    fn ends(&self) -> &Ends {
        self.ends.as_deref().expect("a pipe has its ends until it is dropped")
    }

    fn ends_mut(&mut self) -> &mut Ends {
        self.ends.as_deref_mut().expect("a pipe has its ends until it is dropped")
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        match self.ends.take() {
            Some(ends) if ends.held == 0 => self.pool.take_back(ends),
            Some(ends) => self.pool.close(ends),
            None => {}
        }
    }
}

const FLAGS: SpliceFlags = SpliceFlags::MOVE.union(SpliceFlags::NONBLOCK);

/// Larger pipes brought nothing when measured.
const CAPACITY: usize = 256 * 1024;

/// A smaller pipe needs more calls than copying.
const LEAST_CAPACITY: usize = 64 * 1024;

/// Pipes kept for the next relay.
const MOST_IDLE: usize = 32;

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn lends_no_more_than_its_bound_and_lends_again_what_comes_back_empty() {
        let pipes = Pipes::new(1);
        let first = pipes.lend().expect("a first pipe");
        assert!(pipes.lend().is_none(), "the bound is one");
        drop(first);
        assert_eq!(pipes.open(), 1, "an empty pipe is kept");
        assert!(pipes.lend().is_some());
    }

    #[test]
    fn closes_a_pipe_that_comes_back_with_bytes_inside() {
        let pipes = Pipes::new(1);
        let mut pipe = pipes.lend().expect("a pipe");
        let (near, far) = UnixStream::pair().expect("sockets");
        std::io::Write::write_all(&mut &far, b"left inside").expect("written");
        assert_eq!(pipe.fill(near.as_fd(), usize::MAX).expect("filled"), 11);
        drop(pipe);
        assert_eq!(pipes.open(), 0, "what is left inside is nobody's");
    }

    #[test]
    fn moves_bytes_from_socket_to_socket_and_into_memory() {
        let mut pipe = Pipes::new(1).lend().expect("a pipe");
        let (near, far) = UnixStream::pair().expect("sockets");
        std::io::Write::write_all(&mut &far, b"through").expect("written");
        assert_eq!(pipe.fill(near.as_fd(), usize::MAX).expect("filled"), 7);
        assert_eq!(pipe.empty(near.as_fd()).expect("emptied"), 7);
        let mut came = [0; 7];
        (&far).read_exact(&mut came).expect("read");
        assert_eq!(&came, b"through");
        std::io::Write::write_all(&mut &far, b"taken out").expect("written");
        pipe.fill(near.as_fd(), usize::MAX).expect("filled");
        assert_eq!(pipe.take_out().expect("taken"), b"taken out");
        assert_eq!(pipe.held(), 0);
    }
}
