//! What a relay costs, and what it leaves behind.

use super::{Beside, Part, Subject};
use crate::bar::Bar;
use crate::leftover::Leftover;
use crate::peer::Role;

pub(super) const BULK: Subject = Subject {
    role: Role::Relay,
    name: "relay-bulk",
    title: "relay bulk: one MiB down; 1,000 µs per MiB are 1.02 s per GiB",
    held: "taken-over, nothing said",
    ops: 4_096,
    beside: Beside::Everything,
};

pub(super) const MESSAGES: Subject = Subject {
    role: Role::Relay,
    name: "relay-messages",
    title: "relay messages: 64 bytes there and back",
    held: "taken-over, one echo done",
    ops: 100_000,
    beside: Beside::Everything,
};

pub(super) fn bars(bulk: &Part, messages: &Part, leftover: Option<Leftover>) -> Vec<Bar> {
    let mut bars = bulk_bars(bulk);
    bars.push(Bar {
        what: "relay CPU per message, hijack / copy_bidirectional",
        value: messages.ratio("copy", |sample| sample.total),
        limit: 1.15,
    });
    bars.push(Bar {
        what: "resident bytes per idle pair",
        value: messages.resident_bytes(),
        limit: 2.0 * 1024.0,
    });
    bars.extend(leftover_bars(leftover));
    bars
}

fn bulk_bars(bulk: &Part) -> Vec<Bar> {
    let ratio = |peer| bulk.ratio(peer, |sample| sample.total);
    vec![
        Bar { what: "relay CPU per MiB, hijack / copy_bidirectional", value: ratio("copy"), limit: 0.35 },
        Bar {
            what: "relay CPU per MiB, hijack / HAProxy TCP spliced",
            value: ratio("haproxy-tcp"),
            limit: 1.15,
        },
        Bar {
            what: "relay CPU per MiB, hijack / HAProxy HTTP tunnel",
            value: ratio("haproxy-http"),
            limit: 0.4,
        },
    ]
}

/// The pool keeps up to 32 pipes, and a busy pair has one or two.
fn leftover_bars(leftover: Option<Leftover>) -> [Bar; 4] {
    let value = |pick: fn(&Leftover) -> f64| leftover.as_ref().map(pick);
    [
        Bar { what: "descriptors left by 10,000 visits", value: value(|left| left.open_files), limit: 0.0 },
        Bar {
            what: "resident bytes left by 10,000 visits",
            value: value(|left| left.resident_bytes),
            limit: 64.0 * 1024.0,
        },
        Bar {
            what: "tracked connections left by 10,000 visits",
            value: value(|left| left.tracked),
            limit: 0.0,
        },
        Bar {
            what: "pipes kept in the pool after 10,000 visits",
            value: value(|left| left.pipes),
            limit: 32.0,
        },
    ]
}
