//! The body of a call's answer on the client: it ends with a status, whatever happens.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tonic::Status;

use super::deadline::Deadline;
use super::sending::Call;
use super::status;

/// The body of an answer that came over a [`Channel`](crate::Channel). Dropping it cancels the call.
pub struct Receiving {
    /// There until it ends.
    body: Option<Incoming>,
    deadline: Option<Deadline>,
    /// Whether the answer's head told how the call ended, be it by another status of HTTP than 200.
    told: bool,
    call: Option<Call>,
}

impl Receiving {
    /// An answer that is not of gRPC, and says so by its status, has no body: what tonic makes of the status is told at once.
    pub(crate) fn of(answer: Response<Incoming>, deadline: Option<Deadline>, call: Call) -> Response<Self> {
        let by_http = answer.status() != StatusCode::OK;
        let told = by_http || answer.headers().contains_key(Status::GRPC_STATUS);
        if by_http && !is_grpc(answer.headers()) {
            return answer.map(|_| Self { body: None, deadline: None, told, call: None });
        }
        answer.map(|body| Self { body: Some(body), deadline, told, call: Some(call) })
    }

    /// What is wrong where a body ends without trailers.
    fn end(&self) -> Option<Result<Frame<Bytes>, Status>> {
        let cut = || Status::unavailable("the connection to the server: the answer ended without a status");
        (!self.told).then(|| Err(cut()))
    }
}

/// Whether the body may have messages, or trailers that say how the call ended.
fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

impl Body for Receiving {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        if let Some(Poll::Ready(passed)) = this.deadline.as_mut().map(|deadline| deadline.poll_passed(cx)) {
            (this.body, this.call) = (None, None);
            return Poll::Ready(Some(Err(passed)));
        }
        let frame = match Pin::new(body).poll_frame(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Some(Ok(frame))) if frame.is_data() => return Poll::Ready(Some(Ok(frame))),
            Poll::Ready(Some(Ok(frame))) => Some(Ok(frame)),
            Poll::Ready(Some(Err(error))) => Some(Err(status::of_server(&error))),
            Poll::Ready(None) => this.end(),
        };
        (this.body, this.call) = (None, None);
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        // Without trailers it has not ended well, which is told by its last frame.
        self.body.as_ref().is_none_or(|body| self.told && body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or(SizeHint::with_exact(0), Body::size_hint)
    }
}

impl fmt::Debug for Receiving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiving").field("open", &self.body.is_some()).finish_non_exhaustive()
    }
}
