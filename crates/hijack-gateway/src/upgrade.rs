//! Takeovers of both sides: the upstream is asked on a connection of its own, and the client gets what it granted.
//!
//! Nothing is sent to the client, and none of its bytes to the upstream, before the upstream's answer is verified. Whatever
//! is not a grant passes as an ordinary answer.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;
use hijack::{
    Answer, Body, ClientConnection, Conn, ConnLimits, Error, Exchange, Outcome, Reason, Relay, ResponseHead,
    Side, handover, tokens,
};
use hijack_proto::stream::Framing;
use hijack_proto::ws::Role;
use hijack_proto::ws::deflate::{Agreement, Config as DeflateConfig};
use hijack_proto::ws::handshake::{
    Absent, Opening, Origins, Refusal as NoWebSocket, accept_hash, extensions,
};
use http::header::{
    CONNECTION, HeaderMap, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use http::{Method, Request, Response, StatusCode, Version};
use tokio::io::AsyncWriteExt;

use crate::calls::{CallsReader, TunnelCalls};
use crate::config::{Compression, Subject};
use crate::conversation::{Conversation, cut};
use crate::gate::{Content, FrameGate, OutputScan, PassGate, StreamGate};
use crate::gateway::Shared;
use crate::headers;
use crate::ingress::{own_answer, refuse, refuse_for_now};
use crate::ordinary::failure;
use crate::registry::{Extra, Facts, WEBSOCKET};
use crate::routes::{Place, RouteState, TooMany};
use crate::tap::{FrameReader, Inflation};

/// A takeover that was let in.
struct Admitted {
    shared: Arc<Shared>,
    route: Arc<RouteState>,
    place: Place,
    subject: Option<Box<str>>,
    head: Bytes,
}

/// What the upstream granted.
struct Granted {
    protocol: Cow<'static, str>,
    agreement: Option<Agreement>,
    is_lenient: bool,
    /// Where it is a process's output, from a Docker daemon.
    output: Option<OutputScan>,
}

impl Granted {
    /// A stream without messages.
    fn stream(protocol: Cow<'static, str>) -> Self {
        Self { protocol, agreement: None, is_lenient: false, output: None }
    }
}

/// Passes a request for an upgrade to `token`.
pub(crate) async fn pass(
    shared: Arc<Shared>,
    route: Arc<RouteState>,
    mut exchange: Exchange,
    token: String,
) -> Result<Outcome, Error> {
    let is_websocket = token.eq_ignore_ascii_case("websocket");
    if is_websocket && let Err(refusal) = check_opening(&exchange, &route) {
        route.counters.refused.fetch_add(1, Relaxed);
        let mut response = own_answer(refusal.status(), &refusal.to_string());
        refusal.put_headers(response.headers_mut());
        return exchange.respond(response).await;
    }
    let subject = subject_of(&route, exchange.headers());
    let admitted = match admit(&shared, &route, &exchange, subject) {
        Ok(admitted) => admitted,
        Err(refusal) => return refusal.answer(exchange, &route).await,
    };
    // An upgrade begins behind the body (RFC 9110 §7.8).
    let body = match exchange.read_to_end(shared.config.limits.upgrade_body_len).await {
        Ok(body) => body,
        Err(Error::BodyTooLong { limit }) => {
            let text = format!("the body before an upgrade exceeds the limit upgrade_body_len of {limit}");
            return refuse(exchange, StatusCode::PAYLOAD_TOO_LARGE, &text).await;
        }
        Err(error) => return Err(error),
    };
    let request = request_for(&exchange, &route, body);
    let offered = request.headers().clone();
    let (upstream, answer) = match ask(&admitted, request, Some(&token)).await {
        Ok(asked) => asked,
        Err(error) => return exchange.respond(failure(&error)).await,
    };
    match judge(&answer, &token, &offered, exchange.uri().path()) {
        Verdict::Granted(granted) => {
            let head = last_head(answer.head, Some(&token));
            join(admitted, exchange, head, upstream, &granted)
        }
        Verdict::Declined => {
            route.counters.declined.fetch_add(1, Relaxed);
            pass_answer(exchange, upstream, answer).await
        }
        Verdict::Wrong(why) => {
            route.counters.declined.fetch_add(1, Relaxed);
            tracing::warn!(route = route.route.name, why, "the upstream's 101 is not believed");
            let text = format!("the upstream's answer opens no connection: {why}");
            refuse(exchange, StatusCode::BAD_GATEWAY, &text).await
        }
    }
}

/// Opens the tunnel that a `CONNECT` asks for, if it is to one of the configured targets.
pub(crate) async fn tunnel(shared: Arc<Shared>, exchange: Exchange) -> Result<Outcome, Error> {
    let asked = exchange.head().target().to_ascii_lowercase();
    let known =
        shared.tunnels.iter().find(|(tunnel, _)| tunnel.target.to_ascii_lowercase().as_bytes() == asked);
    let Some((tunnel, route)) = known.map(|(tunnel, route)| (tunnel.clone(), Arc::clone(route))) else {
        return refuse(exchange, StatusCode::FORBIDDEN, "no tunnel leads there").await;
    };
    if handover::check_connect(exchange.head()).is_err() {
        return refuse(exchange, StatusCode::BAD_REQUEST, "CONNECT with a body").await;
    }
    let admitted = match admit(&shared, &route, &exchange, None) {
        Ok(admitted) => admitted,
        Err(refusal) => return refusal.answer(exchange, &route).await,
    };
    if tunnel.target.starts_with('/') {
        return connect_to_path(admitted, exchange).await;
    }
    let upstream = match shared.client.dial(&tunnel.upstream).await {
        Ok(io) => shared.dialled.adopt(io),
        Err(error) => return exchange.respond(failure(&error)).await,
    };
    let granted = Granted::stream("connect".into());
    match exchange.take_over_after(Response::new(())) {
        Ok(client) => Ok(begin(admitted, client, upstream, &granted, None)),
        Err(refused) => refused.answer().await,
    }
}

/// Passes a `CONNECT` to a path on, as Go's net/rpc asks.
async fn connect_to_path(admitted: Admitted, exchange: Exchange) -> Result<Outcome, Error> {
    let route = Arc::clone(&admitted.route);
    let mut request = request_for(&exchange, &route, Bytes::new());
    *request.version_mut() = exchange.head().version();
    let (upstream, answer) = match ask(&admitted, request, None).await {
        Ok(asked) => asked,
        Err(error) => return exchange.respond(failure(&error)).await,
    };
    if handover::verify_connect(&answer).is_err() {
        route.counters.declined.fetch_add(1, Relaxed);
        return pass_answer(exchange, upstream, answer).await;
    }
    let granted = Granted::stream("connect".into());
    let head = last_head(answer.head, None);
    join(admitted, exchange, head, upstream, &granted)
}

/// Asks the upstream on a connection of its own, for an upgrade to `token` if there is one.
async fn ask(
    admitted: &Admitted,
    request: Request<Body>,
    token: Option<&str>,
) -> Result<(ClientConnection, Answer), Error> {
    let mut upstream = admitted.shared.client.connect(&admitted.route.route.upstream).await?;
    let answer = match token {
        Some(token) => upstream.request_upgrade(request, &[token]).await?,
        None => upstream.request(request).await?,
    };
    Ok((upstream, answer))
}

/// Whether a WebSocket may be opened from here (RFC 6455 §4.2.1, §10.2).
fn check_opening(exchange: &Exchange, route: &RouteState) -> Result<(), NoWebSocket> {
    let opening = Opening::of_head(exchange.head())?;
    let allowed = &route.route.origins;
    if allowed.is_empty() {
        return Ok(());
    }
    let origins = Origins {
        same_host: false,
        allowed: allowed.clone(),
        any: false,
        absent: if route.route.allow_no_origin { Absent::Accepted } else { Absent::Refused },
    };
    opening.check_origin(&origins)
}

/// The user, where the route says how to tell.
fn subject_of(route: &RouteState, headers: &HeaderMap) -> Option<Box<str>> {
    let subject = match route.route.subject.as_ref()? {
        Subject::Header(name) => headers.get(name)?.to_str().ok()?,
        Subject::Cookie(name) => headers::cookie(headers, name)?,
    };
    (!subject.is_empty()).then(|| cut(subject, MOST_SUBJECT).into())
}

/// Why a takeover is not let in at the moment.
enum NotNow {
    Draining,
    TooFast,
    TooMany(TooMany),
}

impl NotNow {
    async fn answer(self, exchange: Exchange, route: &RouteState) -> Result<Outcome, Error> {
        route.counters.refused.fetch_add(1, Relaxed);
        let busy = StatusCode::SERVICE_UNAVAILABLE;
        match self {
            Self::Draining => refuse_for_now(exchange, busy, "this gateway is shutting down", true).await,
            Self::TooFast => {
                refuse_for_now(exchange, busy, "the limit handshakes_per_second is reached", false).await
            }
            Self::TooMany(limit) if limit.limit == "connections" => {
                refuse_for_now(exchange, busy, &limit.to_string(), false).await
            }
            Self::TooMany(limit) => {
                refuse_for_now(exchange, StatusCode::TOO_MANY_REQUESTS, &limit.to_string(), false).await
            }
        }
    }
}

fn admit(
    shared: &Arc<Shared>,
    route: &Arc<RouteState>,
    exchange: &Exchange,
    subject: Option<Box<str>>,
) -> Result<Admitted, NotNow> {
    if shared.is_draining() {
        shared.metrics.refused_draining.fetch_add(1, Relaxed);
        return Err(NotNow::Draining);
    }
    if !shared.may_shake_hands() {
        shared.metrics.refused_rate.fetch_add(1, Relaxed);
        return Err(NotNow::TooFast);
    }
    let place = route.enter(exchange.peer(), subject.as_deref()).map_err(NotNow::TooMany)?;
    let head = exchange.head().raw().clone();
    Ok(Admitted { shared: Arc::clone(shared), route: Arc::clone(route), place, subject, head })
}

/// The client's request as it goes to the upstream.
fn request_for(exchange: &Exchange, route: &RouteState, body: Bytes) -> Request<Body> {
    let mut request = exchange.head().clone().into_request(Body::from(body));
    let is_tls = exchange.io().kind() == "tls";
    let authority = request.uri().authority().map(|authority| authority.as_str().to_owned());
    headers::forward(request.headers_mut(), exchange.peer(), is_tls, authority.as_deref());
    // It was read whole, so it is framed anew.
    request.headers_mut().remove(http::header::CONTENT_LENGTH);
    request.headers_mut().remove(http::header::EXPECT);
    request.headers_mut().remove(http::header::TRAILER);
    if route.route.compression == Compression::Plain {
        request.headers_mut().remove(SEC_WEBSOCKET_EXTENSIONS);
    }
    *request.version_mut() = Version::HTTP_11;
    request
}

/// What an answer is.
enum Verdict {
    Granted(Granted),
    /// An ordinary answer.
    Declined,
    /// A 101 that is none.
    Wrong(&'static str),
}

/// Whether the upstream's answer grants what was asked for.
fn judge(answer: &ResponseHead, token: &str, offered: &HeaderMap, path: &str) -> Verdict {
    let docker = Framing::named_in(answer.headers()).filter(|_| token.eq_ignore_ascii_case("tcp"));
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        // Docker's daemon answers 200 where it, or a proxy before it, does not upgrade.
        if docker.is_none() || handover::verify_raw_stream(answer).is_err() {
            return Verdict::Declined;
        }
        let output = Some(OutputScan::new(None));
        return Verdict::Granted(Granted { output, ..Granted::stream("raw".into()) });
    }
    if handover::verify_upgrade(answer, [token]).is_err() {
        return Verdict::Wrong("its upgrade is not to what was asked for");
    }
    if !token.eq_ignore_ascii_case("websocket") {
        // Daemons that speak no version from 1.42 on call everything raw.
        let framing = |named| (named == Framing::Multiplexed || is_labelled(path)).then_some(named);
        let output = docker.map(|named| OutputScan::new(framing(named)));
        return Verdict::Granted(Granted { output, ..Granted::stream(token.to_ascii_lowercase().into()) });
    }
    match judge_websocket(answer.headers(), offered) {
        Ok((agreement, is_lenient)) => {
            Verdict::Granted(Granted { protocol: WEBSOCKET.into(), agreement, is_lenient, output: None })
        }
        Err(why) => Verdict::Wrong(why),
    }
}

/// Whether the path names a version of Docker's API in which media types tell frames from raw output: 1.42 or later.
fn is_labelled(path: &str) -> bool {
    let version = path.strip_prefix("/v1.").and_then(|rest| rest.split('/').next()?.parse::<u32>().ok());
    version.is_some_and(|minor| minor >= 42)
}

/// Judges a WebSocket's 101 (RFC 6455 §4.1): what was agreed on compression, and whether there is an extension that is not
/// known here.
fn judge_websocket(
    answer: &HeaderMap,
    offered: &HeaderMap,
) -> Result<(Option<Agreement>, bool), &'static str> {
    let key = offered.get(SEC_WEBSOCKET_KEY).map(|key| tokens::trim(key.as_bytes())).unwrap_or_default();
    let mut hashes = answer.get_all(SEC_WEBSOCKET_ACCEPT).iter();
    let hash = hashes.next().filter(|_| hashes.next().is_none());
    if hash.is_none_or(|hash| tokens::trim(hash.as_bytes()) != accept_hash(key).as_bytes()) {
        return Err("its Sec-WebSocket-Accept does not answer the client's key");
    }
    let mut chosen = answer.get_all(SEC_WEBSOCKET_PROTOCOL).iter();
    if let Some(protocol) = chosen.next() {
        let was_offered = tokens::list(offered, &SEC_WEBSOCKET_PROTOCOL)
            .any(|offer| offer == tokens::trim(protocol.as_bytes()));
        if !was_offered || chosen.next().is_some() {
            return Err("it chose a subprotocol that was not offered");
        }
    }
    judge_extensions(answer, offered)
}

