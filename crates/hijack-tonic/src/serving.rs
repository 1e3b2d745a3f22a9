//! HTTP/2 on a pipe, on the side where calls are answered.

use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::time::{Instant, timeout};
use tonic::Status;
use tonic::service::Routes;
use tower_service::Service;

use crate::call::deadline::Deadline;
use crate::call::messages::Requested;
use crate::call::status;
use crate::call::trailers::Trailers;
use crate::{Config, Pipe, Takeover, preface};

/// Serves `routes` until the pipe ends. When `told` completes, calls under way are finished and no more are taken
/// (GOAWAY).
pub(crate) async fn serve(
    mut pipe: Pipe,
    routes: Routes,
    takeover: Option<Takeover>,
    config: &Config,
    told: impl Future<Output = ()>,
) -> Result<(), hijack::Error> {
    let mut told = pin!(told);
    let mut is_told = false;
    {
        let mut came = pin!(preface::expect(&mut pipe, config.preface_timeout));
        tokio::select! {
            came = &mut came => came?,
            () = &mut told => {
                // What is on its way is still served: its client could not know whether it was.
                is_told = true;
                let Ok(came) = timeout(LATE_PREFACE, came).await else { return Ok(()) };
                came?;
            }
        }
    }
    let latest = Latest::default();
    let calls = Calls { routes, takeover, max_message_len: config.max_message_len, latest: latest.clone() };
    let mut connection = pin!(builder(config, latest).serve_connection(TokioIo::new(pipe), calls));
    if !is_told {
        tokio::select! {
            ended = connection.as_mut() => return ended.map_err(hijack::Error::other),
            () = told => {}
        }
    }
    connection.as_mut().graceful_shutdown();
    connection.await.map_err(hijack::Error::other)
}

/// Time for a preface that was on its way when a shutdown began.
const LATE_PREFACE: Duration = Duration::from_secs(1);

fn builder(config: &Config, latest: Latest) -> http2::Builder<Latest> {
    let mut builder = http2::Builder::new(latest);
    builder
        .timer(TokioTimer::new())
        .initial_stream_window_size(config.stream_window)
        .initial_connection_window_size(config.connection_window)
        .max_concurrent_streams(config.max_streams)
        .max_header_list_size(config.max_header_len)
        .keep_alive_interval(config.keep_alive_interval)
        .keep_alive_timeout(config.keep_alive_timeout)
        .auto_date_header(false);
    builder
}

/// The calls that come over one pipe.
struct Calls {
    routes: Routes,
    takeover: Option<Takeover>,
    max_message_len: usize,
    latest: Latest,
}

impl hyper::service::Service<Request<Incoming>> for Calls {
    type Response = Response<Answer>;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: Request<Incoming>) -> Answering {
        let deadline = Deadline::of(request.headers());
        self.latest.set(deadline.as_ref().map(Deadline::at));
        let mut request = request.map(|body| Requested::new(body, self.max_message_len));
        if let Some(takeover) = &self.takeover {
            request.extensions_mut().insert(takeover.clone());
        }
        Answering { call: Some(self.routes.clone().call(request)), deadline }
    }
}

/// Gives calls their tasks, and ends those that are over their deadline and stuck: the body of an answer is asked for
/// nothing while the client does not read, so it cannot say by itself that the time is up. The stream is reset then.
///
/// HTTP/2 makes the call's future and its task in one go, so that the deadline of the latest call is the task's.
#[derive(Clone, Default)]
struct Latest(Arc<Mutex<Option<Instant>>>);

impl Latest {
    fn set(&self, deadline: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = deadline;
    }
}

impl<F> hyper::rt::Executor<F> for Latest
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, task: F) {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(deadline) => drop(tokio::spawn(tokio::time::timeout_at(deadline + GRACE, task))),
            None => drop(tokio::spawn(task)),
        }
    }
}

/// Time for a call to say that its deadline has passed.
const GRACE: Duration = Duration::from_millis(50);

/// A call until the head of its answer.
struct Answering {
    /// There until the answer is.
    call: Option<<Routes as Service<Request<Requested>>>::Future>,
    deadline: Option<Deadline>,
}

impl Future for Answering {
    type Output = Result<Response<Answer>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let Some(Poll::Ready(passed)) = this.deadline.as_mut().map(|deadline| deadline.poll_passed(cx)) {
            this.call = None;
            return Poll::Ready(Ok(passed.into_http::<tonic::body::Body>().map(Answer::bare)));
        }
        let call = this.call.as_mut().expect("polled until it is ready");
        let Ok(mut response) = ready!(Pin::new(call).poll(cx));
        this.call = None;
        let trailers = response.extensions_mut().remove::<Trailers>();
        let deadline = this.deadline.take();
        Poll::Ready(Ok(response.map(|body| Answer { body: Some(body), deadline, trailers })))
    }
}

/// The body of an answer, until the call's deadline.
struct Answer {
    /// There until it ends.
    body: Option<tonic::body::Body>,
    deadline: Option<Deadline>,
    trailers: Option<Trailers>,
}

impl Answer {
    fn bare(body: tonic::body::Body) -> Self {
        Self { body: Some(body), deadline: None, trailers: None }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        if let Some(Poll::Ready(passed)) = this.deadline.as_mut().map(|deadline| deadline.poll_passed(cx)) {
            this.body = None;
            return Poll::Ready(Some(Ok(Frame::trailers(status::trailers(&passed)))));
        }
        let frame = ready!(Pin::new(body).poll_frame(cx));
        if frame.is_none() {
            this.body = None;
        }
        Poll::Ready(frame.map(|frame| frame.map(|frame| this.ended(frame))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or(SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Answer {
    /// `frame`, with our trailers if it is the last one.
    fn ended(&self, mut frame: Frame<Bytes>) -> Frame<Bytes> {
        if let (Some(trailers), Some(more)) = (frame.trailers_mut(), &self.trailers) {
            more.add_to(trailers);
        }
        frame
    }
}
