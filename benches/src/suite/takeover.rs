//! What a takeover costs.

use super::{Part, Subject};
use crate::bar::Bar;
use crate::peer::Role;

pub(super) const SUBJECT: Subject = Subject {
    role: Role::Server,
    name: "takeover",
    title: "takeover: connect, GET with Upgrade, 101, 64 bytes there and back, close",
    held: "taken-over",
    ops: 20_000,
};

pub(super) fn bars(part: &Part) -> Vec<Bar> {
    let ours = part.ours();
    vec![
        Bar {
            what: "server CPU per takeover, hijack / go",
            value: part.ratio("go", |sample| sample.total),
            limit: 0.75,
        },
        Bar {
            what: "server CPU per takeover, hijack / hyper",
            value: part.ratio("hyper", |sample| sample.total),
            limit: 1.1,
        },
        Bar {
            what: "allocations per takeover",
            value: ours.and_then(|program| program.footprint.allocations),
            limit: 9.0,
        },
        Bar {
            what: "resident bytes per held taken-over connection",
            value: ours.map(|program| program.footprint.resident_bytes),
            limit: 1.5 * 1024.0,
        },
    ]
}
