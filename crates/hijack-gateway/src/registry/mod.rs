//! Every taken-over connection: the living ones, and for a while those that have ended.

mod entry;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::broadcast;

use crate::ConnectionView;
use crate::packed::ConversationState;
use crate::tap::unix_ms;
use entry::lock;
pub(crate) use entry::{Command, Entry, Extra, Facts, Gear, WEBSOCKET};
pub use entry::{Payload, SendFailure};

/// What happened to a connection.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// It was taken over.
    Opened(Arc<ConnectionView>),
    /// It ended.
    Closed(Arc<ConnectionView>),
}

/// The connections of one gateway.
#[derive(Debug)]
pub(crate) struct Registry {
    shards: [Mutex<HashMap<u64, Arc<Entry>>>; SHARDS],
    count: AtomicUsize,
    next_id: AtomicU64,
    closed: Mutex<VecDeque<Arc<ConnectionView>>>,
    closed_kept: usize,
    closed_for: Duration,
    events: broadcast::Sender<Event>,
}

impl Registry {
    pub(crate) fn new(closed_kept: usize, closed_for: Duration) -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            count: AtomicUsize::new(0),
            next_id: AtomicU64::new(1),
            closed: Mutex::default(),
            closed_kept,
            closed_for,
            events: broadcast::Sender::new(EVENTS_KEPT),
        }
    }

    /// Enters a connection.
    pub(crate) fn open(&self, facts: Facts, now_ms: u64) -> Arc<Entry> {
        let id = self.next_id.fetch_add(1, Relaxed);
        self.enter(Entry::new(id, facts, now_ms), now_ms)
    }

    /// Enters a connection that was opened elsewhere, under the id that it had if that is free here.
    pub(crate) fn reopen(&self, state: &ConversationState, facts: Facts, now_ms: u64) -> Arc<Entry> {
        let is_free = (1..MOST_RESTORED_ID).contains(&state.id) && self.get(state.id).is_none();
        let id = if is_free { state.id } else { self.next_id.fetch_add(1, Relaxed) };
        self.next_id.fetch_max(id + 1, Relaxed);
        let entry = Entry::restored(id, facts, now_ms, state.opened_at_ms, state.age_ms);
        if !state.tags.is_empty() {
            entry.set_tags(state.tags.clone());
        }
        self.enter(entry, now_ms)
    }

    fn enter(&self, entry: Entry, now_ms: u64) -> Arc<Entry> {
        let (id, entry) = (entry.id, Arc::new(entry));
        lock(self.shard(id)).insert(id, Arc::clone(&entry));
        self.count.fetch_add(1, Relaxed);
        if self.events.receiver_count() > 0 {
            let _ = self.events.send(Event::Opened(Arc::new(entry.view(now_ms))));
        }
        entry
    }

    /// Forgets a connection and remembers how it ended.
    pub(crate) fn close(&self, mut view: ConnectionView) -> Arc<ConnectionView> {
        if lock(self.shard(view.id)).remove(&view.id).is_some() {
            self.count.fetch_sub(1, Relaxed);
        }
        view.state = "closed".into();
        view.closed_at_ms = Some(unix_ms());
        let view = Arc::new(view);
        let mut closed = lock(&self.closed);
        self.forget_old(&mut closed);
        if self.closed_kept > 0 {
            if closed.len() >= self.closed_kept {
                closed.pop_front();
            }
            closed.push_back(Arc::clone(&view));
        }
        drop(closed);
        let _ = self.events.send(Event::Closed(Arc::clone(&view)));
        view
    }

    fn forget_old(&self, closed: &mut VecDeque<Arc<ConnectionView>>) {
        let kept_ms = u64::try_from(self.closed_for.as_millis()).unwrap_or(u64::MAX);
        let oldest = unix_ms().saturating_sub(kept_ms);
        while closed.front().is_some_and(|view| view.closed_at_ms.unwrap_or(0) < oldest) {
            closed.pop_front();
        }
    }

    pub(crate) fn get(&self, id: u64) -> Option<Arc<Entry>> {
        lock(self.shard(id)).get(&id).cloned()
    }

    pub(crate) fn count(&self) -> usize {
        self.count.load(Relaxed)
    }

    /// Every living connection, oldest first.
    pub(crate) fn all(&self) -> Vec<Arc<Entry>> {
        let mut all = Vec::with_capacity(self.count());
        for shard in &self.shards {
            all.extend(lock(shard).values().cloned());
        }
        all.sort_unstable_by_key(|entry| entry.id);
        all
    }

    /// Looks at every living connection, in no order.
    pub(crate) fn each(&self, mut look: impl FnMut(&Arc<Entry>)) {
        for shard in &self.shards {
            lock(shard).values().for_each(&mut look);
        }
    }

    /// The ended connections that are remembered, in the order of their ends.
    pub(crate) fn closed(&self) -> Vec<Arc<ConnectionView>> {
        let mut closed = lock(&self.closed);
        self.forget_old(&mut closed);
        closed.iter().cloned().collect()
    }

    pub(crate) fn closed_one(&self, id: u64) -> Option<Arc<ConnectionView>> {
        lock(&self.closed).iter().rev().find(|view| view.id == id).cloned()
    }

    pub(crate) fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    fn shard(&self, id: u64) -> &Mutex<HashMap<u64, Arc<Entry>>> {
        &self.shards[usize::try_from(id).unwrap_or_default() % SHARDS]
    }
}

/// Ids are counted upwards from the largest one restored; those beyond are not believed.
const MOST_RESTORED_ID: u64 = 1 << 52;

/// Parts of the map, so that workers seldom meet at one lock.
const SHARDS: usize = 16;

/// Events kept for whoever listens and is slow.
const EVENTS_KEPT: usize = 1_024;
