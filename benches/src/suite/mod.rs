//! The suites: which load, how much of it, and which bars.
//!
//! A new suite is a [`Workload`], a variant of [`Suite`], and a file here with its bars.

mod http;
mod takeover;

use std::io;
use std::path::Path;

use crate::bar::Bar;
use crate::load::{Http, Takeover, Workload};
use crate::options::{Options, Suite};
use crate::peer::{OURS, Peer};
use crate::report::{Measured, Report};
use crate::rounds::{self, Sample};
use crate::{footprint, instructions, profile};

/// Measures what the options ask for.
pub(crate) async fn measure(options: &Options) -> io::Result<Report> {
    match options.suite {
        Suite::Takeover => measure_with::<Takeover>(options, &takeover::SUBJECT).await,
        Suite::Http => measure_with::<Http>(options, &http::SUBJECT).await,
    }
}

/// Records a profile of the first server under the suite's load.
pub(crate) async fn profile(options: &Options, file: &Path) -> io::Result<()> {
    match options.suite {
        Suite::Takeover => profile::record::<Takeover>(options, takeover::SUBJECT.ops, file).await,
        Suite::Http => profile::record::<Http>(options, http::SUBJECT.ops, file).await,
    }
}

/// What is particular to a suite.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) title: &'static str,
    pub(crate) held: &'static str,
    /// Operations per run unless asked otherwise.
    pub(crate) ops: u64,
    pub(crate) bars: fn(&[Measured]) -> Vec<Bar>,
}

async fn measure_with<W: Workload>(options: &Options, subject: &'static Subject) -> io::Result<Report> {
    let peers = Peer::present(options)?;
    let ops = options.ops.unwrap_or(subject.ops);
    let series = rounds::measure::<W>(&peers, ops, options).await?;
    let mut servers = Vec::new();
    for (peer, series) in peers.into_iter().zip(series) {
        eprintln!("memory and instructions of {}", peer.name);
        let footprint = footprint::measure::<W>(&peer, options).await?;
        let instructions = instructions::per_op::<W>(&peer, options).await?;
        servers.push(Measured { name: peer.name, series, footprint, instructions });
    }
    let bars = (subject.bars)(&servers);
    Ok(Report { subject, ops, servers, bars, options: options.clone() })
}

fn find<'a>(servers: &'a [Measured], name: &str) -> Option<&'a Measured> {
    servers.iter().find(|server| server.name == name)
}

/// Ours, if it was measured.
fn ours(servers: &[Measured]) -> Option<&Measured> {
    find(servers, OURS)
}

/// Ours over `peer`, if both were measured.
fn ratio(servers: &[Measured], peer: &str, pick: fn(&Sample) -> f64) -> Option<f64> {
    Some(ours(servers)?.series.ratio(&find(servers, peer)?.series, pick))
}
