//! A record as plain data, to be restored where the connection goes on.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::record::Record;
use super::{Lease, Peer, Registry, State};

/// What is known of a taken-over connection. Times are milliseconds before the snapshot, for clocks differ between
/// registries; zero is "none" where a time may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Snapshot {
    id: u64,
    /// Its address; none of a Unix socket.
    peer: Option<SocketAddr>,
    protocol: Option<String>,
    head: Bytes,
    opened_ago: u64,
    taken_ago: u64,
    active_ago: u64,
    half_open_ago: u64,
    bytes_in: u64,
    bytes_out: u64,
    http_in: u64,
    http_out: u64,
    idle_limit: u64,
    lifetime_limit: u64,
    half_open_limit: u64,
    peer_ended: bool,
    we_ended: bool,
}

impl Lease {
    pub(crate) fn snapshot(&self) -> Snapshot {
        let record = self.record();
        let now = self.registry().now_ms();
        let load = |value: &AtomicU64| value.load(Relaxed);
        let ago = |value: &AtomicU64| now.saturating_sub(load(value));
        let peer = match record.peer {
            Peer::Tcp(address) => Some(address),
            _ => None,
        };
        let half_open = load(&record.half_open_ms) != 0;
        let (protocol, head) = record
            .with_details(|details| (details.protocol.as_deref().map(str::to_owned), details.head.clone()));
        Snapshot {
            id: record.id,
            peer,
            protocol,
            head,
            opened_ago: now.saturating_sub(record.opened_ms),
            taken_ago: ago(&record.taken_ms),
            active_ago: ago(&record.active_ms),
            half_open_ago: if half_open { ago(&record.half_open_ms).max(1) } else { 0 },
            bytes_in: load(&record.bytes_in),
            bytes_out: load(&record.bytes_out),
            http_in: load(&record.http_in),
            http_out: load(&record.http_out),
            idle_limit: record.limits.idle.ms(),
            lifetime_limit: record.limits.lifetime.ms(),
            half_open_limit: record.limits.half_open.ms(),
            peer_ended: record.peer_ended.load(Relaxed),
            we_ended: record.we_ended.load(Relaxed),
        }
    }
}

impl Snapshot {
    /// Enters the connection again, under the name that it had if that is free. `otherwise` is its peer if no address
    /// is known.
    pub(crate) fn restore(self, registry: &Arc<Registry>, otherwise: Peer) -> Lease {
        let peer = self.peer.map_or(otherwise, Peer::Tcp);
        let lease = registry.reopen(self.id, peer, |record, now| self.fill(record, now));
        lease.rearm();
        lease
    }

    fn fill(self, record: &mut Record, now: u64) {
        let at = |ago: u64| AtomicU64::new(now.saturating_sub(ago).max(1));
        record.opened_ms = now.saturating_sub(self.opened_ago);
        record.taken_ms = at(self.taken_ago);
        record.active_ms = at(self.active_ago);
        if self.half_open_ago != 0 {
            record.half_open_ms = at(self.half_open_ago);
        }
        record.bytes_in = self.bytes_in.into();
        record.bytes_out = self.bytes_out.into();
        record.http_in = self.http_in.into();
        record.http_out = self.http_out.into();
        record.limits.idle.set_ms(self.idle_limit);
        record.limits.lifetime.set_ms(self.lifetime_limit);
        record.limits.half_open.set_ms(self.half_open_limit);
        record.peer_ended = self.peer_ended.into();
        record.we_ended = self.we_ended.into();
        record.state = (State::Taken as u8).into();
        if !self.head.is_empty() || self.protocol.is_some() {
            record.details(|details| {
                details.protocol = self.protocol.map(Cow::Owned);
                details.head = self.head;
            });
        }
    }
}
