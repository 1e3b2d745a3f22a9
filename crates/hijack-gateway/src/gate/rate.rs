//! How much a sender may send per second.

use std::time::Duration;

/// How many messages and frames a second may bring from a client, and whether more ends the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct RateRules {
    pub(crate) messages_per_second: Option<u32>,
    pub(crate) frames_per_second: Option<u32>,
    pub(crate) ends: bool,
}

/// The buckets of one sender.
#[derive(Debug)]
pub(crate) struct Rates {
    messages: Option<Rate>,
    frames: Option<Rate>,
}

/// A limit that was exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RateLimit {
    /// Its name in the configuration.
    pub(crate) name: &'static str,
    pub(crate) per_second: u32,
}

impl Rates {
    /// None without a limit.
    pub(crate) fn new(rules: &RateRules) -> Option<Self> {
        let (messages, frames) = (rules.messages_per_second, rules.frames_per_second);
        (messages.is_some() || frames.is_some())
            .then(|| Self { messages: messages.map(Rate::new), frames: frames.map(Rate::new) })
    }

    /// Takes one frame out; the limit that it exceeds.
    pub(crate) fn take(&mut self, begins_message: bool, now_ms: u64) -> Option<RateLimit> {
        let messages = self.messages.as_mut().filter(|_| begins_message);
        let buckets = [(messages, "messages_per_second"), (self.frames.as_mut(), "frames_per_second")];
        let mut exceeded = None;
        for (bucket, name) in buckets {
            let Some(bucket) = bucket else { continue };
            if !bucket.take(now_ms) {
                exceeded.get_or_insert(RateLimit { name, per_second: bucket.per_second });
            }
        }
        exceeded
    }

    /// How long until a frame and a message are in again.
    pub(crate) fn wait(&self, now_ms: u64) -> Option<Duration> {
        [&self.messages, &self.frames].into_iter().flatten().filter_map(|bucket| bucket.wait(now_ms)).max()
    }
}

/// A bucket that holds what one second may bring and is filled as time goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

    /// Takes one message out, as a debt if there was none: `false` then.
    fn take(&mut self, now_ms: u64) -> bool {
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
    fn wait(&self, now_ms: u64) -> Option<Duration> {
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
    fn frames_count_where_messages_do_not() {
        let rules = RateRules { messages_per_second: Some(1), frames_per_second: Some(3), ends: true };
        let mut rates = Rates::new(&rules).expect("limits");
        assert_eq!(rates.take(true, 1_000), None);
        assert_eq!(rates.take(false, 1_000), None);
        assert_eq!(rates.take(false, 1_000), None);
        assert_eq!(rates.wait(1_000), None);
        let exceeded = RateLimit { name: "frames_per_second", per_second: 3 };
        assert_eq!(rates.take(false, 1_000), Some(exceeded));
        assert_eq!(rates.wait(1_000), Some(Duration::from_millis(334)));
        assert_eq!(rates.take(true, 1_700).map(|limit| limit.name), Some("messages_per_second"));
        assert!(Rates::new(&RateRules::default()).is_none());
    }

    #[test]
    fn who_is_refused_is_not_in_debt() {
        let mut rate = Rate::new(2);
        assert!(rate.try_take(1_000) && rate.try_take(1_000));
        assert!((1_000..1_500).all(|now| !rate.try_take(now)));
        assert!(rate.try_take(1_500));
    }
}
