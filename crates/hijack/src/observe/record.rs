//! What is known of one connection while it lives: plain counters, written by its owner, read by everyone.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{
    AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed, Ordering::SeqCst, fence,
};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use atomic_waker::AtomicWaker;
use bytes::Bytes;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::clock::TICK_MS;
use super::{EndReason, Timeout};

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
    pub(super) state: AtomicU8,
    pub(super) peer_ended: AtomicBool,
    pub(super) we_ended: AtomicBool,
    pub(super) half_open_ms: AtomicU64,
    /// When the wait under way is over, and what for.
    pub(super) deadline_ms: AtomicU64,
    pub(super) deadline_kind: AtomicU8,
    pub(super) limits: LimitTicks,
    /// When the owner wants to be woken, for no limit's sake.
    pub(super) nudge_ms: AtomicU64,
    /// The tick of the live entry in the timer wheel, plus one.
    pub(super) armed: AtomicU32,
    told: AtomicBool,
    /// Set by whoever forces the end; which reason is in `end`.
    pub(super) forced: AtomicBool,
    pub(super) reader: AtomicWaker,
    pub(super) writer: AtomicWaker,
    /// There once somebody waits for it to be told.
    tell: OnceLock<Box<Notify>>,
    task: OnceLock<AbortHandle>,
    /// There once there is something: a held connection need not have any.
    details: Mutex<Option<Box<Details>>>,
}

/// Limits in ticks of the wheel that watches them, which makes them half as long as milliseconds; zero is "none".
#[derive(Default)]
pub(super) struct LimitTicks {
    pub(super) idle: LimitTick,
    pub(super) lifetime: LimitTick,
    pub(super) half_open: LimitTick,
}

#[derive(Default)]
pub(super) struct LimitTick(AtomicU32);

impl LimitTick {
    /// Rounds up; thirteen years at the most.
    pub(super) fn set_ms(&self, limit_ms: u64) {
        self.0.store(u32::try_from(limit_ms.div_ceil(TICK_MS)).unwrap_or(u32::MAX), Relaxed);
    }

    pub(super) fn ms(&self) -> u64 {
        u64::from(self.0.load(Relaxed)) * TICK_MS
    }
}

/// What is written rarely.
#[derive(Default)]
pub(crate) struct Details {
    pub(crate) protocol: Option<Cow<'static, str>>,
    /// The head of the request that was taken over.
    pub(crate) head: Bytes,
    end: Option<EndReason>,
}

thread_local! {
    /// What ended connections had, for the next ones.
    #[allow(clippy::vec_box, reason = "the boxes themselves are kept")]
    static SPARE: RefCell<Vec<Box<Details>>> = const { RefCell::new(Vec::new()) };
}

/// Spare details that a thread keeps.
const MOST_SPARE: usize = 64;

impl Details {
    fn spare() -> Box<Self> {
        SPARE.with_borrow_mut(Vec::pop).unwrap_or_default()
    }

