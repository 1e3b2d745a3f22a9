//! What is sent in a call on the client: it ends with the call, and can be sent again as long as no answer has come.

use std::convert::Infallible;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use h2::Reason;
use hijack::BoxError;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::oneshot;

use super::tasks::{Held, Tasks};

/// The caller's hold on a call. Dropping it gives the call up: its stream is reset (`CANCEL`), though more was to be sent.
///
/// HTTP/2's half of the answer alone does not do that as long as the other half is being sent.
pub(crate) struct Call(Arc<Shared>);

struct Shared(Mutex<State>);

struct State {
    body: Slot,
    /// Whether the [`Sending`] whose turn it is is there.
    is_sending: bool,
    /// What was sent of it, while it may have to be sent again; with what each frame costs us, `sent.len <= KEPT_LEN`.
    sent: Option<Sent>,
    /// What came of the body when the turn that had asked was over: the next one's.
    late: Option<Next>,
    /// The [`Sending`] that may send; every further one puts an end to those before.
    turn: u32,
    /// Dropped, it ends the task of this turn.
    hold: Option<oneshot::Sender<Infallible>>,
    /// The turn that waits for the body.
    waiting: Option<Waker>,
}

/// Where a request's body is. It is the caller's own code, which may hold the answers of this very call, read them and drop
/// them: no lock is held while it runs or is dropped, and it does not stay when it is of no more use.
enum Slot {
    Here(tonic::body::Body),
    /// Somebody asks it for a frame.
    Out,
    Ended,
    /// The call is given up.
    Gone,
}

type Next = Option<Result<Frame<Bytes>, BoxError>>;

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
    /// There until it is asked for the first time.
    task: Option<(Tasks, Held)>,
}

/// What a turn may go on with.
enum Taken {
    Body(tonic::body::Body),
    Late(Next),
    Nothing,
}

impl Call {
    pub(crate) fn new(body: tonic::body::Body) -> Self {
        let body = if body.is_end_stream() { Slot::Ended } else { Slot::Here(body) };
        Self(Arc::new(Shared(Mutex::new(State {
            body,
            is_sending: false,
            sent: Some(Sent::default()),
            late: None,
            turn: 0,
            hold: None,
            waiting: None,
        }))))
    }

    /// The request's body from its beginning, for a connection with such `tasks`; nothing if more was sent than is kept. No
    /// other one sends any more.
    pub(crate) fn sending(&self, tasks: &Tasks) -> Option<Sending> {
        let (hold, held) = oneshot::channel();
        let mut state = self.0.lock();
        let sent = state.sent.as_ref()?;
        let (again, again_trailers) = (sent.data.clone().into_iter(), sent.trailers.clone());
        state.turn += 1;
        state.is_sending = true;
        let turn = state.turn;
        let before = state.hold.replace(hold);
        drop(state);
        drop(before);
        let task = Some((tasks.clone(), held));
        Some(Sending { call: Arc::clone(&self.0), turn, again, again_trailers, task })
    }

