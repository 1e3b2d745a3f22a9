//! Coarse time: one counter of milliseconds that a ticker advances, and a timer wheel over it.
//!
//! A connection has at most one live entry in the wheel. Moving its deadline later is one relaxed store: the
//! entry is looked at when its old time comes and goes back to the new one. So no request, byte or idle
//! connection costs a timer.

use std::time::Duration;

/// How far the ticker advances at once, and so the grain of every limit on time.
pub(crate) const TICK: Duration = Duration::from_millis(100);

/// [`TICK`] in milliseconds.
pub(super) const TICK_MS: u64 = 100;

/// Slots of the wheel: it reaches 102 s ahead; what is due later is looked at then and put back.
const SLOTS: u64 = 1024;

/// A hashed wheel of connection ids.
#[derive(Debug)]
pub(super) struct Wheel {
    slots: Vec<Vec<Entry>>,
    /// The first tick that was not turned yet.
    next_tick: u64,
}

/// A connection to be looked at, and the tick at which.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) id: u64,
    pub(super) tick: u64,
}

impl Wheel {
    pub(super) fn new(now_ms: u64) -> Self {
        Self { slots: vec![Vec::new(); usize::try_from(SLOTS).unwrap_or(1024)], next_tick: now_ms / TICK_MS }
    }

    /// Enters `id` for the time `at_ms`; gives the tick at which it will be looked at.
    pub(super) fn insert(&mut self, id: u64, at_ms: u64) -> u64 {
        let tick = at_ms.div_ceil(TICK_MS).clamp(self.next_tick, self.next_tick + SLOTS - 1);
        self.slots[Self::slot(tick)].push(Entry { id, tick });
        tick
    }

    /// Takes the entries of every tick up to `now_ms`.
    pub(super) fn turn(&mut self, now_ms: u64) -> Vec<Entry> {
        let mut due = Vec::new();
        let last = now_ms / TICK_MS;
        // After a long sleep once around is enough.
        let first = self.next_tick.max((last + 1).saturating_sub(SLOTS));
        for tick in first..=last {
            let slot = &mut self.slots[Self::slot(tick)];
            if due.is_empty() { due = std::mem::take(slot) } else { due.append(slot) }
        }
        self.next_tick = self.next_tick.max(last + 1);
        due
    }

    fn slot(tick: u64) -> usize {
        usize::try_from(tick % SLOTS).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(entries: &[Entry]) -> Vec<u64> {
        entries.iter().map(|entry| entry.id).collect()
    }

    #[test]
    fn gives_entries_at_their_tick_and_not_before() {
        let mut wheel = Wheel::new(0);
        wheel.insert(1, 250);
        wheel.insert(2, 300);
        wheel.insert(3, 301);
        assert!(ids(&wheel.turn(299)).is_empty());
        assert_eq!(ids(&wheel.turn(300)), [1, 2]);
        assert!(ids(&wheel.turn(399)).is_empty());
        assert_eq!(ids(&wheel.turn(400)), [3]);
    }

    #[test]
    fn brings_far_and_past_entries_into_reach() {
        let mut wheel = Wheel::new(0);
        assert_eq!(wheel.insert(1, 1_000_000_000), SLOTS - 1);
        wheel.turn(5_000);
        assert_eq!(wheel.insert(2, 0), 51, "the past is looked at next");
        let mut due = ids(&wheel.turn(10_000_000));
        due.sort_unstable();
        assert_eq!(due, [1, 2], "a long sleep loses nothing");
    }
}
