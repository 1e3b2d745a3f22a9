//! The act itself: an exchange becomes the raw connection.
//!
//! Whether a *typed* takeover is allowed, and what is answered, is decided by the pure functions of
//! `hijack_proto::handover`. A *raw* one is always allowed while the answer is not complete.

use std::borrow::Cow;
use std::fmt;

use hijack_proto::Reason;
use hijack_proto::h1::Handover;
use hijack_proto::handover::{self, Refusal};
use http::header::UPGRADE;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use tokio::io::AsyncWriteExt;

use super::serving::Serving;
use super::{Exchange, Outcome};
use crate::observe::ConnLimits;
use crate::transport::{Stream, Transport};
use crate::{Body, Conn, Error};

/// The protocols to which a handler would upgrade, and what it says with the 101.
///
/// ```
/// use hijack::Upgrade;
///
/// let upgrade = Upgrade::to(["chat/2", "chat"]).header("x-room", "lobby");
/// # let _ = upgrade;
/// ```
#[derive(Debug, Clone)]
#[must_use = "give it to `Exchange::upgrade`"]
pub struct Upgrade<P> {
    protocols: P,
    headers: HeaderMap,
}

impl<P> Upgrade<P> {
    /// An upgrade to the first of `protocols` that the client offers: an array, slice or `Vec` of names. They
    /// compare without case.
    pub fn to<S>(protocols: P) -> Self
    where
        P: AsRef<[S]>,
        S: AsRef<str>,
    {
        Self { protocols, headers: HeaderMap::new() }
    }

    /// Adds a header to the 101.
    ///
    /// # Panics
    ///
    /// If `name` or `value` cannot be one. For values that come from elsewhere, make a [`HeaderValue`] first.
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName, Error: fmt::Debug>,
        V: TryInto<HeaderValue, Error: fmt::Debug>,
    {
        let name = name.try_into().expect("a header name");
        self.headers.append(name, value.try_into().expect("a header value"));
        self
    }
}

/// `protocols` as a list for a header.
fn join(protocols: &[impl AsRef<str>]) -> Option<HeaderValue> {
    let names: Vec<&str> = protocols.iter().map(AsRef::as_ref).collect();
    HeaderValue::from_str(&names.join(", ")).ok()
}

/// A typed takeover that was refused: the exchange is still HTTP's.
///
/// [`answer`](Self::answer) tells the client; or take the exchange back and do something else.
#[must_use = "the client waits for an answer"]
pub struct Refused<Io = Transport> {
    exchange: Exchange<Io>,
    refusal: Refusal,
    supported: Option<HeaderValue>,
}

impl<Io: Stream> Refused<Io> {
    /// Why.
    pub fn refusal(&self) -> &Refusal {
        &self.refusal
    }

    /// The exchange.
    #[must_use]
    pub fn into_exchange(self) -> Exchange<Io> {
        self.exchange
    }

    /// Answers with the status, the headers and the sentence of the refusal: 426 with the protocols that are
    /// supported, for one.
    ///
    /// # Errors
    ///
    /// As [`Exchange::respond`].
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection.
    pub fn answer(self) -> impl Future<Output = Result<Outcome<Io>, Error>> + use<Io> {
        let mut response = Response::new(Body::from(format!("{}\n", self.refusal)));
        *response.status_mut() = self.refusal.status();
        self.refusal.put_headers(self.supported, response.headers_mut());
        self.exchange.respond(response)
    }
}

impl<Io> fmt::Debug for Refused<Io> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Refused").field(&self.refusal).finish()
    }
}

impl<Io> fmt::Display for Refused<Io> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.refusal.fmt(f)
    }
}

impl<Io> std::error::Error for Refused<Io> {}

/// Gives the exchange up: the connection is closed unanswered.
impl<Io> From<Refused<Io>> for Error {
    fn from(refused: Refused<Io>) -> Self {
        Self::Refused(refused.refusal)
    }
}

impl<Io: Stream> Exchange<Io> {
    /// Takes the connection over, writing nothing.
    ///
    /// - **Who closes?** The [`Conn`]'s owner; dropping it closes the socket.
    /// - **Deadlines?** The server's end here.
    /// - **Unread bytes?** In front of what the returned connection reads.
    /// - **The body?** What was not read of it is among these bytes, raw: framing and all. No `100 Continue` is
    ///   sent any more.
    /// - **Shutdown and cancellation?** As the [`Conn`] says.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if an interim answer sent before could not be flushed.
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection.
    pub async fn take_over(self) -> Result<Conn<Io>, Error> {
        hand_over(self.0, None).await
    }

    /// Sends `head` as the last words of HTTP, as it is, and takes the connection over.
    ///
    /// No framing header is added: a 200 without `Content-Length` is read until the connection ends, which is
    /// how Docker's daemon starts its raw streams. A [`Reason`] among the extensions replaces the status's
    /// words.
    ///
    /// # Errors
    ///
    /// [`Refused`], and the exchange with it, if the head cannot be these words: an interim one, a bare 101, a
    /// protocol that was not offered, a tunnel with a length. A failing stream shows at the connection's first
    /// use.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing is awaited, the head leaves with the first flush or write of the connection.
    pub fn take_over_after(self, head: Response<()>) -> Result<Conn<Io>, Refused<Io>> {
        let (head, ()) = head.into_parts();
        if let Err(refusal) = handover::check_last_head(self.head(), head.status, &head.headers) {
            return Err(Refused { exchange: self, refusal, supported: None });
        }
        let protocol = protocol_of(head.status, &head.headers);
        let reason = head.extensions.get::<Reason>();
        let words =
            Handover { status: head.status, reason, date: None, upgrade: None, headers: &head.headers };
        Ok(self.hand_over_after(&words, protocol))
    }

