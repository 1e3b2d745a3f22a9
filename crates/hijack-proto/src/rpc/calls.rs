//! The calls of one client on one connection: their numbers, and who waits for which answer.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};

/// The calls that wait for their answers, each with what its caller left here.
///
/// Numbers begin at 0 and are never used twice. A call that was given up is forgotten at once: its answer, should one
/// come, is [`Settled::Late`] and harms nobody.
///
/// ```
/// use hijack_proto::rpc::{Calls, Settled};
///
/// let mut calls = Calls::new(1024);
/// let first = calls.begin("first").unwrap();
/// let second = calls.begin("second").unwrap();
/// assert_eq!((first, second), (0, 1));
/// assert!(matches!(calls.settle(second), Settled::Awaited("second")));
/// assert!(matches!(calls.settle(second), Settled::Late));
/// assert!(matches!(calls.settle(7), Settled::Unasked));
/// ```
#[derive(Debug)]
pub struct Calls<T> {
    /// The number of the next call.
    next: u64,
    /// Every number in it is below `next`.
    waiting: HashMap<u64, T, BuildHasherDefault<SequenceHasher>>,
    limit: usize,
    ended: bool,
}

/// Whom an answer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled<T> {
    /// The caller that waits.
    Awaited(T),
    /// Nobody any more: the call was given up, or answered before.
    Late,
    /// Nobody: no call had this number yet. The peer made it up.
    Unasked,
}

/// Why a call cannot begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// As many calls wait as may.
    Full {
        /// The limit.
        limit: usize,
    },
    /// The connection takes no further call.
    Ended,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full { limit } => write!(f, "{limit} calls wait for their answers, which is the limit"),
            Self::Ended => f.write_str("the connection takes no further call"),
        }
    }
}

impl std::error::Error for Refused {}

impl<T> Calls<T> {
    /// No calls yet; `limit` is how many may wait at once.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { next: 0, waiting: HashMap::default(), limit, ended: false }
    }

    /// The number that the next call will have, so that it can be encoded before it begins: a call that cannot be
    /// encoded never was.
    ///
    /// # Errors
    ///
    /// [`Refused`].
    pub fn next(&self) -> Result<u64, Refused> {
        if self.ended {
            return Err(Refused::Ended);
        }
        if self.waiting.len() >= self.limit {
            return Err(Refused::Full { limit: self.limit });
        }
        Ok(self.next)
    }

    /// Begins a call, and gives its number.
    ///
    /// # Errors
    ///
    /// [`Refused`].
    pub fn begin(&mut self, caller: T) -> Result<u64, Refused> {
        let number = self.next()?;
        self.waiting.insert(number, caller);
        self.next += 1;
        Ok(number)
    }

    /// An answer with this number has come.
    pub fn settle(&mut self, number: u64) -> Settled<T> {
        match self.waiting.remove(&number) {
            Some(caller) => Settled::Awaited(caller),
            None if number < self.next => Settled::Late,
            None => Settled::Unasked,
        }
    }

    /// Gives a call up; gives back what its caller had left, if it was still waiting.
    pub fn give_up(&mut self, number: u64) -> Option<T> {
        self.waiting.remove(&number)
    }

    /// Lets no further call begin. Those that wait may still be answered.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// Ends everything: gives out all callers that wait, in no particular order, for they will get no answer.
    pub fn abandon(&mut self) -> impl Iterator<Item = T> + use<T> {
        self.ended = true;
        std::mem::take(&mut self.waiting).into_values()
    }

    /// How many calls wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// How many calls have begun.
    #[must_use]
    pub fn begun(&self) -> u64 {
        self.next
    }
}

/// Spreads numbers that follow each other. The keys are ours, never the peer's, so nobody can make them collide.
#[derive(Debug, Clone, Copy, Default)]
struct SequenceHasher(u64);

impl Hasher for SequenceHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(self.0 ^ u64::from(byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        // 2^64 divided by the golden ratio (Knuth, multiplicative hashing): both ends of the word differ.
        self.0 = number.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_find_their_callers_in_any_order() {
        let mut calls = Calls::new(8);
        for name in ["a", "b", "c"] {
            calls.begin(name).expect("room");
        }
        assert_eq!(calls.settle(2), Settled::Awaited("c"));
        assert_eq!(calls.settle(0), Settled::Awaited("a"));
        assert_eq!(calls.settle(1), Settled::Awaited("b"));
        assert_eq!((calls.waiting(), calls.begun()), (0, 3));
    }

    #[test]
    fn an_answer_to_a_call_given_up_is_late_and_a_number_made_up_is_unasked() {
        let mut calls = Calls::new(8);
        let number = calls.begin(()).expect("room");
        assert_eq!(calls.give_up(number), Some(()));
        assert_eq!(calls.give_up(number), None);
        assert_eq!(calls.settle(number), Settled::Late);
        assert_eq!(calls.settle(number + 1), Settled::Unasked);
        assert_eq!(calls.settle(u64::MAX), Settled::Unasked);
    }

    #[test]
    fn a_number_is_used_up_only_by_a_call_that_begins() {
        let mut calls = Calls::new(1);
        assert_eq!((calls.next(), calls.next()), (Ok(0), Ok(0)));
        assert_eq!(calls.begin(()), Ok(0));
        assert_eq!(calls.next(), Err(Refused::Full { limit: 1 }));
        assert_eq!(calls.begin(()), Err(Refused::Full { limit: 1 }));
        calls.settle(0);
        assert_eq!(calls.begin(()), Ok(1));
    }

    #[test]
    fn what_has_ended_begins_nothing_and_still_takes_answers() {
        let mut calls = Calls::new(8);
        calls.begin("waits").expect("room");
        calls.end();
        assert_eq!(calls.begin("late"), Err(Refused::Ended));
        assert_eq!(calls.settle(0), Settled::Awaited("waits"));
    }

    #[test]
    fn all_who_wait_hear_of_the_end() {
        let mut calls = Calls::new(100);
        for number in 0..100 {
            calls.begin(number).expect("room");
        }
        let mut told: Vec<_> = calls.abandon().collect();
        told.sort_unstable();
        assert_eq!(told, (0..100).collect::<Vec<_>>());
        assert_eq!((calls.waiting(), calls.next()), (0, Err(Refused::Ended)));
    }
}
