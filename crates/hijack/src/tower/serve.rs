//! A connection's exchanges, given to a service one after the other.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;

use hijack_proto::Reason;
use hijack_proto::h1::Handover;
use hijack_proto::handover;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body::Body;
use tokio::io::AsyncWriteExt;
use tower_service::Service;

use super::plan::{Plan, Planned, Way};
use super::slot::Slot;
use super::{Hijacker, IncomingBody};
use crate::server::{Listener, Serving, hand_over, send_answer, take};
use crate::stream::Transport;
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
    let (request, slot) = open(exchange);
    let answered: Result<_, BoxError> = match poll_fn(|cx| service.poll_ready(cx).map_err(Into::into)).await {
        Ok(()) => service.call(request).await.map_err(Into::into),
        Err(error) => Err(error),
    };
    drop(service);
    if slot.with(|_| ()).is_err() {
        return Ok(Outcome::taken()); // whatever the handler says now
    }
    let mut response = answered.map_err(Error::Other)?;
    match Plan::take(&mut response) {
        Some(mut planned) => {
            planned.restore_framing(response.headers_mut());
            carry_out(planned, &slot, &response.into_parts().0).await
        }
        None => answer(slot, response).await,
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
fn open(exchange: Exchange) -> (Request<IncomingBody>, Arc<Slot>) {
    let serving = exchange.0;
    let head = serving.head.clone().expect("an exchange has a head");
    let length = head.body_length();
    let slot = Slot::new(serving);
    let mut request = head.into_request(IncomingBody::new(Arc::clone(&slot), length));
    request.extensions_mut().insert(Hijacker(Arc::clone(&slot)));
    (request, slot)
}

async fn answer<B>(mut slot: Arc<Slot>, response: Response<B>) -> Result<Outcome, Error>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    // Where nobody else holds the exchange, it is answered as any other.
    if Arc::strong_count(&slot) == 1 {
        return Exchange(slot.close()?).respond(response).await;
    }
    // The request's body is still in somebody's hands, perhaps the answer's own.
    let (head, body) = response.into_parts();
    send_answer(&mut slot, &head, pin!(body)).await?;
    Ok(Outcome::answered(slot.close()?))
}

/// Ends HTTP as planned; the conversation is run when everything of the service is gone.
async fn carry_out(
    planned: Planned,
    slot: &Slot,
    response: &http::response::Parts,
) -> Result<Outcome, Error> {
    let serving = slot.take()?;
    let conn = planned.way.begin(serving, response.status, &response.headers).await?;
    Ok(Outcome::boxed((planned.conversation)(conn)))
}

impl Way {
    /// Writes the last words of HTTP, if there are any, and takes the connection over.
    pub(super) async fn begin(
        self,
        mut serving: Box<Serving<Transport>>,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Result<Conn, Error> {
        if let Self::Raw = self {
            return hand_over(serving, None).await;
        }
        let request = serving.head.as_ref().expect("an exchange has a head");
        if let Self::After | Self::Tunnel = self {
            // Layers may have changed it.
            handover::check_last_head(request, status, headers)?;
        }
        let (upgrade, protocol) = match self {
            Self::Upgrade(protocol) => (Some(protocol.clone()), Some(protocol)),
            Self::Tunnel => (None, Some("connect".into())),
            Self::Raw | Self::After => (None, None),
        };
        let date = serving.date().filter(|_| protocol.as_deref() == Some("connect"));
        let reason: Option<&Reason> = None;
        let words = Handover { status, reason, date: date.as_ref(), upgrade: upgrade.as_deref(), headers };
        let Serving { wire, session, .. } = &mut *serving;
        session.put_handover(&words, wire.out())?;
        let mut conn = take(*serving, protocol)?;
        // If that fails the connection's first use will say so.
        let _ = conn.flush().await;
        Ok(conn)
    }
}
