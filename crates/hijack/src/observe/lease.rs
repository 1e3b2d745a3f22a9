//! The owner's side of a record: it counts, waits, and by its end ends the connection.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed, Ordering::SeqCst, fence};
use std::time::Duration;
use std::{fmt, io};

use bytes::Bytes;

use super::clock::TICK_MS;
use super::reason::Ended;
use super::record::{Record, wait_to_u8};
use super::{ConnLimits, EndReason, Registry, State, Timeout};

/// The owner's hold on a record. Dropping it is the end of the connection: the registry forgets it and the
/// observer hears of it, once.
pub(crate) struct Lease {
    record: Arc<Record>,
    registry: Arc<Registry>,
}

impl Lease {
    pub(super) fn new(record: Arc<Record>, registry: Arc<Registry>) -> Self {
        Self { record, registry }
    }

    pub(crate) fn record(&self) -> &Record {
        &self.record
    }

    pub(crate) fn share(&self) -> Arc<Record> {
        Arc::clone(&self.record)
    }

    /// Completes once the owner was asked to come to an end. Borrows nothing.
    pub(crate) fn told(&self) -> impl Future<Output = ()> + Send + 'static + use<> {
        let record = self.share();
        async move { record.told().await }
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(crate) fn set_state(&self, state: State) {
        let before = self.record.state();
        if before != state {
            self.record.state.store(state as u8, Relaxed);
            self.registry.note_state(before, state);
        }
    }

    pub(crate) fn count_in(&self, len: usize) {
        count(&self.record.bytes_in, len);
        self.record.active_ms.store(self.registry.now_ms(), Relaxed);
    }

    pub(crate) fn count_out(&self, len: usize) {
        count(&self.record.bytes_out, len);
        if self.record.deadline_ms.load(Relaxed) != 0
            && self.record.deadline_kind.load(Relaxed) == wait_to_u8(Timeout::Write)
        {
            self.end_wait();
        }
        self.record.active_ms.store(self.registry.now_ms(), Relaxed);
    }

    /// Starts a wait that may last `limit`, unless one for the same is under way.
    pub(crate) fn wait(&self, wait: Timeout, limit: Duration) {
        let record = &*self.record;
        let kind = wait_to_u8(wait);
        if record.deadline_ms.load(Relaxed) != 0 && record.deadline_kind.load(Relaxed) == kind {
            return;
        }
        // One tick more: the clock may already be that much behind.
        let at = self.registry.now_ms() + millis(limit) + TICK_MS;
        record.deadline_kind.store(kind, Relaxed);
        record.deadline_ms.store(at, Relaxed);
        self.arm(at);
    }

    /// Ends the wait under way.
    pub(crate) fn end_wait(&self) {
        self.record.deadline_ms.store(0, Relaxed);
    }

    /// Ends a wait for something else than `wait`, left over by whoever gave it up.
    pub(crate) fn end_other_waits(&self, wait: Timeout) {
        let record = &*self.record;
        if record.deadline_ms.load(Relaxed) != 0 && record.deadline_kind.load(Relaxed) != wait_to_u8(wait) {
            self.end_wait();
        }
    }

    /// Has the owner woken in `delay` at the latest, once, wherever it waits by then.
    pub(crate) fn nudge_in(&self, delay: Duration) {
        let at = self.registry.now_ms() + millis(delay);
        let set = self.record.nudge_ms.load(Relaxed);
        if set == 0 || at < set {
            self.record.nudge_ms.store(at, Relaxed);
            self.arm(at);
        }
    }

    pub(crate) fn set_limits(&self, limits: ConnLimits) {
        let ms = |limit: Option<Duration>| limit.map_or(0, |limit| millis(limit).max(1));
        self.record.limits.idle.set_ms(ms(limits.idle));
        self.record.limits.lifetime.set_ms(ms(limits.lifetime));
        self.record.limits.half_open.set_ms(ms(limits.half_open));
        self.rearm();
    }

    /// Ends the connection for its owner, who is here: reads and writes fail, nobody's task is aborted.
    pub(crate) fn end_here(&self, reason: EndReason) {
        self.record.set_end(reason);
        self.record.forced.store(true, SeqCst);
    }

