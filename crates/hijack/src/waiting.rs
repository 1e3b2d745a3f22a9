//! Many tasks that wait for room in one connection.
//!
//! A socket wakes one task when it has room, so everybody who waits for that has a place in one list, and all of them
//! are woken. A place is left by dropping it, so that waits which were given up leave nothing behind.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Wake, Waker};

/// Those who wait. As a waker it wakes them all.
#[derive(Default)]
pub(crate) struct Waiting(Mutex<Places>);

#[derive(Default)]
struct Places {
    /// How many there have been.
    count: u64,
    wakers: HashMap<u64, Waker>,
}

/// A place in the list, taken while its owner waits.
pub(crate) struct Place {
    waiting: Arc<Waiting>,
    id: u64,
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for somebody.
    pub(crate) fn place(self: &Arc<Self>) -> Place {
        let mut places = self.lock();
        places.count += 1;
        Place { waiting: Arc::clone(self), id: places.count }
    }
}

impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        let woken: Vec<_> = self.lock().wakers.drain().collect();
        woken.into_iter().for_each(|(_, waker)| waker.wake());
    }
}

impl Place {
    /// Has the owner woken with all others.
    pub(crate) fn join(&self, cx: &Context<'_>) {
        self.waiting.lock().wakers.insert(self.id, cx.waker().clone());
    }
}

impl Clone for Place {
    fn clone(&self) -> Self {
        self.waiting.place()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.waiting.lock().wakers.remove(&self.id);
    }
}
