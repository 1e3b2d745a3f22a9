//! A connection's exchanges, given to a service one after the other.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;

use hijack_proto::Reason;
use hijack_proto::h1::Handover;
use hijack_proto::handover::{self, Refusal};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response, StatusCode, response};
use http_body::Body;
use tokio::io::AsyncWriteExt;
use tower_service::Service;

use super::plan::{Plan, Planned, Way};
use super::slot::Slot;
use super::{Hijacker, IncomingBody, NotTaken};
use crate::server::{Listener, Serving, hand_over, protocol_of, send_answer, take};
use crate::transport::Transport;
use crate::{BoxError, Conn, Error, Exchange, Outcome, Server};

impl Server {
    /// Accepts connections and gives every request on them to a clone of `service`, until the server is shut down.
    ///
    /// As [`serve`](Self::serve), for any tower service, `axum::Router` among them: see [`crate::tower`]. An error
    /// of the service closes the connection unanswered.
    ///
    /// # Cancel safety
    ///
    /// Safe: accepting stops and the listener closes; connections go on.
    pub async fn serve_service<S, B>(&self, listener: impl Into<Listener>, service: S)
    where
        S: Service<Request<IncomingBody>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Future: Send,
        S::Error: Into<BoxError>,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        self.serve(listener, move |exchange| call(service.clone(), exchange)).await;
    }

    /// Serves one stream that came from elsewhere with a service, as [`serve_stream`](Self::serve_stream) does with
    /// a handler.
    ///
    /// # Errors
    ///
    /// As [`serve_stream`](Self::serve_stream).
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection.
    pub async fn serve_service_stream<S, B>(&self, io: impl Into<Transport>, service: S) -> Result<(), Error>
    where
        S: Service<Request<IncomingBody>, Response = Response<B>> + Clone,
        S::Error: Into<BoxError>,
        B: Body,
        B::Error: Into<BoxError>,
    {
        self.serve_stream(io.into(), |exchange| call(service.clone(), exchange)).await
    }
}

impl Exchange {
    /// Gives this exchange to a tower service, as [`Server::serve_service`] does with every one: for handlers that answer
    /// some requests themselves.
    ///
    /// # Errors
    ///
    /// As [`respond`](Self::respond), and [`Error::Other`] if the service fails; the connection is closed then.
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection.
    pub async fn call<S, B>(self, service: S) -> Result<Outcome, Error>
    where
        S: Service<Request<IncomingBody>, Response = Response<B>>,
        S::Error: Into<BoxError>,
        B: Body,
        B::Error: Into<BoxError>,
    {
        call(service, self).await
    }
}

/// One request: the service's future ends in here, and only then its answer goes out.
async fn call<S, B>(mut service: S, exchange: Exchange) -> Result<Outcome, Error>
where
    S: Service<Request<IncomingBody>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: Body,
    B::Error: Into<BoxError>,
{
    if exchange.head().is_http2_preface() {
        return exchange.respond(http2_refused()).await;
    }
    let (request, held) = open(exchange);
    let answered: Result<_, BoxError> = match poll_fn(|cx| service.poll_ready(cx).map_err(Into::into)).await {
        Ok(()) => service.call(request).await.map_err(Into::into),
        Err(error) => Err(error),
    };
    drop(service);
    if held.0.with(|_| ()).is_err() {
        return Ok(Outcome::taken()); // whatever the handler says now
    }
    let mut response = answered.map_err(Error::Other)?;
    match Plan::take(&mut response) {
        Some(planned) => carry_out(planned, held, response.into_parts().0).await,
        None => answer(held, response).await,
    }
}

/// The answer to the preface of HTTP/2, which a service would take for a request.
fn http2_refused() -> Response<crate::Body> {
    let mut response = Response::new("HTTP/2 is not spoken here: ask over HTTP/1.1\n".into());
    *response.status_mut() = StatusCode::HTTP_VERSION_NOT_SUPPORTED;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// The exchange as a request that finds its way back to it.
fn open(exchange: Exchange) -> (Request<IncomingBody>, Held) {
    let serving = exchange.0;
    let head = serving.head.clone().expect("an exchange has a head");
    let length = head.body_length();
    let slot = Slot::new(serving);
    let mut request = head.into_request(IncomingBody::new(Arc::clone(&slot), length));
    request.extensions_mut().insert(Hijacker(Arc::clone(&slot)));
    (request, Held(slot))
}

/// The server's hold on an exchange: let go of, by a panic or an error, it ends the exchange, whoever else has it.
struct Held(Arc<Slot>);

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.0.close());
    }
}

async fn answer<B>(mut held: Held, response: Response<B>) -> Result<Outcome, Error>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    // Where nobody else holds the exchange, it is answered as any other.
    if Arc::strong_count(&held.0) == 1 {
        return Exchange(held.0.close()?).respond(response).await;
    }
    // The request's body is still in somebody's hands, perhaps the answer's own.
    let (head, body) = response.into_parts();
    send_answer(&mut held.0, &head, pin!(body)).await?;
    Ok(Outcome::answered(held.0.close()?))
}

/// Ends HTTP as planned; the conversation is run when everything of the service is gone.
async fn carry_out(
    mut planned: Planned,
    held: Held,
    mut response: response::Parts,
) -> Result<Outcome, Error> {
    planned.restore_framing(&mut response.headers);
    if let Err(not_taken) = planned.way.check(&held.0, &response) {
        // Boxed, because it is rare and would make every exchange's future larger.
        return Box::pin(answer(held, not_taken.into_response())).await;
    }
    let conn = planned.way.begin(held.0.take()?, &response).await?;
    Ok(Outcome::boxed((planned.conversation)(conn)))
}

impl Way {
    /// Whether `head` may be the last words of HTTP, with what handler and layers put into it.
    pub(super) fn check(&self, slot: &Slot, head: &response::Parts) -> Result<(), NotTaken> {
        let (Self::After | Self::Tunnel) = self else { return Ok(()) };
        let allowed = slot.with(|serving| {
            let request = serving.head.as_ref().ok_or(Refusal::NoOffer)?;
            handover::check_last_head(request, head.status, &head.headers)
        });
        allowed.map_err(NotTaken::Late)?.map_err(|refusal| NotTaken::Refused(refusal, None))
    }

    /// Writes the last words of HTTP, if there are any, and takes the connection over.
    pub(super) async fn begin(
        self,
        mut serving: Box<Serving<Transport>>,
        response: &response::Parts,
    ) -> Result<Conn, Error> {
        let response::Parts { status, headers, extensions, .. } = response;
        if let Self::Raw = self {
            return hand_over(serving, None).await;
        }
        let (upgrade, protocol) = match self {
            Self::Upgrade(protocol) => (Some(protocol.clone()), Some(protocol)),
            Self::Tunnel => (None, Some("connect".into())),
            Self::After => (None, protocol_of(*status, headers)),
            Self::Raw => (None, None),
        };
        let date = serving.date().filter(|_| protocol.as_deref() == Some("connect"));
        let reason = extensions.get::<Reason>();
        let words =
            Handover { status: *status, reason, date: date.as_ref(), upgrade: upgrade.as_deref(), headers };
        let Serving { wire, session, .. } = &mut *serving;
        session.put_handover(&words, wire.out())?;
        let mut conn = take(*serving, protocol)?;
        // If that fails the connection's first use will say so.
        let _ = conn.flush().await;
        Ok(conn)
    }
}
