//! A route at work: its configuration, who is on it at the moment, and which requests are its.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use hijack::Peer;

use crate::calls::EndedCalls;
use crate::config::{RatePolicy, Route};
use crate::gate::{FrameRules, RateRules};

/// A route and its counters.
#[derive(Debug)]
pub(crate) struct RouteState {
    pub(crate) route: Route,
    pub(crate) rules: Arc<FrameRules>,
    pub(crate) lenient_rules: Arc<FrameRules>,
    pub(crate) open: AtomicUsize,
    peers: Mutex<HashMap<IpAddr, usize>>,
    subjects: Mutex<HashMap<Box<str>, usize>>,
    pub(crate) counters: RouteCounters,
}

/// What is counted of a route since the start.
#[derive(Debug, Default)]
pub(crate) struct RouteCounters {
    pub(crate) requests: AtomicU64,
    pub(crate) request_failures: AtomicU64,
    pub(crate) takeovers: AtomicU64,
    pub(crate) declined: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) bytes_in: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
    pub(crate) messages_in: AtomicU64,
    pub(crate) messages_out: AtomicU64,
    /// Calls of gRPC, where they are followed.
    pub(crate) calls: EndedCalls,
}

/// Why a further connection is not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TooMany {
    /// The limit's name in the configuration.
    pub(crate) limit: &'static str,
    pub(crate) value: usize,
}

impl std::fmt::Display for TooMany {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the limit {} of {} is reached", self.limit, self.value)
    }
}

/// The place of a connection within the limits of its route, given up when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    state: Arc<RouteState>,
    /// Where there are limits on them.
    counted: Option<Box<Counted>>,
}

/// Whom a connection is counted of.
#[derive(Debug, Default)]
struct Counted {
    peer: Option<IpAddr>,
    subject: Option<Box<str>>,
}

impl RouteState {
    pub(crate) fn new(route: Route) -> Arc<Self> {
        let limits = &route.limits;
        let rates = RateRules {
            messages_per_second: limits.messages_per_second,
            frames_per_second: limits.frames_per_second,
            ends: limits.rate_policy == RatePolicy::Close,
        };
        let rules = FrameRules { message_len: limits.message_len, rates, is_lenient: false };
        let lenient_rules = Arc::new(FrameRules { is_lenient: true, ..rules.clone() });
        Arc::new(Self {
            route,
            rules: Arc::new(rules),
            lenient_rules,
            open: AtomicUsize::new(0),
            peers: Mutex::default(),
            subjects: Mutex::default(),
            counters: RouteCounters::default(),
        })
    }

    /// Lets a connection in, or tells the limit that forbids it.
    pub(crate) fn enter(self: &Arc<Self>, peer: &Peer, subject: Option<&str>) -> Result<Place, TooMany> {
        let limits = &self.route.limits;
        let most = limits.connections.unwrap_or(usize::MAX);
        let more = |open: usize| (open < most).then_some(open + 1);
        if self.open.fetch_update(Relaxed, Relaxed, more).is_err() {
            return Err(TooMany { limit: "connections", value: most });
        }
        // From here on the drop gives back what was taken.
        let mut place = Place { state: Arc::clone(self), counted: None };
        if let (Some(limit), Peer::Tcp(address)) = (limits.per_peer, peer) {
            take(&self.peers, address.ip(), limit, "per_peer")?;
            place.counted.get_or_insert_default().peer = Some(address.ip());
        }
        if let (Some(limit), Some(subject)) = (limits.per_subject, subject) {
            take(&self.subjects, subject.into(), limit, "per_subject")?;
            place.counted.get_or_insert_default().subject = Some(subject.into());
        }
        Ok(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.state.open.fetch_sub(1, Relaxed);
        let Some(counted) = &self.counted else { return };
        if let Some(peer) = &counted.peer {
            give_back(&self.state.peers, peer);
        }
        if let Some(subject) = &counted.subject {
            give_back(&self.state.subjects, subject);
        }
    }
}

fn take<K: Eq + Hash>(
    counts: &Mutex<HashMap<K, usize>>,
    key: K,
    limit: usize,
    name: &'static str,
) -> Result<(), TooMany> {
    let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
    if counts.get(&key).is_some_and(|count| *count >= limit) || limit == 0 {
        return Err(TooMany { limit: name, value: limit });
    }
    *counts.entry(key).or_default() += 1;
    Ok(())
}

fn give_back<K: Eq + Hash>(counts: &Mutex<HashMap<K, usize>>, key: &K) {
    let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(change: impl FnOnce(&mut Route)) -> Arc<RouteState> {
        let mut route = Route::new("r", "127.0.0.1:1".parse().expect("an address"));
        change(&mut route);
        RouteState::new(route)
    }

    #[test]
    fn counts_peers_and_subjects_and_forgets_them() {
        let state = route(|route| (route.limits.per_peer, route.limits.per_subject) = (Some(2), Some(1)));
        let peer = Peer::Tcp("10.0.0.1:5".parse().expect("an address"));
        let first = state.enter(&peer, Some("alice")).expect("free");
        let refused = state.enter(&peer, Some("alice")).expect_err("one of a subject");
        assert_eq!(refused.to_string(), "the limit per_subject of 1 is reached");
        let second = state.enter(&peer, None).expect("free");
        assert_eq!(state.enter(&peer, None).expect_err("two of a peer").limit, "per_peer");
        assert_eq!(state.open.load(Relaxed), 2);
        drop((first, second));
        assert_eq!(state.open.load(Relaxed), 0);
        assert!(state.peers.lock().expect("whole").is_empty());
        assert!(state.enter(&peer, Some("alice")).is_ok());
    }

    #[test]
    fn lets_no_more_in_than_the_route_may_have() {
        let state = route(|route| route.limits.connections = Some(1));
        let place = state.enter(&Peer::Unix, None).expect("free");
        assert_eq!(state.enter(&Peer::Unix, None).expect_err("full").limit, "connections");
        drop(place);
        assert!(state.enter(&Peer::Unix, None).is_ok());
    }
}
