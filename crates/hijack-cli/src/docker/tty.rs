//! The terminal that we sit at: raw while a process elsewhere has it, and as large there as it is here.

use std::convert::Infallible;
use std::future::pending;
use std::io::{self, IsTerminal};
use std::time::Duration;

use hijack_docker::{Docker, Error, Size};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::signal::unix::{SignalKind, signal};

use super::failure::Failed;
use super::signals::Signals;

/// The terminal in raw mode, until this is dropped: also where we fail or panic.
pub(super) struct Raw {
    before: Termios,
}

impl Raw {
    /// Makes standard input raw.
    pub(super) fn enter() -> io::Result<Self> {
        let stdin = io::stdin();
        let before = tcgetattr(&stdin)?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(&stdin, OptionalActions::Now, &raw)?;
        Ok(Self { before })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // It may be gone.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}

/// A process with a terminal needs one to be typed on.
pub(super) fn check(stdin: bool, tty: bool) -> Result<(), Failed> {
    if stdin && tty && !io::stdin().is_terminal() {
        return Err(Failed::new("the input device is not a TTY"));
    }
    Ok(())
}

/// The size of the terminal that we write to.
fn size() -> Option<Size> {
    let size = tcgetwinsize(io::stdout()).ok()?;
    (size.ws_row > 0 || size.ws_col > 0).then_some(Size { height: size.ws_row, width: size.ws_col })
}

/// Whose terminal is to be as large.
#[derive(Clone, Copy)]
pub(super) enum Process<'p> {
    Container(&'p str),
    Exec(&'p str),
}

/// How a process is told our terminal's size at the beginning. From then on it is told each change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resized {
    /// As it is.
    Once,
    /// Another one first. A program draws itself anew when its size changes, and only then: whoever attaches again would
    /// see nothing.
    Anew,
}

/// What goes on beside a process's streams: its terminal's size, if it has one, and signals to its container. Never ends.
pub(super) async fn beside(
    docker: &Docker,
    process: Process<'_>,
    resized: Option<Resized>,
    signals: Option<&mut Signals>,
) -> Infallible {
    let sizing = async {
        if let Some((resized, size)) = resized.zip(size()) {
            if resized == Resized::Anew {
                let other =
                    Size { height: size.height.saturating_add(1), width: size.width.saturating_add(1) };
                let _ = process.resize(docker, other).await;
            }
            process.follow(docker).await;
        }
    };
    let forwarding = async {
        if let (Process::Container(id), Some(signals)) = (process, signals) {
            signals.forward(docker, id).await;
        }
    };
    tokio::join!(sizing, forwarding);
    pending().await
}

impl Process<'_> {
    async fn resize(self, docker: &Docker, size: Size) -> Result<(), Error> {
        match self {
            Self::Container(id) => docker.resize(id, size).await,
            Self::Exec(id) => docker.resize_exec(id, size).await,
        }
    }

    /// Tells it our size, now and whenever that changes. Never ends.
    async fn follow(self, docker: &Docker) {
        let changes = signal(SignalKind::window_change());
        self.begin(docker).await;
        if let Ok(mut changes) = changes {
            while changes.recv().await.is_some() {
                self.fit(docker).await.ok();
            }
        }
        pending::<()>().await;
    }

    /// A process that has just started may not have its terminal yet.
    async fn begin(self, docker: &Docker) {
        for tries in 1..=TRIES {
            if self.fit(docker).await.is_ok() {
                return;
            }
            tokio::time::sleep(PAUSE * tries).await;
        }
        eprint!("failed to resize tty, using default size\r\n");
    }

    async fn fit(self, docker: &Docker) -> Result<(), Error> {
        match size() {
            Some(size) => self.resize(docker, size).await,
            None => Ok(()),
        }
    }
}

/// How often it is told its size at the beginning, and the first pause between two of them.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(10);
