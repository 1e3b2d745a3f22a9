//! A connection to a server while it is HTTP: requests go out, answers come in, both at once.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};

use bytes::Bytes;
use hijack_proto::ResponseHead;
use hijack_proto::body::BodyLength;
use hijack_proto::h1::{ClientSession, RequestId};
use http::header::EXPECT;
use http::{HeaderValue, Request, Version};
use http_body::Body;

use super::ClientConfig;
use super::upload::Upload;
use crate::observe::{ConnectionId, EndReason, Peer, State, Timeout};
use crate::transport::{Stream, Transport};
use crate::wire::Wire;
use crate::{BodyReader, BoxError, Error};

/// A client's connection, in the hands of one owner.
///
/// Requests go one by one ([`request`](Self::request)) or ahead of their answers ([`send`](Self::send),
/// [`answer`](Self::answer)); the body of an answer is read on demand ([`body`](Self::body)). Behind an answer
/// the connection can be taken over: [`upgrade`](Self::upgrade), [`tunnel`](Self::tunnel),
/// [`upgrade_or_stream`](Self::upgrade_or_stream) check the answer first, [`take_over`](Self::take_over) takes
/// any.
///
/// No task runs behind it: bytes move while something on it is awaited, requests' bodies and answers at the same
/// time, so that neither side waits for the other in vain. Dropped, it closes.
///
/// ```
/// # use hijack::{Body, Client, Error, Exchange, Listener, Server};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
/// # let listener = Listener::bind("127.0.0.1:0").await?;
/// # let endpoint = listener.local_address().parse()?;
/// # tokio::spawn(async move {
/// #     let handler = |exchange: Exchange| exchange.respond(http::Response::new(Body::from("hello")));
/// #     Server::new().serve(listener, handler).await;
/// # });
/// let mut connection = Client::new().connect(&endpoint).await?;
/// let request = http::Request::get("/greeting").body(Body::empty()).expect("a request");
/// let answer = connection.request(request).await?;
/// assert_eq!(answer.status(), 200);
/// assert_eq!(connection.read_to_end(1024).await?, "hello");
/// # Ok(()) }
/// ```
pub struct ClientConnection<Io = Transport>(pub(super) Box<Inner<Io>>);

pub(super) struct Inner<Io> {
    pub(super) wire: Wire<Io>,
    pub(super) session: ClientSession,
    pub(super) config: Arc<ClientConfig>,
    /// What `Host` says where a request does not.
    pub(super) host: Option<HeaderValue>,
    /// Targets are written whole, as proxies want them (RFC 9112 §3.2.2).
    pub(super) absolute_form: bool,
    /// What of the last request's body is still to be sent.
    pub(super) upload: Option<Upload>,
    /// Why writing failed. The answer that may have come before says more.
    pub(super) broken: Option<io::Error>,
    /// The bytes of the last final answer's head.
    pub(super) last_head: Bytes,
    /// Bytes that are no request were sent ahead of an answer.
    pub(super) sent_ahead: bool,
    /// How many bytes had come when the oldest request under way was sent: its answer is behind them.
    pub(super) asked_at: u64,
}

/// A first number for the requests of each connection, far from those of all others.
fn first_number() -> u64 {
    static CONNECTIONS: AtomicU64 = AtomicU64::new(0);
    CONNECTIONS.fetch_add(1, Relaxed) << 32
}

/// The head of a final answer; its body is read from the connection.
///
/// It derefs to [`ResponseHead`]: status, headers, version, reason.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Answer {
    /// Which request it answers.
    pub id: RequestId,
    /// The head.
    pub head: ResponseHead,
    /// The length of the body.
    pub length: BodyLength,
    /// The server ends the connection behind this answer: no further request is answered.
    pub closes: bool,
    /// It came before the request was sent to its end. The rest is sent while the answer's body is read, or
    /// not at all where the server closes.
    pub early: bool,
}

impl Deref for Answer {
    type Target = ResponseHead;

    fn deref(&self) -> &ResponseHead {
        &self.head
    }
}

/// What [`ClientConnection::next_answer`] gives.
#[derive(Debug, Clone)]
pub enum Answered {
    /// An interim answer: any 1xx but 101. The final one is still to come.
    Interim(ResponseHead),
    /// The final answer.
    Final(Answer),
}

impl<Io: Stream> ClientConnection<Io> {
    pub(super) fn new(
        wire: Wire<Io>,
        unread: &[u8],
        config: Arc<ClientConfig>,
        host: Option<HeaderValue>,
    ) -> Self {
        let mut session = ClientSession::new(config.limits).numbered_from(first_number());
        session.feed(unread);
        Self(Box::new(Inner {
            wire,
            session,
            config,
            host,
            absolute_form: false,
            upload: None,
            broken: None,
            last_head: Bytes::new(),
            sent_ahead: false,
            asked_at: 0,
        }))
    }

