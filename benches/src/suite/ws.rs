//! What WebSocket messages cost, and what is held when they are gone.

use std::io;
use std::path::Path;

use super::{Beside, Part, Subject};
use crate::bar::Bar;
use crate::load::{
    Broadcast, Workload, WsBurst, WsDeflated, WsHuge, WsLarge, WsLargeMany, WsSmall, WsSmallMany, WsText,
};
use crate::options::Options;
use crate::peer::{OURS, Peer, Role};
use crate::stalled::{QUEUE_LEN, Stalled};

const SMALL: Subject =
    Subject { beside: Beside::Everything, ..echo("ws-small", "WebSocket: 32 bytes there and back", 150_000) };
const TEXT: Subject = echo("ws-text", "WebSocket: 32 bytes of text there and back", 150_000);
const SMALL_MANY: Subject = echo("ws-small-many", "WebSocket: 32 bytes there and back", 150_000);
const LARGE: Subject =
    Subject { beside: Beside::Memory, ..echo("ws-large", "WebSocket: 16 KiB there and back", 60_000) };
const LARGE_MANY: Subject = echo("ws-large-many", "WebSocket: 16 KiB there and back", 60_000);
const BURST: Subject = echo("ws-burst", "WebSocket: sixteen times 32 bytes there and back", 20_000);
const HUGE: Subject =
    Subject { beside: Beside::Memory, ..echo("ws-huge", "WebSocket: 1 MiB there and back", 1_000) };

const JSON: Subject = Subject {
    role: Role::WsDeflateServer,
    beside: Beside::Memory,
    ..echo("ws-json", "WebSocket, compressed: 1 KiB of JSON there and back", 30_000)
};
const LONG_JSON: Subject = Subject {
    role: Role::WsDeflateServer,
    ..echo("ws-long-json", "WebSocket, compressed: 16 KiB of JSON there and back", 5_000)
};

const BROADCAST: Subject = Subject {
    role: Role::WsBroadcastServer,
    ..echo("ws-broadcast", "WebSocket: 256 bytes from one to all", 60)
};

const fn echo(name: &'static str, title: &'static str, ops: u64) -> Subject {
    Subject { role: Role::WsServer, name, title, held: "open, one echo done", ops, beside: Beside::Nothing }
}

/// The parts of the suite, as they are measured.
pub(super) async fn measure(options: &Options) -> io::Result<(Vec<Part>, Vec<Bar>)> {
    let parts = vec![
        Part::measure::<WsSmall>(&SMALL, options).await?,
        Part::measure::<WsText>(&TEXT, options).await?,
        Part::measure::<WsSmallMany>(&SMALL_MANY, options).await?,
        Part::measure::<WsLarge>(&LARGE, options).await?,
        Part::measure::<WsLargeMany>(&LARGE_MANY, options).await?,
        Part::measure::<WsBurst>(&BURST, options).await?,
        Part::measure::<WsHuge>(&HUGE, options).await?,
        Part::measure::<WsDeflated<1024>>(&JSON, options).await?,
        Part::measure::<WsDeflated<16384>>(&LONG_JSON, options).await?,
        Part::measure::<Broadcast>(&BROADCAST, options).await?,
    ];
    let mut bars = cpu_bars(&parts);
    bars.extend(memory_bars(&parts));
    bars.extend(deflate_bars(&parts));
    bars.extend(size_bars(options).await?);
    let stalled = if options.wants(BROADCAST.name) { Stalled::of_ours(options).await? } else { None };
    bars.extend(broadcast_bars(&parts, stalled));
    Ok((parts, bars))
}

pub(super) async fn profile(options: &Options, folder: &Path) -> io::Result<()> {
    SMALL.profile::<WsSmall>(options, folder).await?;
    LARGE.profile::<WsLarge>(options, folder).await?;
    BURST.profile::<WsBurst>(options, folder).await?;
    BROADCAST.profile::<Broadcast>(options, folder).await
}

