//! A running server: started pinned, asked for its address, read from outside, ended with its handle.

use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use hijack_bench::wire::HEAP_COMMAND;

use crate::procfs::{self, Cpu};

/// One server process.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub(crate) address: SocketAddr,
}

/// What a counting server says of its allocator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heap {
    pub(crate) allocations: f64,
    pub(crate) live_bytes: f64,
}

impl Server {
    /// Starts `program` on `core`.
    pub(crate) fn start(program: &Path, arguments: &[&str], core: u32) -> io::Result<Self> {
        Self::start_command(Command::new(program).args(arguments), core)
    }

    /// Runs `command` on `core` and waits for its address; a program that fails ends that wait.
    pub(crate) fn start_command(command: &Command, core: u32) -> io::Result<Self> {
        let mut child = Command::new("taskset")
            .args(["-c", &core.to_string()])
            .arg(command.get_program())
            .args(command.get_args())
            .env("GOMAXPROCS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().ok_or_else(|| io::Error::other("server without stdout"))?;
        let mut server = Self { child, stdout: BufReader::new(stdout), address: ([127, 0, 0, 1], 0).into() };
        let line = server.line()?;
        let no_address = |_| io::Error::other(format!("address expected from {command:?}, got {line:?}"));
        server.address = line.parse().map_err(no_address)?;
        Ok(server)
    }

    /// Ends the server by ending its stdin, so that it goes in order.
    pub(crate) fn end(mut self) -> io::Result<()> {
        drop(self.child.stdin.take());
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(io::Error::other(format!("server ended with {status}"))) }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn cpu(&self) -> io::Result<Cpu> {
        Cpu::of(self.pid())
    }

    pub(crate) fn resident_bytes(&self) -> io::Result<f64> {
        procfs::resident_bytes(self.pid()).map(|bytes| bytes as f64)
    }

    pub(crate) fn heap(&mut self) -> io::Result<Heap> {
        if let Some(stdin) = &mut self.child.stdin {
            writeln!(stdin, "{HEAP_COMMAND}")?;
        }
        let line = self.line()?;
        let pair = line.split_once(' ').and_then(|(count, bytes)| count.parse().ok().zip(bytes.parse().ok()));
        let (allocations, live_bytes) =
            pair.ok_or_else(|| io::Error::other(format!("two numbers expected, got {line:?}")))?;
        Ok(Heap { allocations, live_bytes })
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}

/// Nothing of a server is wanted after its numbers.
impl Drop for Server {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
