//! The takeover as a service's handler sees it.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use hijack_proto::h1::TakeOverError;
use hijack_proto::handover::{self, Refusal};
use http::header::{CONNECTION, UPGRADE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::plan::{Plan, Planned, Way};
use super::slot::Slot;
use crate::observe::{ConnectionId, Identity, Peer};
use crate::server::hand_over;
use crate::{Body, Conn, Error};

/// The means to take a request's connection over. It is among the extensions of every request that
/// [`Server::serve_service`](crate::Server::serve_service) gives to a service.
///
/// ```
/// use hijack::tower::{Hijacker, IncomingBody};
/// use hijack::{Body, Conn, Error};
/// use http::{Request, Response};
/// use tokio::io::AsyncWriteExt;
///
/// async fn handle(mut request: Request<IncomingBody>) -> Result<Response<Body>, Error> {
///     let hijacker = request.extensions_mut().remove::<Hijacker>().expect("served by hijack");
///     Ok(hijacker.protocols(["chat"]).take_over_with(|mut conn: Conn| async move {
///         conn.write_all(b"welcome\n").await?;
///         conn.close().await.map(drop)
///     }))
/// }
/// # let _ = handle;
/// ```
#[derive(Clone)]
pub struct Hijacker(pub(super) Arc<Slot>);

/// A takeover that was not to be had, with the answer that tells the client.
#[derive(Debug)]
#[non_exhaustive]
pub enum NotTaken {
    /// The exchange cannot be taken over any more: it was already, or its answer is out or on its way.
    Late(TakeOverError),
    /// What was asked does not allow this takeover.
    Refused(Refusal, Option<HeaderValue>),
    /// The connection broke while an answer before was flushed.
    Broken(Error),
}

impl NotTaken {
    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Refused(refusal, _) => refusal.status(),
            Self::Late(_) | Self::Broken(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The answer: status, the headers that it must have (426 with the protocols that are supported, for one), and
    /// a sentence.
    #[must_use]
    pub fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(format!("{self}\n")));
        *response.status_mut() = self.status();
        if let Self::Refused(refusal, supported) = self {
            refusal.put_headers(supported, response.headers_mut());
        }
        response
    }
}

impl fmt::Display for NotTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Late(error) => error.fmt(f),
            Self::Refused(refusal, _) => refusal.fmt(f),
            Self::Broken(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for NotTaken {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Broken(error) => error.source(),
            _ => None,
        }
    }
}

impl From<NotTaken> for Error {
    fn from(not_taken: NotTaken) -> Self {
        match not_taken {
            NotTaken::Late(error) => error.into(),
            NotTaken::Refused(refusal, _) => refusal.into(),
            NotTaken::Broken(error) => error,
        }
    }
}

impl Hijacker {
    /// The other end of the connection.
    ///
    /// [`Peer::Unknown`] once the exchange is over or taken over.
    #[must_use]
    pub fn peer(&self) -> Peer {
        self.0.with(|serving| serving.wire.lease.record().peer.clone()).unwrap_or(Peer::Unknown)
    }

