//! One connection while it is HTTP: reading heads, ending exchanges, closing in order.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use hijack_proto::body::BodyEvent;
use hijack_proto::date::FixDate;
use hijack_proto::h1::{After, Next, ServerSession};
use hijack_proto::{HeadError, RequestHead};
use http::{HeaderMap, StatusCode, Version};

use super::{Config, Exchange};
use crate::Error;
use crate::incoming::Incoming;
use crate::observe::{EndReason, State, Timeout};
use crate::transport::{Stream, Transport};
use crate::wire::Wire;

/// A connection in its HTTP life: the session and the wire that feeds it.
pub(crate) struct Serving<Io> {
    pub(crate) wire: Wire<Io>,
    pub(crate) session: ServerSession,
    pub(super) config: Arc<Config>,
    /// The head of the request at hand.
    pub(crate) head: Option<RequestHead>,
    /// Whether the request before the next head, if there was one, still has to be ended.
    answered: bool,
    first: bool,
}

/// A server's connection between two requests, driven by hand.
///
/// [`Server::serve`](crate::Server::serve) does this for most; made by
/// [`Server::connection`](crate::Server::connection), it serves a stream that came from elsewhere:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), hijack::Error> {
/// use hijack::{Body, Server};
///
/// let (near, mut far) = tokio::io::duplex(1024);
/// let connection = Server::new().connection(near, "GET / HTTP/1.0\r\n\r\n");
/// let exchange = connection.next().await?.expect("a request");
/// let outcome = exchange.respond(http::Response::new(Body::from("hello"))).await?;
/// assert!(outcome.into_http().expect("answered").next().await?.is_none());
///
/// let mut answer = String::new();
/// tokio::io::AsyncReadExt::read_to_string(&mut far, &mut answer).await?;
/// assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nhello"));
/// # Ok(()) }
/// ```
pub struct HttpConnection<Io = Transport>(pub(super) Box<Serving<Io>>);

impl<Io: Stream> HttpConnection<Io> {
    /// The next request, once its head is complete; `None` if the connection has ended in order.
    ///
    /// The exchange before it is ended first: what of its body was not read is read and thrown away.
    ///
    /// # Errors
    ///
    /// An error of the stream, or a head that was refused; it has been answered then.
    ///
    /// # Cancel safety
    ///
    /// Cancelling drops the connection.
    pub async fn next(mut self) -> Result<Option<Exchange<Io>>, Error> {
        match self.0.next().await {
            Ok(true) => Ok(Some(Exchange(self.0))),
            Ok(false) => Ok(None),
            Err(error) => {
                self.0.refuse(&error).await;
                Err(error)
            }
        }
    }
}

impl<Io: Stream> Serving<Io> {
    pub(super) fn new(wire: Wire<Io>, unread: &[u8], config: Arc<Config>) -> Self {
        let mut session = ServerSession::new(config.limits);
        session.feed(unread);
        Self { wire, session, config, head: None, answered: false, first: true }
    }

    /// Reads the next head into `self.head`; `false` if there is none to come.
    async fn next(&mut self) -> Result<bool, Error> {
        if self.answered && !self.end_exchange().await? {
            return Ok(false);
        }
        if !poll_fn(|cx| self.poll_head(cx)).await? {
            let reason = if self.session.is_eof() { EndReason::PeerClosed } else { EndReason::ShutDown };
            self.wire.lease.record().set_end(reason);
            self.close(false).await;
            return Ok(false);
        }
        self.wire.lease.end_wait();
        self.wire.lease.set_state(State::Active);
        self.answered = false;
        self.first = false;
        Ok(true)
    }

