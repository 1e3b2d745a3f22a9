//! How many messages a sender may send per second.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A bucket that holds one second's messages and is filled as time goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rate {
    per_second: u32,
    /// Thousandths of a message; below zero while the sender is ahead of its time.
    milli: i64,
    seen_ms: u64,
}

impl Rate {
    pub(crate) fn new(per_second: u32) -> Self {
        Self { per_second: per_second.max(1), milli: i64::from(per_second.max(1)) * 1000, seen_ms: 0 }
    }

    pub(crate) fn limit(&self) -> u32 {
        self.per_second
    }

    /// Takes one message out, as a debt if there was none: `false` then.
    pub(crate) fn take(&mut self, now_ms: u64) -> bool {
        self.fill(now_ms);
        self.milli -= 1000;
        self.milli >= 0
    }

    /// Takes one message out if it is in: who is refused is not in debt for it.
    pub(crate) fn try_take(&mut self, now_ms: u64) -> bool {
        self.fill(now_ms);
        let is_in = self.milli >= 1000;
        if is_in {
            self.milli -= 1000;
        }
        is_in
    }

    /// How long until a message is in again.
    pub(crate) fn wait(&self, now_ms: u64) -> Option<Duration> {
        let mut later = *self;
        later.fill(now_ms);
        let missing = u64::try_from(-later.milli).ok().filter(|missing| *missing > 0)?;
        Some(Duration::from_millis(missing.div_ceil(u64::from(self.per_second))))
    }

    fn fill(&mut self, now_ms: u64) {
        let most = i64::from(self.per_second) * 1000;
        let passed = if self.seen_ms == 0 { 0 } else { now_ms.saturating_sub(self.seen_ms).min(1_000_000) };
        let gained = i64::try_from(passed).unwrap_or_default() * i64::from(self.per_second);
        self.milli = (self.milli + gained).min(most);
        self.seen_ms = now_ms;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lets_a_second_s_worth_pass_and_then_as_many_as_time_allows() {
        let mut rate = Rate::new(10);
        assert_eq!((0..10).filter(|_| rate.take(1_000)).count(), 10);
        assert_eq!(rate.wait(1_000), None);
        assert!(!rate.take(1_000));
        assert_eq!(rate.wait(1_000), Some(Duration::from_millis(100)));
        assert_eq!(rate.wait(1_100), None);
        assert!(rate.take(1_200));
    }

    #[test]
    fn who_is_refused_is_not_in_debt() {
        let mut rate = Rate::new(2);
        assert!(rate.try_take(1_000) && rate.try_take(1_000));
        assert!((1_000..1_500).all(|now| !rate.try_take(now)));
        assert!(rate.try_take(1_500));
    }
}
