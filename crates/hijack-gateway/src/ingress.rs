//! What comes in: each request is passed on, taken over, or refused.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use hijack::{Body, Error, Exchange, Outcome, handover};
use http::header::{CONNECTION, CONTENT_TYPE, HOST, RETRY_AFTER};
use http::{HeaderValue, Method, Response, StatusCode};

use crate::gateway::Shared;
use crate::routes::RouteState;
use crate::{ordinary, upgrade};

/// Answers one request.
pub(crate) async fn answer(shared: Arc<Shared>, exchange: Exchange) -> Result<Outcome, Error> {
    if exchange.head().is_http2_preface() {
        return refuse(exchange, StatusCode::HTTP_VERSION_NOT_SUPPORTED, "HTTP/2 is not spoken here").await;
    }
    if *exchange.method() == Method::CONNECT {
        return upgrade::tunnel(shared, exchange).await;
    }
    let Some(route) = route_of(&shared, &exchange) else {
        shared.metrics.unrouted.fetch_add(1, Relaxed);
        return refuse(exchange, StatusCode::NOT_FOUND, "no route leads there").await;
    };
    match allowed_upgrade(&exchange, &route) {
        Some(token) => upgrade::pass(shared, route, exchange, token).await,
        None => ordinary::pass(shared, route, exchange).await,
    }
}

/// The route of a request, by its host and path.
fn route_of(shared: &Shared, exchange: &Exchange) -> Option<Arc<RouteState>> {
    let uri = exchange.uri();
    let of_uri = uri.authority().map(http::uri::Authority::as_str);
    let host = of_uri.or_else(|| exchange.headers().get(HOST)?.to_str().ok());
    let route = shared.config.route(host, uri.path())?;
    let at = shared.config.routes.iter().position(|candidate| std::ptr::eq(candidate, route))?;
    Some(Arc::clone(&shared.routes[at]))
}

/// The first of the offered tokens that the route lets pass. `h2c` must be named: what is spoken on it could not be seen
/// for requests that other rules forbid.
fn allowed_upgrade(exchange: &Exchange, route: &RouteState) -> Option<String> {
    let allowed = &route.route.upgrades;
    let is_named = |offer: &str| allowed.iter().any(|token| token.eq_ignore_ascii_case(offer));
    let any = allowed.iter().any(|token| token == "*");
    let passes = |offer: &&str| is_named(offer) || (any && !offer.eq_ignore_ascii_case("h2c"));
    let offers = handover::offers(exchange.head()).filter_map(|offer| std::str::from_utf8(offer).ok());
    offers.into_iter().find(passes).map(str::to_owned)
}

/// An answer of the gateway's own.
pub(crate) fn own_answer(status: StatusCode, text: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{text}\n")));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}

/// Refuses a request, whose connection goes on.
pub(crate) async fn refuse(exchange: Exchange, status: StatusCode, text: &str) -> Result<Outcome, Error> {
    exchange.respond(own_answer(status, text)).await
}

/// Refuses a request that may come again.
pub(crate) async fn refuse_for_now(
    exchange: Exchange,
    status: StatusCode,
    text: &str,
    closes: bool,
) -> Result<Outcome, Error> {
    let mut response = own_answer(status, text);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    if closes {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    exchange.respond(response).await
}
