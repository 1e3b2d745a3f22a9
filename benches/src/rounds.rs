//! CPU per operation: every program in turns, there and back, so that a drift of the machine hits all alike.

use std::time::{Duration, Instant};
use std::{io, process};

use crate::load::Workload;
use crate::options::Options;
use crate::peer::Peer;
use crate::procfs::{self, Cpu};
use crate::program::Program;

/// One program's two runs of one round. Times are microseconds per operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) user: f64,
    pub(crate) system: f64,
    pub(crate) total: f64,
    /// Share of the time in which the program ran; well below 1, the load was the brake.
    pub(crate) busy: f64,
    pub(crate) per_second: f64,
    /// Cores that neither the program nor the load was using; above a few hundredths, the numbers are disturbed.
    pub(crate) others: f64,
}

/// A program's samples, one per round.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series(pub(crate) Vec<Sample>);

/// What runs of one program add up to.
#[derive(Clone, Copy, Debug, Default)]
struct Spent {
    user: Duration,
    system: Duration,
    total: Duration,
    others: Duration,
    wall: Duration,
    ops: u64,
}

/// Measures all peers; the series are in the order of the peers.
pub(crate) async fn measure<W: Workload>(
    peers: &[Peer],
    ops: u64,
    options: &Options,
) -> io::Result<Vec<Series>> {
    let mut series = vec![Series::default(); peers.len()];
    for round in 1..=options.rounds {
        let mut spent = vec![Spent::default(); peers.len()];
        for place in (0..peers.len()).chain((0..peers.len()).rev()) {
            let peer = &peers[place];
            let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", peer.name));
            run::<W>(peer, ops, options.core, &mut spent[place]).await.map_err(named)?;
        }
        for ((series, spent), peer) in series.iter_mut().zip(spent).zip(peers) {
            let sample = spent.sample();
            eprintln!("round {round}/{}  {:<16} {sample}", options.rounds, peer.name);
            series.0.push(sample);
        }
    }
    Ok(series)
}

/// One run on a fresh process, so that no program keeps a lucky or unlucky layout.
async fn run<W: Workload>(peer: &Peer, ops: u64, core: u32, spent: &mut Spent) -> io::Result<()> {
    let mut load = W::open_warm(&peer.launch(core)).await?;
    let repeated = procfs::repeated_connects()?;
    let before = Moment::of(load.program())?;
    load.run_bounded(ops).await?;
    let after = Moment::of(load.program())?;
    let cpu = after.program.since(before.program);
    spent.wall += after.time - before.time;
    spent.others +=
        (after.machine - before.machine).saturating_sub(cpu.total + after.load.since(before.load).total);
    spent.user += cpu.user;
    spent.system += cpu.system;
    spent.total += cpu.total;
    spent.ops += ops;
    let repeated = procfs::repeated_connects()? - repeated;
    if repeated > 0 {
        eprintln!("{}: {repeated} connects had to be repeated, the rate of this run is too low", peer.name);
    }
    Ok(())
}

/// All that is read before and after a run.
struct Moment {
    time: Instant,
    program: Cpu,
    load: Cpu,
    machine: Duration,
}

impl Moment {
    fn of(program: &Program) -> io::Result<Self> {
        Ok(Self {
            time: Instant::now(),
            program: program.cpu()?,
            load: Cpu::of(process::id())?,
            machine: procfs::machine_busy()?,
        })
    }
}

impl Spent {
    fn sample(self) -> Sample {
        let per_op = |time: Duration| time.as_secs_f64() * 1e6 / self.ops as f64;
        Sample {
            user: per_op(self.user),
            system: per_op(self.system),
            total: per_op(self.total),
            busy: self.total.as_secs_f64() / self.wall.as_secs_f64(),
            per_second: self.ops as f64 / self.wall.as_secs_f64(),
            others: self.others.as_secs_f64() / self.wall.as_secs_f64(),
        }
    }
}

impl std::fmt::Display for Sample {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { user, system, total, busy, per_second, others } = self;
        write!(f, "user {user:6.2}  system {system:6.2}  total {total:6.2} µs  ")?;
        write!(f, "busy {:3.0} %  {per_second:7.0}/s  others {:3.0} %", busy * 100.0, others * 100.0)
    }
}

impl Series {
    /// Median over the rounds.
    pub(crate) fn median(&self, pick: fn(&Sample) -> f64) -> f64 {
        median(self.0.iter().map(pick).collect())
    }

    /// Mean over the rounds: of what the kernel only samples, more is needed than the median of few.
    pub(crate) fn mean(&self, pick: fn(&Sample) -> f64) -> f64 {
        self.0.iter().map(pick).sum::<f64>() / self.0.len() as f64
    }

    /// Smallest and largest.
    pub(crate) fn range(&self, pick: fn(&Sample) -> f64) -> (f64, f64) {
        let values = self.0.iter().map(pick);
        (values.clone().fold(f64::INFINITY, f64::min), values.fold(0.0, f64::max))
    }

    /// Median of the rounds' ratios: the two programs of a round saw the same machine.
    pub(crate) fn ratio(&self, to: &Self, pick: fn(&Sample) -> f64) -> f64 {
        median(self.0.iter().zip(&to.0).map(|(own, other)| pick(own) / pick(other)).collect())
    }
}

/// The middle one, or the mean of the middle two.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_is_the_middle_or_between_the_middle_two() {
        assert_eq!(median(vec![9.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 9.0]), 3.0);
    }
}
