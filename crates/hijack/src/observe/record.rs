//! What is known of one connection while it lives: plain counters, written by its owner, read by everyone.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed, Ordering::SeqCst, fence};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use std::{fmt, io};

use atomic_waker::AtomicWaker;
use bytes::Bytes;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::clock::TICK_MS;
use super::{EndReason, Registry, Timeout};

/// The other end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Peer {
    /// An address of TCP.
    Tcp(SocketAddr),
    /// A process on this machine, by a Unix socket.
    Unix,
    /// The far end of a stream that was given to us.
    Unknown,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix => f.write_str("unix"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

/// Where a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u8)]
pub enum State {
    /// In the TLS handshake.
    Handshake = 0,
    /// Waiting for a request, of which nothing came yet.
    Idle = 1,
    /// A head has begun.
    Head = 2,
    /// A request is being handled.
    Active = 3,
    /// Taken over.
    Taken = 4,
}

impl State {
    fn from_u8(state: u8) -> Self {
        [Self::Handshake, Self::Idle, Self::Head, Self::Active, Self::Taken][usize::from(state.min(4))]
    }
}

/// Limits on a taken-over connection; `None` is "no limit". They are watched with a grain of 100 ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConnLimits {
    /// The longest time without a byte in either direction.
    pub idle: Option<Duration>,
    /// The longest time from the takeover to the end.
    pub lifetime: Option<Duration>,
    /// The longest time after one side ended its direction and the other did not.
    pub half_open: Option<Duration>,
}

/// One connection. Times are milliseconds of the registry's clock; zero is "none".
pub(crate) struct Record {
    pub(crate) id: u64,
    pub(crate) peer: Peer,
    pub(crate) opened_ms: u64,
    pub(crate) taken_ms: AtomicU64,
    /// Bytes read from and written to the transport since it opened (inside TLS: of the plain text).
    pub(crate) bytes_in: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
    /// Of those, the ones before the takeover: heads, bodies, answers.
    pub(crate) http_in: AtomicU64,
    pub(crate) http_out: AtomicU64,
    pub(crate) active_ms: AtomicU64,
    state: AtomicU8,
    peer_ended: AtomicBool,
    we_ended: AtomicBool,
    half_open_ms: AtomicU64,
    /// When the wait under way is over, and what for.
    deadline_ms: AtomicU64,
    deadline_kind: AtomicU8,
    limits: LimitsMs,
    /// The tick of the live entry in the timer wheel, plus one.
    armed: AtomicU64,
    told: AtomicBool,
    /// Set by whoever forces the end; which reason is in `end`.
    forced: AtomicBool,
    reader: AtomicWaker,
    writer: AtomicWaker,
    tell: Notify,
    task: OnceLock<AbortHandle>,
    details: Mutex<Details>,
}

#[derive(Default)]
struct LimitsMs {
    idle: AtomicU64,
    lifetime: AtomicU64,
    half_open: AtomicU64,
}

/// What is written rarely.
#[derive(Default)]
pub(crate) struct Details {
    pub(crate) protocol: Option<Cow<'static, str>>,
    /// The head of the request that was taken over.
    pub(crate) head: Bytes,
    end: Option<EndReason>,
}

impl Record {
    pub(super) fn new(id: u64, peer: Peer, now_ms: u64) -> Self {
        Self {
            id,
            peer,
            opened_ms: now_ms,
            taken_ms: AtomicU64::new(0),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            http_in: AtomicU64::new(0),
            http_out: AtomicU64::new(0),
            active_ms: AtomicU64::new(now_ms),
            state: AtomicU8::new(State::Idle as u8),
            peer_ended: AtomicBool::new(false),
            we_ended: AtomicBool::new(false),
            half_open_ms: AtomicU64::new(0),
            deadline_ms: AtomicU64::new(0),
            deadline_kind: AtomicU8::new(0),
            limits: LimitsMs::default(),
            armed: AtomicU64::new(0),
            told: AtomicBool::new(false),
            forced: AtomicBool::new(false),
            reader: AtomicWaker::new(),
            writer: AtomicWaker::new(),
            tell: Notify::new(),
            task: OnceLock::new(),
            details: Mutex::default(),
        }
    }

    pub(crate) fn state(&self) -> State {
        State::from_u8(self.state.load(Relaxed))
    }

