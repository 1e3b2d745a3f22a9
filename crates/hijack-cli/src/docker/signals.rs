//! Signals: told to the container, or the end.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};

use hijack_docker::Docker;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::failure::{Failed, SIGNALLED};

/// Signals that are caught instead of doing what they do.
pub(super) struct Signals(Vec<(&'static str, u8, Signal)>);

/// What a container is told. Not among them: those that cannot be caught or that a fault in this program raises; CHLD,
/// PIPE and URG, which are this program's own; TTIN and TTOU, by which a shell stops what it put into the background.
const FORWARDED: [(&str, i32); 17] = [
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ABRT", 6),
    ("USR1", 10),
    ("USR2", 12),
    ("ALRM", 14),
    ("TERM", 15),
    ("CONT", 18),
    ("TSTP", 20),
    ("XCPU", 24),
    ("XFSZ", 25),
    ("VTALRM", 26),
    ("PROF", 27),
    ("WINCH", 28),
    ("IO", 29),
    ("PWR", 30),
];

/// What ends a program.
const ENDS: [(&str, i32); 4] = [("HUP", 1), ("INT", 2), ("QUIT", 3), ("TERM", 15)];

impl Signals {
    /// Catches everything that a container is told, from now on.
    pub(super) fn forwarded() -> io::Result<Self> {
        Self::caught(&FORWARDED)
    }

    fn caught(table: &[(&'static str, i32)]) -> io::Result<Self> {
        let caught = |&(name, number): &(&'static str, i32)| {
            let code = u8::try_from(number).map_err(io::Error::other)?;
            Ok((name, code, signal(SignalKind::from_raw(number))?))
        };
        table.iter().map(caught).collect::<io::Result<_>>().map(Self)
    }

    /// The next one: its name and number.
    async fn next(&mut self) -> (&'static str, u8) {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<(&'static str, u8)> {
        for (name, number, signal) in &mut self.0 {
            if signal.poll_recv(cx).is_ready() {
                return Poll::Ready((name, *number));
            }
        }
        Poll::Pending
    }

    /// Tells a container each of them, also those that came before. Never ends.
    pub(super) async fn forward(&mut self, docker: &Docker, container: &str) {
        loop {
            let (name, _) = self.next().await;
            // It may have ended meanwhile, which shows soon.
            let _ = docker.kill(container, name).await;
        }
    }
}

/// Does `work`, unless a signal ends it. Whatever it holds, such as a raw terminal, is given back then.
pub(super) async fn unless_signalled<T>(work: impl Future<Output = Result<T, Failed>>) -> Result<T, Failed> {
    let mut signals =
        Signals::caught(&ENDS).map_err(|error| Failed::new(format!("cannot catch signals: {error}")))?;
    tokio::select! {
        done = work => done,
        (_, number) = signals.next() => Err(Failed::silent(SIGNALLED + number)),
    }
}
