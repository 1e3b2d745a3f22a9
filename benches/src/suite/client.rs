//! What a request and a takeover cost the client.

use super::{Beside, Part, Subject};
use crate::bar::Bar;
use crate::peer::Role;

pub(super) const REQUESTS: Subject = Subject {
    role: Role::Client,
    name: "client-requests",
    title: "client requests: GET, 200 with 13 bytes, on a kept-alive connection",
    held: "idle keep-alive",
    ops: 500_000,
    beside: Beside::Everything,
};

pub(super) const TAKEOVERS: Subject = Subject {
    role: Role::Client,
    name: "client-takeovers",
    title: "client takeovers: connect, GET with Upgrade, 101, 64 bytes there and back, close",
    held: "taken-over",
    ops: 20_000,
    beside: Beside::Everything,
};

pub(super) fn bars(requests: &Part, takeovers: &Part) -> Vec<Bar> {
    vec![
        Bar {
            what: "client CPU per request, hijack / hyper",
            value: requests.ratio("hyper", |sample| sample.total),
            limit: 1.0,
        },
        Bar {
            what: "client CPU per takeover, hijack / hyper",
            value: takeovers.ratio("hyper", |sample| sample.total),
            limit: 1.0,
        },
        Bar { what: "allocations per takeover", value: takeovers.allocations(), limit: 13.0 },
        Bar {
            what: "heap bytes per idle client connection",
            value: requests.heap_bytes(),
            limit: 5.0 * 1024.0,
        },
    ]
}
