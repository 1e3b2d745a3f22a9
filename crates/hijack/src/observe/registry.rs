//! The connections that live, and the ticker that moves their clock.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst, fence};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::clock::{TICK, TICK_MS, Wheel};
use super::record::Record;
use super::{Connection, EndReason, Lease, Observer, Peer, State};

/// Where the clock of a registry begins, in milliseconds: connections that come from another process are older than
/// this one, by four years at the most. From there a record's 32 bits of ticks last nine years.
const EPOCH_MS: u64 = 1 << 37;

/// Ids are counted upwards from the largest one restored; those beyond are not believed.
const MOST_RESTORED_ID: u64 = 1 << 62;

/// Parts of the map, so that workers seldom meet at one lock.
const SHARDS: usize = 16;

/// All live connections of one server.
pub(crate) struct Registry {
    /// Tells this registry's ticks from another one's.
    serial: u64,
    started: Instant,
    now_ms: AtomicU64,
    shards: [Mutex<HashMap<u64, Arc<Record>>>; SHARDS],
    wheel: Mutex<Wheel>,
    count: AtomicUsize,
    next_id: AtomicU64,
    ticking: AtomicBool,
    /// Connections in the middle of a head, and in a TLS handshake.
    heads: AtomicUsize,
    handshakes: AtomicUsize,
    closed_one: Notify,
    observer: Option<Box<dyn Observer>>,
}

impl Registry {
    pub(crate) fn new(observer: Option<Box<dyn Observer>>) -> Arc<Self> {
        static SERIAL: AtomicU64 = AtomicU64::new(1);
        Arc::new(Self {
            serial: SERIAL.fetch_add(1, Relaxed),
            started: Instant::now(),
            now_ms: AtomicU64::new(EPOCH_MS),
            shards: std::array::from_fn(|_| Mutex::default()),
            wheel: Mutex::new(Wheel::new(EPOCH_MS)),
            count: AtomicUsize::new(0),
            next_id: AtomicU64::new(1),
            ticking: AtomicBool::new(false),
            heads: AtomicUsize::new(0),
            handshakes: AtomicUsize::new(0),
            closed_one: Notify::new(),
            observer,
        })
    }

    /// Milliseconds of the registry's clock, as of the last tick.
    pub(crate) fn now_ms(&self) -> u64 {
        self.now_ms.load(Relaxed)
    }

    /// A name for the present tick that no other tick of this process has.
    pub(crate) fn tick(&self) -> (u64, u64) {
        (self.serial, self.now_ms())
    }

    pub(crate) fn count(&self) -> usize {
        self.count.load(SeqCst)
    }

    /// Enters a new connection.
    pub(crate) fn open(self: &Arc<Self>, peer: Peer) -> Lease {
        self.begin();
        let record = Record::new(self.next_id.fetch_add(1, Relaxed), peer, self.now_ms());
        self.enter(record)
    }

    /// Enters a connection that lived elsewhere, as `fill` knows it, as number `id` if nobody has that.
    pub(super) fn reopen(
        self: &Arc<Self>,
        id: u64,
        peer: Peer,
        fill: impl FnOnce(&mut Record, u64),
    ) -> Lease {
        self.begin();
        let is_free = (1..MOST_RESTORED_ID).contains(&id) && self.get(id).is_none();
        if is_free {
            self.next_id.fetch_max(id + 1, Relaxed);
        }
        let id = if is_free { id } else { self.next_id.fetch_add(1, Relaxed) };
        let now = self.now_ms();
        let mut record = Record::new(id, peer, now);
        fill(&mut record, now);
        let lease = self.enter(record);
        self.taken(lease.record());
        lease
    }

    /// Counts a connection, so that the clock moves before it reads it.
    fn begin(self: &Arc<Self>) {
        self.count.fetch_add(1, SeqCst);
        self.start_ticking();
    }

    fn enter(self: &Arc<Self>, record: Record) -> Lease {
        let record = Arc::new(record);
        lock(self.shard(record.id)).insert(record.id, Arc::clone(&record));
        if let Some(observer) = &self.observer {
            observer.opened(&Connection::of(&record, self.now_ms()));
        }
        Lease::new(record, Arc::clone(self))
    }

    /// Keeps the count of the states that have a limit.
    pub(super) fn note_state(&self, before: State, after: State) {
        if let Some(count) = self.limited(before) {
            count.fetch_sub(1, Relaxed);
        }
        if let Some(count) = self.limited(after) {
            count.fetch_add(1, Relaxed);
        }
    }

