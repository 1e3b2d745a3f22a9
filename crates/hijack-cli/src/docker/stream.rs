//! The streams of a process elsewhere, carried between it and ours.

use std::future::pending;
use std::io::IsTerminal;
use std::os::fd::OwnedFd;
use std::pin::pin;

use hijack::Transport;
use hijack_docker::Error as DockerError;
use hijack_docker::stream::{ClientStreams, DetachKeys, Error, Framing, InputEnd, Output, Stdin, StreamType};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWriteExt};

use super::failure::Failed;
use super::pump::Socket;
use super::stdio::{Sink, Source};
use super::tty::Raw;

/// Which of our streams a process has.
#[derive(Debug, Clone)]
pub(super) struct Attached {
    pub(super) stdin: bool,
    /// Whether any output comes.
    pub(super) output: bool,
    pub(super) tty: bool,
    /// Looked for in what is typed on a terminal.
    pub(super) detach_keys: DetachKeys,
}

/// How carrying ended, if nothing failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The process ended, or its outputs.
    Ended,
    /// The keys to detach were typed.
    Detached,
}

impl Attached {
    /// Carries until the outputs end, or somebody detaches. A terminal is raw for as long as that takes.
    pub(super) async fn carry(&self, streams: ClientStreams) -> Result<End, Failed> {
        if self.tty {
            return self.carry_streams(streams).await;
        }
        let gone = || Failed::new("the streams of the process are gone");
        let (conn, framing) = streams.into_conn().ok_or_else(gone)?;
        if !matches!(conn.io(), Transport::Tcp(_) | Transport::Unix(_)) {
            return self.carry_streams(ClientStreams::new(conn, framing)).await;
        }
        let (io, unread, _unsent) = conn.into_parts().detach();
        let socket = Socket::of(io).map_err(|_| gone())?;
        self.carry_on(&socket, framing, &unread).await
    }

    /// Carries what has no terminal on a socket that is nothing but one.
    async fn carry_on(&self, socket: &Socket, framing: Framing, unread: &[u8]) -> Result<End, Failed> {
        let sending = async {
            if let Some(mut source) = self.source() {
                // What hinders it shows on the outputs.
                let _ = socket.send(&mut source).await;
            }
            socket.end()
        };
        let mut sinks = Sinks::default();
        let mut receiving = pin!(socket.receive(framing, unread, &mut sinks));
        tokio::select! {
            // Our end goes out even where theirs is here already.
            biased;
            ended = sending => if self.output || ended.is_err() { receiving.await? },
            received = &mut receiving => received?,
        }
        Ok(End::Ended)
    }

    async fn carry_streams(&self, streams: ClientStreams) -> Result<End, Failed> {
        let ClientStreams { mut stdin, output, .. } = streams;
        let raw = self.raw()?;
        let mut sinks = Sinks::default();
        let mut input = pin!(self.send(&mut stdin));
        let mut receiving = pin!(sinks.take(output));
        let end = tokio::select! {
            biased;
            end = &mut input => match end {
                InputEnd::Detached => Ok(End::Detached),
                _ if self.output => receiving.await.map(|()| End::Ended),
                _ => Ok(End::Ended),
            },
            received = &mut receiving => received.map(|()| End::Ended),
        };
        drop(raw);
        end
    }

    /// Our input, if the process has it.
    fn source(&self) -> Option<Source> {
        if self.stdin { Source::stdin().ok() } else { None }
    }

    fn raw(&self) -> Result<Option<Raw>, Failed> {
        if !(self.stdin && self.tty && std::io::stdin().is_terminal()) {
            return Ok(None);
        }
        let raw = Raw::enter();
        raw.map(Some)
            .map_err(|error| Failed::new(format!("unable to set IO streams as raw terminal: {error}")))
    }

    /// Sends our input to its end, and that too.
    async fn send(&self, stdin: &mut Stdin) -> InputEnd {
        let end = match self.source() {
            Some(mut source) => self.copy(&mut source, stdin).await,
            None => None,
        };
        match end {
            Some(end) => end,
            // What hindered us shows on the outputs, unless there is nothing to hinder: then this is the end of input.
            None if stdin.close().await.is_ok() || self.output => InputEnd::Closed,
            None => pending().await,
        }
    }

    async fn copy(&self, source: &mut (impl AsyncRead + Unpin), stdin: &mut Stdin) -> Option<InputEnd> {
        let keys = self.tty.then(|| self.detach_keys.clone());
        stdin.copy_from(source, keys).await.ok()
    }
}

/// Our outputs, opened when there is something for them.
#[derive(Default)]
pub(super) struct Sinks {
    stdout: Option<Sink>,
    stderr: Option<Sink>,
}

impl Sinks {
    /// Writes all that comes.
    pub(super) async fn take<R: AsyncRead + Unpin>(&mut self, mut output: Output<R>) -> Result<(), Failed> {
        loop {
            let chunk = match output.next().await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => return Ok(()),
                Err(error) => return Err(reading(&error)),
            };
            self.write(chunk.stream, &chunk.data).await?;
        }
    }

    /// Writes some output of one of the two.
    pub(super) async fn write(&mut self, stream: StreamType, data: &[u8]) -> Result<(), Failed> {
        if data.is_empty() {
            return Ok(());
        }
        let written = match self.sink(stream) {
            Ok(sink) => {
                // A file never keeps us waiting, and the other direction has its turn all the same.
                tokio::task::consume_budget().await;
                sink.write_all(data).await
            }
            Err(error) => Err(error),
        };
        written.map_err(|error| Failed::writing(&error))
    }

    /// The pipe that one of the two is, if it is one.
    pub(super) fn pipe(&mut self, stream: StreamType) -> Result<Option<&AsyncFd<OwnedFd>>, Failed> {
        self.sink(stream).map(|sink| sink.pipe()).map_err(|error| Failed::writing(&error))
    }

    fn sink(&mut self, stream: StreamType) -> std::io::Result<&mut Sink> {
        match stream {
            StreamType::Stderr => opened(&mut self.stderr, Sink::stderr),
            _ => opened(&mut self.stdout, Sink::stdout),
        }
    }
}

fn opened(
    sink: &mut Option<Sink>,
    open: impl FnOnce() -> std::io::Result<Sink>,
) -> std::io::Result<&mut Sink> {
    match sink {
        Some(sink) => Ok(sink),
        None => Ok(sink.insert(open()?)),
    }
}

/// What failed on the way to us.
pub(super) fn reading(error: &Error) -> Failed {
    // The daemon may have written it, who is not to steer our terminal.
    Failed::new(error.to_string().replace(|c: char| c.is_control() && c != '\n', " "))
}

/// The state of a container that nobody can attach to.
pub(super) fn unattachable(state: &hijack_docker::ContainerState) -> Result<(), Failed> {
    let why = if !state.running {
        "You cannot attach to a stopped container, start it first"
    } else if state.paused {
        "You cannot attach to a paused container, unpause it first"
    } else if state.restarting {
        "You cannot attach to a restarting container, wait until it is running"
    } else {
        return Ok(());
    };
    Err(Failed::new(why))
}

/// Whether there is nobody at the other end.
pub(super) fn is_gone(error: &DockerError) -> bool {
    matches!(error, DockerError::Unreachable { .. } | DockerError::Connection { .. })
}
