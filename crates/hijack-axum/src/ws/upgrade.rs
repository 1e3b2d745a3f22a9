//! The extractor.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use axum_core::body::Body;
use axum_core::extract::FromRequestParts;
use axum_core::response::Response;
use hijack::ws::{Config, Opening, Origins, Terms, WebSocket};
use http::request::Parts;
use http::{HeaderMap, Method, Version};

use super::WebSocketUpgradeRejection;
use crate::Hijacker;

/// A request that may become a WebSocket: an extractor.
///
/// It takes nothing from the request. Whoever asks for no WebSocket is [rejected](WebSocketUpgradeRejection); pages of
/// other hosts are refused with 403 by [`on_upgrade`](Self::on_upgrade), unless [`origins`](Self::origins) says
/// otherwise.
///
/// ```
/// use axum::response::Response;
/// use hijack_axum::ws::WebSocketUpgrade;
///
/// async fn live(ws: WebSocketUpgrade) -> Response {
///     ws.protocols(["v2.live", "v1.live"])
///         .max_message_size(64 * 1024)
///         .on_failed_upgrade(|error| eprintln!("nobody came: {error}"))
///         .on_upgrade(|mut socket| async move {
///             let spoken = socket.subprotocol().unwrap_or("none").to_owned();
///             socket.send(spoken).await?;
///             Ok(())
///         })
/// }
/// # let _ = live;
/// ```
#[must_use = "the WebSocket begins with the response of `on_upgrade`"]
pub struct WebSocketUpgrade {
    hijacker: Hijacker,
    version: Version,
    headers: HeaderMap,
    config: Config,
    failed: Option<Box<Failed>>,
}

type Failed = dyn FnOnce(hijack::Error) + Send;

impl<S: Send + Sync> FromRequestParts<S> for WebSocketUpgrade {
    type Rejection = WebSocketUpgradeRejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        if parts.version == Version::HTTP_11 {
            Opening::judge(&parts.method, parts.version, &parts.headers)?;
        }
        let hijacker = Hijacker::from_request_parts(parts, state).await?;
        Opening::judge(&parts.method, parts.version, &parts.headers)?;
        Ok(Self {
            hijacker,
            version: parts.version,
            headers: parts.headers.clone(),
            config: Config::default(),
            failed: None,
        })
    }
}

impl WebSocketUpgrade {
    /// The subprotocols that there are, the one that is liked best first. The first that the client offers is chosen; if
    /// there is none, the connection has none.
    pub fn protocols<I>(mut self, protocols: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Cow<'static, str>>,
    {
        self.config.subprotocols = protocols.into_iter().map(|name| name.into().into_owned()).collect();
        self
    }

    /// The subprotocols that the client offers, the one it likes best first.
    pub fn requested_protocols(&self) -> impl Iterator<Item = &str> {
        let judged = Opening::judge(&Method::GET, self.version, &self.headers);
        let offered = judged.map(|opening| opening.subprotocols().collect::<Vec<_>>());
        offered.unwrap_or_default().into_iter()
    }

    /// The subprotocol that the connection will have.
    #[must_use]
    pub fn selected_protocol(&self) -> Option<&str> {
        let offered: Vec<&str> = self.requested_protocols().collect();
        self.config.subprotocols.iter().map(String::as_str).find(|name| offered.contains(name))
    }

    /// Bytes of a message, inflated if it was compressed. Default 64 MiB; a larger one is answered by a Close of 1009.
    pub fn max_message_size(mut self, max: usize) -> Self {
        self.config.limits.message_len = max as u64;
        self
    }

    /// Bytes of a frame as it is on the wire. Default 64 MiB.
    pub fn max_frame_size(mut self, max: usize) -> Self {
        self.config.limits.frame_len = max as u64;
        self
    }

    /// Which pages may connect. Default: those of the host that the request names, and clients that are no pages.
    pub fn origins(mut self, origins: Origins) -> Self {
        self.config.origins = origins;
        self
    }

    /// Changes everything else: compression, pings, timeouts, what may be queued.
    pub fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Has `callback` told if there will be no WebSocket: refused, or declined by a layer that puts another response in
    /// place of the one of [`on_upgrade`](Self::on_upgrade), or gone before the 101 was written.
    pub fn on_failed_upgrade(mut self, callback: impl FnOnce(hijack::Error) + Send + 'static) -> Self {
        self.failed = Some(Box::new(callback));
        self
    }

    /// The response that makes the WebSocket, and what is then said on it; or the one that says why there is none: 403
    /// for a foreign page, 400 for a request whose body was not read.
    ///
    /// `conversation` begins when the handler and its layers are done: see
    /// [`Hijacker::take_over_with`]. The WebSocket is closed when it ends, with 1000 unless it said otherwise. What it
    /// returns is nothing, or a `Result` whose error ends the connection.
    #[must_use = "the WebSocket begins when this response is returned"]
    pub fn on_upgrade<C, F>(self, conversation: C) -> Response
    where
        C: FnOnce(WebSocket) -> F + Send + 'static,
        F: Future<Output: Ended> + Send + 'static,
    {
        let report = Report(self.failed);
        let config = Arc::new(self.config);
        let terms = match Terms::agree(&Method::GET, self.version, &self.headers, &config) {
            Ok(terms) => terms,
            Err(reject) => {
                report.tell(hijack::Error::other(reject.to_string()));
                return reject.into_response().map(Body::new);
            }
        };
        let typed = self.hijacker.protocols(["websocket"]).headers(terms.headers().clone());
        typed.take_over_with(|conn| async {
            report.forget();
            conversation(terms.into_socket(conn)).await.into_result()
        })
    }
}

impl fmt::Debug for WebSocketUpgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketUpgrade")
            .field("hijacker", &self.hijacker)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// Tells of a WebSocket that never came, once: at the latest when it is dropped.
struct Report(Option<Box<Failed>>);

impl Report {
    fn tell(mut self, error: hijack::Error) {
        if let Some(callback) = self.0.take() {
            callback(error);
        }
    }

    fn forget(mut self) {
        self.0 = None;
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        if let Some(callback) = self.0.take() {
            callback(hijack::Error::other(
                "the response that makes the websocket was not sent: refused, replaced by a layer, or the client is gone",
            ));
        }
    }
}

/// How a conversation may end: with nothing, or with a `Result`.
pub trait Ended: sealed::Sealed {
    #[doc(hidden)]
    fn into_result(self) -> Result<(), hijack::Error>;
}

impl Ended for () {
    fn into_result(self) -> Result<(), hijack::Error> {
        Ok(())
    }
}

impl Ended for Result<(), hijack::Error> {
    fn into_result(self) -> Self {
        self
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for () {}
    impl Sealed for Result<(), hijack::Error> {}
}
