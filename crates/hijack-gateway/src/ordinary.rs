//! Ordinary requests: they pass through the pooled client, bodies streaming both ways.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};

use hijack::tower::{Hijacker, IncomingBody};
use hijack::{Body, BoxError, Error, Exchange, Outcome, PooledBody, ResponseHead, Timeout};
use http::{HeaderMap, Request, Response, StatusCode, Version};
use http_body::Body as HttpBody;
use http_body_util::Either;
use tower_service::Service;

use crate::gateway::Shared;
use crate::headers;
use crate::ingress::own_answer;
use crate::routes::RouteState;

/// Passes a request on and its answer back.
pub(crate) async fn pass(
    shared: Arc<Shared>,
    route: Arc<RouteState>,
    mut exchange: Exchange,
) -> Result<Outcome, Error> {
    route.counters.requests.fetch_add(1, Relaxed);
    let (peer, is_tls) = (exchange.peer().clone(), exchange.io().kind() == "tls");
    let forward = move |request: &mut Request<()>| {
        let authority = request.uri().authority().map(|authority| authority.as_str().to_owned());
        headers::forward(request.headers_mut(), &peer, is_tls, authority.as_deref());
        *request.version_mut() = Version::HTTP_11;
    };
    if exchange.head().body_length().is_empty() {
        let mut request = exchange.head().clone().into_request(());
        forward(&mut request);
        let told = |status, headers: &HeaderMap| exchange.put_interim(status, headers);
        let response = ask(&shared, &route, request.map(|()| Body::empty()), told).await;
        return exchange.respond(response).await;
    }
    // Both directions at once: the request's body is read while the answer is sent.
    exchange.call(Passing { shared, route, forward }).await
}

/// A request with a body, passed on as a service, which may read it while it answers.
struct Passing<F> {
    shared: Arc<Shared>,
    route: Arc<RouteState>,
    forward: F,
}

impl<F: Fn(&mut Request<()>)> Service<Request<IncomingBody>> for Passing<F> {
    type Response = Response<Answer>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Answer>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<IncomingBody>) -> Self::Future {
        let (parts, body) = request.into_parts();
        let mut head = Request::from_parts(parts, ());
        (self.forward)(&mut head);
        // Extensions lead back to the exchange, which must not be held for them.
        let hijacker = std::mem::take(head.extensions_mut()).remove::<Hijacker>();
        let (shared, route) = (Arc::clone(&self.shared), Arc::clone(&self.route));
        let told = move |status, headers: &HeaderMap| match &hijacker {
            Some(hijacker) => hijacker.put_interim(status, headers),
            None => Ok(()),
        };
        Box::pin(async move { Ok(ask(&shared, &route, head.map(|()| body), told).await) })
    }
}

/// Asks the upstream; what goes wrong becomes an answer of our own. Interim answers are `told` when they come.
async fn ask<B>(
    shared: &Shared,
    route: &RouteState,
    request: Request<B>,
    mut told: impl FnMut(StatusCode, &HeaderMap) -> Result<(), Error> + Send,
) -> Response<Answer>
where
    B: HttpBody + Send + 'static,
    B::Error: Into<BoxError>,
{
    let interim = |head: ResponseHead| {
        // RFC 9110 §15.2: they are passed on, but for the 100, which the client has of us when its body is read.
        if head.status() != StatusCode::CONTINUE {
            let mut head = head.into_response(());
            headers::strip(head.headers_mut());
            // A client that is gone, or gets its answer already, does without.
            let _ = told(head.status(), head.headers());
        }
    };
    match shared.pool.request_with(&route.route.upstream, request, interim).await {
        Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
            route.counters.request_failures.fetch_add(1, Relaxed);
            tracing::warn!(route = route.route.name, "the upstream's 101 is to nobody's Upgrade");
            let text = "the upstream switched to a protocol that was not asked for";
            own_answer(StatusCode::BAD_GATEWAY, text).map(Either::Right)
        }
        Ok(mut response) => {
            headers::strip(response.headers_mut());
            response.map(Either::Left)
        }
        Err(error) => {
            route.counters.request_failures.fetch_add(1, Relaxed);
            failure(&error).map(Either::Right)
        }
    }
}

/// The answer that tells a client that the upstream gave none.
pub(crate) fn failure(error: &Error) -> Response<Body> {
    let (status, text) = match error {
        error if error.timeout() == Some(Timeout::Answer) => (StatusCode::GATEWAY_TIMEOUT, NO_ANSWER),
        Error::PoolFull { .. } => (StatusCode::SERVICE_UNAVAILABLE, "the upstream has no connection free"),
        // The client's own body is at fault.
        Error::Request(_) => (StatusCode::BAD_REQUEST, "the body of the request cannot be passed on"),
        _ => (StatusCode::BAD_GATEWAY, NO_ANSWER),
    };
    tracing::warn!(%error, status = status.as_u16(), "no answer from the upstream");
    own_answer(status, text)
}

const NO_ANSWER: &str = "the upstream gave no answer";

/// The body of an answer: the upstream's, or a sentence of ours.
type Answer = Either<PooledBody, Body>;
