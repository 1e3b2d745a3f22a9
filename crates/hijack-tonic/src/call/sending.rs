//! The body of a call's request on the client, which ends with the call.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Context, Poll};

use atomic_waker::AtomicWaker;
use bytes::Bytes;
use h2::Reason;
use hijack::BoxError;
use http_body::{Body, Frame, SizeHint};

/// What is sent in a call until its answer is given up: then the stream is reset (`CANCEL`), though more was to come.
///
/// HTTP/2's half of the answer alone does not do that as long as the other half is being sent.
pub(crate) struct Sending {
    body: tonic::body::Body,
    call: Arc<Call>,
}

#[derive(Default)]
struct Call {
    given_up: AtomicBool,
    sender: AtomicWaker,
}

/// The caller's hold on a call. Dropping it gives the call up.
pub(crate) struct Hold(Arc<Call>);

impl Sending {
    pub(crate) fn new(body: tonic::body::Body) -> (Self, Hold) {
        let call = Arc::<Call>::default();
        (Self { body, call: Arc::clone(&call) }, Hold(call))
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.given_up.store(true, SeqCst);
        self.0.sender.wake();
    }
}

impl Body for Sending {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        this.call.sender.register(cx.waker());
        if this.call.given_up.load(SeqCst) {
            return Poll::Ready(Some(Err(h2::Error::from(Reason::CANCEL).into())));
        }
        Pin::new(&mut this.body).poll_frame(cx).map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
