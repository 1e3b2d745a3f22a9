//! What the kernel counts for a process.

use std::time::Duration;
use std::{fs, io};

/// CPU time spent since a process started.
///
/// `total` is exact. The kernel splits it by sampling at its timer tick, so `user` needs seconds to be worth
/// anything, and is reported to us in steps of 10 ms.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cpu {
    pub(crate) user: Duration,
    pub(crate) system: Duration,
    pub(crate) total: Duration,
}

impl Cpu {
    /// Reads the time of all threads of `pid`.
    pub(crate) fn of(pid: u32) -> io::Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The name, field 2, may hold anything; the fields after its bracket begin with the third.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |field: usize| number(fields.get(field - 3).copied(), "stat");
        Ok(Self {
            user: Duration::from_millis(ticks(14)? * MILLIS_PER_TICK),
            system: Duration::from_millis(ticks(15)? * MILLIS_PER_TICK),
            total: running_time(pid)?,
        })
    }

    /// The time spent since `earlier`.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            user: self.user.saturating_sub(earlier.user),
            system: self.system.saturating_sub(earlier.system),
            total: self.total.saturating_sub(earlier.total),
        }
    }

    /// Both together.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            user: self.user + other.user,
            system: self.system + other.system,
            total: self.total + other.total,
        }
    }
}

/// The scheduler's own count, summed over the threads that live; the programs end none while they are measured.
fn running_time(pid: u32) -> io::Result<Duration> {
    let mut total = Duration::ZERO;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let schedstat = fs::read_to_string(thread?.path().join("schedstat"))?;
        total += Duration::from_nanos(number(schedstat.split_whitespace().next(), "schedstat")?);
    }
    Ok(total)
}

/// Resident bytes of `pid`, exact (`statm` is up to 64 pages per core behind).
pub(crate) fn resident_bytes(pid: u32) -> io::Result<u64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:"));
    Ok(1024 * number(line.and_then(|line| line.split_whitespace().next()), "smaps_rollup")?)
}

/// Descriptors that `pid` has open.
pub(crate) fn open_files(pid: u32) -> io::Result<usize> {
    Ok(fs::read_dir(format!("/proc/{pid}/fd"))?.count())
}

/// Time for which the machine's cores were not idle since it started, its host's theft included.
pub(crate) fn machine_busy() -> io::Result<Duration> {
    let stat = fs::read_to_string("/proc/stat")?;
    let fields: Vec<&str> = stat.lines().next().unwrap_or_default().split_whitespace().collect();
    let mut ticks = 0;
    // user, nice, system; after idle and iowait: irq, softirq, steal. What follows is part of user.
    for field in [1, 2, 3, 6, 7, 8] {
        ticks += number(fields.get(field).copied(), "/proc/stat")?;
    }
    Ok(Duration::from_millis(ticks * MILLIS_PER_TICK))
}

/// Connection attempts the machine had to repeat since it started; each costs the load a second.
pub(crate) fn repeated_connects() -> io::Result<u64> {
    let netstat = fs::read_to_string("/proc/net/netstat")?;
    let mut rows = netstat.lines().filter_map(|line| line.strip_prefix("TcpExt:"));
    let (names, values) = (rows.next().unwrap_or_default(), rows.next().unwrap_or_default());
    let pairs = names.split_whitespace().zip(values.split_whitespace());
    number(pairs.into_iter().find(|(name, _)| *name == "TCPSynRetrans").map(|(_, value)| value), "netstat")
}

/// Model of the first processor.
pub(crate) fn cpu_model() -> io::Result<String> {
    let info = fs::read_to_string("/proc/cpuinfo")?;
    let line = info.lines().find(|line| line.starts_with("model name"));
    Ok(line.and_then(|line| line.split_once(": ")).map_or("unknown", |(_, model)| model).to_owned())
}

/// Release of the kernel.
pub(crate) fn kernel() -> io::Result<String> {
    fs::read_to_string("/proc/sys/kernel/osrelease").map(|release| release.trim().to_owned())
}

fn number(text: Option<&str>, file: &str) -> io::Result<u64> {
    let text = text.unwrap_or_default();
    text.parse().map_err(|_| io::Error::other(format!("number expected in {file}, got {text:?}")))
}

/// `USER_HZ` is 100 on every Linux there is.
const MILLIS_PER_TICK: u64 = 10;
