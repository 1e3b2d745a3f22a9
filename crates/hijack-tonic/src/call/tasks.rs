//! The tasks of a connection on the client: those that send end with their calls.

use std::convert::Infallible;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use hyper::rt::Executor;
use tokio::sync::oneshot;

/// Completes when a turn of a call is over.
pub(crate) type Held = oneshot::Receiver<Infallible>;

/// Gives a connection its tasks, and ends the one that sends when its call is given up: HTTP/2's stream is reset then.
///
/// Such a task waits for the server to read, and asks the request's body for nothing until then: the body cannot say by itself
/// that the call is over. A connection asks a body for its first frame in one go with making the task that sends the
/// others, so that the latest call is the task's. Of a call that is sent whole in that go it is the task that waits for the
/// answer, which is over with the call as well.
#[derive(Clone, Default)]
pub(crate) struct Tasks(Arc<Mutex<Option<Held>>>);

impl Tasks {
    /// The next task ends with `held`.
    pub(crate) fn tie(&self, held: Held) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
    }
}

impl<F> Executor<F> for Tasks
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, task: F) {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(held) => drop(tokio::spawn(async move {
                tokio::select! {
                    biased;
                    _ = held => {}
                    () = task => {}
                }
            })),
            None => drop(tokio::spawn(task)),
        }
    }
}
