//! What is counted since the start, in the form of Prometheus. Tunnels and requests have names of their own.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use crate::ConnectionView;
use crate::gateway::Shared;
use crate::routes::{RouteCounters, RouteState};

/// Counters of the whole gateway; those of routes are in their state.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    /// Ends by route, by whom, and a cause without values in it.
    ends: Mutex<BTreeMap<(String, String, String), u64>>,
    pub(crate) refused_draining: AtomicU64,
    pub(crate) refused_rate: AtomicU64,
    pub(crate) unrouted: AtomicU64,
}

impl Metrics {
    pub(crate) fn count_end(&self, view: &ConnectionView) {
        let by = view.closed_by.clone().unwrap_or_default();
        let cause = match (by.as_str(), view.code) {
            // What a peer writes must not make a new time series.
            ("client" | "upstream", Some(code)) => code.to_string(),
            ("operator", _) => "kicked".to_owned(),
            _ => plain_cause(view.reason.as_deref()),
        };
        let key = (view.route.clone(), by, cause);
        *self.ends.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += 1;
    }
}

/// A cause without its values: the words up to the first digit.
fn plain_cause(reason: Option<&str>) -> String {
    let reason = reason.unwrap_or("unknown");
    let end = reason.find(|c: char| c.is_ascii_digit()).unwrap_or(reason.len());
    reason[..end].trim_end_matches([' ', ':']).trim_end_matches(" of").to_owned()
}

impl Shared {
    /// All of them, as text.
    pub(crate) fn metrics_text(&self) -> String {
        let mut out = String::new();
        let open = ("hijack_tunnels_open", "gauge", "Taken-over connections that live");
        self.put_family(&mut out, open, |route| route.open.load(Relaxed) as u64);
        for (name, help, pick) in OF_ROUTES {
            self.put_family(&mut out, (name, "counter", help), |route| pick(&route.counters).load(Relaxed));
        }
        self.put_ends(&mut out);
        self.put_calls(&mut out);
        for (name, help, pick) in OF_ALL {
            let value = pick(&self.metrics).load(Relaxed);
            let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} counter\n{name} {value}");
        }
        out
    }

    /// One metric of every route.
    fn put_family(
        &self,
        out: &mut String,
        (name, kind, help): (&str, &str, &str),
        value: impl Fn(&RouteState) -> u64,
    ) {
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for route in self.all_routes() {
            let _ = writeln!(out, "{name}{{route=\"{}\"}} {}", escaped(&route.route.name), value(route));
        }
    }

    /// Calls of gRPC, on routes that are marked for it.
    fn put_calls(&self, out: &mut String) {
        let name = "hijack_grpc_calls_total";
        let _ = writeln!(
            out,
            "# HELP {name} Ended calls of gRPC inside tunnels, by status\n# TYPE {name} counter"
        );
        for route in self.all_routes().filter(|route| route.route.grpc) {
            for (status, count) in route.counters.calls.counts() {
                let route = escaped(&route.route.name);
                let _ = writeln!(out, "{name}{{route=\"{route}\",status=\"{status}\"}} {count}");
            }
        }
    }

    fn all_routes(&self) -> impl Iterator<Item = &Arc<RouteState>> {
        self.routes.iter().chain(self.tunnels.iter().map(|(_, route)| route))
    }

    fn put_ends(&self, out: &mut String) {
        let name = "hijack_tunnel_ends_total";
        let _ = writeln!(out, "# HELP {name} Ended tunnels, by whom and why\n# TYPE {name} counter");
        for ((route, by, cause), count) in
            self.metrics.ends.lock().unwrap_or_else(PoisonError::into_inner).iter()
        {
            let (route, cause) = (escaped(route), escaped(cause));
            let _ = writeln!(out, "{name}{{route=\"{route}\",by=\"{by}\",cause=\"{cause}\"}} {count}");
        }
    }
}

/// A label's value.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// Where a counter stands.
type Pick<T> = fn(&T) -> &AtomicU64;

/// Counters of each route: name, help, and where they are.
const OF_ROUTES: [(&str, &str, Pick<RouteCounters>); 9] = [
    ("hijack_tunnels_total", "Connections taken over", |of| &of.takeovers),
    ("hijack_tunnels_declined_total", "Upgrades that the upstream declined", |of| &of.declined),
    ("hijack_tunnels_refused_total", "Upgrades that a limit or rule refused", |of| &of.refused),
    ("hijack_requests_total", "Ordinary requests passed on", |of| &of.requests),
    ("hijack_request_failures_total", "Ordinary requests that got no answer", |of| &of.request_failures),
    ("hijack_tunnel_received_bytes_total", "Bytes from clients, of ended tunnels", |of| &of.bytes_in),
    ("hijack_tunnel_sent_bytes_total", "Bytes to clients, of ended tunnels", |of| &of.bytes_out),
    ("hijack_tunnel_received_messages_total", "Messages from clients, of ended tunnels", |of| {
        &of.messages_in
    }),
    ("hijack_tunnel_sent_messages_total", "Messages to clients, of ended tunnels", |of| &of.messages_out),
];

/// Counters of the whole gateway.
const OF_ALL: [(&str, &str, Pick<Metrics>); 3] = [
    ("hijack_refused_draining_total", "Takeovers refused while draining", |of| &of.refused_draining),
    ("hijack_refused_rate_total", "Takeovers beyond handshakes_per_second", |of| &of.refused_rate),
    ("hijack_unrouted_total", "Requests for which there is no route", |of| &of.unrouted),
];
