//! What became of connections that were asked to end.

use super::State;

/// What a shutdown found and did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Connections without a request; they were closed.
    pub idle: usize,
    /// Connections with a request under way, or the head of one; they were let finish.
    pub active: usize,
    /// Taken-over connections; their owners were told.
    pub taken: usize,
    /// Of all these, the ones that lived beyond the deadline and were ended by force.
    pub forced: usize,
    /// Of the forced ones, those whose owner still holds on to them: a stream taken apart, a task that is not
    /// the server's.
    pub left: usize,
}

impl ShutdownReport {
    /// Counts a connection that was found in `state`.
    pub(super) fn count(&mut self, state: State) {
        match state {
            State::Idle | State::Handshake => self.idle += 1,
            State::Head | State::Active => self.active += 1,
            State::Taken => self.taken += 1,
        }
    }
}
