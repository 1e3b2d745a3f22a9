//! A channel with safe defaults: what clients that tonic generates call over.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use http::header::USER_AGENT;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Request, Response, Uri, request};
use hyper::body::Incoming;
use tonic::Status;
use tower_service::Service;

use crate::call::deadline::{Deadline, GRPC_TIMEOUT, timeout_of, to_header};
use crate::call::receiving::Receiving;
use crate::call::sending::Call;
use crate::call::status;
use crate::link::Link;
use crate::{ChannelConfig, DialError, Dialer};

/// Calls over a taken-over connection, which is opened by the first call and anew after every cut. Cheap to clone; all
/// clones are one.
///
/// ```no_run
/// use hijack_tonic::Dialer;
///
/// # fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let channel = Dialer::to("http://gateway.example/grpc")?.channel();
/// // let client = GreeterClient::new(channel);
/// # let _ = channel; Ok(()) }
/// ```
///
/// - **Deadlines** bound the whole call, the takeover among it: `DEADLINE_EXCEEDED`, and the server is told to stop.
/// - **A cut** ends open calls with `UNAVAILABLE`. A call that no server has begun with goes over a new connection, once: nothing
///   of it was sent, or the server has said so. What was sent of it may be 64 KiB.
/// - **Cancellation.** Dropping a call, or the stream of its answer, resets it on the server, whatever is still being sent.
/// - **Limits.** [`ChannelConfig`], and what clients decode (`max_decoding_message_size`).
#[derive(Clone)]
pub struct Channel(Arc<Shared>);

struct Shared {
    origin: Origin,
    config: ChannelConfig,
    link: Mutex<Option<Link>>,
    /// Held while a connection is opened, so that calls beside each other open one.
    opening: tokio::sync::Mutex<Opening>,
    /// How many tries to open one have ended.
    tries: AtomicU64,
}

struct Opening {
    way: Way,
    /// Why the last try failed, if it did.
    failed: Option<String>,
}

/// Where connections come from.
enum Way {
    Dial(Box<Dialer>),
    /// Nowhere: there was this one.
    Given,
}

/// What the requests of HTTP/2 name as their origin.
struct Origin {
    scheme: Scheme,
    authority: Authority,
}

impl Channel {
    /// Over connections that `dialer` opens.
    #[must_use]
    pub fn new(dialer: Dialer, config: ChannelConfig) -> Self {
        let scheme = if dialer.endpoint().is_tls() { Scheme::HTTPS } else { Scheme::HTTP };
        let origin = Origin { scheme, authority: dialer.authority().clone() };
        Self::of(origin, config, None, Way::Dial(Box::new(dialer)))
    }

    /// Over `link`, for as long as it lives.
    pub(crate) fn over(link: Link, authority: Authority, config: ChannelConfig) -> Self {
        let origin = Origin { scheme: Scheme::HTTP, authority };
        Self::of(origin, config, Some(link), Way::Given)
    }

    /// Lets go of the connection, which ends with the calls under way.
    pub(crate) fn retire(&self) {
        drop(self.0.link().take());
    }

    fn of(origin: Origin, config: ChannelConfig, link: Option<Link>, way: Way) -> Self {
        let opening = tokio::sync::Mutex::new(Opening { way, failed: None });
        let (link, tries) = (Mutex::new(link), AtomicU64::new(0));
        Self(Arc::new(Shared { origin, config, link, opening, tries }))
    }

    /// Whether there is a connection, as far as is known.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.0.link().as_ref().is_some_and(|link| !link.is_closed())
    }

    async fn call_within(
        self,
        mut request: Request<tonic::body::Body>,
    ) -> Result<Response<Receiving>, Status> {
        let within = timeout_of(request.headers()).or(self.0.config.deadline);
        if let Some(within) = within {
            request.headers_mut().insert(GRPC_TIMEOUT, to_header(within));
        }
        let mut deadline = within.map(Deadline::new);
        let (head, call) = self.0.prepare(request)?;
        let answer = tokio::select! {
            biased;
            passed = passed(&mut deadline) => return Err(passed),
            answer = self.0.send(&head, &call) => answer?,
        };
        Ok(Receiving::of(answer, deadline, call))
    }
}

