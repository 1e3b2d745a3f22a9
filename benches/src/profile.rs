//! Where a program spends its time: `perf record` on it while the load runs.

use std::io;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::load::Workload;
use crate::options::Options;
use crate::peer::Peer;
use crate::suite::Subject;

/// Loads the first program of `--peers` and records it to `file`.
pub(crate) async fn record<W: Workload>(subject: &Subject, options: &Options, file: &Path) -> io::Result<()> {
    let peers = Peer::present(subject.role, options)?;
    let Some(peer) = peers.first() else {
        return Err(io::Error::other(format!("no {} to profile", subject.role)));
    };
    let mut load = W::open_warm(&peer.launch(options.core)).await?;
    let mut perf = Command::new("perf")
        .args(["record", "--quiet", "--freq", "2999", "--pid", &load.program().pid().to_string(), "--output"])
        .arg(file)
        .spawn()?;
    // perf says nothing when it is ready; the first moments of the load may be lost.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let done = load.run_bounded(options.ops.unwrap_or(subject.ops)).await;
    drop(load);
    let status = perf.wait()?;
    done?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("perf record: {status}"))) }
}
