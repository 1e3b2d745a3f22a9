//! Bytes between our streams and a socket, as many as there are: moved by the kernel where one of ours is a pipe, so that
//! none of them is copied twice.
//!
//! Both ends of a `splice` are told not to wait. Where it would, nobody says which of them it was for, so both are asked.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use hijack::Transport;
use hijack_docker::stream::{Error, Framing};
use hijack_proto::stream::{Decoded, Decoder, FRAME_HEADER_LEN, FrameError, FrameHeader, StreamType};
use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::net::{Shutdown, shutdown};
use rustix::pipe::{SpliceFlags, splice};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncReadExt, Interest};
use tokio::net::{TcpStream, UnixStream};

use super::failure::Failed;
use super::stdio::{Source, is_ready};
use super::stream::{Sinks, reading};

/// A socket of the kernel's.
pub(super) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// Bytes that are read at a time, or moved.
const LEN: usize = 64 * 1024;
const MOVED_LEN: usize = 1 << 20;

/// A payload of which so much is to come is moved.
const LARGE: u32 = 8 * 1024;

impl Socket {
    /// The socket that a transport is, if it is no more than one.
    pub(super) fn of(transport: Transport) -> Result<Self, Transport> {
        match transport {
            Transport::Tcp(tcp) => Ok(Self::Tcp(tcp)),
            Transport::Unix(unix) => Ok(Self::Unix(unix)),
            other => Err(other),
        }
    }

