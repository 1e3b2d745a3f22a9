//! What a configuration must fulfil as a whole, whether it comes from a file, from flags or from code.

use std::collections::HashMap;
use std::net::IpAddr;

use hijack::Endpoint;
use hijack_proto::tokens;

use super::error::{ConfigError, Mistake};
use super::{Admin, Config, Route, RouteLimits, Subject, Token};

impl Config {
    /// Whether all of it fits together: addresses, hosts and paths are well-formed, nothing is said twice, files of
    /// certificates can be read, the operators' side is not open to everybody.
    ///
    /// # Errors
    ///
    /// All mistakes together, each with its key, its line where it comes from a file, and what to do.
    pub fn check(&self) -> Result<(), ConfigError> {
        let mut check = Check { config: self, mistakes: Vec::new() };
        check.addresses();
        check.files();
        check.limits();
        if let Some(admin) = &self.admin {
            check.admin(admin);
        }
        check.routes();
        check.tunnels();
        ConfigError::of(check.mistakes)
    }
}

/// Characters that a token's secret has at least: 16 of the 64 in base64 are 96 bits.
const SECRET_LEN: usize = 16;

struct Check<'c> {
    config: &'c Config,
    mistakes: Vec<Mistake>,
}

impl<'c> Check<'c> {
    fn mistake(&mut self, key: impl Into<String>, text: impl Into<String>) {
        let key = key.into();
        self.mistakes.push(Mistake::new(self.config.places.place_of(&key), key, text));
    }

    fn addresses(&mut self) {
        if self.config.listen.is_empty() {
            self.mistake("listen", "it listens nowhere: name an address, such as \"127.0.0.1:8080\"");
        }
        let mut seen = Seen::default();
        for address in &self.config.listen {
            self.address("listen", address);
            if seen.again(address, "").is_some() {
                self.mistake("listen", format!("{address} is named twice: leave one out"));
            }
        }
    }

    /// Where something listens: `host:port` or `unix:/path`.
    fn address(&mut self, key: &str, address: &str) {
        let usable = match address.strip_prefix("unix:") {
            Some(path) => !path.is_empty(),
            None => host_and_port(address).is_some(),
        };
        if !usable {
            self.mistake(
                key,
                format!("{address:?} is no address: it looks like 127.0.0.1:8080, [::1]:8080 or unix:/path"),
            );
        }
    }

    fn files(&mut self) {
        if let Some(tls) = &self.config.tls
            && let Err(error) = hijack::tls::server_config(&tls.cert, &tls.key)
        {
            self.mistake("tls", error.to_string());
        }
        if let Some(authorities) = &self.config.upstream_ca
            && let Err(error) = hijack::tls::client_config_with(authorities, None)
        {
            self.mistake("upstream_ca", error.to_string());
        }
    }

    fn limits(&mut self) {
        let limits = &self.config.limits;
        let zeros = [
            ("connections", limits.connections == 0),
            ("handshakes_per_second", limits.handshakes_per_second == Some(0)),
            ("answer_timeout", limits.answer_timeout.is_zero()),
            ("connect_timeout", limits.connect_timeout.is_zero()),
            ("shown_queue", limits.shown_queue == 0),
        ];
        self.refuse_zeros("limits", &zeros);
    }

    fn refuse_zeros(&mut self, table: &str, zeros: &[(&str, bool)]) {
        for (name, _) in zeros.iter().filter(|(_, zero)| *zero) {
            self.mistake(format!("{table}.{name}"), "0 would let nothing pass: give more, or leave it out");
        }
    }

    fn admin(&mut self, admin: &Admin) {
        self.address("admin.listen", &admin.listen);
        // Port 0 is another one each time.
        if self.config.listen.contains(&admin.listen) && !admin.listen.ends_with(":0") {
            let text = format!("clients come in at {} already: give operators another port", admin.listen);
            self.mistake("admin.listen", text);
        }
        if admin.tokens.is_empty() && !is_local(&admin.listen) {
            let text = format!(
                "{} can be reached from other machines, and no token is configured: add [admin.token.NAME] with role and secret_env, or listen on 127.0.0.1",
                admin.listen
            );
            self.mistake("admin.listen", text);
        }
        for host in &admin.hosts {
            if let Some(wrong) = not_a_name(host) {
                self.mistake("admin.hosts", format!("{host:?} {wrong}"));
            }
        }
        let mut seen = Seen::default();
        for token in &admin.tokens {
            self.token(token);
            if let Some(first) = seen.again(&token.secret, &token.name) {
                let text = format!("it has the same secret as {first}, so that nobody can tell them apart");
                self.mistake(format!("admin.token.{}", token.name), text);
            }
        }
    }

