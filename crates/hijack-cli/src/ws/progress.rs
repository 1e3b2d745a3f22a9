//! A line on stderr that counts, for transfers of some size.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Counts bytes of messages.
#[derive(Default)]
pub(super) struct Meter {
    sent: AtomicU64,
    received: AtomicU64,
}

impl Meter {
    pub(super) fn count_sent(&self, len: usize) {
        self.sent.fetch_add(len as u64, Ordering::Relaxed);
    }

    pub(super) fn count_received(&self, len: usize) {
        self.received.fetch_add(len as u64, Ordering::Relaxed);
    }

    /// Runs `work`, and shows how far it has come if `shown` and there is something to show.
    pub(super) async fn show_while<F: Future>(&self, shown: bool, work: F) -> F::Output {
        let mut work = pin!(work);
        let mut ticks = tokio::time::interval(TICK);
        let begun = Instant::now();
        let mut on_screen = false;
        loop {
            tokio::select! {
                output = &mut work => {
                    if on_screen {
                        eprintln!("\r{}", self.line(begun.elapsed()));
                    }
                    return output;
                }
                _ = ticks.tick(), if shown => {
                    on_screen |= self.total() > SHOWN_FROM;
                    if on_screen {
                        eprint!("\r{}", self.line(begun.elapsed()));
                    }
                }
            }
        }
    }

    fn total(&self) -> u64 {
        self.sent.load(Ordering::Relaxed) + self.received.load(Ordering::Relaxed)
    }

    fn line(&self, elapsed: Duration) -> String {
        let (sent, received) = (self.sent.load(Ordering::Relaxed), self.received.load(Ordering::Relaxed));
        #[allow(clippy::cast_precision_loss, reason = "it is rounded to a tenth anyway")]
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        let rate = mib(sent + received) / elapsed.as_secs_f64().max(0.001);
        format!("{:.1} MiB sent, {:.1} MiB received, {rate:.1} MiB/s\x1b[K", mib(sent), mib(received))
    }
}

const TICK: Duration = Duration::from_millis(250);

/// Bytes from which on there is something to show.
const SHOWN_FROM: u64 = 1 << 20;
