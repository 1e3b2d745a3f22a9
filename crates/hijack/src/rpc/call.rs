//! One call that waits for its answer: where the answer is put, and the future of it.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::client::Shared;
use super::codec::decode;
use super::{CallError, Codec, Decode, DecodeError};

/// A place for an answer, whatever its type.
pub(super) trait Place<C: Codec>: Send + Sync {
    /// Takes the answer that is next. An error only if nothing behind it can be read.
    fn fill(&self, error: Option<String>, decoder: &mut C::Decoder) -> Result<(), DecodeError>;

    /// There will be no answer.
    fn fail(&self, error: CallError);
}

/// A place for an answer of one type.
#[derive(Debug)]
pub(super) struct Slot<R>(Mutex<Stage<R>>);

#[derive(Debug)]
enum Stage<R> {
    Waiting(Option<Waker>),
    Answered(Result<R, CallError>),
    Taken,
}

impl<R> Slot<R> {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Stage::Waiting(None)))
    }

    fn lock(&self) -> MutexGuard<'_, Stage<R>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, answer: Result<R, CallError>) {
        let before = std::mem::replace(&mut *self.lock(), Stage::Answered(answer));
        if let Stage::Waiting(Some(waker)) = before {
            waker.wake();
        }
    }

    fn poll(&self, cx: &Context<'_>) -> Poll<Result<R, CallError>> {
        let mut stage = self.lock();
        if let Stage::Waiting(waker) = &mut *stage {
            match waker {
                Some(waker) => waker.clone_from(cx.waker()),
                None => *waker = Some(cx.waker().clone()),
            }
            return Poll::Pending;
        }
        match std::mem::replace(&mut *stage, Stage::Taken) {
            Stage::Answered(answer) => Poll::Ready(answer),
            _ => panic!("the answer to a call was polled for after it was given"),
        }
    }
}

impl<C: Codec, R: Decode<C> + Send> Place<C> for Slot<R> {
    fn fill(&self, error: Option<String>, decoder: &mut C::Decoder) -> Result<(), DecodeError> {
        if let Some(text) = error {
            // The caller has its answer, whatever follows.
            self.put(Err(CallError::Remote(text)));
            return C::skip(decoder);
        }
        match decode::<C, R>(decoder) {
            Ok(value) => {
                self.put(Ok(value));
                Ok(())
            }
            Err(error) if error.is_fatal() => {
                let error = Arc::new(error);
                self.put(Err(CallError::Decode(Arc::clone(&error))));
                Err(DecodeError::of_stream(error.to_string()))
            }
            Err(error) => {
                self.put(Err(CallError::Decode(Arc::new(error))));
                Ok(())
            }
        }
    }

    fn fail(&self, error: CallError) {
        self.put(Err(error));
    }
}

/// The answer to a call that was sent. Dropped, it gives the call up: nobody else on the connection feels it, and the
/// answer is skipped when it comes.
#[must_use = "dropped, it gives the call up"]
pub(super) struct Waiting<C: Codec, R> {
    shared: Arc<Shared<C>>,
    slot: Arc<Slot<R>>,
    number: u64,
    answered: bool,
}

impl<C: Codec, R> Waiting<C, R> {
    pub(super) fn new(shared: Arc<Shared<C>>, slot: Arc<Slot<R>>, number: u64) -> Self {
        Self { shared, slot, number, answered: false }
    }
}

impl<C: Codec, R> Future for Waiting<C, R> {
    type Output = Result<R, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = self.slot.poll(cx);
        self.answered = polled.is_ready();
        polled
    }
}

impl<C: Codec, R> Drop for Waiting<C, R> {
    fn drop(&mut self) {
        if !self.answered {
            self.shared.give_up(self.number);
        }
    }
}

impl<C: Codec, R> fmt::Debug for Waiting<C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting").field("number", &self.number).finish_non_exhaustive()
    }
}
