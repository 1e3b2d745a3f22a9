//! What operators ask for, and what they are told.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hijack::{Body, Error, Exchange, Outcome, Side};
use http::header::ALLOW;
use http::{HeaderValue, Method, Response, StatusCode};
use serde::{Deserialize, Serialize};

use super::auth::{self, Denied, Who};
use super::{Site, denial, json, live, problem, typed};
use crate::config::Role;
use crate::filter::Filter;
use crate::{ConnectionView, Kick, Payload, SendFailure};

/// Answers whoever was let in.
pub(super) async fn answer(site: Arc<Site>, mut exchange: Exchange, who: Who) -> Result<Outcome, Error> {
    let query = match Query::read(exchange.uri().query().unwrap_or_default()) {
        Ok(query) => query,
        Err(refusal) => return exchange.respond(refusal.answer()).await,
    };
    let path = exchange.uri().path().to_owned();
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let method = exchange.method().clone();
    let is_streamed = method == Method::GET
        && matches!(parts[..], ["api", "events"] | ["api", "connections", _, "messages"]);
    if is_streamed {
        return stream(site, exchange, &who, &parts).await;
    }
    let body = match exchange.read_to_end(MOST_BODY).await {
        Ok(body) => body,
        Err(Error::BodyTooLong { limit }) => {
            let detail = format!("a body of more than {limit} bytes");
            return exchange.respond(problem(StatusCode::PAYLOAD_TOO_LARGE, "too long", &detail)).await;
        }
        Err(error) => return Err(error),
    };
    let call = Call { site: &site, who: &who, query: &query, body: &body };
    let response = match call.dispatch(&method, &parts).await {
        Ok(response) => response,
        Err(refusal) => refusal.answer(),
    };
    exchange.respond(response).await
}

/// The two live streams.
async fn stream(site: Arc<Site>, exchange: Exchange, who: &Who, parts: &[&str]) -> Result<Outcome, Error> {
    if let ["api", "events"] = parts {
        return live::events(&site.gateway, exchange).await;
    }
    if let Err(denied) = auth::authorize(who, Role::Inspector) {
        return exchange.respond(denial(&denied)).await;
    }
    let messages = id_of(parts[2]).ok().and_then(|id| Some((id, site.gateway.watch(id)?)));
    let Some((id, messages)) = messages else {
        return exchange.respond(Refusal::unknown(parts[2]).answer()).await;
    };
    site.audit.note(who, "look", parts[2], "", 1);
    live::messages(&site.gateway, exchange, id, messages).await
}

/// One request to be answered at once.
struct Call<'c> {
    site: &'c Site,
    who: &'c Who,
    query: &'c Query,
    body: &'c [u8],
}

type Answered = Result<Response<Body>, Refusal>;

