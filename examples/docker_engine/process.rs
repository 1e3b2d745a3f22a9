//! A process and its streams. The streams are there before it is started, so that clients can be attached first.

use std::collections::VecDeque;
use std::io::{self, PipeReader};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use hijack::stream::{Broadcast, FRAME_PAYLOAD_LEN, Member, Outputs, StreamType, Wanted};
use pty_process::{Pts, Pty};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex as OrderedMutex, watch};

/// What is to be run, and how.
#[derive(Clone)]
pub(crate) struct Spec {
    pub(crate) argv: Vec<String>,
    /// `NAME=value`.
    pub(crate) env: Vec<String>,
    pub(crate) folder: PathBuf,
    pub(crate) tty: bool,
    pub(crate) stdin: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Created,
    Running(Pid),
    Exited(i64),
}

/// One run of a process.
pub(crate) struct Process {
    pub(crate) spec: Spec,
    pub(crate) outputs: Broadcast,
    /// That of a container, for all its runs.
    log: Option<Arc<Mutex<Log>>>,
    /// Whoever has it holds the outputs up: what he finds in the log and what comes afterwards is all of it.
    turn: OrderedMutex<()>,
    state: watch::Sender<State>,
    tty: Option<Pty>,
    /// Where its input is written to, until that is closed.
    stdin: Mutex<Option<OwnedFd>>,
    /// The other end, until it is started.
    inner: Mutex<Option<Inner>>,
}

enum Inner {
    Tty(Pts),
    Pipe(PipeReader),
    Null,
}

impl Process {
    pub(crate) fn new(spec: Spec, log: Option<Arc<Mutex<Log>>>) -> io::Result<Arc<Self>> {
        let (tty, stdin, inner) = if spec.tty {
            let (pty, pts) = pty_process::open().map_err(io::Error::other)?;
            let stdin = pty.as_fd().try_clone_to_owned()?;
            (Some(pty), Some(stdin), Inner::Tty(pts))
        } else if spec.stdin {
            let (reader, writer) = io::pipe()?;
            (None, Some(writer.into()), Inner::Pipe(reader))
        } else {
            (None, None, Inner::Null)
        };
        let state = watch::Sender::new(State::Created);
        let (stdin, inner) = (Mutex::new(stdin), Mutex::new(Some(inner)));
        let outputs = Broadcast::new();
        let turn = OrderedMutex::new(());
        Ok(Arc::new(Self { spec, outputs, log, turn, state, tty, stdin, inner }))
    }

    /// The same, not started yet, with the same log.
    pub(crate) fn renewed(&self) -> io::Result<Arc<Self>> {
        Self::new(self.spec.clone(), self.log.clone())
    }

    pub(crate) fn state(&self) -> State {
        *self.state.borrow()
    }

    /// Waits for its end; its exit code.
    pub(crate) async fn exited(&self) -> i64 {
        let exited = |state: &State| matches!(state, State::Exited(_));
        match self.state.subscribe().wait_for(exited).await.as_deref() {
            Ok(State::Exited(code)) => *code,
            _ => unreachable!("the sender is ours, and it has exited"),
        }
    }

    /// Attaches a client that gets what is in the log first, if `replay` says so: no line is missing, and none comes twice.
    /// Behind its end, too: the client is told of that at once.
    pub(crate) async fn join(&self, outputs: Outputs, wanted: Wanted, replay: bool) -> io::Result<Member> {
        let _turn = self.turn.lock().await;
        let log = self.log.as_deref().filter(|_| replay);
        for (stream, data) in log.map(|log| lock(log).since(0, wanted)).unwrap_or_default() {
            outputs.send(stream, &data).await?;
        }
        Ok(self.outputs.join(outputs, wanted))
    }

    /// A way into its stdin; none if it has none, or if that is closed. Each client has its own; the one that takes it for
    /// the `last` time ends the process's stdin with it.
    pub(crate) fn stdin(&self, last: bool) -> io::Result<Option<pipe::Sender>> {
        let mut stdin = lock(&self.stdin);
        let taken = match &*stdin {
            Some(_) if last => stdin.take(),
            Some(stdin) => Some(stdin.try_clone()?),
            None => None,
        };
        // A terminal reads and writes as a pipe does, and does not block already.
        let sender = |fd| match self.tty {
            Some(_) => pipe::Sender::from_owned_fd_unchecked(fd),
            None => pipe::Sender::from_owned_fd(fd),
        };
        taken.map(sender).transpose()
    }

