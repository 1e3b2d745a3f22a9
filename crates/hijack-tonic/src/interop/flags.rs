//! Which messages came compressed, and which are to go so: some cases of the official tests ask, and tonic does not tell of
//! the ones, and of the others compresses all of a stream or none.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Extensions, Request, Response};
use http_body::{Body, Frame};
use tonic::Status;
use tonic::server::NamedService;
use tower_service::Service;

use super::BoolValue;
use super::packing::{self, Packed};
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

/// A service that knows which messages of its requests came compressed, and says which of its answers are to go so.
#[derive(Debug, Clone)]
pub struct Flagged<S>(pub(super) S);

impl<S: NamedService> NamedService for Flagged<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<Request<tonic::body::Body>> for Flagged<S>
where
    S: Service<Request<tonic::body::Body>, Response = Response<tonic::body::Body>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<tonic::body::Body>) -> Self::Future {
        let flags = Flags::default();
        let (mut head, body) = request.into_parts();
        let is_welcome = packing::is_welcome(&head.headers);
        let seen = Seen { body, messages: Messages::new(usize::MAX), flags: Arc::downgrade(&flags.0) };
        head.extensions.insert(flags);
        let answer = self.0.call(Request::from_parts(head, tonic::body::Body::new(seen)));
        Box::pin(async move {
            let mut answer = answer.await?;
            match answer.extensions_mut().remove::<Packed>() {
                Some(packed) if is_welcome => Ok(packing::pack(answer, packed)),
                _ => Ok(answer),
            }
        })
    }
}

struct Seen {
    body: tonic::body::Body,
    messages: Messages,
    /// A call that let go of it does not ask, and nothing is kept for it.
    flags: Weak<Mutex<VecDeque<bool>>>,
}

impl Body for Seen {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        let data = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref());
        if let (Some(data), Some(flags)) = (data, this.flags.upgrade()) {
            let mut flags = flags.lock().unwrap_or_else(PoisonError::into_inner);
            this.messages.measure(data, |flag| flags.push_back(flag))?;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}
