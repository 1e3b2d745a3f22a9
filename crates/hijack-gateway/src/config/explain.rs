//! What a configuration means, in words: for `hijack gateway --check`.

use std::fmt::{self, Write};
use std::time::Duration;

use super::check::is_local;
use super::{Admin, Compression, Config, RatePolicy, Role, Route, RouteLimits, SlowReader, Subject, Tunnel};
use crate::units::{show_ms, show_size};

impl Config {
    /// What it means, in lines for people: where it listens, each route in the order in which they are matched, the
    /// limits, who may do what. It shows no secret.
    #[must_use]
    pub fn explain(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, out: &mut String) -> fmt::Result {
        let by = if self.tls.is_some() { ", by TLS" } else { "" };
        writeln!(out, "clients come in at {}{by}", self.listen.join(" and "))?;
        if let Some(tls) = &self.tls {
            writeln!(out, "  certificate {}, key {}", tls.cert.display(), tls.key.display())?;
        }
        match &self.admin {
            Some(admin) => write_admin(admin, out)?,
            None => writeln!(out, "operators have no access")?,
        }
        writeln!(out, "routes, in the order in which they are matched:")?;
        for route in self.routes_in_order() {
            write_route(route, out)?;
        }
        if self.routes.is_empty() {
            writeln!(out, "  none: ordinary requests and upgrades are answered 404")?;
        }
        self.write_tunnels(out)?;
        self.write_limits(out)
    }

    fn write_tunnels(&self, out: &mut String) -> fmt::Result {
        if self.connect.is_empty() {
            return writeln!(out, "CONNECT is refused");
        }
        writeln!(out, "CONNECT opens a tunnel to these and nothing else:")?;
        for Tunnel { target, upstream, grpc, limits } in &self.connect {
            writeln!(out, "  {target} -> {upstream}")?;
            write_grpc(*grpc, out)?;
            write_route_limits(limits, out)?;
        }
        Ok(())
    }

    fn write_limits(&self, out: &mut String) -> fmt::Result {
        let limits = &self.limits;
        writeln!(out, "limits on all together:")?;
        writeln!(out, "  {} connections of clients", limits.connections)?;
        match limits.handshakes_per_second {
            Some(rate) => writeln!(out, "  {rate} takeovers per second, then 503")?,
            None => writeln!(out, "  any number of takeovers per second")?,
        }
        let body = show_size(limits.upgrade_body_len as u64);
        writeln!(out, "  {body} of body with a request for an upgrade, then 413")?;
        let (connect, answer) = (show(limits.connect_timeout), show(limits.answer_timeout));
        writeln!(out, "  {connect} to connect to an upstream, {answer} for its answer")?;
        let shown = show_size(limits.shown_len as u64);
        writeln!(
            out,
            "  {shown} of a message shown, {} messages kept for whoever looks",
            limits.shown_queue
        )?;
        writeln!(out, "  a drain is spread over {}", show(self.drain))?;
        writeln!(
            out,
            "  {} ended connections are remembered for {}",
            self.closed_kept,
            show(self.closed_for)
        )?;
        if let Some(authorities) = &self.upstream_ca {
            writeln!(out, "upstreams by TLS are checked with {}", authorities.display())?;
        }
        Ok(())
    }
}

fn write_admin(admin: &Admin, out: &mut String) -> fmt::Result {
    let reach = if is_local(&admin.listen) { "this machine only" } else { "other machines too" };
    writeln!(out, "operators come in at {}, from {reach}", admin.listen)?;
    if admin.tokens.is_empty() {
        writeln!(out, "  by HIJACK_TOKEN, or a token that is made and printed at the start: an operator")?;
    }
    for token in &admin.tokens {
        let may = match token.role {
            Role::Viewer => "viewer: sees connections and counters",
            Role::Inspector => "inspector: sees payloads too",
            Role::Operator => "operator: sees, sends, kicks, tags, drains",
        };
        writeln!(out, "  {}, {may}", token.name)?;
    }
    if !admin.hosts.is_empty() {
        writeln!(out, "  also by the names {}", admin.hosts.join(", "))?;
    }
    match &admin.audit {
        Some(path) => writeln!(out, "  every act is appended to {}", path.display()),
        None => writeln!(out, "  no file keeps what they do (admin.audit names one)"),
    }
}