    /// A token; what is said of it never shows the secret.
    fn token(&mut self, token: &Token) {
        let key = format!("admin.token.{}", token.name);
        let len = token.secret.chars().count();
        if len < SECRET_LEN {
            let text = format!(
                "a secret of {len} characters can be guessed, the least is {SECRET_LEN}: make one by `openssl rand -base64 24`"
            );
            self.mistake(key, text);
        } else if !token.secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            self.mistake(
                key,
                "the secret has characters that a header cannot carry: use letters, digits and signs",
            );
        }
    }

    fn routes(&mut self) {
        if self.config.routes.is_empty() && self.config.connect.is_empty() {
            self.mistake(
                "route",
                "nothing leads anywhere: add [route.NAME] with an upstream, or give --upstream URL",
            );
        }
        let (mut names, mut places) = (Seen::default(), Seen::default());
        for route in &self.config.routes {
            let key = format!("route.{}", route.name);
            self.route(&key, route);
            if names.again(&route.name, "").is_some() {
                self.mistake(&key, "another route has this name: choose a new one");
            }
            let place = (route.host.as_deref().map(str::to_ascii_lowercase), &route.path);
            if let Some(first) = places.again(&format!("{place:?}"), &route.name) {
                let text =
                    format!("it is for the same host and path as route {first}, which takes all: change one");
                self.mistake(&key, text);
            }
        }
    }

    fn route(&mut self, key: &str, route: &Route) {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if route.name.is_empty() || !route.name.chars().all(plain) {
            self.mistake(
                key,
                "a route's name has letters, digits, `-`, `_` and `.` only: metrics and filters use it",
            );
        }
        if let Some(wrong) = route.host.as_deref().and_then(not_a_host) {
            self.mistake(format!("{key}.host"), wrong);
        }
        if !route.path.starts_with('/') || route.path.contains(['?', '#', ' ']) {
            let text =
                format!("{:?} is no prefix of a path: it begins with / and has no ?, # or space", route.path);
            self.mistake(format!("{key}.path"), text);
        }
        self.upstream(key, &route.upstream);
        for token in &route.upgrades {
            if token != "*" && !tokens::is_protocol(token.as_bytes()) {
                let text =
                    format!("{token:?} is no token of `Upgrade`: name one such as websocket, or * for any");
                self.mistake(format!("{key}.upgrades"), text);
            }
        }
        for origin in &route.origins {
            if !is_origin(origin) {
                let text =
                    format!("{origin:?} is no origin: it looks like https://example.org, without a path");
                self.mistake(format!("{key}.origins"), text);
            }
        }
        if let Some(Subject::Header(name) | Subject::Cookie(name)) = &route.subject
            && !tokens::is_token(name.as_bytes())
        {
            self.mistake(format!("{key}.subject"), format!("{name:?} is no name of a header or cookie"));
        }
        self.route_limits(key, &route.limits);
    }

    fn route_limits(&mut self, key: &str, limits: &RouteLimits) {
        let key = format!("{key}.limits");
        let zero =
            |duration: Option<std::time::Duration>| duration.is_some_and(|duration| duration.is_zero());
        let zeros = [
            ("connections", limits.connections == Some(0)),
            ("per_peer", limits.per_peer == Some(0)),
            ("per_subject", limits.per_subject == Some(0)),
            ("message_len", limits.message_len == Some(0)),
            ("messages_per_second", limits.messages_per_second == Some(0)),
            ("frames_per_second", limits.frames_per_second == Some(0)),
            ("idle", zero(limits.idle)),
            ("lifetime", zero(limits.lifetime)),
            ("half_open", zero(limits.half_open)),
            ("ping_after", zero(limits.ping_after)),
            ("pong_timeout", zero(limits.pong_timeout)),
            ("slow_after", zero(limits.slow_after)),
        ];
        self.refuse_zeros(&key, &zeros);
        if limits.pong_timeout.is_some() && limits.ping_after.is_none() {
            self.mistake(
                format!("{key}.pong_timeout"),
                "nothing is pinged without ping_after: add it, or leave this out",
            );
        }
    }

    /// A route to the gateway itself would go round in circles.
    fn upstream(&mut self, key: &str, upstream: &Endpoint) {
        let own = |address: &String| {
            address.parse::<Endpoint>().is_ok_and(|own| own == upstream.clone().with_tls(false))
        };
        if let Some(address) = self.config.listen.iter().find(|address| own(address)) {
            self.mistake(
                format!("{key}.upstream"),
                format!("it leads to {address}, where the gateway itself listens"),
            );
        }
    }

    fn tunnels(&mut self) {
        let mut seen = Seen::default();
        for tunnel in &self.config.connect {
            let key = format!("connect.{:?}", tunnel.target);
            if !tunnel.target.starts_with('/')
                && host_and_port(&tunnel.target).is_none_or(|(_, port)| port == 0)
            {
                let text = "CONNECT names host:port (or a path that begins with /, as Go's net/rpc does): add the port";
                self.mistake(&key, text);
            }
            if seen.again(&tunnel.target.to_ascii_lowercase(), "").is_some() {
                self.mistake(&key, "another tunnel has this target: leave one out");
            }
            self.upstream(&key, &tunnel.upstream);
            self.route_limits(&key, &tunnel.limits);
        }
    }
}