/// What was agreed on compression, and whether something was agreed that is not known here.
fn judge_extensions(
    answer: &HeaderMap,
    offered: &HeaderMap,
) -> Result<(Option<Agreement>, bool), &'static str> {
    let answered_names = extension_names(answer).ok_or("its extensions cannot be read")?;
    let offered_names = extension_names(offered).unwrap_or_default();
    if answered_names.iter().any(|name| !offered_names.contains(name)) {
        return Err("it chose an extension that was not offered");
    }
    if answered_names.is_empty() {
        return Ok((None, false));
    }
    let mut any = DeflateConfig::default();
    (any.server_no_context_takeover, any.client_no_context_takeover) = (false, false);
    // Alone, permessage-deflate is understood; with others nothing is known of the bits of a frame.
    Ok(match any.verify(extension_lines(answer)) {
        Ok(agreement) => (agreement, false),
        Err(_) => (None, true),
    })
}

fn extension_lines(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    headers.get_all(SEC_WEBSOCKET_EXTENSIONS).into_iter().map(HeaderValue::as_bytes)
}

/// The names of all extensions; none if one cannot be read.
fn extension_names(headers: &HeaderMap) -> Option<Vec<String>> {
    extensions(extension_lines(headers)).map(|found| Some(found?.name.to_ascii_lowercase())).collect()
}