    /// Upgrades the connection to a protocol that both sides know: the 101 is written and the connection
    /// taken over.
    ///
    /// # Errors
    ///
    /// [`Refused`], and the exchange with it: nothing was offered, nothing in common, HTTP/1.0, or a body that
    /// is to be read first.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing is awaited but the flush of the 101, which the connection's first use continues.
    pub fn upgrade<P, S>(
        self,
        upgrade: Upgrade<P>,
    ) -> impl Future<Output = Result<Conn<Io>, Refused<Io>>> + use<Io, P, S>
    where
        P: AsRef<[S]>,
        S: AsRef<str> + Clone + Into<Cow<'static, str>>,
    {
        let Upgrade { protocols, headers } = upgrade;
        started(self.switch(protocols.as_ref(), &headers))
    }

    fn switch<S>(self, protocols: &[S], headers: &HeaderMap) -> Result<Conn<Io>, Refused<Io>>
    where
        S: AsRef<str> + Clone + Into<Cow<'static, str>>,
    {
        let protocol = match handover::choose_upgrade(self.head(), self.0.session.body_is_read(), protocols) {
            Ok(protocol) => protocol.clone().into(),
            Err(refusal) => return Err(Refused { exchange: self, refusal, supported: join(protocols) }),
        };
        let status = StatusCode::SWITCHING_PROTOCOLS;
        let head = Handover { status, reason: None, date: None, upgrade: Some(&*protocol), headers };
        Ok(self.hand_over_after(&head, Some(protocol.clone())))
    }

    /// Accepts the tunnel that a `CONNECT` asks for: a 200 with `headers` is written and the connection taken
    /// over.
    ///
    /// # Errors
    ///
    /// [`Refused`], and the exchange with it: another method, or a request with a body. Answered with anything
    /// but a 2xx, a `CONNECT` ends the connection, and nothing behind it is parsed (RFC 9931).
    ///
    /// # Cancel safety
    ///
    /// As [`upgrade`](Self::upgrade).
    #[allow(clippy::needless_pass_by_value, reason = "as everywhere in an answer")]
    pub fn accept_connect(
        self,
        headers: HeaderMap,
    ) -> impl Future<Output = Result<Conn<Io>, Refused<Io>>> + use<Io> {
        started(self.open_tunnel(&headers))
    }

    fn open_tunnel(self, headers: &HeaderMap) -> Result<Conn<Io>, Refused<Io>> {
        let allowed = handover::check_connect(self.head())
            .and_then(|()| handover::check_last_head(self.head(), StatusCode::OK, headers));
        if let Err(refusal) = allowed {
            return Err(Refused { exchange: self, refusal, supported: None });
        }
        let date = self.0.date();
        let head =
            Handover { status: StatusCode::OK, reason: None, date: date.as_ref(), upgrade: None, headers };
        Ok(self.hand_over_after(&head, Some("connect".into())))
    }

    /// Queues the head and takes the connection over; the checks are done.
    fn hand_over_after(mut self, head: &Handover<'_>, protocol: Option<Cow<'static, str>>) -> Conn<Io> {
        let Serving { wire, session, .. } = &mut *self.0;
        session.put_handover(head, wire.out()).expect("an exchange is not answered yet");
        take(*self.0, protocol).expect("an exchange is not answered yet")
    }
}

/// Writes the head that is queued. If that fails the connection's next use will say so.
#[allow(clippy::manual_async_fn, reason = "an `async fn` would keep its argument twice")]
fn started<Io: Stream>(
    mut taken: Result<Conn<Io>, Refused<Io>>,
) -> impl Future<Output = Result<Conn<Io>, Refused<Io>>> {
    async move {
        if let Ok(conn) = &mut taken {
            let _ = conn.flush().await;
        }
        taken
    }
}

/// The protocol to which a head switches.
pub(crate) fn protocol_of(status: StatusCode, headers: &HeaderMap) -> Option<Cow<'static, str>> {
    let upgrade = headers.get(UPGRADE).filter(|_| status == StatusCode::SWITCHING_PROTOCOLS)?;
    upgrade.to_str().ok().map(|protocol| protocol.to_owned().into())
}

/// Flushes what was written and takes the connection over.
pub(crate) async fn hand_over<Io: Stream>(
    mut serving: Box<Serving<Io>>,
    protocol: Option<Cow<'static, str>>,
) -> Result<Conn<Io>, Error> {
    serving.flush().await?;
    take(*serving, protocol)
}

/// Ends HTTP on the connection: the session's unread bytes and the wire become a [`Conn`].
pub(crate) fn take<Io: Stream>(
    mut serving: Serving<Io>,
    protocol: Option<Cow<'static, str>>,
) -> Result<Conn<Io>, Error> {
    let unread = serving.session.take_over()?;
    let raw = serving.head.take().map(|head| head.raw().clone()).unwrap_or_default();
    let Serving { wire, config, .. } = serving;
    wire.lease.set_taken(unread.len(), wire.queued(), raw, protocol);
    if config.taken != ConnLimits::default() {
        wire.lease.set_limits(config.taken);
    }
    Ok(Conn::new(wire, unread))
}