impl Call<'_> {
    async fn dispatch(&self, method: &Method, parts: &[&str]) -> Answered {
        match (method.as_str(), parts) {
            ("GET", ["api", "connections"]) => self.list(),
            ("DELETE", ["api", "connections"]) => self.kick_all(),
            ("GET", ["api", "connections", id]) => self.show(id),
            ("DELETE", ["api", "connections", id]) => self.kick(id),
            ("POST", ["api", "connections", id, "messages"]) => self.send(id).await,
            ("PUT", ["api", "connections", id, "tags"]) => self.tag(id),
            ("POST", ["api", "broadcast"]) => self.broadcast().await,
            ("GET", ["metrics"]) => Ok(typed(StatusCode::OK, METRICS, self.site.gateway.metrics())),
            ("GET", ["api", "openapi.json"]) => Ok(typed(StatusCode::OK, "application/json", OPENAPI)),
            (_, ["api", "connections"] | ["api", "connections", _]) => Err(Refusal::Method("GET, DELETE")),
            (_, ["api", "connections", _, "messages"]) => Err(Refusal::Method("GET, POST")),
            (_, ["api", "connections", _, "tags"]) => Err(Refusal::Method("PUT")),
            (_, ["api", "broadcast"]) => Err(Refusal::Method("POST")),
            (_, ["metrics"] | ["api", "events"] | ["api", "openapi.json"]) => Err(Refusal::Method("GET")),
            _ => Err(Refusal::NotFound("there is nothing: see /api/openapi.json".into())),
        }
    }

    fn list(&self) -> Answered {
        let filter = self.query.filter()?;
        let limit = self.query.number("limit")?.unwrap_or(USUAL_PAGE).clamp(1, MOST_PAGE);
        let after = self.query.number("cursor")?.unwrap_or(0);
        let page = self.site.gateway.list(&filter, after, usize::try_from(limit).unwrap_or(1));
        let next_cursor = page.next.map(|id| id.to_string());
        Ok(json(StatusCode::OK, &Listed { connections: page.connections, next_cursor }))
    }

    fn show(&self, id: &str) -> Answered {
        let found = self.site.gateway.get(id_of(id)?).ok_or_else(|| Refusal::unknown(id))?;
        Ok(json(StatusCode::OK, &found))
    }

    fn kick(&self, id: &str) -> Answered {
        self.needs(Role::Operator)?;
        let kick = self.query.kick()?;
        if !self.site.gateway.kick(id_of(id)?, &kick) {
            return Err(Refusal::unknown(id));
        }
        self.note("kick", id, &kick_text(&kick), 1);
        Ok(json(StatusCode::OK, &Matched { matched: 1 }))
    }

    fn kick_all(&self) -> Answered {
        self.needs(Role::Operator)?;
        let (filter, kick) = (self.query.filter()?, self.query.kick()?);
        let rate = self.query.number("rate")?;
        let rate = rate.map(|rate| u32::try_from(rate.clamp(1, 1_000_000)).unwrap_or(u32::MAX));
        if !self.query.has("filter") {
            return Err(Refusal::Bad("a filter is needed: filter= matches all".into()));
        }
        let matched = self.site.gateway.kick_all(&filter, &kick, rate);
        self.note("kick", self.query.text("filter"), &kick_text(&kick), matched);
        Ok(json(StatusCode::OK, &Matched { matched }))
    }

    async fn send(&self, id: &str) -> Answered {
        self.needs(Role::Operator)?;
        let message: Message = self.read_body()?;
        let (to, payload) = (message.to.side(), message.payload.read()?);
        let detail = payload_text(message.to, &payload);
        let sent = self.site.gateway.send(id_of(id)?, to, payload).await;
        sent.ok_or_else(|| Refusal::unknown(id))?.map_err(Refusal::Send)?;
        self.note("send", id, &detail, 1);
        Ok(json(StatusCode::OK, &Delivered { matched: 1, delivered: 1 }))
    }

    async fn broadcast(&self) -> Answered {
        self.needs(Role::Operator)?;
        let call: BroadcastCall = self.read_body()?;
        let filter: Filter =
            call.filter.parse().map_err(|error: crate::FilterError| Refusal::Bad(error.to_string()))?;
        let payload = call.payload.read()?;
        let report = self.site.gateway.broadcast(&filter, call.to.side(), &payload).await;
        self.note("broadcast", &call.filter, &payload_text(call.to, &payload), report.matched);
        Ok(json(StatusCode::OK, &Delivered { matched: report.matched, delivered: report.delivered }))
    }

    fn tag(&self, id: &str) -> Answered {
        self.needs(Role::Operator)?;
        let Tags { tags } = self.read_body()?;
        if tags.len() > MOST_TAGS || tags.iter().any(|tag| tag.is_empty() || tag.len() > MOST_TAG) {
            let text = format!("at most {MOST_TAGS} tags, each of 1 to {MOST_TAG} bytes");
            return Err(Refusal::Bad(text));
        }
        let detail = tags.join(", ");
        let number = id_of(id)?;
        if !self.site.gateway.tag(number, tags) {
            return Err(Refusal::unknown(id));
        }
        self.note("tag", id, &detail, 1);
        self.show(id)
    }

    fn needs(&self, role: Role) -> Result<(), Refusal> {
        auth::authorize(self.who, role).map_err(Refusal::Denied)
    }

    fn note(&self, act: &str, target: &str, detail: &str, matched: usize) {
        self.site.audit.note(self.who, act, target, detail, matched);
    }

    fn read_body<'b, T: Deserialize<'b>>(&'b self) -> Result<T, Refusal> {
        serde_json::from_slice(self.body).map_err(|error| Refusal::Bad(format!("the body: {error}")))
    }
}

/// Why there is no answer.
pub(super) enum Refusal {
    Bad(String),
    NotFound(String),
    Denied(Denied),
    Method(&'static str),
    Send(SendFailure),
}

impl Refusal {
    fn unknown(id: &str) -> Self {
        Self::NotFound(format!("no connection has the id {id:?}"))
    }

