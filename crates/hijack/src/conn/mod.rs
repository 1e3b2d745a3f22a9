//! The taken-over connection.

mod io;
mod parts;
mod split;

use std::borrow::Cow;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io::Result;

use bytes::Bytes;
use hijack_proto::{Limits, RequestHead, ResponseHead};
use tokio::io::AsyncWriteExt;

use crate::observe::{ConnLimits, ConnectionId, EndReason, Peer, Timeout};
use crate::server::Outcome;
use crate::transport::{Stream, Transport};
use crate::wire::Wire;

pub use parts::{ConnLease, Parts};
pub use split::{ReadHalf, ReuniteError, WriteHalf};

/// A connection that is yours: no server or client reads, writes or times it any more.
///
/// It reads as `AsyncRead` and `AsyncBufRead`, writes as `AsyncWrite`, and is the same type on both ends.
///
/// - **Who closes?** You. [`close`](Self::close) ends it in order; dropping it closes the socket at once. Either
///   way, and after a panic, the reason is recorded.
/// - **Deadlines?** None is left of the server's. Give it limits of its own with
///   [`set_limits`](Self::set_limits), or wrap a read or write in `tokio::time::timeout`: both are
///   cancel-safe.
/// - **Unread bytes?** Reads give first what came behind the head, then what the stream gives; the memory of the
///   former is freed as soon as it is read.
/// - **The body?** What of the request's body was not read comes raw, framing and all, as the client sent it.
/// - **The end?** A FIN, or close_notify inside TLS, reads as no bytes. A TLS peer that ends without close_notify, as
///   nginx does on upgraded connections, reads as [`std::io::ErrorKind::UnexpectedEof`]: its last bytes may be missing.
/// - **Shutdown?** [`told`](Self::told) completes when the server shuts down; it then waits for this connection
///   until its deadline, and ends it by force.
/// - **Cancellation?** Reads, writes, peeks and flushes may be cancelled: nothing is lost, and a write that was
///   cancelled has written a prefix that only `AsyncWrite::poll_write` tells.
///
/// Writes go to the stream at once. [`put`](Self::put) queues small pieces, which leave with the next write or
/// flush.
pub struct Conn<Io = Transport> {
    pub(crate) wire: Wire<Io>,
    /// Bytes read from the stream and not given out yet.
    pub(crate) unread: Bytes,
}

impl<Io: Stream> Conn<Io> {
    pub(crate) fn new(wire: Wire<Io>, unread: Bytes) -> Self {
        Self { wire, unread }
    }

    /// The name of this connection in its server's tracker.
    #[must_use]
    pub fn id(&self) -> ConnectionId {
        ConnectionId(self.wire.lease.record().id)
    }

    /// The other end.
    #[must_use]
    pub fn peer(&self) -> &Peer {
        &self.wire.lease.record().peer
    }

    /// The head of the request that was taken over, on a server.
    ///
    /// Only its bytes are kept, so this parses them anew. `None` if the connection was not taken over from a
    /// request.
    #[must_use]
    pub fn head(&self) -> Option<RequestHead> {
        let (raw, limits) = self.raw_head();
        RequestHead::parse(raw, &limits).ok()
    }

    /// The head of the answer behind which the connection was taken over, on a client.
    ///
    /// As [`head`](Self::head), it is parsed anew.
    #[must_use]
    pub fn answer(&self) -> Option<ResponseHead> {
        let (raw, limits) = self.raw_head();
        ResponseHead::parse(raw, &limits).ok()
    }

    fn raw_head(&self) -> (Bytes, Limits) {
        let raw = self.wire.lease.record().with_details(|details| details.head.clone());
        // It was parsed under the limits of its server or client, which may be wider than the usual ones.
        let mut limits = Limits::default();
        limits.head_len = raw.len();
        limits.target_len = raw.len();
        limits.headers = limits.headers.max(raw.iter().filter(|&&byte| byte == b'\n').count());
        (raw, limits)
    }

