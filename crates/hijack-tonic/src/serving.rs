//! HTTP/2 on a pipe, on the side where calls are answered.

use std::convert::Infallible;
use std::future::{Future, pending};
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
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tonic::Status;
use tonic::service::Routes;
use tower_service::Service;

use crate::call::deadline::Deadline;
use crate::call::messages::Requested;
use crate::call::status;
use crate::call::trailers::Trailers;
use crate::preface::{self, Patience};
use crate::{Config, Pipe, Takeover};

/// Serves `routes` until the pipe ends. When `told` completes, or a limit on the connection's time is reached, calls under way
/// are finished and no more are taken (GOAWAY).
pub(crate) async fn serve(
    mut pipe: Pipe,
    routes: Routes,
    takeover: Option<Takeover>,
    config: &Config,
    mut patience: Patience,
    told: impl Future<Output = ()>,
) -> Result<(), hijack::Error> {
    let mut told = pin!(told);
    preface::expect(&mut pipe, &mut patience, told.as_mut()).await?;
    let latest = Latest::default();
    let max_message_len = config.max_message_len;
    let busy = config.max_idle.map(|_| Busy::default());
    let mut too_long = pin!(too_long(config, busy.as_ref().map(Busy::watch)));
    let calls = Calls { routes, takeover, max_message_len, latest: latest.clone(), busy };
    let mut connection = pin!(builder(config, latest).serve_connection(TokioIo::new(pipe), calls));
    if !patience.is_told() {
        tokio::select! {
            ended = connection.as_mut() => return ended.map_err(hijack::Error::other),
            () = told => {}
            () = &mut too_long => {}
        }
    }
    connection.as_mut().graceful_shutdown();
    connection.await.map_err(hijack::Error::other)
}

/// Completes when a connection is older, or was longer without a call, than it may be.
async fn too_long(config: &Config, calls: Option<watch::Receiver<usize>>) {
    let aged = async {
        match config.max_age {
            Some(max_age) => sleep(max_age).await,
            None => pending().await,
        }
    };
    let idle = async {
        match config.max_idle.zip(calls) {
            Some((max_idle, calls)) => idle_for(max_idle, calls).await,
            None => pending().await,
        }
    };
    tokio::select! { () = aged => {}, () = idle => {} }
}

/// Completes when no call was under way for so long.
async fn idle_for(max: Duration, mut calls: watch::Receiver<usize>) {
    loop {
        let is_idle = *calls.borrow_and_update() == 0;
        let changed = calls.changed();
        let changed = if is_idle { timeout(max, changed).await } else { Ok(changed.await) };
        // Nothing has changed, or the connection is gone.
        if !matches!(changed, Ok(Ok(()))) {
            return;
        }
    }
}

/// How many calls are under way.
#[derive(Clone, Default)]
struct Busy(Arc<watch::Sender<usize>>);

impl Busy {
    fn watch(&self) -> watch::Receiver<usize> {
        self.0.subscribe()
    }

    fn call(&self) -> Underway {
        self.0.send_modify(|calls| *calls += 1);
        Underway(self.clone())
    }
}

/// One of them.
struct Underway(Busy);

impl Drop for Underway {
    fn drop(&mut self) {
        self.0.0.send_modify(|calls| *calls -= 1);
    }
}

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
    /// Where somebody asks for it.
    busy: Option<Busy>,
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
        let underway = self.busy.as_ref().map(Busy::call);
        Answering { call: Some(self.routes.clone().call(request)), deadline, underway }
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
    underway: Option<Underway>,
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
        let (deadline, underway) = (this.deadline.take(), this.underway.take());
        Poll::Ready(Ok(response.map(|body| Answer {
            body: Some(body),
            deadline,
            trailers,
            _underway: underway,
        })))
    }
}

/// The body of an answer, until the call's deadline.
struct Answer {
    /// There until it ends.
    body: Option<tonic::body::Body>,
    deadline: Option<Deadline>,
    trailers: Option<Trailers>,
    _underway: Option<Underway>,
}

impl Answer {
    fn bare(body: tonic::body::Body) -> Self {
        Self { body: Some(body), deadline: None, trailers: None, _underway: None }
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
