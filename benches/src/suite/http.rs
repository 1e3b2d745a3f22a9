//! What an ordinary request costs.

use super::{Subject, ours, ratio};
use crate::bar::Bar;
use crate::report::Measured;

pub(super) const SUBJECT: Subject = Subject {
    title: "http: GET, 200 with 13 bytes, on a kept-alive connection",
    held: "idle keep-alive",
    ops: 500_000,
    bars,
};

fn bars(servers: &[Measured]) -> Vec<Bar> {
    let ours = ours(servers);
    vec![
        Bar {
            what: "user CPU per request, hijack / hyper",
            value: ratio(servers, "hyper", |sample| sample.user),
            limit: 0.9,
        },
        Bar {
            what: "allocations per request",
            value: ours.map(|server| server.footprint.allocations),
            limit: 3.0,
        },
        Bar {
            what: "heap bytes per idle keep-alive connection",
            value: ours.map(|server| server.footprint.heap_bytes),
            limit: 4.5 * 1024.0,
        },
    ]
}
