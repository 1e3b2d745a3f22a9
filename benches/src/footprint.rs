//! Memory: allocations per operation, and what one held connection costs.

use std::io;
use std::time::Duration;

use crate::load::Workload;
use crate::options::Options;
use crate::peer::Peer;
use crate::program::Program;
use crate::rounds::median;

/// What a program's memory costs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Footprint {
    /// Allocations per operation, everything from open to close in it.
    /// Not known of a program that does not count.
    pub(crate) allocations: Option<f64>,
    /// Live heap bytes per held connection, where it counts.
    pub(crate) heap_bytes: Option<f64>,
    /// Resident bytes per held connection; sockets are the kernel's and not in it.
    pub(crate) resident_bytes: f64,
}

/// Measures one program, its counting variant apart from the ordinary one.
pub(crate) async fn measure<W: Workload>(peer: &Peer, options: &Options) -> io::Result<Footprint> {
    let mut resident = Vec::new();
    for _ in 0..W::RESIDENT_RUNS {
        resident.push(resident_bytes::<W>(peer, options).await?);
    }
    let mut footprint = Footprint { allocations: None, heap_bytes: None, resident_bytes: median(resident) };
    if let Some(launch) = peer.launch_counted(options.core) {
        let mut load = W::open_warm(&launch).await?;
        footprint.allocations = Some(allocations(&mut load).await?);
        footprint.heap_bytes = Some(heap_bytes(&mut load, options.held).await?);
    }
    Ok(footprint)
}

async fn allocations<W: Workload>(load: &mut W) -> io::Result<f64> {
    let before = load.program().heap().await?.allocations;
    load.run_bounded(W::COUNTED_OPS).await?;
    Ok((load.program().heap().await?.allocations - before) / W::COUNTED_OPS as f64)
}

async fn heap_bytes<W: Workload>(load: &mut W, count: u32) -> io::Result<f64> {
    per_connection(load, count, async |program| Ok(program.heap().await?.live_bytes)).await
}

async fn resident_bytes<W: Workload>(peer: &Peer, options: &Options) -> io::Result<f64> {
    let mut load = W::open_warm(&peer.launch(options.core)).await?;
    per_connection(&mut load, options.held, async |program| program.resident_bytes()).await
}

/// By how much `read` grows with each of `count` connections, which stay open.
///
/// Others are held before: they use up what the warm-up freed, which would hide a part of the growth.
async fn per_connection<W: Workload>(
    load: &mut W,
    count: u32,
    read: impl AsyncFn(&mut Program) -> io::Result<f64>,
) -> io::Result<f64> {
    let count = count.min(W::MOST_HELD);
    load.hold_bounded(W::HELD_BEFORE).await?;
    settle().await;
    let before = read(load.program()).await?;
    load.hold_bounded(count).await?;
    settle().await;
    let after = read(load.program()).await?;
    Ok((after - before) / f64::from(count))
}

/// A program may do more after its last byte: nothing outside it tells when it has.
pub(crate) async fn settle() {
    tokio::time::sleep(Duration::from_millis(300)).await;
}
