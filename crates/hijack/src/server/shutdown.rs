//! Ending a server without tearing conversations apart.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use super::Server;
use crate::observe::ShutdownReport;

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
        self.tracker().drain(deadline).await
    }
}
