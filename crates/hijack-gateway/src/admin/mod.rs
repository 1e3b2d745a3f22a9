//! The operators' side: an API, live streams, metrics and the console, for whoever has a token.
//!
//! `auth` decides who may ask, `api` what is answered, `live` streams, `audit` notes every act, `console` is the page.

mod api;
mod audit;
mod auth;
mod console;
mod live;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hijack::{Body, Error, Exchange, Listener, Outcome, Server, ShutdownReport};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;

use crate::Gateway;
use crate::config::{Admin, Role, Token};
use audit::Audit;
use auth::Denied;

/// The operators' server of a [`Gateway`], listening.
#[derive(Debug)]
pub struct AdminServer {
    listener: Listener,
    server: Server,
    site: Arc<Site>,
    /// The token that was made because the configuration has none.
    made: Option<String>,
}

/// What all requests share.
pub(crate) struct Site {
    gateway: Gateway,
    /// What `Host` may say.
    hosts: Vec<String>,
    tokens: Vec<Token>,
    audit: Audit,
}

impl AdminServer {
    /// Listens where `config` says. Without tokens in it one is made for an operator, or taken from `token`, which is what
    /// the program has from its environment.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] if the address cannot be had, if it can be reached from other machines and the configuration has
    /// no tokens, or if the audit log cannot be opened.
    pub async fn bind(gateway: Gateway, config: &Admin, token: Option<String>) -> Result<Self, Error> {
        let mut tokens = config.tokens.clone();
        let mut made = None;
        if let Some(secret) = token {
            tokens.push(Token { name: "environment".into(), role: Role::Operator, secret });
        }
        if tokens.is_empty() && !is_local(&config.listen) {
            return Err(Error::Config(format!(
                "the admin API would listen on {} for everybody: give it tokens ([[admin.token]]), or listen on 127.0.0.1",
                config.listen
            )));
        }
        if tokens.is_empty() {
            let secret = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 24]>());
            tokens.push(Token { name: "operator".into(), role: Role::Operator, secret: secret.clone() });
            made = Some(secret);
        }
        let listener = Listener::bind(&config.listen).await?;
        let hosts = hosts_of(&listener.local_address(), &config.hosts);
        let audit = Audit::open(config.audit.as_deref())?;
        let site = Arc::new(Site { gateway, hosts, tokens, audit });
        let server = Server::builder().configure(|server| server.max_connections = MOST_CONNECTIONS).build();
        Ok(Self { listener, server, site, made })
    }

    /// Where it listens.
    #[must_use]
    pub fn local_address(&self) -> String {
        self.listener.local_address()
    }

    /// The token that was made, to be shown once.
    #[must_use]
    pub fn made_token(&self) -> Option<&str> {
        self.made.as_deref()
    }

    /// The server, to be shut down.
    #[must_use]
    pub fn handle(&self) -> AdminHandle {
        AdminHandle(self.server.clone())
    }

    /// Serves operators, until it is shut down.
    ///
    /// # Cancel safety
    ///
    /// Safe: accepting stops and the listener closes; what is under way goes on.
    pub async fn serve(self) {
        let site = self.site;
        self.server.serve(self.listener, move |exchange| answer(Arc::clone(&site), exchange)).await;
    }
}

/// The means to end an [`AdminServer`].
#[derive(Debug, Clone)]
pub struct AdminHandle(Server);

impl AdminHandle {
    /// Ends it: live streams are told, and cut when `deadline` is over.
    ///
    /// # Cancel safety
    ///
    /// Cancelled, nothing more is forced.
    pub async fn shutdown(&self, deadline: Duration) -> ShutdownReport {
        self.0.shutdown(deadline).await
    }
}

async fn answer(site: Arc<Site>, exchange: Exchange) -> Result<Outcome, Error> {
    match exchange.uri().path() {
        "/healthz" => return exchange.respond(json(StatusCode::OK, &Health { ok: true })).await,
        "/readyz" => {
            let ok = site.gateway.is_ready();
            let status = if ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            return exchange.respond(json(status, &Health { ok })).await;
        }
        _ => {}
    }
    let allowed = auth::check_host(exchange.headers(), &site.hosts)
        .and_then(|()| auth::check_origin(exchange.headers()));
    if let Err(denied) = allowed {
        return exchange.respond(denial(&denied)).await;
    }
    if let Some(page) = console::answer(&site, &exchange) {
        return exchange.respond(page).await;
    }
    match auth::identify(exchange.headers(), &site.tokens) {
        Ok(who) => api::answer(site, exchange, who).await,
        Err(denied) => exchange.respond(denial(&denied)).await,
    }
}

#[derive(Serialize)]
struct Health {
    ok: bool,
}

/// An error, as the API tells it.
#[derive(Serialize)]
struct Problem<'a> {
    error: &'a str,
    detail: &'a str,
}

fn denial(denied: &Denied) -> Response<Body> {
    let mut response = problem(denied.status, denied.error, &denied.detail);
    if denied.status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

fn problem(status: StatusCode, error: &str, detail: &str) -> Response<Body> {
    json(status, &Problem { error, detail })
}

fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    let bytes = serde_json::to_vec(value).unwrap_or_default();
    typed(status, "application/json", bytes)
}

/// An answer that no browser is to keep, guess about, or let others embed.
fn typed(status: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for (name, value) in SAFE {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

/// Whether an address is reached from this machine alone.
fn is_local(address: &str) -> bool {
    if address.starts_with("unix:") || address.starts_with("localhost:") {
        return true;
    }
    address.parse::<SocketAddr>().is_ok_and(|address| address.ip().is_loopback())
}

/// What `Host` may say, without ports.
fn hosts_of(address: &str, more: &[String]) -> Vec<String> {
    let mut hosts = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "[::1]".to_owned()];
    if let Ok(address) = address.parse::<SocketAddr>() {
        hosts.push(match address.ip() {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        });
    }
    hosts.extend(more.iter().cloned());
    hosts
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site")
            .field("gateway", &self.gateway)
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}

/// Connections of operators' at once.
const MOST_CONNECTIONS: usize = 256;

const SAFE: [(&str, &str); 4] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
];
