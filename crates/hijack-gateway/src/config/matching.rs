//! Which route a request takes.

use std::cmp::Reverse;

use super::{Config, Route};

impl Config {
    /// The route for a request to `host` (as in `Host`, with a port or without) and `path` (with a query or
    /// without): of those that fit, the best host first (itself, then the longest wildcard, then none), and of these
    /// the longest prefix that ends where a segment of the path does. Hosts compare without case.
    ///
    /// It looks at every route and allocates nothing.
    #[must_use]
    pub fn route(&self, host: Option<&str>, path: &str) -> Option<&Route> {
        let host = host.map(without_port);
        let mut best: Option<(&Route, Rank)> = None;
        for route in &self.routes {
            if !is_prefix(&route.path, path) {
                continue;
            }
            let Some(nearness) = nearness(route.host.as_deref(), host) else { continue };
            let rank = (nearness, route.path.len());
            // The first one of equals stays.
            if best.is_none_or(|(_, best)| rank > best) {
                best = Some((route, rank));
            }
        }
        best.map(|(route, _)| route)
    }

    /// All routes, those that are asked first in front.
    pub(super) fn routes_in_order(&self) -> Vec<&Route> {
        let mut routes: Vec<&Route> = self.routes.iter().collect();
        routes.sort_by_key(|route| {
            let host = route.host.as_deref();
            let wildcard = host.and_then(|host| host.strip_prefix('*')).map(str::len);
            let nearness = match (host, wildcard) {
                (_, Some(len)) => len,
                (Some(_), None) => ITSELF,
                (None, None) => ANY,
            };
            Reverse((nearness, route.path.len()))
        });
        routes
    }
}

/// How near the host is, then how much of the path is named.
type Rank = (usize, usize);

const ANY: usize = 0;
const ITSELF: usize = usize::MAX;

/// How near a route's host is to a request's, if it fits at all. A wildcard is as near as it is long.
fn nearness(pattern: Option<&str>, host: Option<&str>) -> Option<usize> {
    let Some(pattern) = pattern else { return Some(ANY) };
    let host = host?;
    match pattern.strip_prefix('*') {
        // `*.example.org` is for names below, not for `example.org`: there is a label in front of the dot.
        Some(end) => (host.len() > end.len() && ends_with(host, end)).then_some(end.len()),
        None => host.eq_ignore_ascii_case(pattern).then_some(ITSELF),
    }
}

fn ends_with(host: &str, end: &str) -> bool {
    let at = host.len() - end.len();
    host.is_char_boundary(at) && host[at..].eq_ignore_ascii_case(end)
}

/// Whether `prefix` is the beginning of `path`, up to the end of a segment.
fn is_prefix(prefix: &str, path: &str) -> bool {
    match path.strip_prefix(prefix) {
        Some(rest) => prefix.ends_with('/') || rest.is_empty() || rest.starts_with(['/', '?']),
        None => false,
    }
}

/// The host in `Host` (RFC 9110 §7.2), without the port, and without the dot that ends a full name.
fn without_port(host: &str) -> &str {
    let name = match host.rsplit_once(':') {
        // An IPv6 address in brackets has colons of its own.
        Some((name, port)) if !port.contains(']') => name,
        _ => host,
    };
    name.strip_suffix('.').unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use hijack::Endpoint;

    use super::*;

    fn config(routes: &[(&str, Option<&str>, &str)]) -> Config {
        let route = |(name, host, path): &(&str, Option<&str>, &str)| {
            let mut route = Route::new(*name, Endpoint::tcp("127.0.0.1", 1));
            route.host = host.map(str::to_owned);
            (*path).clone_into(&mut route.path);
            route
        };
        Config { routes: routes.iter().map(route).collect(), ..Config::default() }
    }

    #[test]
    fn the_best_host_and_then_the_longest_path_wins() {
        let config = config(&[
            ("any", None, "/"),
            ("chat-any", None, "/chat"),
            ("wild", Some("*.example.org"), "/"),
            ("wilder", Some("*.eu.example.org"), "/"),
            ("exact", Some("a.eu.example.org"), "/only"),
            ("deep", Some("*.example.org"), "/chat/rooms/"),
            ("v6", Some("[::1]"), "/"),
        ]);
        let table = [
            (None, "/", Some("any")),
            (Some("example.org"), "/", Some("any")),
            (Some("x.example.org"), "/", Some("wild")),
            (Some("X.EXAMPLE.ORG.:8080"), "/chat", Some("wild")),
            (Some("x.eu.example.org"), "/chat/rooms/1", Some("wilder")),
            (Some("x.us.example.org"), "/chat/rooms/1", Some("deep")),
            (Some("x.us.example.org"), "/chat/rooms", Some("wild")),
            (Some("a.eu.example.org"), "/only?x", Some("exact")),
            (Some("a.eu.example.org"), "/onlyx", Some("wilder")),
            (Some(".example.org"), "/", Some("any")),
            (Some("notexample.org"), "/", Some("any")),
            (Some("üexample.org"), "/", Some("any")),
            (Some("[::1]:80"), "/", Some("v6")),
            (Some("[::1]"), "/", Some("v6")),
            (Some("h"), "/chat", Some("chat-any")),
            (Some("h"), "/chat/x", Some("chat-any")),
            (Some("h"), "/chat?x=/", Some("chat-any")),
            (Some("h"), "/chatty", Some("any")),
            (Some("h"), "*", None),
            (Some("h"), "", None),
        ];
        for (host, path, name) in table {
            let found = config.route(host, path).map(|route| route.name.as_str());
            assert_eq!(found, name, "{host:?} {path}");
        }
    }

    #[test]
    fn the_order_shown_is_the_order_of_matching() {
        let config = config(&[
            ("any", None, "/"),
            ("any-long", None, "/long/path/that/is/longer/than/hosts"),
            ("wild", Some("*.example.org"), "/"),
            ("exact", Some("a"), "/"),
            ("exact-path", Some("a"), "/x"),
            ("wilder", Some("*.eu.example.org"), "/"),
        ]);
        let names: Vec<&str> = config.routes_in_order().iter().map(|route| route.name.as_str()).collect();
        assert_eq!(names, ["exact-path", "exact", "wilder", "wild", "any-long", "any"]);
    }
}