    /// Starts it. `None` if it was started before.
    pub(crate) fn start(self: &Arc<Self>) -> Option<io::Result<()>> {
        let inner = lock(&self.inner).take()?;
        let spawned = self.spawn(inner).and_then(|mut child| {
            let pid = child
                .id()
                .and_then(|id| Pid::from_raw(id.try_into().ok()?))
                .expect("it is not waited for yet");
            self.state.send_replace(State::Running(pid));
            let outputs = self.pumps(&mut child)?;
            tokio::spawn(Arc::clone(self).see_out(child, pid, outputs));
            Ok(())
        });
        if let Err(error) = &spawned {
            self.end(if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 });
        }
        Some(spawned)
    }

    fn spawn(&self, inner: Inner) -> io::Result<Child> {
        let (program, arguments) = self.spec.argv.split_first().expect("checked when it was made");
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.spec.folder).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", &self.spec.folder);
        command.envs(self.spec.tty.then_some(("TERM", "xterm")));
        command.envs(self.spec.env.iter().filter_map(|variable| variable.split_once('=')));
        let stdin = match inner {
            // It becomes the leader of a session of its own, and the terminal is that session's.
            Inner::Tty(pts) => {
                return pty_process::Command::from(command).spawn(pts).map_err(|error| match error {
                    pty_process::Error::Io(error) => error,
                    error => io::Error::other(error),
                });
            }
            Inner::Pipe(reader) => reader.into(),
            Inner::Null => Stdio::null(),
        };
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn()
    }

    /// What moves its outputs; done when they end.
    fn pumps(self: &Arc<Self>, child: &mut Child) -> io::Result<[tokio::task::JoinHandle<()>; 2]> {
        if let Some(tty) = &self.tty {
            let output = pipe::Receiver::from_owned_fd_unchecked(tty.as_fd().try_clone_to_owned()?)?;
            let pump = Arc::clone(self).pump(output, StreamType::Stdout);
            return Ok([tokio::spawn(pump), tokio::spawn(async {})]);
        }
        let (stdout, stderr) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
        Ok([
            tokio::spawn(Arc::clone(self).pump(stdout, StreamType::Stdout)),
            tokio::spawn(Arc::clone(self).pump(stderr, StreamType::Stderr)),
        ])
    }

    async fn pump(self: Arc<Self>, mut output: impl AsyncRead + Unpin, stream: StreamType) {
        let mut buffer = vec![0; FRAME_PAYLOAD_LEN];
        // A terminal whose other side is gone fails to be read; that is its end.
        while let Ok(len @ 1..) = output.read(&mut buffer).await {
            let _turn = self.turn.lock().await;
            if let Some(log) = &self.log {
                lock(log).push(stream, &buffer[..len]);
            }
            self.outputs.send(stream, &buffer[..len]).await;
        }
    }

    async fn see_out(self: Arc<Self>, mut child: Child, pid: Pid, outputs: [tokio::task::JoinHandle<()>; 2]) {
        let status = child.wait().await;
        // What it leaves behind would hold its outputs open.
        let _ = kill_process_group(pid, Signal::KILL);
        for output in outputs {
            let _ = output.await;
        }
        let signalled = |status: &std::process::ExitStatus| status.signal().map(|signal| 128 + signal);
        let code = status.ok().and_then(|status| status.code().or_else(|| signalled(&status)));
        self.end(code.unwrap_or(255).into());
    }

    /// The code is known before clients see the end of their streams, for that is when they ask for it.
    fn end(&self, code: i64) {
        self.state.send_replace(State::Exited(code));
        self.outputs.end();
    }

    /// Sends a signal to it and all it has started. Whether it runs.
    pub(crate) fn signal(&self, signal: Signal) -> bool {
        match self.state() {
            State::Running(pid) => kill_process_group(pid, signal).is_ok(),
            _ => false,
        }
    }

    /// Tells its terminal, if it has one, how large it is. Whether it runs.
    pub(crate) fn resize(&self, height: u16, width: u16) -> bool {
        if let Some(tty) = &self.tty {
            let _ = tty.resize(pty_process::Size::new(height, width));
        }
        matches!(self.state(), State::Running(_))
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a process has written: the last [`LOG_LEN`] bytes or so.
#[derive(Default)]
pub(crate) struct Log {
    chunks: VecDeque<(StreamType, Bytes)>,
    len: usize,
    /// Chunks there have been, those that are gone too.
    count: watch::Sender<usize>,
}

const LOG_LEN: usize = 16 << 20;

impl Log {
    fn push(&mut self, stream: StreamType, data: &[u8]) {
        self.chunks.push_back((stream, Bytes::copy_from_slice(data)));
        self.len += data.len();
        while self.len > LOG_LEN {
            self.len -= self.chunks.pop_front().map_or(0, |(_, data)| data.len());
        }
        self.count.send_modify(|count| *count += 1);
    }

    /// Tells how many chunks there have been.
    pub(crate) fn count(&self) -> watch::Receiver<usize> {
        self.count.subscribe()
    }

    /// The chunks from number `from` on, as far as they are still there.
    pub(crate) fn since(&self, from: usize, wanted: Wanted) -> Vec<(StreamType, Bytes)> {
        let gone = *self.count.borrow() - self.chunks.len();
        let wants = |stream: StreamType| match stream {
            StreamType::Stderr => wanted.stderr,
            _ => wanted.stdout,
        };
        let chunks = self.chunks.iter().skip(from.saturating_sub(gone));
        chunks.filter(|(stream, _)| wants(*stream)).cloned().collect()
    }
}