    pub(super) fn rearm(&self) {
        if let Some(at) = self.record.next_due() {
            self.arm(at);
        }
    }

    /// Sees to it that the wheel looks at this connection at `at_ms` or before.
    fn arm(&self, at_ms: u64) {
        // Meets the fence in `Registry::turn`: either the entry is seen to be gone here, or the new time there.
        fence(SeqCst);
        let armed = u64::from(self.record.armed.load(Relaxed));
        if armed == 0 || at_ms.div_ceil(TICK_MS) + 1 < armed {
            self.registry.arm(&self.record, at_ms);
        }
    }

    /// The peer sends nothing any more.
    pub(crate) fn set_peer_ended(&self) {
        if !self.record.peer_ended.swap(true, Relaxed) {
            self.half_opened(&self.record.we_ended);
        }
    }

    /// We send nothing any more.
    pub(crate) fn set_we_ended(&self) {
        if !self.record.we_ended.swap(true, Relaxed) {
            self.half_opened(&self.record.peer_ended);
        }
    }

    fn half_opened(&self, other: &AtomicBool) {
        let since = if other.load(Relaxed) { 0 } else { self.registry.now_ms().max(1) };
        self.record.half_open_ms.store(since, Relaxed);
        self.rearm();
    }

    /// Marks the handover: what was counted so far was HTTP's, but for the `unread` bytes, and so are the
    /// `queued` ones that are still to be written.
    pub(crate) fn set_taken(
        &self,
        unread: usize,
        queued: usize,
        head: Bytes,
        protocol: Option<Cow<'static, str>>,
    ) {
        let record = &*self.record;
        record.http_in.store(record.bytes_in.load(Relaxed) - unread as u64, Relaxed);
        record.http_out.store(record.bytes_out.load(Relaxed) + queued as u64, Relaxed);
        record.taken_ms.store(self.registry.now_ms().max(1), Relaxed);
        record.active_ms.store(self.registry.now_ms(), Relaxed);
        record.deadline_ms.store(0, Relaxed);
        if !head.is_empty() || protocol.is_some() {
            record.details(|details| {
                details.head = head;
                details.protocol = protocol;
            });
        }
        self.set_state(State::Taken);
        self.registry.taken(record);
    }

    /// An error if this connection was forced to its end or a limit on time was reached.
    pub(crate) fn check(&self) -> io::Result<()> {
        if self.record.forced.load(Relaxed) {
            return Err(io::Error::new(io::ErrorKind::ConnectionAborted, Ended(self.record.end())));
        }
        match self.record.overdue(self.registry.now_ms()) {
            None => Ok(()),
            Some(timeout) => {
                self.record.set_end(EndReason::TimedOut(timeout));
                Err(io::Error::new(io::ErrorKind::TimedOut, Ended(EndReason::TimedOut(timeout))))
            }
        }
    }

    /// As [`check`](Self::check), before a read: what HTTP waited for is read if it has come, though its reader was
    /// away for longer than it might have taken. The limits of a conversation hold at any time.
    pub(crate) fn check_before_read(&self) -> io::Result<()> {
        let at_any_time = self.record.state() == State::Taken || self.record.forced.load(Relaxed);
        if at_any_time { self.check() } else { Ok(()) }
    }

    /// As [`check`](Self::check), for a reader about to wait: it will be woken when that changes.
    pub(crate) fn check_reader(&self, waker: &std::task::Waker) -> io::Result<()> {
        self.record.reader.register(waker);
        self.check()
    }

    /// As [`check`](Self::check), for a writer about to wait.
    pub(crate) fn check_writer(&self, waker: &std::task::Waker) -> io::Result<()> {
        self.record.writer.register(waker);
        self.check()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let reason = self.record.end();
        self.registry.note_state(self.record.state(), State::Idle);
        self.registry.close(&self.record, &reason);
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("id", &self.record.id).field("peer", &self.record.peer).finish()
    }
}

/// Adds to a counter that has one writer.
fn count(counter: &AtomicU64, len: usize) {
    counter.store(counter.load(Relaxed) + len as u64, Relaxed);
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 4)
}