    fn give_back(mut self: Box<Self>) {
        *self = Self::default();
        // A thread that ends keeps nothing.
        let _ = SPARE.try_with(|spare| {
            let mut spare = spare.borrow_mut();
            if spare.len() < MOST_SPARE {
                spare.push(self);
            }
        });
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if let Some(details) = self.lock_details().take() {
            details.give_back();
        }
    }
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
            limits: LimitTicks::default(),
            nudge_ms: AtomicU64::new(0),
            armed: AtomicU32::new(0),
            told: AtomicBool::new(false),
            forced: AtomicBool::new(false),
            reader: AtomicWaker::new(),
            writer: AtomicWaker::new(),
            tell: OnceLock::new(),
            task: OnceLock::new(),
            details: Mutex::default(),
        }
    }

    pub(crate) fn state(&self) -> State {
        State::from_u8(self.state.load(Relaxed))
    }

    pub(crate) fn details<R>(&self, look: impl FnOnce(&mut Details) -> R) -> R {
        look(self.lock_details().get_or_insert_with(Details::spare))
    }

    fn lock_details(&self) -> MutexGuard<'_, Option<Box<Details>>> {
        self.details.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As [`details`](Self::details), to look only: what is not there yet is as new.
    pub(crate) fn with_details<R>(&self, look: impl FnOnce(&Details) -> R) -> R {
        match &*self.lock_details() {
            Some(details) => look(details),
            None => look(&Details::default()),
        }
    }

    /// Lets go of head and protocol, and of the room for them.
    pub(crate) fn forget_head(&self) {
        let mut kept = self.lock_details();
        match kept.as_mut() {
            Some(details) if details.end.is_some() => {
                details.head = Bytes::new();
                details.protocol = None;
            }
            _ => drop(kept.take().map(Details::give_back)),
        }
    }

    /// Records why the connection ends; the first reason stays.
    pub(crate) fn set_end(&self, reason: EndReason) {
        self.details(|details| details.end.get_or_insert(reason).clone());
    }

    /// Whether a reason for the end is recorded.
    pub(crate) fn has_end(&self) -> bool {
        self.with_details(|details| details.end.is_some())
    }

    /// Why it ended, once its owner has let go.
    pub(super) fn end(&self) -> EndReason {
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
        self.told.store(true, SeqCst);
        fence(SeqCst);
        if let Some(tell) = self.tell.get() {
            tell.notify_waiters();
        }
        self.reader.wake();
    }

    pub(crate) fn is_told(&self) -> bool {
        self.told.load(SeqCst)
    }

    /// Completes once the owner was asked to come to an end.
    pub(crate) async fn told(&self) {
        // Entered before the flag is looked at: whoever tells sets the flag first and looks for waiters then.
        let told = self.tell.get_or_init(Box::default).notified();
        fence(SeqCst);
        let mut told = std::pin::pin!(told);
        told.as_mut().enable();
        if !self.is_told() {
            told.await;
        }
    }

    /// Ends the connection whatever its owner does: its reads and writes fail, its task is aborted.
    pub(crate) fn force(&self, reason: EndReason) {
        self.set_end(reason);
        self.forced.store(true, SeqCst);
        self.wake();
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }

    pub(crate) fn set_task(&self, task: AbortHandle) {
        let _ = self.task.set(task);
        // Whoever forced the end before had no task to abort.
        if let (true, Some(task)) = (self.forced.load(SeqCst), self.task.get()) {
            task.abort();
        }
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
        let at = |since: u64, limit: &LimitTick| match limit.ms() {
            0 => u64::MAX,
            limit => since.saturating_add(limit),
        };
        let set = |at: &AtomicU64| match at.load(Relaxed) {
            0 => u64::MAX,
            at => at,
        };
        let mut due = set(&self.deadline_ms).min(set(&self.nudge_ms));
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
    pub(super) fn overdue(&self, now_ms: u64) -> Option<Timeout> {
        let passed = |since: &AtomicU64, limit: &LimitTick| match limit.ms() {
            0 => false,
            limit => since.load(Relaxed).saturating_add(limit) <= now_ms,
        };
        let deadline = self.deadline_ms.load(Relaxed);
        if deadline != 0 && deadline <= now_ms {
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

    pub(super) fn set_armed(&self, tick: Option<u64>) {
        let armed = tick.map_or(0, |tick| u32::try_from(tick + 1).unwrap_or(u32::MAX));
        self.armed.store(armed, Relaxed);
    }

    /// Whether there is an entry at `tick` or before.
    pub(super) fn is_armed_by(&self, tick: u64) -> bool {
        (1..=tick + 1).contains(&u64::from(self.armed.load(Relaxed)))
    }

    pub(super) fn is_armed_for(&self, tick: u64) -> bool {
        u64::from(self.armed.load(Relaxed)) == tick + 1
    }

    /// Whether the wheel has to wake the owner now: for a limit until it is obeyed, for a nudge once.
    pub(super) fn must_wake(&self, now_ms: u64) -> bool {
        let nudge = self.nudge_ms.load(Relaxed);
        let nudged = nudge != 0
            && nudge <= now_ms
            && self.nudge_ms.compare_exchange(nudge, 0, Relaxed, Relaxed).is_ok();
        nudged || self.overdue(now_ms).is_some()
    }
}

/// The waits that have a deadline of their own, in the order of [`Timeout`].
const WAITS: [Timeout; 9] = [
    Timeout::Handshake,
    Timeout::Head,
    Timeout::KeepAlive,
    Timeout::Body,
    Timeout::Write,
    Timeout::Linger,
    Timeout::Answer,
    Timeout::Close,
    Timeout::Pong,
];

fn wait_from_u8(wait: u8) -> Timeout {
    WAITS[usize::from(wait) % WAITS.len()]
}

pub(super) fn wait_to_u8(wait: Timeout) -> u8 {
    wait as u8
}
