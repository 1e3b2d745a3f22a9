//! An exchange in a shared place: the request's body, the handler and the answer on its way out all reach it, each
//! for the length of one poll.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use hijack_proto::body::BodyEvent;
use hijack_proto::h1::TakeOverError;

use crate::Error;
use crate::incoming::Incoming;
use crate::server::{Holder, Serving};
use crate::stream::Transport;

/// The place of one exchange.
#[derive(Default)]
pub(super) struct Slot(Mutex<State>);

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
        Arc::new(Self(Mutex::new(State::Http(serving))))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic in a poll leaves bytes where they were: the session is only changed by whole steps.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the exchange, or does one step with it.
    pub(super) fn with<R>(&self, act: impl FnOnce(&mut Serving<Transport>) -> R) -> Result<R, TakeOverError> {
        match &mut *self.state() {
            State::Http(serving) => Ok(act(serving)),
            State::Taken => Err(TakeOverError::Taken),
            State::Over => Err(TakeOverError::AnswerComplete),
        }
    }

    /// Takes the exchange out for a takeover.
    pub(super) fn take(&self) -> Result<Box<Serving<Transport>>, TakeOverError> {
        self.replace(State::Taken)
    }

    /// Takes the exchange out because it is over.
    pub(super) fn close(&self) -> Result<Box<Serving<Transport>>, TakeOverError> {
        self.replace(State::Over)
    }

    fn replace(&self, next: State) -> Result<Box<Serving<Transport>>, TakeOverError> {
        let mut state = self.state();
        match std::mem::replace(&mut *state, next) {
            State::Http(serving) => Ok(serving),
            State::Taken => {
                *state = State::Taken;
                Err(TakeOverError::Taken)
            }
            State::Over => {
                *state = State::Over;
                Err(TakeOverError::AnswerComplete)
            }
        }
    }

    pub(super) fn poll_body(&self, cx: &mut Context<'_>, max: usize) -> Poll<Result<BodyEvent, Error>> {
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
