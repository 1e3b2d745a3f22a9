//! The suites: which load, how much of it, and which bars.
//!
//! A new suite is a [`Workload`] for each of its parts, a variant of [`Suite`], and a file here with its bars.

mod axum;
mod client;
mod gateway;
mod gob;
mod grpc;
mod http;
mod relay;
mod rpc;
mod takeover;
mod ws;

use std::path::Path;
use std::{fs, io};

use crate::leftover::Leftover;
use crate::load::{ClientRequests, ClientTakeovers, Http, RelayedBulk, RelayedMessages, Takeover, Workload};
use crate::options::{Options, Suite};
use crate::peer::{OURS, Peer, Role};
use crate::report::{Measured, Report};
use crate::rounds::{self, Sample};
use crate::{footprint, instructions, profile};

/// Measures what the options ask for.
pub(crate) async fn measure(options: &Options) -> io::Result<Report> {
    let (parts, bars) = match options.suite {
        Suite::Takeover => {
            let part = Part::measure::<Takeover>(&takeover::SUBJECT, options).await?;
            let bars = takeover::bars(&part);
            (vec![part], bars)
        }
        Suite::Http => {
            let part = Part::measure::<Http>(&http::SUBJECT, options).await?;
            let bars = http::bars(&part);
            (vec![part], bars)
        }
        Suite::Client => {
            let requests = Part::measure::<ClientRequests>(&client::REQUESTS, options).await?;
            let takeovers = Part::measure::<ClientTakeovers>(&client::TAKEOVERS, options).await?;
            let bars = client::bars(&requests, &takeovers);
            (vec![requests, takeovers], bars)
        }
        Suite::Axum => {
            let requests = Part::measure::<Http>(&axum::REQUESTS, options).await?;
            let takeovers = Part::measure::<Takeover>(&axum::TAKEOVERS, options).await?;
            let bars = axum::bars(&requests, &takeovers);
            (vec![requests, takeovers], bars)
        }
        Suite::Relay => {
            let bulk = Part::measure::<RelayedBulk>(&relay::BULK, options).await?;
            let messages = Part::measure::<RelayedMessages>(&relay::MESSAGES, options).await?;
            let leftover = Leftover::of_ours(options).await?;
            let bars = relay::bars(&bulk, &messages, leftover);
            (vec![bulk, messages], bars)
        }
        Suite::Ws => ws::measure(options).await?,
        Suite::Gateway => gateway::measure(options).await?,
        Suite::Gob => gob::measure(options).await?,
        Suite::Rpc => rpc::measure(options).await?,
        Suite::Grpc => grpc::measure(options).await?,
    };
    if parts.iter().all(|part| part.programs.is_empty()) {
        return Err(io::Error::other("no program to measure"));
    }
    Ok(Report { parts, bars, options: options.clone() })
}

/// Records the first program under the load of each part of the suite, to a file for each in `folder`.
pub(crate) async fn profile(options: &Options, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    match options.suite {
        Suite::Takeover => takeover::SUBJECT.profile::<Takeover>(options, folder).await,
        Suite::Http => http::SUBJECT.profile::<Http>(options, folder).await,
        Suite::Client => {
            client::REQUESTS.profile::<ClientRequests>(options, folder).await?;
            client::TAKEOVERS.profile::<ClientTakeovers>(options, folder).await
        }
        Suite::Axum => {
            axum::REQUESTS.profile::<Http>(options, folder).await?;
            axum::TAKEOVERS.profile::<Takeover>(options, folder).await
        }
        Suite::Relay => {
            relay::BULK.profile::<RelayedBulk>(options, folder).await?;
            relay::MESSAGES.profile::<RelayedMessages>(options, folder).await
        }
        Suite::Ws => ws::profile(options, folder).await,
        Suite::Gateway => gateway::profile(options, folder).await,
        Suite::Gob => gob::profile(options, folder).await,
        Suite::Rpc => rpc::profile(options, folder).await,
        Suite::Grpc => grpc::profile(options, folder).await,
    }
}

/// What is particular to a part of a suite.
#[derive(Debug)]
pub(crate) struct Subject {
    /// Which programs are measured.
    pub(crate) role: Role,
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) held: &'static str,
    /// Operations per run unless asked otherwise.
    pub(crate) ops: u64,
    pub(crate) beside: Beside,
}

/// What is measured beside CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beside {
    Nothing,
    Memory,
    /// Memory and instructions.
    Everything,
}

/// A part of a suite, measured.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) subject: &'static Subject,
    pub(crate) connections: u64,
    pub(crate) ops: u64,
    pub(crate) programs: Vec<Measured>,
}

impl Subject {
    async fn profile<W: Workload>(&self, options: &Options, folder: &Path) -> io::Result<()> {
        if !options.wants(self.name) {
            return Ok(());
        }
        profile::record::<W>(self, options, &folder.join(format!("{}.data", self.name))).await
    }
}

impl Part {
    async fn measure<W: Workload>(subject: &'static Subject, options: &Options) -> io::Result<Self> {
        let asked = options.wants(subject.name);
        let peers = if asked { Peer::present(subject.role, options)? } else { Vec::new() };
        let ops = options.ops.unwrap_or(subject.ops);
        if !peers.is_empty() {
            eprintln!("{}", subject.title);
        }
        let series = rounds::measure::<W>(&peers, ops, options).await?;
        let mut programs = Vec::new();
        for (peer, series) in peers.into_iter().zip(series) {
            let mut measured =
                Measured { name: peer.name.clone(), series, footprint: None, instructions: None };
            if subject.beside != Beside::Nothing {
                eprintln!("memory of {}", peer.name);
                measured.footprint = Some(footprint::measure::<W>(&peer, options).await?);
            }
            if subject.beside == Beside::Everything {
                eprintln!("instructions of {}", peer.name);
                measured.instructions = instructions::per_op::<W>(&peer, options).await?;
            }
            programs.push(measured);
        }
        Ok(Self { subject, connections: W::CONNECTIONS, ops, programs })
    }

    /// Ours, if it was measured.
    fn ours(&self) -> Option<&Measured> {
        self.find(OURS)
    }

    /// Resident bytes per connection that is held, of ours.
    fn resident_bytes(&self) -> Option<f64> {
        Some(self.ours()?.footprint?.resident_bytes)
    }

    /// Live heap bytes per connection that is held, of ours.
    fn heap_bytes(&self) -> Option<f64> {
        self.ours()?.footprint?.heap_bytes
    }

    /// Allocations per operation, of ours.
    fn allocations(&self) -> Option<f64> {
        self.ours()?.footprint?.allocations
    }

    /// Ours over `peer`, if both were measured.
    fn ratio(&self, peer: &str, pick: fn(&Sample) -> f64) -> Option<f64> {
        self.ratio_of(OURS, peer, pick)
    }

    /// `one` over `other`, if both were measured.
    fn ratio_of(&self, one: &str, other: &str, pick: fn(&Sample) -> f64) -> Option<f64> {
        Some(self.find(one)?.series.ratio(&self.find(other)?.series, pick))
    }

    fn find(&self, name: &str) -> Option<&Measured> {
        self.programs.iter().find(|program| program.name == name)
    }
}
