//! Which messages came compressed: some cases of the official tests ask, and tonic does not tell.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Extensions, Request};
use http_body::{Body, Frame};
use tonic::Status;
use tonic::server::NamedService;
use tower_service::Service;

use super::BoolValue;
use crate::call::messages::Messages;

/// The flags of messages that came and were not looked at yet, among the extensions of a request.
#[derive(Debug, Clone, Default)]
pub(super) struct Flags(Arc<Mutex<VecDeque<bool>>>);

impl Flags {
    pub(super) fn of(extensions: &Extensions) -> Self {
        extensions.get().cloned().unwrap_or_default()
    }

    /// Whether the next message is what it says of itself.
    pub(super) fn check(&self, expected: Option<BoolValue>) -> Result<(), Status> {
        let came = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front().unwrap_or_default();
        match expected {
            Some(BoolValue { value }) if value != came => Err(Status::invalid_argument(format!(
                "a message says that it is compressed: {value}, and came so: {came}"
            ))),
            _ => Ok(()),
        }
    }
}

/// A service whose requests tell which of their messages came compressed.
#[derive(Debug, Clone)]
pub struct Flagged<S>(pub(super) S);

impl<S: NamedService> NamedService for Flagged<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<Request<tonic::body::Body>> for Flagged<S>
where
    S: Service<Request<tonic::body::Body>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<tonic::body::Body>) -> S::Future {
        let flags = Flags::default();
        let (mut head, body) = request.into_parts();
        head.extensions.insert(flags.clone());
        let seen = Seen { body, messages: Messages::new(usize::MAX), flags };
        self.0.call(Request::from_parts(head, tonic::body::Body::new(seen)))
    }
}

struct Seen {
    body: tonic::body::Body,
    messages: Messages,
    flags: Flags,
}

impl Body for Seen {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        if let Some(data) = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()) {
            let mut flags = this.flags.0.lock().unwrap_or_else(PoisonError::into_inner);
            this.messages.measure(data, |flag| flags.push_back(flag))?;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}