/// The upstream's head as the last words of HTTP to the client.
fn last_head(head: ResponseHead, token: Option<&str>) -> Response<()> {
    let reason = std::str::from_utf8(head.reason()).ok().and_then(Reason::new);
    let upgrade = head.headers().get(UPGRADE).cloned();
    let is_switch = head.status() == StatusCode::SWITCHING_PROTOCOLS;
    let mut response = head.into_response(());
    headers::strip(response.headers_mut());
    if let (true, Some(upgrade), Some(_)) = (is_switch, upgrade, token) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        response.headers_mut().insert(UPGRADE, upgrade);
    }
    if let Some(reason) = reason.filter(|reason| !reason.as_str().is_empty()) {
        response.extensions_mut().insert(reason);
    }
    response
}

/// Takes both sides over and joins them.
fn join(
    admitted: Admitted,
    exchange: Exchange,
    head: Response<()>,
    upstream: ClientConnection,
    granted: &Granted,
) -> Result<Outcome, Error> {
    let answer = head.headers().clone();
    let upstream = upstream.take_over()?;
    let client = exchange.take_over_after(head)?;
    Ok(begin(admitted, client, upstream, granted, Some(&answer)))
}

/// The conversation behind the takeover.
fn begin(
    admitted: Admitted,
    mut client: Conn,
    mut upstream: Conn,
    granted: &Granted,
    answer: Option<&HeaderMap>,
) -> Outcome {
    let Admitted { shared, route, place, subject, head } = admitted;
    route.counters.takeovers.fetch_add(1, Relaxed);
    let text = |name| Some(answer?.get(name)?.to_str().ok()?.into());
    let calls = route.route.grpc.then(|| TunnelCalls::new(Arc::clone(&route)));
    let gates = [Side::Client, Side::Server].map(|from| gate(&route, granted, calls.as_ref(), from));
    let inflates = gates.iter().any(|gate| gate.frames().is_some_and(FrameGate::is_inflating));
    let not_movable = match (client.movable(), upstream.movable()) {
        _ if inflates => Some("not movable: its messages are inflated from the first one on".into()),
        _ if calls.is_some() => Some("not movable: its calls are followed from the first byte on".into()),
        (Err(why), _) => Some(format!("{why} (client)").into()),
        (_, Err(why)) => Some(format!("{why} (upstream)").into()),
        _ => None,
    };
    let extra = Extra {
        protocol: Extra::protocol(&granted.protocol),
        subject,
        subprotocol: text(SEC_WEBSOCKET_PROTOCOL),
        extensions: text(SEC_WEBSOCKET_EXTENSIONS),
        not_movable,
        calls,
    };
    let facts = Facts {
        route: Arc::clone(&route),
        peer: client.peer().clone(),
        head: head[..].into(),
        extra: extra.boxed(),
    };
    // The entry has what is needed of them.
    client.forget_head();
    upstream.forget_head();
    let entry = shared.registry.open(facts, shared.now_ms());
    let [from_client, from_upstream] = gates;
    client.hand_off(move |client| {
        let mut relay = Relay::with_gates(client, upstream, from_client, from_upstream);
        if let Some(half_open) = route.route.limits.half_open {
            relay.set_limits(ConnLimits { half_open: Some(half_open), ..ConnLimits::default() });
        }
        Conversation::new(shared, entry, relay, place).run()
    })
}

