//! What gRPC costs over taken-over connections, at both ends together, beside tonic's own over TCP.

use std::io;
use std::path::Path;

use super::{Beside, Part, Subject};
use crate::bar::Bar;
use crate::load::{BULK, GrpcCalls, OPEN, PING_PONG, STREAM, UNARY};
use crate::options::Options;
use crate::peer::Role;

const ONE: Subject = calls("grpc-unary", "gRPC: unary calls of 64 bytes, one caller", 20_000);
const MANY: Subject = calls("grpc-unary-many", "gRPC: unary calls of 64 bytes, 32 callers", 50_000);
const MESSAGES: Subject = calls("grpc-stream", "gRPC: messages of 64 bytes of a server stream", 500_000);
const TURNS: Subject = calls("grpc-ping-pong", "gRPC: messages of 64 bytes there and back", 30_000);
const BYTES: Subject = calls("grpc-bulk", "gRPC: messages of 64 KiB of a server stream", 10_000);
const OPENED: Subject = calls("grpc-open", "gRPC: a connection and one call", 2_000);

const fn calls(name: &'static str, title: &'static str, ops: u64) -> Subject {
    Subject { role: Role::GrpcPair, name, title, held: "", ops, beside: Beside::Nothing }
}

/// The parts of the suite, as they are measured.
pub(super) async fn measure(options: &Options) -> io::Result<(Vec<Part>, Vec<Bar>)> {
    let parts = vec![
        Part::measure::<GrpcCalls<UNARY, 1>>(&ONE, options).await?,
        Part::measure::<GrpcCalls<UNARY, 32>>(&MANY, options).await?,
        Part::measure::<GrpcCalls<STREAM, 1>>(&MESSAGES, options).await?,
        Part::measure::<GrpcCalls<PING_PONG, 1>>(&TURNS, options).await?,
        Part::measure::<GrpcCalls<BULK, 1>>(&BYTES, options).await?,
        Part::measure::<GrpcCalls<OPEN, 1>>(&OPENED, options).await?,
    ];
    let bars = bars(&parts);
    Ok((parts, bars))
}

pub(super) async fn profile(options: &Options, folder: &Path) -> io::Result<()> {
    ONE.profile::<GrpcCalls<UNARY, 1>>(options, folder).await?;
    MANY.profile::<GrpcCalls<UNARY, 32>>(options, folder).await?;
    MESSAGES.profile::<GrpcCalls<STREAM, 1>>(options, folder).await?;
    TURNS.profile::<GrpcCalls<PING_PONG, 1>>(options, folder).await?;
    BYTES.profile::<GrpcCalls<BULK, 1>>(options, folder).await?;
    OPENED.profile::<GrpcCalls<OPEN, 1>>(options, folder).await
}

fn bars(parts: &[Part]) -> Vec<Bar> {
    let part = |subject: &Subject| parts.iter().find(|part| part.subject.name == subject.name);
    let ratio = |what, subject: &Subject, way, limit| {
        let value = part(subject).and_then(|part| part.ratio_of(way, PLAIN, |sample| sample.total));
        Bar { what, value, limit }
    };
    // Bars are what may not be passed: so many times fewer per second than plain.
    let slower = |what, subject: &Subject, limit| {
        let value = part(subject).and_then(|part| part.ratio_of(PLAIN, FORWARD, |sample| sample.per_second));
        Bar { what, value, limit }
    };
    let cost = |part: &Part| {
        let total = |name| Some(part.find(name)?.series.median(|sample| sample.total));
        Some(total(TOKEN)? - total(PLAIN)?)
    };
    vec![
        ratio("CPU per unary call, one caller, token / plain", &ONE, TOKEN, 1.10),
        ratio("CPU per unary call, 32 callers, token / plain", &MANY, TOKEN, 1.10),
        ratio("CPU per streamed message, token / plain", &MESSAGES, TOKEN, 1.10),
        ratio("CPU per message there and back, token / plain", &TURNS, TOKEN, 1.10),
        ratio("CPU per 64 KiB, token / plain", &BYTES, TOKEN, 1.10),
        ratio("CPU per unary call, one caller, WebSocket / plain", &ONE, WEBSOCKET, 1.25),
        ratio("CPU per unary call, 32 callers, WebSocket / plain", &MANY, WEBSOCKET, 1.25),
        ratio("CPU per streamed message, WebSocket / plain", &MESSAGES, WEBSOCKET, 1.25),
        ratio("CPU per message there and back, WebSocket / plain", &TURNS, WEBSOCKET, 1.40),
        ratio("CPU per 64 KiB, WebSocket / plain", &BYTES, WEBSOCKET, 1.25),
        slower("unary calls, one caller, plain / by the forwarder", &ONE, 1.0 / 0.6),
        slower("64 KiB, plain / by the forwarder", &BYTES, 1.0 / 0.7),
        Bar {
            what: "µs of CPU for a takeover, both ends",
            value: part(&OPENED).and_then(cost),
            limit: 150.0,
        },
    ]
}

const PLAIN: &str = "plain";
const TOKEN: &str = "token";
const WEBSOCKET: &str = "websocket";
const FORWARD: &str = "forward";
