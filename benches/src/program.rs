//! A running program: started pinned, told what to do, read from outside, ended with its handle.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};

use hijack_bench::order::{DONE, Order};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::unix::pipe::Receiver;

use crate::launch::Folder;
use crate::procfs::{self, Cpu};

/// One process under measurement.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    /// Awaited, not blocked on: the server that a client asks runs on this thread.
    stdout: Lines<BufReader<Receiver>>,
    /// What it was configured in; kept as long as it runs.
    pub(crate) folder: Option<Folder>,
    /// Another one whose CPU is counted with its own.
    pub(crate) beside: Option<Box<Program>>,
}

/// What a counting program says of its allocator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heap {
    pub(crate) allocations: f64,
    pub(crate) live_bytes: f64,
}

impl Program {
    /// Runs `command` on `core`.
    pub(crate) fn start(command: &Command, core: u32) -> io::Result<Self> {
        let mut child = Command::new("taskset")
            .args(["-c", &core.to_string()])
            .arg(command.get_program())
            .args(command.get_args())
            .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .env("GOMAXPROCS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().ok_or_else(|| io::Error::other("program without stdout"))?;
        let stdout = Receiver::from_owned_fd(OwnedFd::from(stdout))?;
        Ok(Self { child, stdout: BufReader::new(stdout).lines(), folder: None, beside: None })
    }

    /// The address that a server prints when it listens.
    pub(crate) async fn address(&mut self) -> io::Result<SocketAddr> {
        let line = self.line().await?;
        line.parse().map_err(|_| io::Error::other(format!("address expected, got {line:?}")))
    }

    /// What our gateway prints behind `word`.
    pub(crate) async fn told(&mut self, word: &str) -> io::Result<String> {
        let line = self.line().await?;
        let told = line.strip_prefix(word).map(|rest| rest.trim().to_owned());
        told.ok_or_else(|| io::Error::other(format!("{word:?} expected, got {line:?}")))
    }

    /// Has `order` carried out.
    pub(crate) async fn obey(&mut self, order: Order) -> io::Result<()> {
        let answer = self.ask(order).await?;
        if answer == DONE { Ok(()) } else { Err(io::Error::other(format!("{order}: {answer}"))) }
    }

    /// What the allocator of a counting program counted.
    pub(crate) async fn heap(&mut self) -> io::Result<Heap> {
        let (allocations, live_bytes) = self.ask_two(Order::Heap).await?;
        Ok(Heap { allocations, live_bytes })
    }

    /// The connections in our relay's tracker, and the pipes of its pool.
    pub(crate) async fn left(&mut self) -> io::Result<(f64, f64)> {
        self.ask_two(Order::Left).await
    }

    /// Ends the program by ending its stdin, so that it goes in order.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        drop(self.child.stdin.take());
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(io::Error::other(format!("program ended with {status}"))) }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn cpu(&self) -> io::Result<Cpu> {
        let own = Cpu::of(self.pid())?;
        Ok(match &self.beside {
            Some(beside) => own.and(beside.cpu()?),
            None => own,
        })
    }

    pub(crate) fn resident_bytes(&self) -> io::Result<f64> {
        procfs::resident_bytes(self.pid()).map(|bytes| bytes as f64)
    }

    pub(crate) fn open_files(&self) -> io::Result<f64> {
        procfs::open_files(self.pid()).map(|files| files as f64)
    }

    async fn ask_two(&mut self, order: Order) -> io::Result<(f64, f64)> {
        let line = self.ask(order).await?;
        let pair = line.split_once(' ').and_then(|(one, other)| one.parse().ok().zip(other.parse().ok()));
        pair.ok_or_else(|| io::Error::other(format!("two numbers expected, got {line:?}")))
    }

    async fn ask(&mut self, order: Order) -> io::Result<String> {
        if let Some(stdin) = &mut self.child.stdin {
            writeln!(stdin, "{order}")?;
        }
        self.line().await
    }

    async fn line(&mut self) -> io::Result<String> {
        self.stdout.next_line().await?.ok_or_else(|| io::Error::other("program ended early"))
    }
}

/// Nothing of a program is wanted after its numbers.
impl Drop for Program {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
