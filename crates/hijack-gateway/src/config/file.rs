//! `gateway.toml`: its keys, one function for each table, in the order of the example.

use std::path::Path;

use hijack::Endpoint;

use super::error::{ConfigError, Mistake};
use super::read::{Reader, Section};
use super::{
    Admin, Compression, Config, Limits, RatePolicy, Role, Route, RouteLimits, SlowReader, Subject, TlsFiles,
    Token, Tunnel,
};

/// The keys of each table. The example has every one of them, which a test sees to.
pub(super) const ROOT: [&str; 10] = [
    "listen",
    "tls",
    "upstream_ca",
    "drain",
    "closed_kept",
    "closed_for",
    "limits",
    "admin",
    "route",
    "connect",
];
pub(super) const TLS: [&str; 2] = ["cert", "key"];
pub(super) const LIMITS: [&str; 7] = [
    "connections",
    "handshakes_per_second",
    "upgrade_body_len",
    "answer_timeout",
    "connect_timeout",
    "shown_len",
    "shown_queue",
];
pub(super) const ADMIN: [&str; 4] = ["listen", "hosts", "audit", "token"];
pub(super) const TOKEN: [&str; 4] = ["role", "secret", "secret_env", "secret_file"];
pub(super) const ROUTE: [&str; 10] = [
    "host",
    "path",
    "upstream",
    "upgrades",
    "origins",
    "allow_no_origin",
    "compression",
    "grpc",
    "subject",
    "limits",
];
pub(super) const SUBJECT: [&str; 2] = ["header", "cookie"];
pub(super) const CONNECT: [&str; 3] = ["upstream", "grpc", "limits"];
pub(super) const ROUTE_LIMITS: [&str; 14] = [
    "connections",
    "per_peer",
    "per_subject",
    "message_len",
    "messages_per_second",
    "frames_per_second",
    "rate_policy",
    "idle",
    "lifetime",
    "half_open",
    "ping_after",
    "pong_timeout",
    "slow_reader",
    "slow_after",
];

impl Config {
    /// Reads a configuration. `file` is its name, for mistakes and as the place where relative paths begin.
    ///
    /// Without a table `admin` the operators' side has its defaults; `admin = false` leaves it out. Tokens are taken
    /// from where the text says: files are read, and the environment. Whether all of it fits together
    /// [`check`](Self::check) tells.
    ///
    /// # Errors
    ///
    /// All mistakes together, each with its line and key.
    pub fn from_toml(text: &str, file: &str) -> Result<Self, ConfigError> {
        Self::from_toml_with(text, file, &|name| std::env::var(name).ok())
    }

    /// Reads a file, as [`from_toml`](Self::from_toml).
    ///
    /// # Errors
    ///
    /// If it cannot be read, and those of `from_toml`.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let file = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::from_toml(&text, &file),
            Err(error) => {
                let text = format!("the configuration cannot be read: {error} (is the path right?)");
                Err(ConfigError::one(Mistake::new(file, "", text)))
            }
        }
    }

    /// Notes that the value of `key` comes from `flag` now, so that mistakes name this instead of a line.
    pub fn set_by_flag(&mut self, key: &str, flag: &str) {
        self.places.set_flag(key, flag);
    }

    pub(super) fn from_toml_with(
        text: &str,
        file: &str,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(text, file, variable);
        let mut config = Self { admin: Some(Admin::default()), ..Self::default() };
        if let Some(table) = reader.parse() {
            let root = reader.root(&table, &ROOT);
            reader.config(&root, &mut config);
        }
        config.places = reader.finish()?;
        Ok(config)
    }
}

/// Puts what was said in the place of a default.
fn set<T>(place: &mut T, said: Option<T>) {
    if let Some(said) = said {
        *place = said;
    }
}