    /// Whom the client's certificates name, over TLS, as long as the exchange is open: so who it is can be known before a
    /// takeover is granted.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        self.0.with(|serving| serving.wire.io.identity()).ok().flatten()
    }

    /// The name of the connection in its server's tracker, as long as the exchange is open.
    #[must_use]
    pub fn connection_id(&self) -> Option<ConnectionId> {
        self.0.with(|serving| ConnectionId(serving.wire.lease.record().id)).ok()
    }

    /// Sends an interim answer, as [`Exchange::put_interim`](crate::Exchange::put_interim) does.
    ///
    /// # Errors
    ///
    /// [`Error::TakeOver`] if the exchange is over or taken over; [`Error::Encode`] for another status than an interim
    /// one, or if the answer has begun; [`Error::Io`].
    pub fn put_interim(&self, status: StatusCode, headers: &HeaderMap) -> Result<(), Error> {
        self.0.with(|serving| {
            serving.put_interim(status, headers)?;
            serving.flush_at_once()
        })?
    }

    /// Takes over behind a 101 to the first of `protocols` that the client offers (RFC 9110 §7.8).
    pub fn protocols<P, S>(self, protocols: P) -> TypedHijacker
    where
        P: AsRef<[S]>,
        S: AsRef<str> + Clone + Into<Cow<'static, str>>,
    {
        let protocols = protocols.as_ref();
        let chosen = self.0.with(|serving| {
            let head = serving.head.as_ref().ok_or(Refusal::NoOffer)?;
            handover::choose_upgrade(head, serving.session.body_is_read(), protocols)
                .map(|it| it.clone().into())
        });
        let names = || protocols.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(", ");
        let agreed = match chosen {
            Err(late) => Err(NotTaken::Late(late)),
            Ok(Err(refusal)) => Err(NotTaken::Refused(refusal, HeaderValue::try_from(names()).ok())),
            Ok(Ok(protocol)) => Ok(Agreed::upgrade(protocol)),
        };
        TypedHijacker { hijacker: self, agreed }
    }

    /// Takes over behind the 200 that accepts a `CONNECT` (RFC 9110 §9.3.6).
    pub fn tunnel(self) -> TypedHijacker {
        let allowed = self.0.with(|serving| serving.head.as_ref().map_or(Ok(()), handover::check_connect));
        let agreed = match allowed {
            Err(late) => Err(NotTaken::Late(late)),
            Ok(Err(refusal)) => Err(NotTaken::Refused(refusal, None)),
            Ok(Ok(())) => Ok(Agreed { way: Way::Tunnel, head: Response::new(()) }),
        };
        TypedHijacker { hijacker: self, agreed }
    }

    /// Takes over behind `head`, the last words of HTTP, which is written as it is: see
    /// [`Exchange::take_over_after`](crate::Exchange::take_over_after).
    pub fn after(self, head: Response<()>) -> TypedHijacker {
        let allowed = self.0.with(|serving| {
            let request = serving.head.as_ref().ok_or(Refusal::NoOffer)?;
            handover::check_last_head(request, head.status(), head.headers())
        });
        let agreed = match allowed {
            Err(late) => Err(NotTaken::Late(late)),
            Ok(Err(refusal)) => Err(NotTaken::Refused(refusal, None)),
            Ok(Ok(())) => Ok(Agreed { way: Way::After, head }),
        };
        TypedHijacker { hijacker: self, agreed }
    }

    /// Takes the connection over once the response returned here has passed all layers; nothing is written.
    ///
    /// The response is a sign to the engine, which never sends it: a 101 without headers. Then the service's future
    /// is gone, and `conversation` runs in the connection's task. Where a layer answers with another response, or
    /// with another status, that one is sent, and `conversation` is dropped unrun.
    ///
    /// - **Who closes?** The [`Conn`]'s owner; dropping it closes the socket.
    /// - **Deadlines?** The server's end at the handover; those of layers ended with the service's future.
    /// - **Unread bytes?** In front of what the connection reads.
    /// - **The body?** What was not read of it is among these bytes, raw: framing and all.
    /// - **Shutdown and cancellation?** As the [`Conn`] says. A panic closes it and is recorded.
    #[must_use = "the takeover happens when this response is returned"]
    pub fn take_over_with<F>(self, conversation: impl FnOnce(Conn) -> F + Send + 'static) -> Response<Body>
    where
        F: Future<Output = Result<(), Error>> + Send + 'static,
    {
        planned(Agreed::raw(), conversation)
    }

    /// Takes the connection over now, writing nothing; what the handler returns afterwards is not sent.
    ///
    /// The handler's future has the connection, so whatever the layers do to it they do to the conversation. Apart
    /// from that the connection is as in [`take_over_with`](Self::take_over_with).
    ///
    /// # Errors
    ///
    /// [`NotTaken`].
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection.
    pub async fn take_over(self) -> Result<Conn, NotTaken> {
        let serving = self.0.take().map_err(NotTaken::Late)?;
        hand_over(serving, None).await.map_err(NotTaken::Broken)
    }
}

