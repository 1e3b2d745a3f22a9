//! What connections that came and went leave behind in our relay.

use std::io;

use crate::footprint::settle;
use crate::load::{RelayedVisits, Workload};
use crate::options::Options;
use crate::peer::{OURS, Peer, Role};

/// What there is more of after [`VISITS`] connections than before them, or at all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leftover {
    /// More than before; pipes of the pool are counted apart.
    pub(crate) open_files: f64,
    /// More than before.
    pub(crate) resident_bytes: f64,
    /// Connections in the tracker that are not open.
    pub(crate) tracked: f64,
    /// Pipes of the pool.
    pub(crate) pipes: f64,
}

/// One look at the relay.
struct Look {
    open_files: f64,
    resident_bytes: f64,
    tracked: f64,
    pipes: f64,
}

impl Leftover {
    /// Measures our relay, if it is among the peers.
    pub(crate) async fn of_ours(options: &Options) -> io::Result<Option<Self>> {
        let peers = Peer::present(Role::Relay, options)?;
        let Some(peer) = peers.iter().find(|peer| peer.name == OURS) else { return Ok(None) };
        eprintln!("what {VISITS} connections leave behind in {OURS}");
        let mut load = RelayedVisits::open_warm(&peer.launch(options.core)).await?;
        let before = Look::at(&mut load).await?;
        load.run_bounded(VISITS).await?;
        let after = Look::at(&mut load).await?;
        Ok(Some(Self {
            open_files: after.open_files - before.open_files,
            resident_bytes: after.resident_bytes - before.resident_bytes,
            tracked: after.tracked - SIDES * RelayedVisits::CONNECTIONS as f64,
            pipes: after.pipes,
        }))
    }
}

impl Look {
    async fn at(load: &mut RelayedVisits) -> io::Result<Self> {
        settle().await;
        let relay = load.program();
        let (tracked, pipes) = relay.left().await?;
        let open_files = relay.open_files()? - ENDS * pipes;
        Ok(Self { open_files, resident_bytes: relay.resident_bytes()?, tracked, pipes })
    }
}

const VISITS: u64 = 10_000;

/// Connections of a pair.
const SIDES: f64 = 2.0;

/// Descriptors of a pipe.
const ENDS: f64 = 2.0;
