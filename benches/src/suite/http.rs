//! What an ordinary request costs.

use super::{Beside, Part, Subject};
use crate::bar::Bar;
use crate::peer::Role;

pub(super) const SUBJECT: Subject = Subject {
    role: Role::Server,
    name: "http",
    title: "http: GET, 200 with 13 bytes, on a kept-alive connection",
    held: "idle keep-alive",
    ops: 500_000,
    beside: Beside::Everything,
};

pub(super) fn bars(part: &Part) -> Vec<Bar> {
    vec![
        Bar {
            what: "user CPU per request, hijack / hyper",
            value: part.ratio("hyper", |sample| sample.user),
            limit: 0.9,
        },
        Bar { what: "allocations per request", value: part.allocations(), limit: 3.0 },
        Bar {
            what: "heap bytes per idle keep-alive connection",
            value: part.heap_bytes(),
            limit: 4.5 * 1024.0,
        },
    ]
}