/// What was said before, and by whom.
#[derive(Default)]
struct Seen(HashMap<String, String>);

impl Seen {
    /// Who said `what` before; else it is noted.
    fn again(&mut self, what: &str, who: &str) -> Option<String> {
        if let Some(first) = self.0.get(what) {
            return Some(first.clone());
        }
        self.0.insert(what.to_owned(), who.to_owned());
        None
    }
}

/// The host without brackets, and the port.
pub(super) fn host_and_port(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    if port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let port = port.parse().ok()?;
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host = match bracketed {
        Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok().then_some(v6)?,
        None => (!host.is_empty() && !host.contains([':', '/', '@', ' ', '[', ']'])).then_some(host)?,
    };
    Some((host, port))
}

/// Whether an address can be reached from this machine only.
pub(super) fn is_local(address: &str) -> bool {
    if address.starts_with("unix:") {
        return true;
    }
    match host_and_port(address) {
        Some((host, _)) => match host.parse::<IpAddr>() {
            Ok(address) => address.to_canonical().is_loopback(),
            Err(_) => host.eq_ignore_ascii_case("localhost"),
        },
        None => false,
    }
}

/// What is wrong with a route's host, and what would be right.
fn not_a_host(host: &str) -> Option<String> {
    let name = match host.strip_prefix('*') {
        Some(rest) => match rest.strip_prefix('.') {
            Some(name) => name,
            None if rest.is_empty() => return Some("`*` alone: leave host out to match all".into()),
            None => return Some(format!("{host:?} is no wildcard: it looks like *.example.org")),
        },
        None => host,
    };
    if name.contains('*') {
        return Some(format!("{host:?} is no wildcard: a star stands in front only, as in *.example.org"));
    }
    not_a_name(name).map(|wrong| format!("{host:?} {wrong}"))
}

/// What is wrong with the name of a host.
fn not_a_name(name: &str) -> Option<&'static str> {
    let bracketed = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    if bracketed.is_some_and(|v6| v6.parse::<std::net::Ipv6Addr>().is_ok()) {
        return None;
    }
    if name.contains("://") {
        return Some("is a URL: give the host alone, as in example.org");
    }
    if name.contains(':') {
        return Some("has a port: leave it out, hosts are compared without");
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let labels = name.split('.').all(|label| !label.is_empty());
    (!labels || !name.bytes().all(plain))
        .then_some("is no host: it looks like example.org (others than ASCII in their xn-- form)")
}

/// Whether it is what browsers send as `Origin` (RFC 6454 §6.2).
fn is_origin(text: &str) -> bool {
    if text == "null" {
        return true;
    }
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let scheme_is_plain =
        !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let host = host_and_port(rest).map_or(rest, |_| rest.rsplit_once(':').map_or(rest, |(host, _)| host));
    scheme_is_plain && not_a_name(host).is_none()
}