    /// Sends a request and waits for the head of its answer.
    ///
    /// The target is the URI's path and query; `CONNECT` takes its authority, or its path where it has none, as
    /// Go's net/rpc asks. `Host` is the request's own, else the URI's authority, else the endpoint's; a request of
    /// HTTP/1.0 gets none of its own, one of any other version goes as HTTP/1.1. The body is framed by its length: `Content-Length` where it is known,
    /// chunks otherwise. What was not read of the answer before is thrown away.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send) and [`answer`](Self::answer). [`Error::AnswersPending`] if earlier answers are still
    /// to come, [`Error::BodyTooLong`] if more than [`ClientConfig::drain_len`] of the body before is unread; nothing
    /// is sent then.
    ///
    /// # Cancel safety
    ///
    /// Once it was sent, the request stays under way: its answer is the next one. [`pending`](Self::pending)
    /// tells.
    pub async fn request<B>(&mut self, request: Request<B>) -> Result<Answer, Error>
    where
        B: Body + Send + 'static,
        B::Error: Into<BoxError>,
    {
        self.request_as(request, None).await
    }

    /// As [`request`](Self::request), and asks for an upgrade to one of `protocols`, best first (RFC 9110 §7.8). Whatever
    /// is answered is given as it is: behind a 101 that [`verify_upgrade`](crate::handover::verify_upgrade) finds right
    /// [`take_over`](Self::take_over) gives the connection, behind any other answer comes a body.
    ///
    /// [`upgrade`](Self::upgrade) does both at once, for whoever wants nothing but the upgrade.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request); [`Error::Config`] if a protocol is no legal name.
    ///
    /// # Cancel safety
    ///
    /// As [`request`](Self::request).
    pub async fn request_upgrade<B>(
        &mut self,
        request: Request<B>,
        protocols: &[impl AsRef<str>],
    ) -> Result<Answer, Error>
    where
        B: Body + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let upgrade = super::takeover::list(protocols)?;
        self.request_as(request, upgrade).await
    }

    pub(super) async fn request_as<B>(
        &mut self,
        request: Request<B>,
        upgrade: Option<HeaderValue>,
    ) -> Result<Answer, Error>
    where
        B: Body + Send + 'static,
        B::Error: Into<BoxError>,
    {
        self.begin_as(request, upgrade).await?;
        self.answer().await
    }

    /// Sends a request on a connection that owes no answer; the next one is this one's.
    pub(super) async fn begin<B>(&mut self, request: Request<B>) -> Result<(), Error>
    where
        B: Body + Send + 'static,
        B::Error: Into<BoxError>,
    {
        self.begin_as(request, None).await
    }

    async fn begin_as<B>(&mut self, request: Request<B>, upgrade: Option<HeaderValue>) -> Result<(), Error>
    where
        B: Body + Send + 'static,
        B::Error: Into<BoxError>,
    {
        match self.pending() {
            0 if self.is_open() => {}
            0 => return Err(Error::Closing),
            pending => return Err(Error::AnswersPending(pending)),
        }
        // Before it is sent: where that fails, nothing was asked, and what follows the body is seen for what it is.
        self.0.skip_body().await?;
        self.send_as(request, upgrade).await?;
        Ok(())
    }

    /// Sends a request without waiting for its answer: more may follow before it comes (RFC 9112 §9.3.2).
    ///
    /// It returns once the request has begun: what of it the wire does not take at once, and what its body does
    /// not give at once, goes out while anything on this connection is awaited. A request before it is sent to its
    /// end first.
    ///
    /// # Errors
    ///
    /// [`Error::Closing`] if the connection takes no further request, [`Error::Encode`] if head and body do not
    /// fit or too many requests are under way, [`Error::Request`] if the body fails. If the server stops
    /// reading, the answer tells.
    ///
    /// # Cancel safety
    ///
    /// Safe: the request is sent either not at all or whole, in the latter case while the next thing is awaited.
    pub async fn send<B>(&mut self, request: Request<B>) -> Result<RequestId, Error>
    where
        B: Body + Send + 'static,
        B::Error: Into<BoxError>,
    {
        self.send_as(request, None).await
    }

    async fn send_as<B>(
        &mut self,
        request: Request<B>,
        upgrade: Option<HeaderValue>,
    ) -> Result<RequestId, Error>
    where
        B: Body + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let inner = &mut *self.0;
        if inner.session.is_sending() {
            poll_fn(|cx| inner.poll_sent(cx)).await?;
        }
        let (head, body) = request.into_parts();
        let empty = body.is_end_stream();
        let length = if empty { Some(0) } else { body.size_hint().exact() };
        let id = inner.put_head(&head, length, upgrade.as_ref())?;
        if empty {
            inner.session.end_request(None, inner.wire.out())?;
        } else {
            let waits = head.version != Version::HTTP_10
                && head
                    .headers
                    .get(EXPECT)
                    .is_some_and(|it| it.as_bytes().eq_ignore_ascii_case(b"100-continue"));
            inner.upload = Some(Upload::new(body, waits.then_some(inner.config.continue_timeout)));
        }
        inner.wire.lease.set_state(State::Active);
        // What does not go now goes with whatever is awaited next.
        poll_fn(|cx| Poll::Ready(inner.poll_begin(cx))).await?;
        Ok(id)
    }

    /// The next final answer; interim ones before it are skipped.
    ///
    /// What was not read of the answer before is read and thrown away first, up to
    /// [`ClientConfig::drain_len`].
    ///
    /// # Errors
    ///
    /// [`Error::Unanswered`] if the server ends the connection instead, [`Error::Head`] if what it sends is no
    /// answer, [`Error::NothingAsked`] without a request under way, [`Error::Request`] if the body that is still
    /// being sent fails, [`Error::Io`], also when [`ClientConfig::answer_timeout`] is over.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn answer(&mut self) -> Result<Answer, Error> {
        loop {
            if let Answered::Final(answer) = self.next_answer().await? {
                return Ok(answer);
            }
        }
    }

    /// As [`answer`](Self::answer), if the next answer is `id`'s.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`] if it is not: `id` is answered already, comes later, or is another connection's.
    /// Nothing is read then.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn answer_to(&mut self, id: RequestId) -> Result<Answer, Error> {
        if self.0.session.next_pending() != Some(id) {
            return Err(Error::UnknownRequest);
        }
        self.answer().await
    }

    /// The next answer, be it an interim or the final one. At most [`Limits::interims`](crate::Limits::interims)
    /// interim ones come before a final one.
    ///
    /// # Errors
    ///
    /// As [`answer`](Self::answer).
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn next_answer(&mut self) -> Result<Answered, Error> {
        let inner = &mut *self.0;
        inner.skip_body().await?;
        poll_fn(|cx| inner.poll_answered(cx)).await
    }

    /// The body of the last answer, read as far as wanted and no further. Where nothing was read of it, a
    /// takeover gives it raw.
    pub fn body(&mut self) -> BodyReader<'_> {
        BodyReader::new(&mut *self.0)
    }

    /// Reads the body of the last answer whole.
    ///
    /// # Errors
    ///
    /// As [`BodyReader::to_bytes`].
    ///
    /// # Cancel safety
    ///
    /// Not safe: what was read is lost.
    pub async fn read_to_end(&mut self, limit: usize) -> Result<Bytes, Error> {
        self.body().to_bytes(limit).await
    }

    /// Requests sent whose final answer has not come.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.0.session.pending()
    }

    /// Whether a further request can be sent: nobody has announced the end, and the stream is whole.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let Inner { session, upload, broken, .. } = &*self.0;
        let may_send = session.can_send() || (upload.is_some() && session.keeps_alive());
        broken.is_none() && may_send && !self.0.has_unasked()
    }

    /// Writes whole URIs as targets, as a proxy wants them for requests that it is to pass on (RFC 9112 §3.2.2).
    pub fn set_absolute_form(&mut self, absolute_form: bool) {
        self.0.absolute_form = absolute_form;
    }

    /// Ends the connection in order: what is queued is sent, then our direction ends, with close_notify inside
    /// TLS. Dropping it closes the socket at once.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    ///
    /// # Cancel safety
    ///
    /// Cancelling drops the connection.
    pub async fn close(mut self) -> Result<(), Error> {
        self.set_ended();
        let wire = &mut self.0.wire;
        wire.lease.end_wait();
        wire.lease.wait(Timeout::Write, self.0.config.write_timeout);
        Ok(poll_fn(|cx| wire.poll_shutdown(cx)).await?)
    }

    /// The other end.
    #[must_use]
    pub fn peer(&self) -> &Peer {
        &self.0.wire.lease.record().peer
    }

    /// The name of this connection in its client's tracker.
    #[must_use]
    pub fn id(&self) -> ConnectionId {
        ConnectionId(self.0.wire.lease.record().id)
    }

    /// The stream underneath, to ask it questions; reading or writing it would corrupt the exchange.
    #[must_use]
    pub fn io(&self) -> &Io {
        &self.0.wire.io
    }
}

/// What a pool asks.
impl<Io: Stream> ClientConnection<Io> {
    pub(super) fn is_sending(&self) -> bool {
        self.0.session.is_sending()
    }

    pub(super) fn bytes_in(&self) -> u64 {
        self.0.bytes_in()
    }

    /// The end to come is an orderly one: ours, unless the server's came before.
    pub(super) fn set_ended(&self) {
        let record = self.0.wire.lease.record();
        let ended = if record.peer_ended() { EndReason::PeerClosed } else { EndReason::Closed };
        record.set_end(ended);
    }
}

impl ClientConnection {
    /// Whether the connection can be used for a further request as far as can be seen: it [is open](Self::is_open), and the
    /// server is silent, as it must be between two exchanges. Neither bytes nor its end are there.
    ///
    /// It waits for nothing; ask before a connection that was idle is used.
    pub fn is_quiet(&mut self) -> bool {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        self.is_open() && self.0.poll_fill(&mut cx).is_pending() && !crate::transport::has_news(self.io())
    }
}

impl<Io> fmt::Debug for ClientConnection<Io> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientConnection")
            .field("lease", &self.0.wire.lease)
            .field("pending", &self.0.session.pending())
            .finish_non_exhaustive()
    }
}