fn write_route(route: &Route, out: &mut String) -> fmt::Result {
    let host = route.host.as_deref().unwrap_or("any host");
    let below = if route.path.ends_with('/') { "" } else { " and below" };
    writeln!(out, "  {}: {host}, {}{below} -> {}", route.name, route.path, route.upstream)?;
    match &route.upgrades[..] {
        [] => writeln!(out, "    no upgrade passes")?,
        tokens if tokens.iter().any(|token| token == "*") => {
            let but =
                if tokens.iter().any(|token| token.eq_ignore_ascii_case("h2c")) { "" } else { " but h2c" };
            writeln!(out, "    upgrades to anything{but}")?;
        }
        tokens => writeln!(out, "    upgrades to {}", tokens.join(", "))?,
    }
    if !route.origins.is_empty() {
        let programs = if route.allow_no_origin { ", and by programs" } else { ", not by programs" };
        writeln!(out, "    WebSockets opened by pages of {}{programs}", route.origins.join(", "))?;
    }
    writeln!(
        out,
        "    {}",
        match route.compression {
            Compression::Passthrough => "compression passes; of compressed messages only sizes are seen",
            Compression::Inflate =>
                "compression passes, and is inflated beside, some 40 KiB for each direction",
            Compression::Plain => "compression is not offered to the upstream, messages travel plain",
        }
    )?;
    write_grpc(route.grpc, out)?;
    match &route.subject {
        Some(Subject::Header(name)) => writeln!(out, "    the user is in the header {name}")?,
        Some(Subject::Cookie(name)) => writeln!(out, "    the user is in the cookie {name}")?,
        None => {}
    }
    write_route_limits(&route.limits, out)
}

fn write_grpc(grpc: bool, out: &mut String) -> fmt::Result {
    if grpc {
        writeln!(out, "    calls of gRPC inside are listed; such connections do not move")
    } else {
        Ok(())
    }
}

fn write_route_limits(limits: &RouteLimits, out: &mut String) -> fmt::Result {
    let mut said: Vec<String> = Vec::new();
    let counts = [
        (limits.connections, "connections"),
        (limits.per_peer, "connections per client address"),
        (limits.per_subject, "connections per user"),
    ];
    said.extend(counts.iter().filter_map(|(count, what)| count.map(|count| format!("{count} {what}"))));
    if let Some(len) = limits.message_len {
        said.push(format!("messages to {}", show_size(len)));
    }
    let beyond = match limits.rate_policy {
        RatePolicy::Delay => "delayed beyond",
        RatePolicy::Close => "closed with 1008 beyond",
    };
    let rates = [(limits.messages_per_second, "messages"), (limits.frames_per_second, "frames")];
    said.extend(
        rates
            .iter()
            .filter_map(|(rate, what)| rate.map(|rate| format!("{rate} {what} per second ({beyond})"))),
    );
    let times = [
        (limits.idle, "idle"),
        (limits.lifetime, "of life"),
        (limits.half_open, "half open"),
        (limits.ping_after, "of silence before a ping"),
        (limits.pong_timeout, "for its pong"),
    ];
    said.extend(times.iter().filter_map(|(time, what)| time.map(|time| format!("{} {what}", show(time)))));
    if limits.slow_reader == SlowReader::Close {
        said.push(format!(
            "slow readers closed with 1013 after {}",
            show(limits.slow_after.unwrap_or(SLOW_AFTER))
        ));
    }
    if said.is_empty() { Ok(()) } else { writeln!(out, "    limits: {}", said.join(", ")) }
}

/// The default of [`RouteLimits::slow_after`].
const SLOW_AFTER: Duration = Duration::from_secs(10);

fn show(duration: Duration) -> String {
    show_ms(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}