async fn passed(deadline: &mut Option<Deadline>) -> Status {
    match deadline {
        Some(deadline) => std::future::poll_fn(|cx| deadline.poll_passed(cx)).await,
        None => std::future::pending().await,
    }
}

impl Shared {
    fn link(&self) -> MutexGuard<'_, Option<Link>> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The request as HTTP/2 has it: with an origin, and a body that ends with the call.
    fn prepare(&self, request: Request<tonic::body::Body>) -> Result<(request::Parts, Call), Status> {
        let (mut head, body) = request.into_parts();
        let path = head.uri.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
        let uri = Uri::builder().scheme(self.origin.scheme.clone()).authority(self.origin.authority.clone());
        head.uri = uri.path_and_query(path).build().map_err(|error| Status::internal(error.to_string()))?;
        head.headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(AGENT));
        Ok((head, Call::new(body)))
    }

    /// Sends a request over the connection that there is, or a new one; once more if no server has begun with it.
    async fn send(&self, head: &request::Parts, call: &Call) -> Result<Response<Incoming>, Status> {
        let mut tried = false;
        loop {
            let mut link = self.open().await?;
            let Some(sending) = call.sending(link.tasks()) else { return Err(Status::unavailable(CUT)) };
            let failed = match link.send(Request::from_parts(head.clone(), sending)).await {
                Ok(answer) => {
                    call.settle();
                    return Ok(answer);
                }
                Err(failed) => failed,
            };
            if tried || !failed.unprocessed {
                return Err(status::of_server(&failed.error));
            }
            self.forget(&link);
            tried = true;
        }
    }

    /// The connection that there is.
    fn current(&self) -> Option<Link> {
        self.link().clone().filter(|link| !link.is_closed())
    }

    /// No further call goes over `link`, closed or about to be.
    fn forget(&self, link: &Link) {
        self.link().take_if(|current| current.is(link));
    }

    async fn open(&self) -> Result<Link, Status> {
        if let Some(link) = self.current() {
            return Ok(link);
        }
        let tries = self.tries.load(SeqCst);
        let mut opening = self.opening.lock().await;
        if let Some(link) = self.current() {
            return Ok(link); // somebody else opened it meanwhile
        }
        if let Some(failed) = opening.failed.as_ref().filter(|_| self.tries.load(SeqCst) > tries) {
            return Err(Status::unavailable(failed)); // or tried, which is not done again by everybody who waited
        }
        let dialled = self.dial(&opening.way).await;
        opening.failed = dialled.as_ref().err().cloned();
        self.tries.fetch_add(1, SeqCst);
        let link = dialled.map_err(Status::unavailable)?;
        *self.link() = Some(link.clone());
        Ok(link)
    }

    async fn dial(&self, way: &Way) -> Result<Link, String> {
        let Way::Dial(dialer) = way else {
            return Err("the connection has ended, and it was the only one".to_owned());
        };
        let dialled = match dialer.dial().await {
            // A server that goes down may have taken a connection that the next one now takes.
            Err(DialError::Http(hijack::Error::Unanswered(_) | hijack::Error::Io(_))) => dialer.dial().await,
            dialled => dialled,
        };
        let pipe = dialled.map_err(|error| error.to_string())?;
        let (link, running) = Link::begin(pipe, &self.config).await.map_err(|error| status::words(&error))?;
        tokio::spawn(running);
        Ok(link)
    }
}

const CUT: &str = "the connection to the server ended, and more was sent than could be sent again";

const AGENT: &str = concat!("hijack-tonic/", env!("CARGO_PKG_VERSION"));

impl Service<Request<tonic::body::Body>> for Channel {
    type Response = Response<Receiving>;
    type Error = Status;
    type Future = Calling;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(())) // HTTP/2 has calls beyond the server's limit wait
    }

    fn call(&mut self, request: Request<tonic::body::Body>) -> Calling {
        Calling(Box::pin(self.clone().call_within(request)))
    }
}

/// A call until the head of its answer. Dropping it cancels the call.
pub struct Calling(Pin<Box<dyn Future<Output = Result<Response<Receiving>, Status>> + Send>>);

impl Future for Calling {
    type Output = Result<Response<Receiving>, Status>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for Calling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Calling")
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("authority", &self.0.origin.authority)
            .field("connected", &self.is_connected())
            .finish_non_exhaustive()
    }
}