/// A takeover behind an answer that was agreed upon, or the reason why there is none.
#[must_use = "take over with it, or nothing happens"]
pub struct TypedHijacker {
    hijacker: Hijacker,
    agreed: Result<Agreed, NotTaken>,
}

/// The head behind which the connection is raw.
struct Agreed {
    way: Way,
    head: Response<()>,
}

impl Agreed {
    fn raw() -> Self {
        let mut head = Response::new(());
        *head.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        Self { way: Way::Raw, head }
    }

    fn upgrade(protocol: Cow<'static, str>) -> Self {
        Self { way: Way::Upgrade(protocol), ..Self::raw() }
    }
}

impl TypedHijacker {
    /// The protocol that was agreed upon, for an upgrade.
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        match &self.agreed {
            Ok(Agreed { way: Way::Upgrade(protocol), .. }) => Some(protocol),
            _ => None,
        }
    }

    /// Why there will be no takeover, if so.
    #[must_use]
    pub fn refusal(&self) -> Option<&NotTaken> {
        self.agreed.as_ref().err()
    }

    /// Adds headers to the head.
    pub fn headers(mut self, headers: HeaderMap) -> Self {
        if let Ok(agreed) = &mut self.agreed {
            agreed.head.headers_mut().extend(headers);
        }
        self
    }

    /// As [`Hijacker::take_over_with`], behind the head, with what the layers add to it, except for length and
    /// codings, which are as they were given here. Where there is no takeover the response says so:
    /// [`NotTaken::into_response`].
    #[must_use = "the takeover happens when this response is returned"]
    pub fn take_over_with<F>(self, conversation: impl FnOnce(Conn) -> F + Send + 'static) -> Response<Body>
    where
        F: Future<Output = Result<(), Error>> + Send + 'static,
    {
        match self.agreed {
            Ok(agreed) => planned(agreed, conversation),
            Err(not_taken) => not_taken.into_response(),
        }
    }

    /// As [`Hijacker::take_over`]: the head is written now.
    ///
    /// # Errors
    ///
    /// [`NotTaken`]; the exchange can still be answered, unless the connection broke.
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection.
    pub async fn take_over(self) -> Result<Conn, NotTaken> {
        let Agreed { way, head } = self.agreed?;
        let (head, ()) = head.into_parts();
        way.check(&self.hijacker.0, &head)?;
        let serving = self.hijacker.0.take().map_err(NotTaken::Late)?;
        way.begin(serving, &head).await.map_err(NotTaken::Broken)
    }
}

fn planned<F>(agreed: Agreed, conversation: impl FnOnce(Conn) -> F + Send + 'static) -> Response<Body>
where
    F: Future<Output = Result<(), Error>> + Send + 'static,
{
    let Agreed { way, head } = agreed;
    let mut response = head.map(|()| Body::empty());
    if let Way::Upgrade(protocol) = &way {
        // For the layers' eyes: the engine writes both itself.
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        let protocol = match protocol {
            Cow::Borrowed(name) => HeaderValue::from_maybe_shared(Bytes::from_static(name.as_bytes())),
            Cow::Owned(name) => HeaderValue::from_str(name),
        };
        headers.extend(protocol.ok().map(|protocol| (UPGRADE, protocol)));
    }
    let status = response.status();
    let framing = Planned::framing_of(response.headers());
    let conversation = Box::new(|conn| Box::pin(conversation(conn)) as _);
    Plan::put(Planned { way, status, framing, conversation }, &mut response);
    response
}

impl fmt::Debug for Hijacker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hijacker").field(&self.connection_id()).finish()
    }
}

impl fmt::Debug for TypedHijacker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedHijacker")
            .field("protocol", &self.protocol())
            .field("refusal", &self.refusal())
            .finish()
    }
}
