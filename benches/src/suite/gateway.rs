//! What our gateway costs beside load balancers, which see nothing, and an inspector, which sees all.

use std::io;
use std::path::Path;

use super::{Beside, Part, Subject};
use crate::bar::Bar;
use crate::load::{InspectedWsMessages, RelayedBulk, RelayedRequests, RelayedWsBulk, RelayedWsMessages};
use crate::options::Options;
use crate::peer::{OURS, OURS_WATCHED, Role};

const BULK: Subject = Subject {
    role: Role::Gateway(&[OURS, HAPROXY_TCP, HAPROXY, NGINX]),
    name: "gateway-bulk",
    title: "gateway bulk: one MiB down an upgraded connection; 1,000 µs per MiB are 1.02 s per GiB",
    held: "taken-over, nothing said",
    ops: 2_048,
    beside: Beside::Nothing,
};

const WS_BULK: Subject = Subject {
    role: Role::Gateway(&[OURS, HAPROXY, NGINX]),
    name: "gateway-ws-bulk",
    title: "gateway WebSocket bulk: one MiB down in messages of 16 KiB, which ours counts",
    held: "open, nothing said",
    ops: 1_024,
    beside: Beside::Nothing,
};

const MESSAGES: Subject = Subject {
    role: Role::Gateway(&[OURS, OURS_WATCHED, HAPROXY, NGINX]),
    name: "gateway-messages",
    title: "gateway messages: 64 bytes there and back in WebSocket messages, which ours counts",
    held: "open, one echo done",
    ops: 100_000,
    beside: Beside::Memory,
};

const INSPECTED: Subject = Subject {
    role: Role::Gateway(&[OURS_WATCHED, MITMDUMP]),
    name: "gateway-inspected",
    title: "gateway inspected: 64 bytes there and back in WebSocket messages, and all of them looked at",
    held: "open, one echo done",
    ops: 5_000,
    beside: Beside::Nothing,
};

const REQUESTS: Subject = Subject {
    role: Role::Gateway(&[OURS, HAPROXY]),
    name: "gateway-requests",
    title: "gateway requests: GET, 200 with 13 bytes, on kept-alive connections",
    held: "idle keep-alive",
    ops: 100_000,
    beside: Beside::Nothing,
};

/// The parts of the suite, as they are measured.
pub(super) async fn measure(options: &Options) -> io::Result<(Vec<Part>, Vec<Bar>)> {
    let bulk = Part::measure::<RelayedBulk>(&BULK, options).await?;
    let ws_bulk = Part::measure::<RelayedWsBulk>(&WS_BULK, options).await?;
    let messages = Part::measure::<RelayedWsMessages>(&MESSAGES, options).await?;
    let inspected = Part::measure::<InspectedWsMessages>(&INSPECTED, options).await?;
    let requests = Part::measure::<RelayedRequests>(&REQUESTS, options).await?;
    let mut bars = Vec::from(bulk_bars(&bulk, &ws_bulk));
    bars.extend(message_bars(&messages, &inspected));
    bars.push(Bar {
        what: "gateway CPU per request, hijack / HAProxy",
        value: requests.ratio(HAPROXY, |sample| sample.total),
        limit: 1.5,
    });
    Ok((vec![bulk, ws_bulk, messages, inspected, requests], bars))
}

pub(super) async fn profile(options: &Options, folder: &Path) -> io::Result<()> {
    BULK.profile::<RelayedBulk>(options, folder).await?;
    WS_BULK.profile::<RelayedWsBulk>(options, folder).await?;
    MESSAGES.profile::<RelayedWsMessages>(options, folder).await?;
    INSPECTED.profile::<InspectedWsMessages>(options, folder).await?;
    REQUESTS.profile::<RelayedRequests>(options, folder).await
}

fn bulk_bars(bulk: &Part, ws_bulk: &Part) -> [Bar; 4] {
    let bar = |what, part: &Part, peer, limit| {
        let value = part.ratio(peer, |sample| sample.total);
        Bar { what, value, limit }
    };
    [
        bar("gateway CPU per MiB, hijack / HAProxy HTTP tunnel", bulk, HAPROXY, 0.4),
        bar("gateway CPU per MiB, hijack / HAProxy TCP spliced", bulk, HAPROXY_TCP, 1.15),
        bar("gateway CPU per MiB, hijack / nginx", bulk, NGINX, 0.25),
        bar("gateway CPU per MiB of messages, hijack / HAProxy HTTP", ws_bulk, HAPROXY, 0.6),
    ]
}

fn message_bars(messages: &Part, inspected: &Part) -> [Bar; 4] {
    let of = |part: &Part, one, other| part.ratio_of(one, other, |sample| sample.total);
    [
        Bar {
            what: "gateway CPU per message, hijack / nginx",
            value: of(messages, OURS, NGINX),
            limit: 1.15,
        },
        Bar {
            what: "gateway CPU per message, one looked at / none",
            value: of(messages, OURS_WATCHED, OURS),
            limit: 1.3,
        },
        Bar {
            what: "resident bytes per idle pair with its record",
            value: messages.resident_bytes(),
            limit: 2_800.0,
        },
        Bar {
            what: "gateway CPU per inspected message, hijack / mitmdump",
            value: of(inspected, OURS_WATCHED, MITMDUMP),
            limit: 0.04,
        },
    ]
}

const HAPROXY_TCP: &str = "haproxy-tcp";
const HAPROXY: &str = "haproxy-http";
const NGINX: &str = "nginx";
const MITMDUMP: &str = "mitmdump";