/// What stands in the direction of what `from` sends.
fn gate(route: &RouteState, granted: &Granted, calls: Option<&Arc<TunnelCalls>>, from: Side) -> PassGate {
    let calls = calls.map(|calls| CallsReader::new(Arc::clone(calls), from));
    if granted.protocol != WEBSOCKET {
        let content = match &granted.output {
            None => Content::Opaque,
            Some(_) if from == Side::Client => Content::Stdin,
            Some(output) => Content::Output(output.clone()),
        };
        let mut stream = StreamGate::new(from, content);
        stream.set_calls(calls);
        return PassGate::Stream(Box::new(stream));
    }
    let receiver = if from == Side::Client { Role::Server } else { Role::Client };
    let rules = if granted.is_lenient { &route.lenient_rules } else { &route.rules };
    let mut frames = FrameGate::new(receiver, granted.agreement.is_some(), Arc::clone(rules));
    if let (Compression::Inflate, Some(agreement)) = (route.route.compression, &granted.agreement) {
        let sender = if from == Side::Client { Role::Client } else { Role::Server };
        let (bits, forgets) = (agreement.window_bits(sender), agreement.no_context_takeover(sender));
        let inflation = Inflation::new(bits, forgets, MOST_INFLATED);
        frames.set_reader(FrameReader::inflating(receiver, inflation));
    }
    if let Some(calls) = calls {
        frames.set_calls(calls);
    }
    PassGate::WebSocket(Box::new(frames))
}

/// Passes an ordinary answer back, its body streaming.
async fn pass_answer(
    exchange: Exchange,
    mut upstream: ClientConnection,
    answer: Answer,
) -> Result<Outcome, Error> {
    let is_connect = *exchange.method() == Method::CONNECT;
    let mut response = answer.head.into_response(());
    headers::strip(response.headers_mut());
    if is_connect {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    let mut responder = exchange.start(response)?;
    let mut body = upstream.body();
    while let Some(data) = body.data().await? {
        responder.write_all(&data).await?;
        responder.flush().await?;
    }
    match body.trailers().cloned() {
        Some(trailers) => responder.finish_with(&trailers).await,
        None => responder.finish().await,
    }
}

/// Bytes of a subject that are kept.
const MOST_SUBJECT: usize = 256;

/// Bytes that a message may inflate to where somebody may look; beyond it the direction is not inflated any more.
const MOST_INFLATED: u64 = 64 << 20;
