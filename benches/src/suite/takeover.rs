//! What a takeover costs.

use super::{Beside, Part, Subject};
use crate::bar::Bar;
use crate::peer::Role;

pub(super) const SUBJECT: Subject = Subject {
    role: Role::Server,
    name: "takeover",
    title: "takeover: connect, GET with Upgrade, 101, 64 bytes there and back, close",
    held: "taken-over",
    ops: 20_000,
    beside: Beside::Everything,
};

pub(super) fn bars(part: &Part) -> Vec<Bar> {
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
        Bar { what: "allocations per takeover", value: part.allocations(), limit: 9.0 },
        Bar {
            what: "resident bytes per held taken-over connection",
            value: part.resident_bytes(),
            limit: 1.5 * 1024.0,
        },
    ]
}
