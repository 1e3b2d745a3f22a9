//! The calls of one connection on a server: how many are worked on, and when the connection is over.

/// Counts the calls of a connection that are not answered yet, and says whether another may begin.
///
/// ```text
/// open ─ the peer has ended its direction, or we drain ─→ ending ─ all is answered ─→ over
/// ```
#[derive(Debug)]
pub struct Serving {
    running: usize,
    limit: usize,
    ending: bool,
}

impl Serving {
    /// Nothing runs yet; `limit` is how many may at once.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { running: 0, limit, ending: false }
    }

    /// Whether a further call may be read. While it may not, nothing more is read from the peer, so that it waits.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.running < self.limit
    }

    /// Whether a further call is taken at all.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.ending
    }

    /// A call begins.
    pub fn begin(&mut self) {
        self.running += 1;
    }

    /// A call was answered.
    ///
    /// # Panics
    ///
    /// If none runs.
    pub fn finish(&mut self) {
        self.running = self.running.checked_sub(1).expect("a call that is answered has begun");
    }

    /// Takes no further call: the peer has ended its direction, or we want to end. What runs is answered first, as in
    /// Go.
    pub fn end(&mut self) {
        self.ending = true;
    }

    /// How many calls are not answered.
    #[must_use]
    pub fn running(&self) -> usize {
        self.running
    }

    /// Whether everything is answered and nothing more is to come.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.ending && self.running == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_on_while_there_is_room() {
        let mut serving = Serving::new(2);
        serving.begin();
        assert!(serving.has_room());
        serving.begin();
        assert!(!serving.has_room());
        serving.finish();
        assert!(serving.has_room());
        assert_eq!(serving.running(), 1);
    }

    #[test]
    fn is_over_once_all_that_ran_is_answered() {
        let mut serving = Serving::new(2);
        serving.begin();
        assert!(!serving.is_over());
        serving.end();
        assert!(serving.is_ending() && !serving.is_over());
        serving.finish();
        assert!(serving.is_over());
    }
}
