//! Memory: allocations per operation, and what one held connection costs.

use std::io;
use std::time::Duration;

use crate::load::Workload;
use crate::options::Options;
use crate::peer::Peer;
use crate::rounds::median;
use crate::server::Server;

/// What a server's memory costs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Footprint {
    /// Allocations per operation, everything from accept to close in it.
    pub(crate) allocations: f64,
    /// Live heap bytes per held connection.
    pub(crate) heap_bytes: f64,
    /// Resident bytes per held connection; sockets are the kernel's and not in it.
    pub(crate) resident_bytes: f64,
}

/// Measures one server, its counting variant apart from the ordinary one.
pub(crate) async fn measure<W: Workload>(peer: &Peer, options: &Options) -> io::Result<Footprint> {
    let mut resident = Vec::new();
    for _ in 0..RESIDENT_RUNS {
        resident.push(resident_bytes::<W>(peer, options).await?);
    }
    let mut server = Server::start(&peer.counted, peer.arguments, options.server_core)?;
    let mut load = W::open(server.address).await?;
    Ok(Footprint {
        allocations: allocations(&mut server, &mut load).await?,
        heap_bytes: heap_bytes(&mut server, &load, options.held).await?,
        resident_bytes: median(resident),
    })
}

async fn allocations(server: &mut Server, load: &mut impl Workload) -> io::Result<f64> {
    let before = server.heap()?.allocations;
    load.run_bounded(COUNTED_OPS).await?;
    Ok((server.heap()?.allocations - before) / COUNTED_OPS as f64)
}

async fn heap_bytes(server: &mut Server, load: &impl Workload, count: u32) -> io::Result<f64> {
    per_connection(load, count, || server.heap().map(|heap| heap.live_bytes)).await
}

async fn resident_bytes<W: Workload>(peer: &Peer, options: &Options) -> io::Result<f64> {
    let server = Server::start(&peer.program, peer.arguments, options.server_core)?;
    let load = W::open(server.address).await?;
    per_connection(&load, options.held, || server.resident_bytes()).await
}

/// By how much `read` grows with each of `count` connections.
///
/// Others are held before: they use up what the warm-up freed, which would hide a part of the growth.
async fn per_connection(
    load: &impl Workload,
    count: u32,
    mut read: impl FnMut() -> io::Result<f64>,
) -> io::Result<f64> {
    let first = load.hold_many(HELD_BEFORE).await?;
    settle().await;
    let before = read()?;
    let held = load.hold_many(count).await?;
    settle().await;
    let after = read()?;
    drop((first, held));
    Ok((after - before) / f64::from(count))
}

/// A server may do more after its last byte: nothing outside it tells when it has.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(300)).await;
}

const COUNTED_OPS: u64 = 10_000;
const HELD_BEFORE: u32 = 1_000;
const RESIDENT_RUNS: usize = 3;