    fn fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(tcp) => tcp.as_fd(),
            Self::Unix(unix) => unix.as_fd(),
        }
    }

    /// Sends what `source` gives, to its end. Ending the socket's direction is another thing.
    pub(super) async fn send(&self, source: &mut Source) -> io::Result<()> {
        if let Source::Waited(fd) = &*source
            && self.splice_from(fd).await?
        {
            return Ok(());
        }
        let mut buffer = vec![0; LEN];
        loop {
            let len = source.read(&mut buffer).await?;
            if len == 0 {
                return Ok(());
            }
            self.write_all(&buffer[..len]).await?;
        }
    }

    /// Ends our direction.
    pub(super) fn end(&self) -> io::Result<()> {
        Ok(shutdown(self.fd(), Shutdown::Write)?)
    }

    /// Moves what a pipe gives, to its end; false, at its beginning, if it is none.
    async fn splice_from(&self, pipe: &AsyncFd<OwnedFd>) -> io::Result<bool> {
        loop {
            match splice(pipe, None, self.fd(), None, MOVED_LEN, flags()) {
                Ok(0) => return Ok(true),
                Ok(_) => tokio::task::consume_budget().await,
                Err(Errno::AGAIN) if !is_ready(self.fd(), PollFlags::OUT)? => {
                    self.wait(PollFlags::OUT).await?;
                }
                Err(Errno::AGAIN) => wait(pipe, PollFlags::IN).await?,
                Err(Errno::INTR) => {}
                Err(Errno::INVAL) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Moves `len` bytes into a pipe; how many there were.
    async fn splice_to(&self, pipe: &AsyncFd<OwnedFd>, len: u32) -> Result<u32, Error> {
        let mut left = len;
        while left > 0 {
            match splice(self.fd(), None, pipe, None, left as usize, flags()) {
                Ok(0) => break,
                Ok(moved) => {
                    left -= u32::try_from(moved).unwrap_or(left).min(left);
                    tokio::task::consume_budget().await;
                }
                Err(Errno::AGAIN) if !is_ready(pipe.as_fd(), PollFlags::OUT).map_err(Error::Sink)? => {
                    wait(pipe, PollFlags::OUT).await.map_err(Error::Sink)?;
                }
                Err(Errno::AGAIN) => self.wait(PollFlags::IN).await?,
                Err(Errno::INTR) => {}
                Err(Errno::PIPE) => return Err(Error::Sink(Errno::PIPE.into())),
                Err(error) => return Err(Error::Io(error.into())),
            }
        }
        Ok(len - left)
    }

    /// Writes all that comes to our outputs; `unread` came already.
    pub(super) async fn receive(
        &self,
        framing: Framing,
        unread: &[u8],
        sinks: &mut Sinks,
    ) -> Result<(), Failed> {
        match framing {
            Framing::Raw => self.receive_raw(unread, sinks).await,
            Framing::Multiplexed => self.receive_frames(unread, sinks).await,
        }
    }

    async fn receive_raw(&self, unread: &[u8], sinks: &mut Sinks) -> Result<(), Failed> {
        sinks.write(StreamType::Stdout, unread).await?;
        let mut buffer = vec![0; LEN];
        loop {
            let len = self.read(&mut buffer).await.map_err(|error| reading(&error.into()))?;
            if len == 0 {
                return Ok(());
            }
            sinks.write(StreamType::Stdout, &buffer[..len]).await?;
        }
    }

    async fn receive_frames(&self, unread: &[u8], sinks: &mut Sinks) -> Result<(), Failed> {
        let mut frames = Frames::default();
        frames.write(unread, sinks).await?;
        let mut buffer = vec![0; LEN];
        loop {
            self.move_payload(&mut frames, sinks).await?;
            let room = frames.room();
            let len = self.read(&mut buffer[..room]).await.map_err(|error| reading(&error.into()))?;
            if len == 0 {
                return frames.decoder.finish().map_err(|error| reading(&error.into()));
            }
            frames.write(&buffer[..len], sinks).await?;
        }
    }

    /// Moves the rest of a payload, if it is large and goes to a pipe.
    async fn move_payload(&self, frames: &mut Frames, sinks: &mut Sinks) -> Result<(), Failed> {
        let left = frames.decoder.left();
        if left < LARGE {
            return Ok(());
        }
        let Some(pipe) = sinks.pipe(frames.header.stream)? else { return Ok(()) };
        let moved = match self.splice_to(pipe, left).await {
            Ok(moved) => moved,
            Err(Error::Sink(error)) => return Err(Failed::writing(&error)),
            Err(error) => return Err(reading(&error)),
        };
        if moved < left {
            return Err(reading(&FrameError::Truncated { missing: left - moved }.into()));
        }
        // At the edge of a frame again.
        frames.decoder = Decoder::default();
        frames.moved = true;
        Ok(())
    }

    async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = match self {
                Self::Tcp(tcp) => tcp.try_read(buffer),
                Self::Unix(unix) => unix.try_read(buffer),
            };
            match read {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.readable().await?,
                result => {
                    tokio::task::consume_budget().await;
                    return result;
                }
            }
        }
    }

    async fn write_all(&self, mut data: &[u8]) -> io::Result<()> {
        while !data.is_empty() {
            let written = match self {
                Self::Tcp(tcp) => tcp.try_write(data),
                Self::Unix(unix) => unix.try_write(data),
            };
            match written {
                Ok(len) => {
                    data = &data[len..];
                    tokio::task::consume_budget().await;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.writable().await?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(tcp) => tcp.readable().await,
            Self::Unix(unix) => unix.readable().await,
        }
    }

    async fn writable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(tcp) => tcp.writable().await,
            Self::Unix(unix) => unix.writable().await,
        }
    }

    /// Waits until the kernel says so, whatever the runtime remembers.
    async fn wait(&self, flags: PollFlags) -> io::Result<()> {
        let interest = if flags == PollFlags::IN { Interest::READABLE } else { Interest::WRITABLE };
        let asked = || match is_ready(self.fd(), flags) {
            Ok(false) => Err(io::ErrorKind::WouldBlock.into()),
            result => result.map(drop),
        };
        loop {
            if interest == Interest::READABLE {
                self.readable().await?;
            } else {
                self.writable().await?;
            }
            let result = match self {
                Self::Tcp(tcp) => tcp.try_io(interest, asked),
                Self::Unix(unix) => unix.try_io(interest, asked),
            };
            match result {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
        }
    }
}

/// Frames, found in what is read of them.
struct Frames {
    decoder: Decoder,
    /// Of the frame under way, or of the last one.
    header: FrameHeader,
    /// Whether a payload was moved, and nothing was read since.
    moved: bool,
}

impl Default for Frames {
    fn default() -> Self {
        Self { decoder: Decoder::default(), header: FrameHeader::new(StreamType::Stdout, 0), moved: false }
    }
}

impl Frames {
    /// Bytes to be read at once. Behind a large payload there is mostly another one: what is read ends at the header of
    /// that, so that it can be moved whole.
    fn room(&self) -> usize {
        if self.moved { FRAME_HEADER_LEN } else { LEN }
    }

    async fn write(&mut self, mut bytes: &[u8], sinks: &mut Sinks) -> Result<(), Failed> {
        self.moved = false;
        loop {
            let (taken, decoded) = self.decoder.next(bytes).map_err(|error| reading(&error.into()))?;
            match decoded {
                Decoded::NeedInput => return Ok(()),
                Decoded::Frame(header) => self.header = header,
                Decoded::Data(stream) => sinks.write(stream, &bytes[..taken]).await?,
            }
            bytes = &bytes[taken..];
        }
    }
}

fn flags() -> SpliceFlags {
    SpliceFlags::NONBLOCK | SpliceFlags::MOVE
}

/// Waits until the kernel says so, whatever the runtime remembers.
async fn wait(fd: &AsyncFd<OwnedFd>, flags: PollFlags) -> io::Result<()> {
    loop {
        let mut ready = if flags == PollFlags::IN { fd.readable().await? } else { fd.writable().await? };
        if is_ready(fd.as_fd(), flags)? {
            return Ok(());
        }
        ready.clear_ready();
    }
}
