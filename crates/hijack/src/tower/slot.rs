//! An exchange in a shared place: the request's body, the handler and the answer on its way out all reach it, each
//! for the length of one poll.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use atomic_waker::AtomicWaker;
use hijack_proto::body::BodyEvent;
use hijack_proto::h1::TakeOverError;

use crate::Error;
use crate::incoming::Incoming;
use crate::server::{Holder, Serving};
use crate::transport::Transport;

/// The place of one exchange.
#[derive(Default)]
pub(super) struct Slot {
    state: Mutex<State>,
    /// Whoever waits for the body. Its wait ends with the exchange, when the connection wakes others.
    reader: AtomicWaker,
}

#[derive(Default)]
enum State {
    Http(Box<Serving<Transport>>),
    /// The connection was taken over.
    Taken,
    /// The answer is out, and the connection waits for the next request.
    #[default]
    Over,
}

impl Slot {
    pub(super) fn new(serving: Box<Serving<Transport>>) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State::Http(serving)), reader: AtomicWaker::new() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic in a poll leaves bytes where they were: the session is only changed by whole steps.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the exchange, or does one step with it.
    pub(super) fn with<R>(&self, act: impl FnOnce(&mut Serving<Transport>) -> R) -> Result<R, TakeOverError> {
        match &mut *self.state() {
            State::Http(serving) => Ok(act(serving)),
            State::Taken => Err(TakeOverError::Taken),
            State::Over => Err(TakeOverError::AnswerComplete),
        }
    }

    /// Takes the exchange out for a takeover, which an answer that has begun is not torn for.
    pub(super) fn take(&self) -> Result<Box<Serving<Transport>>, TakeOverError> {
        self.replace(State::Taken, |serving| serving.session.is_unanswered())
    }

    /// Takes the exchange out because it is over.
    pub(super) fn close(&self) -> Result<Box<Serving<Transport>>, TakeOverError> {
        self.replace(State::Over, |_| true)
    }

    fn replace(
        &self,
        next: State,
        allowed: impl FnOnce(&Serving<Transport>) -> bool,
    ) -> Result<Box<Serving<Transport>>, TakeOverError> {
        let mut state = self.state();
        match &*state {
            State::Http(serving) if allowed(serving) => {}
            State::Http(_) => return Err(TakeOverError::AnswerBegun),
            State::Taken => return Err(TakeOverError::Taken),
            State::Over => return Err(TakeOverError::AnswerComplete),
        }
        let State::Http(serving) = std::mem::replace(&mut *state, next) else {
            unreachable!("checked above")
        };
        drop(state);
        self.reader.wake();
        Ok(serving)
    }

    pub(super) fn poll_body(&self, cx: &mut Context<'_>, max: usize) -> Poll<Result<BodyEvent, Error>> {
        self.reader.register(cx.waker());
        match self.with(|serving| serving.poll_body(cx, max)) {
            Ok(polled) => polled,
            Err(error) => Poll::Ready(Err(error.into())),
        }
    }
}

impl Holder<Transport> for Arc<Slot> {
    fn with<R>(&mut self, act: impl FnOnce(&mut Serving<Transport>) -> R) -> Result<R, Error> {
        Ok(Slot::with(self, act)?)
    }
}
