//! Ending a server without tearing conversations apart.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use super::Server;
use crate::observe::{EndReason, State};

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

/// How long forced connections may take to disappear.
const FORCED_END: Duration = Duration::from_secs(1);

impl Server {
    /// Shuts the server down: accepting stops, idle connections are closed, active ones finish their request,
    /// the owners of taken-over ones are told ([`Conn::told`](crate::Conn::told)). Whatever still lives after
    /// `deadline` is ended by force.
    ///
    /// # Cancel safety
    ///
    /// Cancelled, nothing is forced; what was begun goes on. Call it again to wait further.
    pub async fn shutdown(&self, deadline: Duration) -> ShutdownReport {
        self.0.closing.store(true, SeqCst);
        self.0.close.notify_waiters();
        let mut report = ShutdownReport::default();
        for record in self.0.registry.all() {
            match record.state() {
                State::Idle | State::Handshake => report.idle += 1,
                State::Head | State::Active => report.active += 1,
                State::Taken => report.taken += 1,
            }
            record.tell();
        }
        if tokio::time::timeout(deadline, self.0.registry.below(1)).await.is_err() {
            for record in self.0.registry.all() {
                report.forced += 1;
                record.force(EndReason::ShutDown);
            }
            let _ = tokio::time::timeout(FORCED_END, self.0.registry.below(1)).await;
            report.left = self.0.registry.count();
        }
        report
    }
}