    /// An answer has come: nothing will be sent again.
    pub(crate) fn settle(&self) {
        let mut state = self.0.lock();
        state.sent = None;
        let useless = state.useless();
        drop(state);
        drop(useless);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        let hold = state.hold.take();
        let given_up = (mem::replace(&mut state.body, Slot::Gone), state.late.take(), state.waiting.take());
        drop(state);
        drop(hold);
        drop(given_up);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The body, to be put back; or what has come of it already. Waits if another turn has it.
    fn take(&mut self, turn: u32, cx: &Context<'_>) -> Poll<Taken> {
        if self.turn != turn || matches!(self.body, Slot::Gone) {
            return Poll::Ready(Taken::Nothing);
        }
        if let Some(next) = self.late.take() {
            self.keep(&next);
            return Poll::Ready(Taken::Late(next));
        }
        match mem::replace(&mut self.body, Slot::Out) {
            Slot::Here(body) => Poll::Ready(Taken::Body(body)),
            Slot::Ended => {
                self.body = Slot::Ended;
                Poll::Ready(Taken::Late(None))
            }
            Slot::Out | Slot::Gone => {
                self.waiting = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// A body that nobody will ask again, to be dropped without the lock.
    fn useless(&mut self) -> Option<Slot> {
        (!self.is_sending && self.sent.is_none()).then(|| mem::replace(&mut self.body, Slot::Gone))
    }

    fn keep(&mut self, next: &Next) {
        let (Some(Ok(frame)), Some(sent)) = (next, &mut self.sent) else { return };
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

impl Sending {
    /// Asks the body, with no lock held.
    fn ask(&self, mut body: tonic::body::Body, cx: &mut Context<'_>) -> Poll<Next> {
        let asked = Pin::new(&mut body).poll_frame(cx).map_err(BoxError::from);
        let ended = matches!(asked, Poll::Ready(None)) || body.is_end_stream();
        let mut body = Some(body); // what stays here is dropped behind the lock
        let mut state = self.call.lock();
        if matches!(state.body, Slot::Gone) {
            drop(state);
            return Poll::Ready(Some(Err(given_up())));
        }
        state.body = body.take_if(|_| !ended).map_or(Slot::Ended, Slot::Here);
        let waiting = state.waiting.take();
        let came = match asked {
            asked if state.turn != self.turn => {
                if let Poll::Ready(next) = asked {
                    state.late = Some(next);
                }
                Poll::Ready(Some(Err(given_up())))
            }
            Poll::Ready(next) => {
                state.keep(&next);
                Poll::Ready(next)
            }
            Poll::Pending => Poll::Pending,
        };
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
        came
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        let mut state = self.call.lock();
        if state.turn == self.turn {
            state.is_sending = false;
            let useless = state.useless();
            drop(state);
            drop(useless);
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
        if let Some((tasks, held)) = this.task.take() {
            tasks.tie(held);
        }
        if let Some(data) = this.again.next() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        if let Some(trailers) = this.again_trailers.take() {
            return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
        }
        let taken = ready!(this.call.lock().take(this.turn, cx));
        match taken {
            Taken::Body(body) => this.ask(body, cx),
            Taken::Late(next) => Poll::Ready(next),
            Taken::Nothing => Poll::Ready(Some(Err(given_up()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        let at_end = |state: &State| state.late.is_none() && matches!(state.body, Slot::Ended);
        self.again.len() == 0 && self.again_trailers.is_none() && at_end(&self.call.lock())
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

/// Has the stream reset.
fn given_up() -> BoxError {
    h2::Error::from(Reason::CANCEL).into()
}

#[cfg(test)]
mod tests {
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
        let mut first = call.sending(&Tasks::default()).expect("nothing was sent");
        assert_eq!(next(&mut first).unwrap().unwrap(), "one");
        let mut second = call.sending(&Tasks::default()).expect("little was sent");
        assert!(next(&mut first).unwrap().is_err(), "reset");
        for data in ["one", "two", "three"] {
            assert_eq!(next(&mut second).unwrap().unwrap(), data);
        }
        assert!(next(&mut second).is_none());
        call.settle();
        assert!(call.sending(&Tasks::default()).is_none());
    }

    /// What a turn gets that is over by then goes to the next one, which waits for it.
    #[test]
    fn what_comes_late_is_the_next_turns() {
        let second = Arc::new(Mutex::new(None));
        let (call, slot) = (Arc::new(Mutex::new(None::<Call>)), Arc::clone(&second));
        let theirs = Arc::clone(&call);
        let mut frames = ["one", "two"].into_iter();
        // The next turn begins while this one asks.
        let stream = futures_util::stream::poll_fn(move |cx| {
            if let Some(call) = theirs.lock().unwrap().take() {
                let mut next = call.sending(&Tasks::default()).expect("nothing was sent");
                assert!(Pin::new(&mut next).poll_frame(cx).is_pending(), "the body is out");
                assert!(!next.is_end_stream());
                *slot.lock().unwrap() = Some((call, next));
            }
            Poll::Ready(frames.next().map(|data| Ok::<_, BoxError>(Frame::data(Bytes::from(data)))))
        });
        let made = Call::new(tonic::body::Body::new(StreamBody::new(stream)));
        let mut first = made.sending(&Tasks::default()).expect("nothing was sent");
        *call.lock().unwrap() = Some(made);
        assert!(next(&mut first).unwrap().is_err(), "reset");
        let (call, mut second) = second.lock().unwrap().take().expect("begun");
        let mut third = call.sending(&Tasks::default()).expect("nothing was sent");
        assert!(next(&mut second).unwrap().is_err(), "reset");
        for data in ["one", "two"] {
            assert_eq!(next(&mut third).unwrap().unwrap(), data);
        }
        assert!(next(&mut third).is_none());
    }

    /// A body may give up the call that it is sent in, or look at it.
    #[test]
    fn a_body_may_drop_its_own_call() {
        let call = Arc::new(Mutex::new(None::<Call>));
        let theirs = Arc::clone(&call);
        let stream = futures_util::stream::poll_fn(move |_| {
            drop(theirs.lock().unwrap().take());
            Poll::Ready(Some(Ok::<_, BoxError>(Frame::data(Bytes::from("one")))))
        });
        let made = Call::new(tonic::body::Body::new(StreamBody::new(stream)));
        let mut sending = made.sending(&Tasks::default()).expect("nothing was sent");
        *call.lock().unwrap() = Some(made);
        assert!(next(&mut sending).unwrap().is_err(), "given up");
        assert!(next(&mut sending).unwrap().is_err(), "for good");
    }

    #[test]
    fn more_than_is_kept_is_not_sent_again() {
        let call = Call::new(tonic::body::Body::new(Full::new(Bytes::from(vec![0; KEPT_LEN + 1]))));
        let mut first = call.sending(&Tasks::default()).expect("nothing was sent");
        assert_eq!(next(&mut first).unwrap().unwrap().len(), KEPT_LEN + 1);
        assert!(call.sending(&Tasks::default()).is_none());
        drop(call);
        assert!(next(&mut first).unwrap().is_err(), "given up");
    }
}
