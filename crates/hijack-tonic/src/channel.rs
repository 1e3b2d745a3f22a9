//! A channel with safe defaults: what clients that tonic generates call over.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use http::header::USER_AGENT;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Request, Response, Uri, request};
use hyper::body::Incoming;
use tokio::sync::watch;
use tonic::Status;
use tower_service::Service;

use crate::call::deadline::{Deadline, GRPC_TIMEOUT, timeout_of, to_header};
use crate::call::receiving::Receiving;
use crate::call::sending::Call;
use crate::call::status;
use crate::link::Link;
use crate::{ChannelConfig, Dialer};

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
/// - **Deadlines** bound the whole call, the takeover among it: `DEADLINE_EXCEEDED`, and the server is told to stop. A
///   takeover that outlasts the call that began it goes on for those who come after, as long as there is a channel.
/// - **No connection**: the status has the [`DialError`](crate::DialError) as its source, and the code that is said there.
/// - **A cut** ends open calls with `UNAVAILABLE`. A call that no server has begun with goes over a new connection, once:
///   nothing of it was sent, or the server has said so. What was sent of it may be 64 KiB. A GOAWAY because there is too
///   much of us (`ENHANCE_YOUR_CALM`) ends calls that the server has not begun with (`RESOURCE_EXHAUSTED`), and they are
///   not sent again; those under way end with the connection.
/// - **Cancellation.** Dropping a call, or the stream of its answer, resets it on the server, whatever is still being sent.
/// - **Limits.** [`ChannelConfig`], and what clients decode (`max_decoding_message_size`).
#[derive(Clone)]
pub struct Channel(Arc<Shared>);

struct Shared {
    origin: Origin,
    config: ChannelConfig,
    /// Where connections come from. Nowhere, if there was one only.
    dialer: Option<Arc<Dialer>>,
    line: Mutex<Line>,
}

struct Line {
    link: Option<Link>,
    /// The dial under way. Its task ends when nobody has one of these any more: neither the channel nor a call.
    dialling: Option<watch::Receiver<Dialled>>,
}

/// How a dial ended, as soon as it has.
type Dialled = Option<Result<Link, Status>>;

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
        Self::of(origin, config, None, Some(Arc::new(dialer)))
    }

    /// Over `link`, for as long as it lives.
    pub(crate) fn over(link: Link, authority: Authority, config: ChannelConfig) -> Self {
        let origin = Origin { scheme: Scheme::HTTP, authority };
        Self::of(origin, config, Some(link), None)
    }

    /// Lets go of the connection, which ends with the calls under way.
    pub(crate) fn retire(&self) {
        let link = self.0.line().link.take();
        drop(link);
    }

    fn of(origin: Origin, config: ChannelConfig, link: Option<Link>, dialer: Option<Arc<Dialer>>) -> Self {
        let line = Mutex::new(Line { link, dialling: None });
        Self(Arc::new(Shared { origin, config, dialer, line }))
    }

    /// Whether there is a connection, as far as is known.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.0.line().current().is_some()
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
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
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
    async fn send(
        self: &Arc<Self>,
        head: &request::Parts,
        call: &Call,
    ) -> Result<Response<Incoming>, Status> {
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

    /// No further call goes over `link`, closed or about to be.
    fn forget(&self, link: &Link) {
        self.line().link.take_if(|current| current.is(link));
    }

    /// The connection that there is, or the one that comes. A caller who goes meanwhile leaves it to the others.
    async fn open(self: &Arc<Self>) -> Result<Link, Status> {
        let mut dialling = {
            let mut line = self.line();
            if let Some(link) = line.current() {
                return Ok(link);
            }
            let Some(dialer) = &self.dialer else { return Err(Status::unavailable(ENDED)) };
            // A task that is no more has gone with its runtime.
            let under_way = line.dialling.take().filter(|dialling| dialling.has_changed().is_ok());
            line.dialling.insert(under_way.unwrap_or_else(|| self.begin(dialer))).clone()
        };
        match dialling.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(dialled)) => dialled.clone(),
            _ => Err(Status::unavailable(LOST)),
        }
    }

    /// Dials in a task of its own, as long as somebody has use for it.
    fn begin(self: &Arc<Self>, dialer: &Arc<Dialer>) -> watch::Receiver<Dialled> {
        let (tell, told) = watch::channel(None);
        let (dialer, channel) = (Arc::clone(dialer), Arc::downgrade(self));
        let config = self.config.clone();
        tokio::spawn(async move {
            let dialled = tokio::select! {
                () = tell.closed() => return,
                dialled = dial(&dialer, &config) => dialled,
            };
            if let Some(channel) = channel.upgrade() {
                let mut line = channel.line();
                (line.link, line.dialling) = (dialled.as_ref().ok().cloned(), None);
            }
            tell.send_replace(Some(dialled));
        });
        told
    }
}

impl Line {
    /// The connection that there is.
    fn current(&self) -> Option<Link> {
        self.link.clone().filter(|link| !link.is_closed())
    }
}

async fn dial(dialer: &Dialer, config: &ChannelConfig) -> Result<Link, Status> {
    let dialled = match dialer.dial().await {
        Err(error) if error.is_unanswered() => dialer.dial().await,
        dialled => dialled,
    };
    let pipe = dialled.map_err(status::of_dial)?;
    let begun = Link::begin(pipe, config).await;
    let (link, running) = begun.map_err(|error| Status::unavailable(status::words(&error)))?;
    tokio::spawn(running);
    Ok(link)
}

const LOST: &str = "the takeover's task panicked, or its runtime has ended";

const ENDED: &str = "the connection has ended, and it was the only one";

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