impl Reader<'_> {
    fn config(&mut self, root: &Section<'_>, config: &mut Config) {
        set(&mut config.listen, self.texts(root, "listen"));
        config.tls = self.tls(root);
        config.upstream_ca = self.path(root, "upstream_ca");
        set(&mut config.drain, self.duration(root, "drain"));
        set(&mut config.closed_kept, self.number(root, "closed_kept"));
        set(&mut config.closed_for, self.duration(root, "closed_for"));
        self.limits(root, &mut config.limits);
        config.admin = self.admin(root);
        for (name, section) in self.named(root, "route", &ROUTE) {
            config.routes.extend(self.route(name, &section));
        }
        for (target, section) in self.named(root, "connect", &CONNECT) {
            config.connect.extend(self.tunnel(target, &section));
        }
    }

    fn tls(&mut self, of: &Section<'_>) -> Option<TlsFiles> {
        let section = self.section(of, "tls", &TLS)?;
        let (cert, key) = (self.path(&section, "cert"), self.path(&section, "key"));
        if !section.has("cert") || !section.has("key") {
            self.mistake(&section, "", "it takes both: cert, the certificate chain, and key (PEM files)");
        }
        Some(TlsFiles { cert: cert?, key: key? })
    }

    fn limits(&mut self, of: &Section<'_>, limits: &mut Limits) {
        let Some(section) = self.section(of, "limits", &LIMITS) else { return };
        set(&mut limits.connections, self.number(&section, "connections"));
        limits.handshakes_per_second = self.number(&section, "handshakes_per_second");
        set(&mut limits.upgrade_body_len, self.size(&section, "upgrade_body_len"));
        set(&mut limits.answer_timeout, self.duration(&section, "answer_timeout"));
        set(&mut limits.connect_timeout, self.duration(&section, "connect_timeout"));
        set(&mut limits.shown_len, self.size(&section, "shown_len"));
        set(&mut limits.shown_queue, self.number(&section, "shown_queue"));
    }

    fn admin(&mut self, root: &Section<'_>) -> Option<Admin> {
        let mut admin = Admin::default();
        if !root.has("admin") {
            return Some(admin);
        }
        if root.is_false("admin") {
            return None;
        }
        let section = self.section(root, "admin", &ADMIN)?;
        set(&mut admin.listen, self.text(&section, "listen"));
        set(&mut admin.hosts, self.texts(&section, "hosts"));
        admin.audit = self.path(&section, "audit");
        for (name, section) in self.named(&section, "token", &TOKEN) {
            admin.tokens.extend(self.token(name, &section));
        }
        Some(admin)
    }

    fn token(&mut self, name: String, section: &Section<'_>) -> Option<Token> {
        let role = self.choice(section, "role", &ROLES);
        self.refuse_missing(section, "role", "it is missing: viewer, inspector or operator");
        let secret = self.secret(section);
        Some(Token { name, role: role?, secret: secret? })
    }

    /// A secret from the one of three places that is named.
    fn secret(&mut self, section: &Section<'_>) -> Option<String> {
        let named = ["secret", "secret_env", "secret_file"].iter().filter(|name| section.has(name)).count();
        if named != 1 {
            let text = "it takes one of secret, secret_env (a variable of the environment) and secret_file";
            self.mistake(section, "", text);
            return None;
        }
        if let Some(path) = self.path(section, "secret_file") {
            return match std::fs::read_to_string(&path) {
                Ok(secret) => Some(secret.trim_end().to_owned()),
                Err(error) => {
                    self.mistake(section, "secret_file", format!("cannot read {}: {error}", path.display()));
                    None
                }
            };
        }
        if let Some(name) = self.text(section, "secret_env") {
            let secret = self.variable(&name);
            if secret.is_none() {
                self.mistake(
                    section,
                    "secret_env",
                    format!("the variable {name:?} is not set in the environment"),
                );
            }
            return secret;
        }
        self.text(section, "secret")
    }

    fn route(&mut self, name: String, section: &Section<'_>) -> Option<Route> {
        let upstream = self.upstream(section);
        self.refuse_missing(
            section,
            "upstream",
            "it is missing: http://host:port, https://host:port or unix:/path",
        );
        let host = self.text(section, "host");
        let path = self.text(section, "path");
        let upgrades = self.texts(section, "upgrades");
        let origins = self.texts(section, "origins");
        let allow_no_origin = self.truth(section, "allow_no_origin");
        let compression = self.choice(section, "compression", &COMPRESSIONS);
        let grpc = self.truth(section, "grpc");
        let subject = self.subject(section);
        let limits = self.route_limits(section);
        let mut route = Route { host, subject, limits, ..Route::new(name, upstream?) };
        set(&mut route.path, path);
        set(&mut route.grpc, grpc);
        let usual = || GRPC_UPGRADES.map(str::to_owned).into_iter().chain(route.upgrades.clone()).collect();
        let upgrades = upgrades.or_else(|| route.grpc.then(usual));
        set(&mut route.upgrades, upgrades);
        set(&mut route.origins, origins);
        set(&mut route.allow_no_origin, allow_no_origin);
        set(&mut route.compression, compression);
        Some(route)
    }

    fn upstream(&mut self, section: &Section<'_>) -> Option<Endpoint> {
        self.parsed(section, "upstream", |text| {
            text.parse().map_err(|error: hijack::Error| error.to_string())
        })
    }

    fn subject(&mut self, of: &Section<'_>) -> Option<Subject> {
        let section = self.section(of, "subject", &SUBJECT)?;
        match (self.text(&section, "header"), self.text(&section, "cookie")) {
            (Some(header), None) => Some(Subject::Header(header)),
            (None, Some(cookie)) => Some(Subject::Cookie(cookie)),
            _ => {
                self.mistake(
                    &section,
                    "",
                    "it takes either header or cookie, the name of where the user's name stands",
                );
                None
            }
        }
    }

    fn tunnel(&mut self, target: String, section: &Section<'_>) -> Option<Tunnel> {
        let upstream = if section.has("upstream") {
            self.upstream(section)
        } else if target.starts_with('/') {
            self.mistake(section, "upstream", "it is missing: a path leads nowhere by itself");
            None
        } else {
            // The authority is where it leads.
            target
                .parse()
                .map_err(|_| self.mistake(section, "", "it is no host:port, nor a path that begins with /"))
                .ok()
        };
        let grpc = self.truth(section, "grpc").unwrap_or_default();
        let limits = self.route_limits(section);
        Some(Tunnel { target, upstream: upstream?, grpc, limits })
    }

    fn route_limits(&mut self, of: &Section<'_>) -> RouteLimits {
        let mut limits = RouteLimits::default();
        let Some(section) = self.section(of, "limits", &ROUTE_LIMITS) else { return limits };
        limits.connections = self.number(&section, "connections");
        limits.per_peer = self.number(&section, "per_peer");
        limits.per_subject = self.number(&section, "per_subject");
        limits.message_len = self.size(&section, "message_len");
        limits.messages_per_second = self.number(&section, "messages_per_second");
        limits.frames_per_second = self.number(&section, "frames_per_second");
        set(&mut limits.rate_policy, self.choice(&section, "rate_policy", &RATE_POLICIES));
        limits.idle = self.duration(&section, "idle");
        limits.lifetime = self.duration(&section, "lifetime");
        limits.half_open = self.duration(&section, "half_open");
        limits.ping_after = self.duration(&section, "ping_after");
        limits.pong_timeout = self.duration(&section, "pong_timeout");
        set(&mut limits.slow_reader, self.choice(&section, "slow_reader", &SLOW_READERS));
        limits.slow_after = self.duration(&section, "slow_after");
        limits
    }
}

/// Tokens that pass besides the usual ones where a route is marked `grpc`.
const GRPC_UPGRADES: [&str; 2] = ["hijack-grpc", "hijack-grpc-reverse"];

const ROLES: [(&str, Role); 3] =
    [("viewer", Role::Viewer), ("inspector", Role::Inspector), ("operator", Role::Operator)];
const COMPRESSIONS: [(&str, Compression); 3] = [
    ("passthrough", Compression::Passthrough),
    ("inflate", Compression::Inflate),
    ("plain", Compression::Plain),
];
const RATE_POLICIES: [(&str, RatePolicy); 2] = [("delay", RatePolicy::Delay), ("close", RatePolicy::Close)];
const SLOW_READERS: [(&str, SlowReader); 2] = [("pause", SlowReader::Pause), ("close", SlowReader::Close)];