    /// The protocol that was agreed upon by a typed takeover.
    #[must_use]
    pub fn protocol(&self) -> Option<Cow<'static, str>> {
        self.wire.lease.record().with_details(|details| details.protocol.clone())
    }

    /// Lets go of the [`head`](Self::head) or [`answer`](Self::answer) and the [`protocol`](Self::protocol), a few hundred
    /// bytes: for whoever holds many connections, and has what is needed of it himself.
    pub fn forget_head(&mut self) {
        self.wire.lease.record().forget_head();
    }

    /// The stream underneath. Reading from it or writing to it directly would reorder bytes.
    #[must_use]
    pub fn io(&self) -> &Io {
        &self.wire.io
    }

    /// The bytes that were read from the stream and not given out yet.
    #[must_use]
    pub fn unread(&self) -> &[u8] {
        &self.unread
    }

    /// Puts `bytes` in front of everything that is still to be read.
    pub fn unshift(&mut self, bytes: impl Into<Bytes>) {
        let bytes = bytes.into();
        self.unread = if self.unread.is_empty() { bytes } else { [&bytes[..], &self.unread].concat().into() };
    }

    /// Waits until at least `len` bytes can be seen, or the peer has ended its direction, and shows what there
    /// is without consuming it.
    ///
    /// # Errors
    ///
    /// An IO error; what had come before it stays readable.
    ///
    /// # Cancel safety
    ///
    /// Safe: bytes that came stay readable.
    pub async fn peek(&mut self, len: usize) -> Result<&[u8]> {
        while self.unread.len() < len {
            let shown = self.unread.len();
            poll_fn(|cx| self.poll_read_more(cx)).await?;
            if self.unread.len() == shown {
                break;
            }
        }
        Ok(&self.unread)
    }

    /// Queues `bytes`: they leave with the next write, flush or close.
    pub fn put(&mut self, bytes: &[u8]) {
        self.wire.out().extend_from_slice(bytes);
    }

    /// Ends our direction, queued bytes first: a FIN, or close_notify and a FIN inside TLS. Reading goes on.
    ///
    /// # Errors
    ///
    /// An IO error.
    ///
    /// # Cancel safety
    ///
    /// Safe: call it again.
    pub async fn close_write(&mut self) -> Result<()> {
        self.shutdown().await
    }

    /// Limits how long the connection may be idle, live, and be open on one side only.
    ///
    /// Beyond a limit reads and writes fail with [`std::io::ErrorKind::TimedOut`]; [`crate::ended_by`] tells which it was.
    pub fn set_limits(&mut self, limits: ConnLimits) {
        self.wire.lease.set_limits(limits);
    }

    /// Completes once the server shuts down or an operator asks this connection to end
    /// ([`Tracker::tell`](crate::Tracker::tell)).
    ///
    /// The future does not borrow the connection: make it first, then select between it and reads.
    ///
    /// ```
    /// # use hijack::{Conn, Error};
    /// # use tokio::io::{AsyncReadExt, AsyncWriteExt};
    /// async fn echo(mut conn: Conn) -> Result<(), Error> {
    ///     let mut told = std::pin::pin!(conn.told());
    ///     let mut buffer = [0; 1024];
    ///     loop {
    ///         tokio::select! {
    ///             read = conn.read(&mut buffer) => match read? {
    ///                 0 => return Ok(()),
    ///                 len => conn.write_all(&buffer[..len]).await?,
    ///             },
    ///             () = &mut told => return Ok(conn.write_all(b"goodbye").await?),
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub fn told(&self) -> impl Future<Output = ()> + Send + 'static + use<Io> {
        self.wire.lease.told()
    }

    /// Ends the connection in order: queued bytes, then our direction; then what the peer still sends is thrown
    /// away until it ends too, or for two seconds, so that a reset does not destroy what we sent.
    ///
    /// The returned [`Outcome`] is what a handler returns.
    ///
    /// # Errors
    ///
    /// An IO error of the writing side.
    ///
    /// # Cancel safety
    ///
    /// Cancelling drops the connection.
    pub async fn close(mut self) -> std::result::Result<Outcome<Io>, crate::Error> {
        self.shutdown().await?;
        self.wire.lease.record().set_end(EndReason::Closed);
        self.see_off().await;
        Ok(Outcome::taken())
    }

    /// Ends our direction and gives the peer time to end its own.
    pub(crate) async fn say_goodbye(&mut self) {
        if self.shutdown().await.is_ok() {
            self.see_off().await;
        }
    }

    async fn see_off(&mut self) {
        self.unread = Bytes::new();
        self.wire.linger(LINGER).await;
    }

    /// Leaves the connection to `conversation` and ends the handler: the server runs the conversation after the
    /// handler's future is gone, in the same task, so that nothing of the handler's is held meanwhile.
    pub fn hand_off<F>(self, conversation: impl FnOnce(Self) -> F) -> Outcome<Io>
    where
        F: Future<Output = std::result::Result<(), crate::Error>> + Send + 'static,
    {
        Outcome::conversation(conversation(self))
    }

    /// Names the reason of the end to come, for the tracker's and the observer's sake; the first one stays.
    pub fn set_end_reason(&mut self, reason: EndReason) {
        self.wire.lease.record().set_end(reason);
    }
}

/// How long a closing connection is read so that the peer sees our last bytes.
pub(crate) const LINGER: std::time::Duration = std::time::Duration::from_secs(2);

impl<Io: Stream> Wire<Io> {
    /// Reads and throws away until the peer ends its direction, for `limit` at the most.
    pub(crate) async fn linger(&mut self, limit: std::time::Duration) {
        if self.lease.record().peer_ended() {
            return;
        }
        self.lease.wait(Timeout::Linger, limit);
        while matches!(poll_fn(|cx| self.poll_read_with(cx, <[u8]>::len)).await, Ok(1..)) {}
    }
}

impl<Io> fmt::Debug for Conn<Io> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conn")
            .field("lease", &self.wire.lease)
            .field("unread", &self.unread.len())
            .finish_non_exhaustive()
    }
}
