//! What is sent in a call on the client: it ends with the call, and can be sent again as long as no answer has come.

use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use atomic_waker::AtomicWaker;
use bytes::Bytes;
use h2::Reason;
use hijack::BoxError;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

/// The caller's hold on a call. Dropping it gives the call up: its stream is reset (`CANCEL`), though more was to be sent.
///
/// HTTP/2's half of the answer alone does not do that as long as the other half is being sent.
pub(crate) struct Call(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    sender: AtomicWaker,
}

struct State {
    /// There until the call is given up.
    body: Option<tonic::body::Body>,
    /// What was sent of it, while it may have to be sent again; with what each frame costs us, `sent.len <= KEPT_LEN`.
    sent: Option<Sent>,
    /// The [`Sending`] that may send; every further one puts an end to those before.
    turn: u32,
}

#[derive(Default)]
struct Sent {
    data: Vec<Bytes>,
    trailers: Option<HeaderMap>,
    len: usize,
}

/// Bytes that are kept to be sent again: most calls that ask once. Nothing is copied for it.
const KEPT_LEN: usize = 64 * 1024;

/// The body of a request, in one of its turns.
pub(crate) struct Sending {
    call: Arc<Shared>,
    turn: u32,
    /// What an earlier turn has sent, and this one sends again.
    again: std::vec::IntoIter<Bytes>,
    again_trailers: Option<HeaderMap>,
}

impl Call {
    pub(crate) fn new(body: tonic::body::Body) -> Self {
        let state = State { body: Some(body), sent: Some(Sent::default()), turn: 0 };
        Self(Arc::new(Shared { state: Mutex::new(state), sender: AtomicWaker::new() }))
    }

    /// The request's body from its beginning; nothing if more was sent than is kept. No other one sends any more.
    pub(crate) fn sending(&self) -> Option<Sending> {
        let mut state = self.0.lock();
        let sent = state.sent.as_ref()?;
        let (again, again_trailers) = (sent.data.clone().into_iter(), sent.trailers.clone());
        state.turn += 1;
        Some(Sending { call: Arc::clone(&self.0), turn: state.turn, again, again_trailers })
    }

    /// An answer has come: nothing will be sent again.
    pub(crate) fn settle(&self) {
        self.0.lock().sent = None;
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let given_up = mem::take(&mut self.0.lock().body);
        self.0.sender.wake();
        drop(given_up);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn keep(&mut self, frame: &Frame<Bytes>) {
        let Some(sent) = &mut self.sent else { return };
        if let Some(data) = frame.data_ref() {
            sent.len += data.len() + size_of::<Bytes>();
            sent.data.push(data.clone());
        }
        if let Some(trailers) = frame.trailers_ref() {
            sent.trailers = Some(trailers.clone());
        }
        if sent.len > KEPT_LEN {
            self.sent = None;
        }
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
        if let Some(data) = this.again.next() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        if let Some(trailers) = this.again_trailers.take() {
            return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
        }
        this.call.sender.register(cx.waker());
        let mut state = this.call.lock();
        let its_turn = state.turn == this.turn;
        let Some(body) = state.body.as_mut().filter(|_| its_turn) else {
            return Poll::Ready(Some(Err(h2::Error::from(Reason::CANCEL).into())));
        };
        let frame = ready!(Pin::new(body).poll_frame(cx));
        if let Some(Ok(frame)) = &frame {
            state.keep(frame);
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        let is_end = |body: &tonic::body::Body| body.is_end_stream();
        self.again.len() == 0
            && self.again_trailers.is_none()
            && self.call.lock().body.as_ref().is_some_and(is_end)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use http_body_util::{Full, StreamBody};

    use super::*;

    fn next(sending: &mut Sending) -> Option<Result<Bytes, BoxError>> {
        match Pin::new(sending).poll_frame(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(frame) => frame.map(|frame| frame.map(|frame| frame.into_data().unwrap_or_default())),
            Poll::Pending => panic!("there is more"),
        }
    }

    #[test]
    fn a_second_turn_begins_at_the_beginning_and_ends_the_first() {
        let frames = ["one", "two", "three"].map(|data| Ok::<_, BoxError>(Frame::data(Bytes::from(data))));
        let call = Call::new(tonic::body::Body::new(StreamBody::new(futures_util::stream::iter(frames))));
        let mut first = call.sending().expect("nothing was sent");
        assert_eq!(next(&mut first).unwrap().unwrap(), "one");
        let mut second = call.sending().expect("little was sent");
        assert!(next(&mut first).unwrap().is_err(), "reset");
        for data in ["one", "two", "three"] {
            assert_eq!(next(&mut second).unwrap().unwrap(), data);
        }
        assert!(next(&mut second).is_none());
        call.settle();
        assert!(call.sending().is_none());
    }

    #[test]
    fn more_than_is_kept_is_not_sent_again() {
        let call = Call::new(tonic::body::Body::new(Full::new(Bytes::from(vec![0; KEPT_LEN + 1]))));
        let mut first = call.sending().expect("nothing was sent");
        assert_eq!(next(&mut first).unwrap().unwrap().len(), KEPT_LEN + 1);
        assert!(call.sending().is_none());
        drop(call);
        assert!(next(&mut first).unwrap().is_err(), "given up");
    }
}