    fn limited(&self, state: State) -> Option<&AtomicUsize> {
        match state {
            State::Head => Some(&self.heads),
            State::Handshake => Some(&self.handshakes),
            _ => None,
        }
    }

    /// Connections in the middle of a head.
    pub(crate) fn heads(&self) -> usize {
        self.heads.load(Relaxed)
    }

    /// Connections in a TLS handshake.
    #[allow(dead_code, reason = "only TLS shakes hands")]
    pub(crate) fn handshakes(&self) -> usize {
        self.handshakes.load(Relaxed)
    }

    pub(super) fn taken(&self, record: &Record) {
        if let Some(observer) = &self.observer {
            observer.taken(&Connection::of(record, self.now_ms()));
        }
    }

    pub(super) fn close(&self, record: &Record, reason: &EndReason) {
        lock(self.shard(record.id)).remove(&record.id);
        if let Some(observer) = &self.observer {
            observer.closed(&Connection::of(record, self.now_ms()), reason);
        }
        self.count.fetch_sub(1, SeqCst);
        self.closed_one.notify_waiters();
    }

    /// Completes when fewer than `most` connections live.
    pub(crate) async fn below(&self, most: usize) {
        while self.count() >= most {
            let mut closed_one = std::pin::pin!(self.closed_one.notified());
            closed_one.as_mut().enable();
            // One may have closed before we listened.
            if self.count() >= most {
                closed_one.await;
            }
        }
    }

    pub(crate) fn get(&self, id: u64) -> Option<Arc<Record>> {
        lock(self.shard(id)).get(&id).cloned()
    }

    /// Every live record, oldest first.
    pub(crate) fn all(&self) -> Vec<Arc<Record>> {
        let mut all = Vec::with_capacity(self.count());
        for shard in &self.shards {
            all.extend(lock(shard).values().cloned());
        }
        all.sort_unstable_by_key(|record| record.id);
        all
    }

    /// Live connections in `state`.
    pub(crate) fn count_in(&self, state: State) -> usize {
        self.shards
            .iter()
            .map(|shard| lock(shard).values().filter(|record| record.state() == state).count())
            .sum()
    }

    pub(super) fn arm(&self, record: &Record, at_ms: u64) {
        let mut wheel = lock(&self.wheel);
        // The owner and the ticker may both be here, and the earlier time must stay.
        if !record.is_armed_by(at_ms.div_ceil(TICK_MS)) {
            let tick = wheel.insert(record.id, at_ms);
            record.set_armed(Some(tick));
        }
    }

    fn shard(&self, id: u64) -> &Mutex<HashMap<u64, Arc<Record>>> {
        &self.shards[usize::try_from(id % SHARDS as u64).unwrap_or_default()]
    }

    /// Sees to it that the clock moves while there is a connection.
    fn start_ticking(self: &Arc<Self>) {
        if !self.ticking.swap(true, SeqCst) {
            self.read_clock();
            tokio::spawn(tick(Ticking(Arc::downgrade(self))));
        }
    }

    fn read_clock(&self) {
        let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.now_ms.store(EPOCH_MS.saturating_add(now), Relaxed);
    }

    /// Wakes the owners of connections that reached a limit; looks at the others again in time.
    fn turn(&self) {
        self.read_clock();
        let now = self.now_ms();
        let due = lock(&self.wheel).turn(now);
        for entry in due {
            let Some(record) = self.get(entry.id).filter(|record| record.is_armed_for(entry.tick)) else {
                continue;
            };
            record.set_armed(None);
            fence(SeqCst);
            if record.must_wake(now) {
                record.wake();
            }
            // A woken owner that does not answer is woken again at the next tick.
            if let Some(at) = record.next_due() {
                self.arm(&record, at);
            }
        }
    }
}

/// Moves the clock until the last connection or the registry itself is gone.
async fn tick(mut ticking: Ticking) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(registry) = ticking.0.upgrade() else { return };
        registry.turn();
        if registry.count() == 0 {
            registry.ticking.store(false, SeqCst);
            // Whoever came in between either sees the flag down and starts another ticker, or is seen here.
            if registry.count() == 0 || registry.ticking.swap(true, SeqCst) {
                ticking.0 = Weak::new();
                return;
            }
        }
    }
}

/// The ticker's hold on its flag. Its runtime may end before its registry does, a client's above all: the next
/// connection then starts another ticker.
struct Ticking(Weak<Registry>);

impl Drop for Ticking {
    fn drop(&mut self) {
        if let Some(registry) = self.0.upgrade() {
            registry.ticking.store(false, SeqCst);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while a lock is held but the observer's code, which runs outside of it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").field("count", &self.count()).finish_non_exhaustive()
    }
}
