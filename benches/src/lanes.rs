//! Work shared out among connections that are busy at the same time.

use std::io;

use tokio::task::JoinSet;

/// Connections that are busy at the same time, unless a load says otherwise.
pub const CONNECTIONS: u64 = 64;

/// How many of `ops` number `lane` of `lanes` connections does.
#[must_use]
pub fn share(ops: u64, lane: u64, lanes: u64) -> u64 {
    ops / lanes + u64::from(lane < ops % lanes)
}

/// Waits for all; the first failure ends the rest.
///
/// # Errors
/// The first failure of a task.
pub async fn all<T: 'static>(mut tasks: JoinSet<io::Result<T>>) -> io::Result<Vec<T>> {
    let mut done = Vec::with_capacity(tasks.len());
    while let Some(task) = tasks.join_next().await {
        done.push(task??);
    }
    Ok(done)
}