fn cpu_bars(parts: &[Part]) -> Vec<Bar> {
    let ratio = |what, subject: &Subject, peer, limit| {
        let value = part(parts, subject).and_then(|part| part.ratio(peer, |sample| sample.total));
        Bar { what, value, limit }
    };
    let user = |subject: &Subject| {
        part(parts, subject).and_then(Part::ours).map(|program| program.series.mean(|sample| sample.user))
    };
    vec![
        ratio("CPU per 32 bytes, hijack / fastwebsockets", &SMALL, FAST, 1.10),
        ratio("CPU per 32 bytes, hijack / Bun", &SMALL, BUN, 1.0),
        ratio("the same on 2,000 connections, / fastwebsockets", &SMALL_MANY, FAST, 1.05),
        ratio("the same on 2,000 connections, / Bun", &SMALL_MANY, BUN, 1.0),
        Bar { what: "user CPU per 32 bytes, in µs", value: user(&SMALL), limit: 1.3 },
        Bar { what: "user CPU per 32 bytes of text, in µs", value: user(&TEXT), limit: 1.3 },
        ratio("CPU per 16 KiB, hijack / fastwebsockets", &LARGE, FAST, 1.0),
        ratio("CPU per 16 KiB, hijack / Bun", &LARGE, BUN, 0.65),
        ratio("the same on 2,000 connections, / fastwebsockets", &LARGE_MANY, FAST, 0.95),
        ratio("the same on 2,000 connections, / Bun", &LARGE_MANY, BUN, 0.65),
        ratio("CPU per burst of sixteen, hijack / fastwebsockets", &BURST, FAST, 0.15),
        ratio("CPU per burst of sixteen, hijack / Bun", &BURST, BUN, 1.0),
    ]
}

fn memory_bars(parts: &[Part]) -> [Bar; 3] {
    let resident = |what, subject: &Subject| {
        let value = part(parts, subject).and_then(Part::resident_bytes);
        Bar { what, value, limit: 2.6 * 1024.0 }
    };
    [
        resident("resident bytes per idle connection after 32 bytes", &SMALL),
        resident("resident bytes per idle connection after 16 KiB", &LARGE),
        resident("resident bytes per idle connection after 1 MiB", &HUGE),
    ]
}

fn deflate_bars(parts: &[Part]) -> [Bar; 4] {
    let ratio = |what, subject: &Subject, peer| {
        let value = part(parts, subject).and_then(|part| part.ratio(peer, |sample| sample.total));
        Bar { what, value, limit: 1.0 }
    };
    [
        ratio("CPU per compressed KiB of JSON, hijack / Bun", &JSON, BUN),
        ratio("CPU per compressed KiB of JSON, hijack / gorilla", &JSON, GORILLA),
        ratio("CPU per compressed 16 KiB of JSON, hijack / Bun", &LONG_JSON, BUN),
        ratio("CPU per compressed 16 KiB of JSON, hijack / gorilla", &LONG_JSON, GORILLA),
    ]
}

/// Who compresses less has an easy time: of two servers the answers have to be of one size.
async fn size_bars(options: &Options) -> io::Result<Vec<Bar>> {
    let (mut ours, mut bars) = (None, Vec::new());
    if !options.wants(LONG_JSON.name) {
        return Ok(bars);
    }
    for peer in Peer::present(Role::WsDeflateServer, options)? {
        let bytes = WsDeflated::<16384>::open(&peer.launch(options.core)).await?.answer_len();
        let value = ours.map(|ours: f64| ours / bytes);
        match &*peer.name {
            OURS => ours = Some(bytes),
            BUN => bars.push(Bar { what: "size of compressed 16 KiB, hijack / Bun", value, limit: 1.02 }),
            _ => bars.push(Bar { what: "size of compressed 16 KiB, hijack / gorilla", value, limit: 1.02 }),
        }
    }
    Ok(bars)
}

fn broadcast_bars(parts: &[Part], stalled: Option<Stalled>) -> [Bar; 3] {
    let cpu = part(parts, &BROADCAST).and_then(|part| part.ratio(BUN, |sample| sample.total));
    [
        Bar { what: "CPU per broadcast, hijack / Bun", value: cpu, limit: 1.1 },
        Bar {
            what: "latency of the others beside ten who stall",
            value: stalled.map(|stalled| stalled.latency),
            limit: 1.1,
        },
        // With what a growing vector leaves behind in the allocator.
        Bar {
            what: "resident bytes per queue of 256 KiB that is full",
            value: stalled.map(|stalled| stalled.resident_bytes),
            limit: 1.25 * QUEUE_LEN,
        },
    ]
}

fn part<'p>(parts: &'p [Part], subject: &Subject) -> Option<&'p Part> {
    parts.iter().find(|part| part.subject.name == subject.name)
}

const FAST: &str = "fastwebsockets";
const BUN: &str = "bun";
const GORILLA: &str = "gorilla";
