//! The extractor.

use std::borrow::Cow;
use std::future::Future;

use axum_core::body::Body;
use axum_core::extract::FromRequestParts;
use axum_core::response::Response;
use hijack::{Conn, Error, Peer};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::Body as _;

use crate::{HijackerRejection, NotTaken};

/// The means to take over the connection of a request: an extractor.
///
/// It takes nothing from the request, so it may stand before or behind other extractors, a body's included. Asked
/// for as `Option<Hijacker>` it does not reject.
///
/// ```
/// use axum::response::Response;
/// use hijack_axum::{Hijacker, NotTaken};
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// /// The default: the conversation begins when the handler is gone.
/// async fn outside(hijacker: Hijacker) -> Response {
///     hijacker.protocols(["chat"]).take_over_with(|mut conn| async move {
///         conn.write_all(b"welcome\n").await?;
///         conn.close().await.map(drop)
///     })
/// }
///
/// /// Inside the handler, subject to what layers do to it.
/// async fn inside(hijacker: Hijacker) -> Result<(), NotTaken> {
///     let mut conn = hijacker.protocols(["chat"]).take_over().await?;
///     let _ = conn.write_all(b"welcome\n").await;
///     Ok(())
/// }
/// # let _ = (outside, inside);
/// ```
#[derive(Debug, Clone)]
pub struct Hijacker(hijack::tower::Hijacker);

impl<S: Send + Sync> FromRequestParts<S> for Hijacker {
    type Rejection = HijackerRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, HijackerRejection> {
        let found = parts.extensions.get::<hijack::tower::Hijacker>();
        found.cloned().map(Self).ok_or(HijackerRejection::of(parts.version))
    }
}

impl<S: Send + Sync> axum_core::extract::OptionalFromRequestParts<S> for Hijacker {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Self::Rejection> {
        Ok(parts.extensions.get::<hijack::tower::Hijacker>().cloned().map(Self))
    }
}

impl Hijacker {
    /// The other end of the connection.
    #[must_use]
    pub fn peer(&self) -> Peer {
        self.0.peer()
    }

    /// Takes over behind a 101 to the first of `protocols` that the client offers (RFC 9110 §7.8).
    pub fn protocols<P, S>(self, protocols: P) -> TypedHijacker
    where
        P: AsRef<[S]>,
        S: AsRef<str> + Clone + Into<Cow<'static, str>>,
    {
        TypedHijacker(self.0.protocols(protocols))
    }

    /// Takes over behind the 200 that accepts a `CONNECT` (RFC 9110 §9.3.6).
    pub fn tunnel(self) -> TypedHijacker {
        TypedHijacker(self.0.tunnel())
    }

    /// Takes over behind `head`, the last words of HTTP: see [`hijack::Exchange::take_over_after`].
    pub fn after(self, head: http::Response<()>) -> TypedHijacker {
        TypedHijacker(self.0.after(head))
    }

    /// Takes the connection over, writing nothing, once the response returned here has passed all layers: see
    /// [`hijack::tower::Hijacker::take_over_with`].
    #[must_use = "the takeover happens when this response is returned"]
    pub fn take_over_with<F>(self, conversation: impl FnOnce(Conn) -> F + Send + 'static) -> Response
    where
        F: Future<Output = Result<(), Error>> + Send + 'static,
    {
        self.0.take_over_with(conversation).map(into_axum)
    }

    /// Takes the connection over now, writing nothing; what the handler returns afterwards is not sent.
    ///
    /// # Errors
    ///
    /// [`NotTaken`], which is a response too.
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection.
    pub async fn take_over(self) -> Result<Conn, NotTaken> {
        self.0.take_over().await.map_err(NotTaken)
    }
}

/// A takeover behind an answer that was agreed upon, or the reason why there is none.
#[derive(Debug)]
#[must_use = "take over with it, or nothing happens"]
pub struct TypedHijacker(hijack::tower::TypedHijacker);

impl TypedHijacker {
    /// The protocol that was agreed upon, for an upgrade.
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        self.0.protocol()
    }

    /// Adds a header to the head.
    ///
    /// # Panics
    ///
    /// If `value` cannot be one. For values that come from elsewhere, make a [`HeaderValue`] first.
    pub fn header<V>(self, name: HeaderName, value: V) -> Self
    where
        V: TryInto<HeaderValue, Error: std::fmt::Debug>,
    {
        let value = value.try_into().expect("a header value");
        Self(self.0.headers(HeaderMap::from_iter([(name, value)])))
    }

    /// Adds headers to the head.
    pub fn headers(self, headers: HeaderMap) -> Self {
        Self(self.0.headers(headers))
    }

    /// As [`Hijacker::take_over_with`], behind the head. Where there is no takeover the response says so: 426 with
    /// the protocols that there are, for one.
    #[must_use = "the takeover happens when this response is returned"]
    pub fn take_over_with<F>(self, conversation: impl FnOnce(Conn) -> F + Send + 'static) -> Response
    where
        F: Future<Output = Result<(), Error>> + Send + 'static,
    {
        self.0.take_over_with(conversation).map(into_axum)
    }

    /// As [`Hijacker::take_over`]: the head is written now.
    ///
    /// # Errors
    ///
    /// [`NotTaken`], which is a response too.
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection.
    pub async fn take_over(self) -> Result<Conn, NotTaken> {
        self.0.take_over().await.map_err(NotTaken)
    }
}

/// An empty body needs no box, and a response that plans a takeover has one.
fn into_axum(body: hijack::Body) -> Body {
    if body.is_end_stream() { Body::empty() } else { Body::new(body) }
}
