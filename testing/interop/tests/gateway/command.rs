//! A program with piped input, to its end, which must come in time.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// What came of it.
pub(crate) struct Ran {
    /// `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl std::fmt::Debug for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = |bytes: &[u8]| bytes[..bytes.len().min(400)].escape_ascii().to_string();
        write!(f, "exit code {:?}, {} bytes out: ", self.code, self.stdout.len())?;
        write!(f, "{}, stderr: {}", shown(&self.stdout), shown(&self.stderr))
    }
}

/// Runs it. One that hangs is killed, for `docker` passes softer signals on, and that fails the test.
pub(crate) fn run(mut command: Command, stdin: &[u8]) -> Ran {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut input = child.stdin.take().expect("piped");
    let (mut out, mut err) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
    thread::scope(|scope| {
        // One that wants no input is no failure; what it says counts.
        scope.spawn(move || input.write_all(stdin));
        let errors = scope.spawn(move || {
            let mut all = Vec::new();
            err.read_to_end(&mut all).map(|_| all)
        });
        let (ended, end) = mpsc::channel();
        let outputs = scope.spawn(move || {
            let mut all = Vec::new();
            let read = out.read_to_end(&mut all).map(|_| all);
            drop(ended);
            read
        });
        let hangs = end.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout);
        if hangs {
            child.kill().expect("it runs");
        }
        let status = child.wait().expect("it can be waited for");
        let stdout = outputs.join().expect("no panic").expect("its output is read");
        let stderr = errors.join().expect("no panic").expect("its errors are read");
        let ran = Ran { code: status.code(), stdout, stderr };
        assert!(!hangs, "it hangs: {command:?}: {ran:?}");
        let _: mpsc::Receiver<()> = end;
        ran
    })
}

/// Ten times what the longest takes on an idle machine.
const PATIENCE: Duration = Duration::from_secs(120);
