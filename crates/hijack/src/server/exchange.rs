//! One request, and everything that can become of it.

use std::fmt;
use std::future::{Future, poll_fn};
use std::task::{Context, Poll};

use bytes::Bytes;
use hijack_proto::RequestHead;
use http::{HeaderMap, Method, StatusCode, Uri};

use super::serving::Serving;
use crate::observe::{ConnectionId, Peer};
use crate::transport::{Stream, Transport};
use crate::{BodyReader, Error};

/// A request whose head has come, together with its connection.
///
/// It ends in one of these ways, each of which consumes it, so that nothing can be written after a takeover
/// and nothing taken over twice:
///
/// | | what the client gets | what the handler gets |
/// |---|---|---|
/// | [`respond`](Self::respond) | a whole answer | [`Outcome`](crate::Outcome) |
/// | [`start`](Self::start) | an answer, piece by piece | [`Responder`](crate::Responder) |
/// | [`take_over`](Self::take_over) | nothing | [`Conn`](crate::Conn) |
/// | [`take_over_after`](Self::take_over_after) | a head as given | [`Conn`](crate::Conn) |
/// | [`upgrade`](Self::upgrade) | a checked 101 | [`Conn`](crate::Conn) |
/// | [`accept_connect`](Self::accept_connect) | a checked 2xx to `CONNECT` | [`Conn`](crate::Conn) |
///
/// ```compile_fail,E0382
/// async fn twice(exchange: hijack::Exchange) -> Result<hijack::Outcome, hijack::Error> {
///     let conn = exchange.take_over().await?;
///     exchange.respond(http::Response::new(hijack::Body::empty())).await // moved above
/// }
/// ```
///
/// Dropped, it closes the connection, unanswered.
pub struct Exchange<Io = Transport>(pub(crate) Box<Serving<Io>>);

impl<Io: Stream> Exchange<Io> {
    /// The request's head.
    ///
    /// # Panics
    ///
    /// Never: an exchange has a head as long as it lives.
    #[must_use]
    pub fn head(&self) -> &RequestHead {
        self.0.head.as_ref().expect("an exchange has a head")
    }

    /// The request's method.
    #[must_use]
    pub fn method(&self) -> &Method {
        self.head().method()
    }

    /// The request's target.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        self.head().uri()
    }

    /// The request's header fields.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.head().headers()
    }

    /// The other end.
    #[must_use]
    pub fn peer(&self) -> &Peer {
        &self.0.wire.lease.record().peer
    }

    /// The name of this connection in the server's tracker.
    #[must_use]
    pub fn connection_id(&self) -> ConnectionId {
        ConnectionId(self.0.wire.lease.record().id)
    }

    /// The stream underneath, to ask it questions; reading or writing it would corrupt the exchange.
    #[must_use]
    pub fn io(&self) -> &Io {
        &self.0.wire.io
    }

    /// The request's body, read as far as wanted and no further.
    ///
    /// A client that waits for `100 Continue` gets it with the first read. What is not read here is read and
    /// thrown away behind the answer, or is handed over raw by a takeover.
    pub fn body(&mut self) -> BodyReader<'_> {
        BodyReader::new(&mut *self.0)
    }

    /// Whether all of the body was read, or there is none.
    #[allow(dead_code, reason = "only WebSocket asks")]
    pub(crate) fn body_is_read(&self) -> bool {
        self.0.session.body_is_read()
    }

    /// Reads the whole body.
    ///
    /// # Errors
    ///
    /// [`Error::BodyTooLong`] beyond `limit` bytes, [`Error::Body`] if it is malformed or ends too early,
    /// [`Error::Io`].
    ///
    /// # Cancel safety
    ///
    /// Not safe: what was read is lost.
    pub async fn read_to_end(&mut self, limit: usize) -> Result<Bytes, Error> {
        self.body().to_bytes(limit).await
    }

    /// Sends an interim answer: any 1xx but 101, which is [`upgrade`](Self::upgrade)'s. A client of HTTP/1.0
    /// knows none and gets nothing (RFC 9110 §15.2).
    ///
    /// # Errors
    ///
    /// [`Error::Encode`] for another status; [`Error::Io`].
    ///
    /// # Cancel safety
    ///
    /// Safe: the answer is queued at once and leaves with the next write if not now.
    pub async fn interim(&mut self, status: StatusCode, headers: &HeaderMap) -> Result<(), Error> {
        self.0.put_interim(status, headers)?;
        self.0.flush().await
    }

    /// As [`interim`](Self::interim), without waiting: what the client does not take at once leaves with the next write.
    ///
    /// # Errors
    ///
    /// As [`interim`](Self::interim).
    pub fn put_interim(&mut self, status: StatusCode, headers: &HeaderMap) -> Result<(), Error> {
        self.0.put_interim(status, headers)?;
        self.0.flush_at_once()
    }

    /// Completes when the client has ended its direction or the connection is broken. No byte is lost by it.
    ///
    /// Reading ahead for it stops at [`Config::read_ahead_len`](crate::Config::read_ahead_len): while so much
    /// is unread, it stays pending. A client may end its direction and still wait for the answer, so this is a
    /// hint, and never ends a handler by itself.
    ///
    /// # Cancel safety
    ///
    /// Safe: what was read ahead stays readable.
    pub async fn peer_gone(&mut self) {
        poll_fn(|cx| self.poll_peer_gone(cx)).await;
    }

    fn poll_peer_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.wire.lease.end_wait();
        while !self.0.session.is_eof() {
            if self.0.session.unread().len() >= self.0.config.read_ahead_len {
                return Poll::Pending;
            }
            match self.0.poll_fill(cx) {
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(())
    }

    /// Completes once the server shuts down, for handlers that take long. Borrows nothing.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub fn told(&self) -> impl Future<Output = ()> + Send + 'static + use<Io> {
        self.0.wire.lease.told()
    }
}

impl<Io> fmt::Debug for Exchange<Io> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").field("lease", &self.0.wire.lease).field("head", &self.0.head).finish()
    }
}
