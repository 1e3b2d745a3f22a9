//! What subscribers that never read do to our broadcasts: to those who do, and to memory.

use std::io;

use crate::footprint::settle;
use crate::launch::Launch;
use crate::load::{Broadcast, Workload};
use crate::options::Options;
use crate::peer::{OURS, Peer, Role};
use crate::rounds::median;

/// The medians of some rounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stalled {
    /// Median latency of the others, over that without any who stall.
    pub(crate) latency: f64,
    /// Resident bytes per stalled connection, once its queue is full.
    pub(crate) resident_bytes: f64,
}

impl Stalled {
    /// Measures our server, if it is among the peers.
    pub(crate) async fn of_ours(options: &Options) -> io::Result<Option<Self>> {
        let peers = Peer::present(Role::WsBroadcastServer, options)?;
        let Some(peer) = peers.iter().find(|peer| peer.name == OURS) else { return Ok(None) };
        let mut rounds = Vec::new();
        for round in 1..=options.rounds {
            let one = Self::round(&peer.launch(options.core)).await?;
            let Self { latency, resident_bytes } = one;
            eprintln!(
                "round {round}/{}  stalled: latency {latency:.3}  {resident_bytes:.0} bytes",
                options.rounds
            );
            rounds.push(one);
        }
        let latency = median(rounds.iter().map(|round| round.latency).collect());
        let resident_bytes = median(rounds.iter().map(|round| round.resident_bytes).collect());
        Ok(Some(Self { latency, resident_bytes }))
    }

    /// The queues are filled while hardly anybody listens, which is quick.
    async fn round(launch: &Launch) -> io::Result<Self> {
        let mut load = Broadcast::open_alone(launch).await?;
        load.run_bounded(FLOOD).await?;
        load.stall(STALLED).await?;
        let resident_bytes = fill(&mut load).await?;
        load.listen(Broadcast::CONNECTIONS - 1).await?;
        load.run_bounded(Broadcast::WARM_UP).await?;
        load.run_bounded(MESSAGES).await?;
        let with = load.median_latency();
        load.end_stalled();
        load.run_bounded(Broadcast::WARM_UP).await?;
        load.run_bounded(MESSAGES).await?;
        Ok(Self { latency: with / load.median_latency(), resident_bytes })
    }
}

/// Tells until the queues of all who stall are full; the resident bytes of each.
async fn fill(load: &mut Broadcast) -> io::Result<f64> {
    settle().await;
    let before = load.program().resident_bytes()?;
    let mut resident_bytes = 0.0;
    for _ in 0..MOST_FLOODS {
        let was_full = resident_bytes > QUEUE_LEN / 2.0;
        load.run_bounded(FLOOD).await?;
        settle().await;
        resident_bytes = (load.program().resident_bytes()? - before) / STALLED as f64;
        if was_full {
            return Ok(resident_bytes);
        }
    }
    Err(io::Error::other(format!("queues of {QUEUE_LEN} bytes not full: {resident_bytes} bytes in each")))
}

const STALLED: u64 = 10;

/// Messages of a MiB together, which is more than a queue holds.
const FLOOD: u64 = 4_096;

/// So many MiB are more than the kernel's buffers hold as well.
const MOST_FLOODS: u64 = 16;

/// Messages over which latency is taken.
const MESSAGES: u64 = 40;

/// What our server lets wait for a connection, by default.
pub(crate) const QUEUE_LEN: f64 = 256.0 * 1024.0;
