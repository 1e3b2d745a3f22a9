//! What a takeover costs.

use super::{Subject, ours, ratio};
use crate::bar::Bar;
use crate::report::Measured;

pub(super) const SUBJECT: Subject = Subject {
    title: "takeover: connect, GET with Upgrade, 101, 64 bytes there and back, close",
    held: "taken-over",
    ops: 20_000,
    bars,
};

fn bars(servers: &[Measured]) -> Vec<Bar> {
    let ours = ours(servers);
    vec![
        Bar {
            what: "server CPU per takeover, hijack / go",
            value: ratio(servers, "go", |sample| sample.total),
            limit: 0.75,
        },
        Bar {
            what: "server CPU per takeover, hijack / hyper",
            value: ratio(servers, "hyper", |sample| sample.total),
            limit: 1.1,
        },
        Bar {
            what: "allocations per takeover",
            value: ours.map(|server| server.footprint.allocations),
            limit: 9.0,
        },
        Bar {
            what: "resident bytes per held taken-over connection",
            value: ours.map(|server| server.footprint.resident_bytes),
            limit: 1.5 * 1024.0,
        },
    ]
}