    pub(crate) fn details<R>(&self, look: impl FnOnce(&mut Details) -> R) -> R {
        look(&mut self.details.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Records why the connection ends; the first reason stays.
    pub(crate) fn set_end(&self, reason: EndReason) {
        self.details(|details| details.end.get_or_insert(reason).clone());
    }

    /// Why it ended, once its owner has let go.
    fn end(&self) -> EndReason {
        let unexplained = || {
            if std::thread::panicking() {
                EndReason::Panicked
            } else if self.peer_ended.load(Relaxed) {
                EndReason::PeerClosed
            } else {
                EndReason::Dropped
            }
        };
        self.details(|details| details.end.get_or_insert_with(unexplained).clone())
    }

    /// Asks the owner to come to an end.
    pub(crate) fn tell(&self) {
        self.told.store(true, std::sync::atomic::Ordering::SeqCst);
        self.tell.notify_waiters();
        self.reader.wake();
    }

    pub(crate) fn is_told(&self) -> bool {
        self.told.load(std::sync::atomic::Ordering::SeqCst)
    }

    /// Completes once the owner was asked to come to an end.
    pub(crate) async fn told(&self) {
        let told = self.tell.notified();
        let mut told = std::pin::pin!(told);
        told.as_mut().enable();
        if !self.is_told() {
            told.await;
        }
    }

    /// Ends the connection whatever its owner does: its reads and writes fail, its task is aborted.
    pub(crate) fn force(&self, reason: EndReason) {
        self.set_end(reason);
        self.forced.store(true, std::sync::atomic::Ordering::SeqCst);
        self.wake();
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }

    pub(crate) fn set_task(&self, task: AbortHandle) {
        let _ = self.task.set(task);
    }

    pub(super) fn wake(&self) {
        self.reader.wake();
        self.writer.wake();
    }

    pub(crate) fn peer_ended(&self) -> bool {
        self.peer_ended.load(Relaxed)
    }

    /// When this connection must be looked at next, if at all.
    pub(super) fn next_due(&self) -> Option<u64> {
        let at = |since: u64, limit: &AtomicU64| match limit.load(Relaxed) {
            0 => u64::MAX,
            limit => since.saturating_add(limit),
        };
        let mut due = match self.deadline_ms.load(Relaxed) {
            0 => u64::MAX,
            deadline => deadline,
        };
        if self.state() == State::Taken {
            due = due.min(at(self.active_ms.load(Relaxed), &self.limits.idle));
            due = due.min(at(self.taken_ms.load(Relaxed), &self.limits.lifetime));
            if self.half_open_ms.load(Relaxed) != 0 {
                due = due.min(at(self.half_open_ms.load(Relaxed), &self.limits.half_open));
            }
        }
        (due != u64::MAX).then_some(due)
    }

    /// The limit that has been reached at `now_ms`, if any.
    fn overdue(&self, now_ms: u64) -> Option<Timeout> {
        let passed = |since: &AtomicU64, limit: &AtomicU64| {
            let (since, limit) = (since.load(Relaxed), limit.load(Relaxed));
            limit != 0 && since.saturating_add(limit) <= now_ms
        };
        if !matches!(self.deadline_ms.load(Relaxed), 0) && self.deadline_ms.load(Relaxed) <= now_ms {
            return Some(wait_from_u8(self.deadline_kind.load(Relaxed)));
        }
        if self.state() != State::Taken {
            return None;
        }
        if passed(&self.taken_ms, &self.limits.lifetime) {
            Some(Timeout::Lifetime)
        } else if self.half_open_ms.load(Relaxed) != 0 && passed(&self.half_open_ms, &self.limits.half_open) {
            Some(Timeout::HalfOpen)
        } else if passed(&self.active_ms, &self.limits.idle) {
            Some(Timeout::Idle)
        } else {
            None
        }
    }
}

/// The waits that have a deadline of their own, in the order of [`Timeout`].
const WAITS: [Timeout; 6] =
    [Timeout::Handshake, Timeout::Head, Timeout::KeepAlive, Timeout::Body, Timeout::Write, Timeout::Linger];

fn wait_from_u8(wait: u8) -> Timeout {
    WAITS[usize::from(wait) % WAITS.len()]
}

fn wait_to_u8(wait: Timeout) -> u8 {
    wait as u8
}

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

    pub(crate) fn set_limits(&self, limits: ConnLimits) {
        let ms = |limit: Option<Duration>| limit.map_or(0, |limit| millis(limit).max(1));
        self.record.limits.idle.store(ms(limits.idle), Relaxed);
        self.record.limits.lifetime.store(ms(limits.lifetime), Relaxed);
        self.record.limits.half_open.store(ms(limits.half_open), Relaxed);
        self.rearm();
    }

    fn rearm(&self) {
        if let Some(at) = self.record.next_due() {
            self.arm(at);
        }
    }

    /// Sees to it that the wheel looks at this connection at `at_ms` or before.
    fn arm(&self, at_ms: u64) {
        // Meets the fence in `Registry::turn`: either the entry is seen to be gone here, or the new time there.
        fence(SeqCst);
        let armed = self.record.armed.load(Relaxed);
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
        record.details(|details| {
            details.head = head;
            details.protocol = protocol;
        });
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

impl Record {
    pub(super) fn set_armed(&self, tick: Option<u64>) {
        self.armed.store(tick.map_or(0, |tick| tick + 1), Relaxed);
    }

    /// Whether there is an entry at `tick` or before.
    pub(super) fn is_armed_by(&self, tick: u64) -> bool {
        (1..=tick + 1).contains(&self.armed.load(Relaxed))
    }

    pub(super) fn is_armed_for(&self, tick: u64) -> bool {
        self.armed.load(Relaxed) == tick + 1
    }

    /// Whether the wheel has to wake the owner now.
    pub(super) fn is_overdue(&self, now_ms: u64) -> bool {
        self.overdue(now_ms).is_some()
    }
}

/// The source of an IO error on a connection that was ended by us.
#[derive(Debug, Clone)]
pub(crate) struct Ended(pub(crate) EndReason);

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connection ended: {}", self.0)
    }
}

impl std::error::Error for Ended {}

/// Adds to a counter that has one writer.
fn count(counter: &AtomicU64, len: usize) {
    counter.store(counter.load(Relaxed) + len as u64, Relaxed);
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 4)
}
