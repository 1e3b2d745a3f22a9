//! Connections kept between ordinary requests.
//!
//! A takeover wants a connection of its own; a pool is for all that stays HTTP. Per endpoint it holds a count of
//! the connections that live and a stack of those that are idle: the one used last is used next, so that the
//! others grow old and go.

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hijack_proto::ResponseHead;
use hijack_proto::body::{BodyEvent, BodyLength};
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use super::{Answer, Answered, Client, ClientConnection, Endpoint};
use crate::incoming::{Incoming, PART_LEN};
use crate::{BoxError, Error};

/// A pool of connections for ordinary requests. Cheap to clone; all clones are one pool.
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), hijack::Error> {
/// let pool = hijack::Client::new().pool();
/// let endpoint = "http://127.0.0.1:9090".parse()?;
/// let request = http::Request::get("/handle2").body(hijack::Body::empty()).expect("a request");
/// let response = pool.request(&endpoint, request).await?;
/// assert_eq!(response.status(), 200);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Pool(Arc<Shared>);

struct Shared {
    client: Client,
    places: Mutex<HashMap<Endpoint, Place>>,
    /// Told when a connection is given back or ends.
    freed: Notify,
}

/// What is known of one endpoint; it goes when nothing of it lives.
#[derive(Default)]
struct Place {
    /// Connections that live, idle ones among them; at most `max_per_endpoint`.
    open: usize,
    idle: Vec<Idle>,
    /// Whether a task looks after the idle ones.
    swept: bool,
}

struct Idle {
    connection: ClientConnection,
    since: Instant,
}

impl Idle {
    /// Whether it can still be used; the reason of its end is noted otherwise.
    fn lives(&mut self, limit: Duration) -> bool {
        let lives = self.connection.is_quiet() && self.since.elapsed() < limit;
        if !lives {
            self.connection.set_ended();
        }
        lives
    }
}

impl Client {
    /// A pool of connections of this client.
    #[must_use]
    pub fn pool(&self) -> Pool {
        Pool(Arc::new(Shared { client: self.clone(), places: Mutex::default(), freed: Notify::new() }))
    }
}

impl Pool {
    /// Sends a request over an idle connection or a new one, and gives the answer. The connection goes back to
    /// the pool when the answer's body is read to its end, and closes when that is dropped before.
    ///
    /// An idle connection that the server has closed is not used. One that it closes at the same moment, without
    /// a byte of an answer, is replaced by a new one if the request had no body and may be repeated by its method
    /// (RFC 9110 §9.2.2, RFC 9112 §9.3.1).
    ///
    /// # Errors
    ///
    /// [`Error::Connect`], [`Error::PoolFull`] if no connection is free within
    /// [`ClientConfig::connect_timeout`](crate::ClientConfig::connect_timeout), and those of
    /// [`ClientConnection::request`].
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection.
    pub async fn request<B>(
        &self,
        endpoint: &Endpoint,
        request: Request<B>,
    ) -> Result<Response<PooledBody>, Error>
    where
        B: HttpBody + Send + 'static,
        B::Error: Into<BoxError>,
    {
        self.request_with(endpoint, request, |_| ()).await
    }

    /// As [`request`](Self::request), and tells `interim` each interim answer when it comes: any 1xx but 101.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request).
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection.
    pub async fn request_with<B>(
        &self,
        endpoint: &Endpoint,
        request: Request<B>,
        mut interim: impl FnMut(ResponseHead) + Send,
    ) -> Result<Response<PooledBody>, Error>
    where
        B: HttpBody + Send + 'static,
        B::Error: Into<BoxError>,
    {
        if !request.body().is_end_stream() || !request.method().is_idempotent() {
            let mut leased = self.lease(endpoint).await?;
            let answer = leased.ask(request, &mut interim).await?;
            return Ok(leased.answered(answer));
        }
        let request = request.map(|_| crate::Body::empty());
        loop {
            let mut leased = self.lease(endpoint).await?;
            let heard = leased.connection.bytes_in();
            match leased.ask(request.clone(), &mut interim).await {
                Ok(answer) => return Ok(leased.answered(answer)),
                // Each round uses an idle connection up, so there is an end.
                Err(error @ (Error::Unanswered(_) | Error::Io(_)))
                    if leased.used
                        && leased.connection.bytes_in() == heard
                        // It was the server's doing: neither a limit of ours nor an operator.
                        && error.end_reason().is_none() => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Connections that live, busy and idle.
    #[must_use]
    pub fn open(&self) -> usize {
        self.0.places().values().map(|place| place.open).sum()
    }

    /// Connections that are idle.
    #[must_use]
    pub fn idle(&self) -> usize {
        self.0.places().values().map(|place| place.idle.len()).sum()
    }

    async fn lease(&self, endpoint: &Endpoint) -> Result<Leased, Error> {
        let limit = self.0.client.config().max_per_endpoint;
        let within = self.0.client.config().connect_timeout;
        let place = timeout(within, self.0.free(endpoint, limit)).await;
        let (permit, connection) = place.map_err(|_| Error::PoolFull { limit })?;
        let used = connection.is_some();
        let connection = match connection {
            Some(connection) => connection,
            None => self.0.client.connect(endpoint).await?,
        };
        Ok(Leased { connection, permit, used })
    }
}

impl Shared {
    fn places(&self) -> MutexGuard<'_, HashMap<Endpoint, Place>> {
        // Nothing panics while the lock is held.
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An idle connection, or the right to open one, as soon as either can be had.
    async fn free(self: &Arc<Self>, endpoint: &Endpoint, limit: usize) -> (Permit, Option<ClientConnection>) {
        let permit = || Permit { pool: Arc::clone(self), endpoint: endpoint.clone(), given_back: false };
        loop {
            let mut freed = std::pin::pin!(self.freed.notified());
            freed.as_mut().enable();
            if let Some(connection) = self.pop(endpoint) {
                return (permit(), Some(connection));
            }
            {
                let mut places = self.places();
                let place = places.entry(endpoint.clone()).or_default();
                if place.open < limit {
                    place.open += 1;
                    return (permit(), None);
                }
            }
            freed.await;
        }
    }

    /// The idle connection that was used last and still lives; dead ones on the way are dropped.
    fn pop(&self, endpoint: &Endpoint) -> Option<ClientConnection> {
        let mut dead = Vec::new(); // dropped behind the lock: an observer hears of it
        let mut places = self.places();
        let place = places.get_mut(endpoint)?;
        while let Some(mut idle) = place.idle.pop() {
            if idle.lives(self.client.config().idle_timeout) {
                return Some(idle.connection);
            }
            place.open -= 1;
            dead.push(idle);
        }
        None
    }

    /// Keeps a connection, and sees to it that somebody ends it in time.
    fn push(self: &Arc<Self>, endpoint: &Endpoint, connection: ClientConnection) {
        let most = self.client.config().max_idle_per_endpoint;
        let oldest; // dropped behind the lock
        let mut places = self.places();
        let Some(place) = places.get_mut(endpoint) else { return };
        place.idle.push(Idle { connection, since: Instant::now() });
        if place.idle.len() > most {
            // The oldest one is the first that the server will close.
            oldest = place.idle.remove(0);
            oldest.connection.set_ended();
            place.open -= 1;
        }
        if !std::mem::replace(&mut place.swept, true) {
            tokio::spawn(sweep(Arc::downgrade(self), endpoint.clone()));
        }
    }

    fn end_one(&self, endpoint: &Endpoint) {
        let mut places = self.places();
        if let Some(place) = places.get_mut(endpoint) {
            place.open -= 1;
            if place.open == 0 && !place.swept {
                places.remove(endpoint);
            }
        }
    }
}

/// How often idle connections are looked at, at the least: one that the server closed is not kept for long.
const SWEEP: Duration = Duration::from_secs(5);

/// Ends idle connections that are too old or dead, until the endpoint has none.
async fn sweep(pool: Weak<Shared>, endpoint: Endpoint) {
    loop {
        let pause = match pool.upgrade() {
            Some(pool) => (pool.client.config().idle_timeout / 2).clamp(Duration::from_millis(10), SWEEP),
            None => return,
        };
        tokio::time::sleep(pause).await;
        let Some(pool) = pool.upgrade() else { return };
        let limit = pool.client.config().idle_timeout;
        let dead: Vec<Idle>; // dropped behind the lock
        let mut places = pool.places();
        let Some(place) = places.get_mut(&endpoint) else { return };
        dead = place.idle.extract_if(.., |idle| !idle.lives(limit)).collect();
        place.open -= dead.len();
        place.swept = !place.idle.is_empty();
        let ends = !place.swept;
        if ends && place.open == 0 {
            places.remove(&endpoint);
        }
        drop(places);
        drop(dead);
        pool.freed.notify_waiters();
        if ends {
            return;
        }
    }
}

/// The right to one of an endpoint's connections.
struct Permit {
    pool: Arc<Shared>,
    endpoint: Endpoint,
    /// The right went back with the connection.
    given_back: bool,
}

impl Permit {
    fn give_back(mut self, connection: ClientConnection) {
        self.pool.push(&self.endpoint, connection);
        self.given_back = true;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.given_back {
            self.pool.end_one(&self.endpoint);
        }
        self.pool.freed.notify_waiters();
    }
}

/// A connection in use.
struct Leased {
    connection: ClientConnection,
    permit: Permit,
    /// It served a request before.
    used: bool,
}

impl Leased {
    /// Sends a request, and waits for its final answer.
    async fn ask<B>(
        &mut self,
        request: Request<B>,
        interim: &mut (impl FnMut(ResponseHead) + Send),
    ) -> Result<Answer, Error>
    where
        B: HttpBody + Send + 'static,
        B::Error: Into<BoxError>,
    {
        self.connection.begin(request).await?;
        loop {
            match self.connection.next_answer().await? {
                Answered::Interim(head) => interim(head),
                Answered::Final(answer) => return Ok(answer),
            }
        }
    }

    /// The answer, whose body holds the connection until its end.
    fn answered(self, answer: Answer) -> Response<PooledBody> {
        let Answer { head, length, .. } = answer;
        let body = PooledBody { leased: Some(self), length: length_of(length) };
        head.into_response(if length.is_empty() { body.ended() } else { body })
    }

    /// The exchange is over.
    fn end(self) {
        if self.connection.pending() > 0 || self.connection.is_sending() {
            return; // the server is owed the rest of the request
        }
        if self.connection.is_open() {
            self.permit.give_back(self.connection);
        } else {
            self.connection.set_ended();
        }
    }
}

fn length_of(length: BodyLength) -> Option<u64> {
    match length {
        BodyLength::Exact(len) => Some(len),
        BodyLength::Chunked | BodyLength::UntilClose => None,
    }
}

/// The body of an answer that came over a pool's connection.
pub struct PooledBody {
    /// Until the end was read.
    leased: Option<Leased>,
    /// Bytes still to come, if the head told.
    length: Option<u64>,
}

impl PooledBody {
    fn ended(mut self) -> Self {
        if let Some(leased) = self.leased.take() {
            leased.end();
        }
        self
    }
}

impl HttpBody for PooledBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(leased) = &mut self.leased else { return Poll::Ready(None) };
        match ready!(leased.connection.0.poll_body(cx, PART_LEN)) {
            Ok(BodyEvent::Data(data)) => {
                if let Some(left) = &mut self.length {
                    *left -= data.len() as u64;
                }
                // The end is known at once where the length was told: the connection is free before it is asked for.
                if self.length == Some(0) {
                    self.finish();
                }
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            Ok(event) => {
                self.finish();
                match event {
                    BodyEvent::End(Some(trailers)) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
                    _ => Poll::Ready(None),
                }
            }
            Err(error) => {
                self.leased = None;
                Poll::Ready(Some(Err(error)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.leased.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl PooledBody {
    /// Ends the exchange: the connection goes back, or closes.
    fn finish(&mut self) {
        if let Some(mut leased) = self.leased.take() {
            leased.connection.0.end_exchange();
            leased.end();
        }
    }
}

impl fmt::Debug for PooledBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PooledBody").field("length", &self.length).finish_non_exhaustive()
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("open", &self.open()).field("idle", &self.idle()).finish()
    }
}