    /// Puts the next head into `self.head`; `false` if there is none to come.
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        loop {
            match self.session.poll_head()? {
                Next::Head(head) => {
                    self.head = Some(head);
                    return Poll::Ready(Ok(true));
                }
                Next::Ended => return Poll::Ready(Ok(false)),
                Next::NeedInput => {}
            }
            let idle = self.session.unread().is_empty();
            if idle && self.wire.lease.record().is_told() {
                return Poll::Ready(Ok(false));
            }
            match self.poll_fill(cx) {
                Poll::Ready(result) => result?,
                Poll::Pending => return self.wait_for_head(idle),
            };
        }
    }

    /// Sets the limit of the wait for a head, which depends on what has come of it.
    fn wait_for_head(&mut self, idle: bool) -> Poll<Result<bool, Error>> {
        let lease = &self.wire.lease;
        let record = lease.record();
        if idle && record.is_told() {
            return Poll::Ready(Ok(false));
        }
        if idle && !self.first {
            lease.set_state(State::Idle);
            lease.wait(Timeout::KeepAlive, self.config.keep_alive_timeout);
            return Poll::Pending;
        }
        lease.wait(Timeout::Head, self.config.head_timeout);
        if !idle && record.state() != State::Head {
            lease.set_state(State::Head);
            let limit = self.config.max_heads;
            if lease.registry().heads() > limit {
                record.set_end(EndReason::LimitReached("max_heads", limit));
                return Poll::Ready(Err(HeadError::TooManyHeads { limit }.into()));
            }
        }
        Poll::Pending
    }

    /// Reads once and feeds the session.
    pub(super) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, Error>> {
        let Self { wire, session, .. } = self;
        let read = wire.poll_read_with(cx, |bytes| {
            match bytes {
                [] => session.feed_eof(),
                bytes => session.feed(bytes),
            }
            bytes.len()
        });
        read.map_err(Error::from)
    }

    /// Flushes what is queued, within the write timeout.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.wire.lease.end_other_waits(Timeout::Write);
        match self.wire.poll_flush(cx) {
            Poll::Ready(result) => {
                self.wire.lease.end_wait();
                Poll::Ready(result.map_err(Error::from))
            }
            Poll::Pending => {
                self.wire.lease.wait(Timeout::Write, self.config.write_timeout);
                Poll::Pending
            }
        }
    }

    /// Queues an interim answer; toward HTTP/1.0, which knows none, nothing (RFC 9110 §15.2).
    pub(crate) fn put_interim(&mut self, status: StatusCode, headers: &HeaderMap) -> Result<(), Error> {
        if self.head.as_ref().is_some_and(|head| head.version() == Version::HTTP_10) {
            return Ok(());
        }
        Ok(self.session.put_interim(status, headers, self.wire.out())?)
    }

    /// Writes what is queued as far as it is taken at once.
    pub(crate) fn flush_at_once(&mut self) -> Result<(), Error> {
        match self.wire.poll_flush(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => result.map_err(Error::from),
            Poll::Pending => Ok(()),
        }
    }

    pub(super) async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// Marks the exchange as answered and lets go of its head, whose memory the next one uses.
    pub(super) fn set_answered(&mut self) {
        self.answered = true;
        self.head = None;
    }

    /// Whether answers are to announce the end of the connection.
    pub(super) fn is_closing(&self) -> bool {
        !self.config.keep_alive || self.wire.lease.record().is_told()
    }

    pub(crate) fn date(&self) -> Option<FixDate> {
        let tick = self.wire.lease.registry().tick();
        self.config.date.then(|| crate::date::now(tick))
    }

    /// Whether the rest of the request's body is known to be short enough to be read and thrown away.
    pub(super) fn is_drainable(&self) -> bool {
        self.session.body_remaining().is_some_and(|left| left <= self.config.drain_len as u64)
    }

    /// Ends the exchange at hand: `true` if the connection goes on.
    async fn end_exchange(&mut self) -> Result<bool, Error> {
        let mut drained = 0;
        loop {
            match self.session.finish() {
                After::NextHead => return Ok(true),
                After::Close => {
                    let too_long = EndReason::LimitReached("drain_len", self.config.drain_len);
                    let reason = if self.is_drainable() { EndReason::Closed } else { too_long };
                    self.wire.lease.record().set_end(reason);
                    let unheard = !self.session.body_is_read() || !self.session.unread().is_empty();
                    self.close(unheard).await;
                    return Ok(false);
                }
                After::Drain => {}
            }
            let allowed = self.config.drain_len.saturating_sub(drained);
            let too_much = self.session.body_remaining().is_some_and(|left| left > allowed as u64);
            if too_much || allowed == 0 {
                self.wire.lease.record().set_end(EndReason::LimitReached("drain_len", self.config.drain_len));
                self.close(true).await;
                return Ok(false);
            }
            match self.next_body(allowed).await? {
                BodyEvent::Data(data) => drained += data.len(),
                _ => continue,
            }
        }
    }

    /// The next part of the request's body, read from the wire where needed. Never [`BodyEvent::NeedInput`].
    pub(super) async fn next_body(&mut self, max: usize) -> Result<BodyEvent, Error> {
        poll_fn(|cx| self.poll_body(cx, max)).await
    }

    /// Answers a head that was refused, or one that did not come in time, and closes.
    async fn refuse(&mut self, error: &Error) {
        let refused = match error {
            Error::Head(error) => *error,
            Error::Body(_) => {
                // It came to light behind the answer.
                return self.wire.lease.record().set_end(EndReason::Refused(StatusCode::BAD_REQUEST));
            }
            _ if error.timeout() == Some(Timeout::Head) && !self.session.unread().is_empty() => {
                HeadError::TimedOut
            }
            _ => return,
        };
        if refused == HeadError::Truncated {
            self.wire.lease.record().set_end(EndReason::PeerClosed);
            return;
        }
        self.wire.lease.end_wait();
        self.wire.lease.record().set_end(EndReason::Refused(refused.status()));
        let date = self.date();
        ServerSession::put_refusal(&refused, date.as_ref(), self.wire.out());
        if self.flush().await.is_ok() {
            self.close(true).await;
        }
    }

    /// Ends our direction; with `linger`, reads on for a while, so that no reset destroys the last answer.
    async fn close(&mut self, linger: bool) {
        self.wire.lease.end_wait();
        self.wire.lease.wait(Timeout::Write, self.config.linger_timeout);
        let ended = poll_fn(|cx| self.wire.poll_shutdown(cx)).await;
        self.wire.lease.end_wait();
        if linger && ended.is_ok() && self.config.linger_timeout > Duration::ZERO {
            self.wire.linger(self.config.linger_timeout).await;
        }
    }
}

impl<Io: Stream> Incoming for Serving<Io> {
    fn poll_body(&mut self, cx: &mut Context<'_>, max: usize) -> Poll<Result<BodyEvent, Error>> {
        if self.session.expects_continue() {
            self.session.put_continue(self.wire.out());
        }
        if self.wire.queued() > 0 && self.session.is_unanswered() {
            ready!(self.poll_flush(cx))?;
        }
        self.wire.lease.end_other_waits(Timeout::Body);
        loop {
            match self.session.poll_body(max)? {
                BodyEvent::NeedInput => {}
                event => {
                    self.wire.lease.end_wait();
                    return Poll::Ready(Ok(event));
                }
            }
            match self.poll_fill(cx) {
                Poll::Ready(result) => {
                    self.wire.lease.end_wait();
                    result?;
                }
                Poll::Pending => {
                    self.wire.lease.wait(Timeout::Body, self.config.body_timeout);
                    return Poll::Pending;
                }
            }
        }
    }

    fn end_wait(&mut self) {
        self.wire.lease.end_wait();
    }
}

impl<Io> fmt::Debug for HttpConnection<Io> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HttpConnection").field(&self.0.wire.lease).finish()
    }
}
