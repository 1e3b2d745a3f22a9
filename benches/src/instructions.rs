//! Instructions per operation outside the kernel, counted by valgrind where it is installed.
//!
//! A virtual machine's processor often has no counters to offer, and the kernel splits CPU time only by sampling.
//! These counts hardly vary. They are of a slowed program that never waits for the load.

use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::{env, fs, process};

use crate::launch::Launch;
use crate::load::Workload;
use crate::options::Options;
use crate::peer::Peer;

/// Counts a short and a long run; their difference leaves start, warm-up and end out.
pub(crate) async fn per_op<W: Workload>(peer: &Peer, options: &Options) -> io::Result<Option<f64>> {
    if !peer.runs_in_valgrind || Command::new("valgrind").arg("--version").output().is_err() {
        return Ok(None);
    }
    let (few, many) = (W::COUNTED_OPS / 10, W::COUNTED_OPS / 2);
    let short = count::<W>(peer, few, options.core).await?;
    let long = count::<W>(peer, many, options.core).await?;
    Ok(Some((long - short) / (many - few) as f64))
}

async fn count<W: Workload>(peer: &Peer, ops: u64, core: u32) -> io::Result<f64> {
    let log = log_file();
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    command.arg(format!("--log-file={}", log.display())).arg(&peer.program).args(peer.arguments);
    let mut load = W::open_warm(&Launch::new(command, core)).await?;
    load.run_bounded(ops).await?;
    load.program().end()?;
    let text = fs::read_to_string(&log)?;
    fs::remove_file(&log)?;
    collected(&text).ok_or_else(|| io::Error::other(format!("no count in valgrind's log: {text}")))
}

/// The number in `==1234== Collected : 5678`.
fn collected(log: &str) -> Option<f64> {
    log.lines().find_map(|line| line.split_once("Collected :"))?.1.trim().parse().ok()
}

fn log_file() -> PathBuf {
    env::temp_dir().join(format!("hijack-bench-{}.log", process::id()))
}