    fn answer(self) -> Response<Body> {
        match self {
            Self::Bad(detail) => problem(StatusCode::BAD_REQUEST, "bad request", &detail),
            Self::NotFound(detail) => problem(StatusCode::NOT_FOUND, "not found", &detail),
            Self::Denied(denied) => denial(&denied),
            Self::Send(failure) => problem(StatusCode::CONFLICT, "not sent", &failure.to_string()),
            Self::Method(allowed) => {
                let detail = format!("only {allowed} here");
                let mut response = problem(StatusCode::METHOD_NOT_ALLOWED, "method not allowed", &detail);
                response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
                response
            }
        }
    }
}

#[derive(Serialize)]
struct Listed {
    connections: Vec<ConnectionView>,
    next_cursor: Option<String>,
}

#[derive(Serialize)]
struct Matched {
    matched: usize,
}

#[derive(Serialize)]
struct Delivered {
    matched: usize,
    delivered: usize,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum To {
    Client,
    Upstream,
}

impl To {
    fn side(self) -> Side {
        match self {
            Self::Client => Side::Client,
            Self::Upstream => Side::Server,
        }
    }
}

#[derive(Deserialize)]
struct Message {
    to: To,
    #[serde(flatten)]
    payload: PayloadText,
}

#[derive(Deserialize)]
struct BroadcastCall {
    filter: String,
    to: To,
    #[serde(flatten)]
    payload: PayloadText,
}

#[derive(Deserialize)]
struct PayloadText {
    text: Option<String>,
    base64: Option<String>,
}

impl PayloadText {
    fn read(&self) -> Result<Payload, Refusal> {
        match (&self.text, &self.base64) {
            (Some(text), None) => Ok(Payload::Text(text.clone())),
            (None, Some(text)) => {
                let bytes =
                    STANDARD.decode(text).map_err(|error| Refusal::Bad(format!("base64: {error}")))?;
                Ok(Payload::Binary(bytes.into()))
            }
            _ => Err(Refusal::Bad("either text or base64 is needed".into())),
        }
    }
}

#[derive(Deserialize)]
struct Tags {
    tags: Vec<String>,
}

/// The parameters behind the question mark.
struct Query(HashMap<String, String>);

impl Query {
    fn read(text: &str) -> Result<Self, Refusal> {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        });
        pairs.collect::<Result<_, _>>().map(Self)
    }

    fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn text(&self, name: &str) -> &str {
        self.0.get(name).map(String::as_str).unwrap_or_default()
    }

    fn number(&self, name: &str) -> Result<Option<u64>, Refusal> {
        let text = self.text(name);
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(|_| Refusal::Bad(format!("{name} is to be a number, not {text:?}")))
    }

    fn filter(&self) -> Result<Filter, Refusal> {
        self.text("filter").parse().map_err(|error: crate::FilterError| Refusal::Bad(error.to_string()))
    }

    fn kick(&self) -> Result<Kick, Refusal> {
        let mut kick = Kick::default();
        if let Some(code) = self.number("code")? {
            kick.code = u16::try_from(code).unwrap_or(0);
        }
        kick.reason = self.text("reason").to_owned();
        kick.check().map_err(Refusal::Bad)?;
        Ok(kick)
    }
}

/// Undoes percent-encoding, in forms' way, where a plus is a space.
pub(super) fn decode(text: &str) -> Result<String, Refusal> {
    let bad = || Refusal::Bad(format!("{text:?} is not percent-encoded UTF-8"));
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let (hex, behind) = rest.split_at_checked(2).ok_or_else(bad)?;
                let hex = std::str::from_utf8(hex).map_err(|_| bad())?;
                bytes.push(u8::from_str_radix(hex, 16).map_err(|_| bad())?);
                rest = behind;
            }
            byte => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).map_err(|_| bad())
}

fn id_of(text: &str) -> Result<u64, Refusal> {
    text.parse().map_err(|_| Refusal::unknown(text))
}

fn kick_text(kick: &Kick) -> String {
    format!("{} {}", kick.code, kick.reason)
}

/// Sizes only: payloads are not the audit log's to keep.
fn payload_text(to: To, payload: &Payload) -> String {
    let len = match payload {
        Payload::Text(text) => text.len(),
        Payload::Binary(bytes) => bytes.len(),
    };
    format!("{len} bytes to the {}", crate::tap::name_of(to.side()))
}

const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

const OPENAPI: &str = include_str!("openapi.json");

/// Connections of one page.
const USUAL_PAGE: u64 = 1_000;
const MOST_PAGE: u64 = 10_000;

/// Bytes of a request's body.
const MOST_BODY: usize = 4 << 20;

const MOST_TAGS: usize = 16;
const MOST_TAG: usize = 64;
