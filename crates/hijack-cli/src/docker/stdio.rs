//! Standard input and outputs, without a thread of their own and without changing them for the programs that share them.
//!
//! A descriptor's `O_NONBLOCK` belongs to everybody who has it, the shell among them. So input is read only where the
//! kernel says that there is some, and outputs that can be full are opened once more, for ourselves.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use rustix::net::{SendFlags, send};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};

/// Standard input.
pub(super) enum Source {
    /// A pipe, a socket, a terminal.
    Waited(AsyncFd<OwnedFd>),
    /// A file, which never keeps its reader waiting.
    Ready(OwnedFd),
}

impl Source {
    /// Ours.
    pub(super) fn stdin() -> io::Result<Self> {
        let fd = io::stdin().as_fd().try_clone_to_owned()?;
        Ok(waited(fd, Interest::READABLE).map_or_else(Self::Ready, Self::Waited))
    }
}

/// Registers a descriptor with the runtime; gives it back where the kernel waits for no such thing.
// The name that replaces this one is unsafe, for types that change their descriptor. This one does not.
#[allow(deprecated)]
fn waited(fd: OwnedFd, interest: Interest) -> Result<AsyncFd<OwnedFd>, OwnedFd> {
    AsyncFd::try_with_interest(fd, interest).map_err(|error| error.into_parts().0)
}

/// Whether the kernel says now that a descriptor does not keep its reader or writer waiting; also at its end.
pub(super) fn is_ready(fd: BorrowedFd<'_>, flags: PollFlags) -> io::Result<bool> {
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let count = rustix::io::retry_on_intr(|| poll(&mut [PollFd::from_borrowed_fd(fd, flags)], Some(&now)))?;
    Ok(count > 0)
}

fn read(fd: BorrowedFd<'_>, buf: &mut ReadBuf<'_>) -> io::Result<()> {
    let len = rustix::io::retry_on_intr(|| rustix::io::read(fd, buf.initialize_unfilled()))?;
    buf.advance(len);
    Ok(())
}

impl AsyncRead for Source {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let fd = match self.get_mut() {
            Self::Ready(fd) => return Poll::Ready(read(fd.as_fd(), buf)),
            Self::Waited(fd) => fd,
        };
        loop {
            let mut ready = ready!(fd.poll_read_ready(cx))?;
            if is_ready(fd.as_fd(), PollFlags::IN)? {
                match read(fd.as_fd(), buf) {
                    // Somebody else was faster, on a descriptor that he made so.
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    result => return Poll::Ready(result),
                }
            }
            ready.clear_ready();
        }
    }
}

/// Standard output, or error.
pub(super) enum Sink {
    /// A pipe, opened for us alone.
    Pipe(AsyncFd<OwnedFd>),
    /// A terminal, likewise.
    Terminal(AsyncFd<OwnedFd>),
    /// A socket, which can be told for each write not to wait.
    Socket(AsyncFd<OwnedFd>),
    /// A file, which keeps nobody waiting; or what cannot be opened once more.
    Plain(OwnedFd),
}

impl Sink {
    pub(super) fn stdout() -> io::Result<Self> {
        Self::of(io::stdout().as_fd())
    }

    pub(super) fn stderr() -> io::Result<Self> {
        Self::of(io::stderr().as_fd())
    }

    fn of(fd: BorrowedFd<'_>) -> io::Result<Self> {
        let kind = FileType::from_raw_mode(fstat(fd)?.st_mode);
        let own = fd.try_clone_to_owned()?;
        if kind == FileType::Socket {
            return Ok(waited(own, Interest::WRITABLE).map_or_else(Self::Plain, Self::Socket));
        }
        let is_pipe = kind == FileType::Fifo;
        let again = (is_pipe || rustix::termios::isatty(fd)).then(|| again(fd)).and_then(Result::ok);
        Ok(match again.and_then(|fd| waited(fd, Interest::WRITABLE).ok()) {
            Some(fd) if is_pipe => Self::Pipe(fd),
            Some(fd) => Self::Terminal(fd),
            None => Self::Plain(own),
        })
    }

    /// The pipe, if it is one.
    pub(super) fn pipe(&self) -> Option<&AsyncFd<OwnedFd>> {
        match self {
            Self::Pipe(fd) => Some(fd),
            _ => None,
        }
    }
}

/// The same pipe or terminal, not waiting for us.
fn again(fd: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&fd));
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(open(path, flags, Mode::empty())?)
}

impl AsyncWrite for Sink {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let write = |fd: BorrowedFd<'_>| Ok(rustix::io::retry_on_intr(|| rustix::io::write(fd, data))?);
        match self.get_mut() {
            Self::Plain(fd) => Poll::Ready(write(fd.as_fd())),
            Self::Pipe(fd) | Self::Terminal(fd) => poll_fd(fd, cx, write),
            Self::Socket(fd) => {
                let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
                poll_fd(fd, cx, |fd| Ok(rustix::io::retry_on_intr(|| send(fd, data, flags))?))
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn poll_fd(
    fd: &AsyncFd<OwnedFd>,
    cx: &mut Context<'_>,
    write: impl Fn(BorrowedFd<'_>) -> io::Result<usize>,
) -> Poll<io::Result<usize>> {
    loop {
        let mut ready = ready!(fd.poll_write_ready(cx))?;
        match ready.try_io(|fd| write(fd.as_fd())) {
            Ok(result) => return Poll::Ready(result),
            Err(_would_block) => {}
        }
    }
}
