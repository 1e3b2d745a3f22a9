//! The act itself: an exchange becomes the raw connection.
//!
//! Whether a *typed* takeover is allowed, and what is answered, is decided by the pure functions of
//! `hijack_proto::handover`. A *raw* one is always allowed while the answer is not complete.

use std::borrow::Cow;
use std::fmt;

use hijack_proto::Reason;
use hijack_proto::handover::{self, Refusal};
use http::header::{CONNECTION, DATE, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, Version};

use super::serving::Serving;
use super::{Exchange, Outcome};
use crate::observe::ConnLimits;
use crate::stream::{Stream, Transport};
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
pub struct Upgrade {
    protocols: Vec<Cow<'static, str>>,
    headers: HeaderMap,
}

impl Upgrade {
    /// An upgrade to the first of `protocols` that the client offers. Names compare without case.
    pub fn to<P: Into<Cow<'static, str>>>(protocols: impl IntoIterator<Item = P>) -> Self {
        Self { protocols: protocols.into_iter().map(Into::into).collect(), headers: HeaderMap::new() }
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

    fn supported(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.protocols.join(", ")).ok()
    }
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
    pub async fn answer(self) -> Result<Outcome<Io>, Error> {
        let mut response = Response::new(Body::from(format!("{}\n", self.refusal)));
        *response.status_mut() = self.refusal.status();
        self.refusal.put_headers(self.supported, response.headers_mut());
        self.exchange.respond(response).await
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
        let protocol = head.headers.get(UPGRADE).filter(|_| head.status == StatusCode::SWITCHING_PROTOCOLS);
        let protocol = protocol.and_then(|protocol| protocol.to_str().ok()).map(String::from);
        let reason = head.extensions.get::<Reason>();
        Ok(self.hand_over_after(head.status, reason, &head.headers, protocol.as_deref()))
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
    pub async fn upgrade(self, upgrade: Upgrade) -> Result<Conn<Io>, Refused<Io>> {
        let supported = upgrade.protocols.iter().map(AsRef::as_ref);
        let protocol = match handover::choose_upgrade(self.head(), self.0.session.body_is_read(), supported) {
            Ok(protocol) => protocol.to_owned(),
            Err(refusal) => {
                let supported = upgrade.supported();
                return Err(Refused { exchange: self, refusal, supported });
            }
        };
        let mut headers = upgrade.headers;
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        match HeaderValue::from_str(&protocol) {
            Ok(value) => headers.insert(UPGRADE, value),
            Err(_) => return Err(Refused { exchange: self, refusal: Refusal::Bare101, supported: None }),
        };
        let mut conn = self.hand_over_after(StatusCode::SWITCHING_PROTOCOLS, None, &headers, Some(&protocol));
        conn.start().await;
        Ok(conn)
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
    pub async fn accept_connect(self, headers: HeaderMap) -> Result<Conn<Io>, Refused<Io>> {
        let refusal = handover::check_connect(self.head())
            .and_then(|()| handover::check_last_head(self.head(), StatusCode::OK, &headers));
        if let Err(refusal) = refusal {
            return Err(Refused { exchange: self, refusal, supported: None });
        }
        let mut headers = headers;
        if let Some(date) = self.0.date().and_then(|date| HeaderValue::from_bytes(&date).ok()) {
            headers.entry(DATE).or_insert(date);
        }
        let mut conn = self.hand_over_after(StatusCode::OK, None, &headers, Some("connect"));
        conn.start().await;
        Ok(conn)
    }

    /// Queues the head and takes the connection over; the checks are done.
    fn hand_over_after(
        mut self,
        status: StatusCode,
        reason: Option<&Reason>,
        headers: &HeaderMap,
        protocol: Option<&str>,
    ) -> Conn<Io> {
        let Serving { wire, session, .. } = &mut *self.0;
        session
            .put_handover(Version::HTTP_11, status, reason, headers, wire.out())
            .expect("an exchange is not answered yet");
        take(*self.0, protocol).expect("an exchange is not answered yet")
    }
}

impl<Io: Stream> Conn<Io> {
    /// Writes the head that is queued. If that fails the connection's next use will say so.
    async fn start(&mut self) {
        let _ = tokio::io::AsyncWriteExt::flush(self).await;
    }
}

/// Flushes what was written and takes the connection over.
pub(super) async fn hand_over<Io: Stream>(
    mut serving: Box<Serving<Io>>,
    protocol: Option<&str>,
) -> Result<Conn<Io>, Error> {
    serving.flush().await?;
    take(*serving, protocol)
}

/// Ends HTTP on the connection: the session's unread bytes and the wire become a [`Conn`].
fn take<Io: Stream>(mut serving: Serving<Io>, protocol: Option<&str>) -> Result<Conn<Io>, Error> {
    let unread = serving.session.take_over()?;
    let raw = serving.head.take().map(|head| head.raw().clone()).unwrap_or_default();
    let Serving { wire, config, .. } = serving;
    wire.lease.set_taken(unread.len(), wire.queued(), raw, protocol);
    if config.taken != ConnLimits::default() {
        wire.lease.set_limits(config.taken);
    }
    Ok(Conn::new(wire, unread))
}
