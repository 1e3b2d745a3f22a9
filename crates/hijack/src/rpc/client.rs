//! The client: many calls at once over one connection.
//!
//! A call is encoded whole into the queue of its connection, in the order in which calls leave, and then waits. One task
//! per connection moves bytes both ways: all calls that were queued leave in one write, and all answers that came with
//! one read wake their callers. So a caller that goes away leaves no half call behind.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use atomic_waker::AtomicWaker;
use hijack_proto::rpc::{Calls, Refused, Settled};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::call::{Place, Slot, Waiting};
use super::line::{self, Line, SendError, Vigil};
use super::{CallError, Codec, Config, Decode, DecodeError, Encode, Lost};
use crate::scratch;
use crate::transport::Stream;

/// A client on one connection. Cheap to clone; all clones call over the same connection.
///
/// ```no_run
/// # use serde::Serialize;
/// use hijack::rpc;
///
/// #[derive(Serialize)]
/// struct Args { #[serde(rename = "A")] a: i64, #[serde(rename = "B")] b: i64 }
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client: rpc::Client<rpc::Json> = rpc::dial("tcp://127.0.0.1:1234").await?;
/// let product: i64 = client.call("Arith.Multiply", &Args { a: 7, b: 8 }).await?;
/// # Ok(()) }
/// ```
///
/// - **Who closes?** Dropping the last clone ends our direction; answers that are waited for still come, and then the
///   connection closes. [`close`](Self::close) ends it at once.
/// - **Cancellation.** Dropping the future of a call gives it up, and harms nobody: what was queued leaves whole, and its
///   answer is skipped. The server is not told; net/rpc has no word for that.
/// - **Many calls.** [`Config::in_flight`] may wait for their answers at once, further ones wait for their turn.
/// - **The end.** When the connection ends, calls under way fail with [`CallError::Lost`], later ones with
///   [`CallError::Shutdown`].
pub struct Client<C: Codec>(Arc<Handle<C>>);

impl<C: Codec> Clone for Client<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// What all clones hold. The task and the calls hold only what is shared.
struct Handle<C: Codec>(Arc<Shared<C>>);

/// What callers and the connection's task share.
pub(super) struct Shared<C: Codec> {
    state: Mutex<State<C>>,
    /// Wakes the task.
    task: AtomicWaker,
    /// Wakes callers that wait for their turn.
    room: Notify,
    /// Tells of the connection's end.
    gone: Notify,
    config: Config,
}

struct State<C: Codec> {
    calls: Calls<Arc<dyn Place<C>>>,
    encoder: C::Encoder,
    /// Calls that wait to be written.
    queue: Vec<u8>,
    /// Whether the task was told of the queue.
    is_told: bool,
    /// Callers that wait for their turn.
    callers_waiting: usize,
    stage: Stage,
}

/// How far the connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    /// No further call; those that wait are answered.
    Finishing,
    /// Nobody waits any more.
    Closed,
    /// The task has ended.
    Gone,
}

impl<C: Codec> Client<C> {
    /// Calls over a stream that is open already and belongs to nobody else: a taken-over [`Conn`](crate::Conn), a TCP or
    /// Unix socket, a stream of a multiplexer.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with its time enabled.
    pub fn over(io: impl Stream, codec: &C, config: Config) -> Self {
        let state = State {
            calls: Calls::new(config.in_flight),
            encoder: codec.encoder(&config),
            queue: Vec::new(),
            is_told: false,
            callers_waiting: 0,
            stage: Stage::Open,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            task: AtomicWaker::new(),
            room: Notify::new(),
            gone: Notify::new(),
            config,
        });
        let task = Task {
            line: Line::new(io, shared.config.write_timeout),
            decoder: codec.decoder(&shared.config),
            shared: Arc::clone(&shared),
            ended_ours: false,
            waits: false,
            vigil: Vigil::default(),
        };
        tokio::spawn(task.run());
        Self(Arc::new(Handle(shared)))
    }

    /// Calls `method`, which looks like `Service.Method`, and waits for the answer, for [`Config::call_timeout`] at the
    /// most.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    ///
    /// # Cancel safety
    ///
    /// Safe: the call is given up.
    pub async fn call<R>(&self, method: &str, args: &(impl Encode<C> + ?Sized + Sync)) -> Result<R, CallError>
    where
        R: Decode<C> + Send + 'static,
    {
        match self.0.0.config.call_timeout {
            Some(limit) => self.call_within(limit, method, args).await,
            None => self.call_for_ever(method, args).await,
        }
    }

    /// As [`call`](Self::call), for `limit` at the most, the wait for its turn included.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    ///
    /// # Cancel safety
    ///
    /// Safe: the call is given up.
    pub async fn call_within<R>(
        &self,
        limit: Duration,
        method: &str,
        args: &(impl Encode<C> + ?Sized + Sync),
    ) -> Result<R, CallError>
    where
        R: Decode<C> + Send + 'static,
    {
        let called = timeout(limit, self.call_for_ever(method, args)).await;
        called.unwrap_or(Err(CallError::TimedOut { limit }))
    }

    async fn call_for_ever<R>(
        &self,
        method: &str,
        args: &(impl Encode<C> + ?Sized + Sync),
    ) -> Result<R, CallError>
    where
        R: Decode<C> + Send + 'static,
    {
        let shared = &self.0.0;
        let slot = Arc::new(Slot::new());
        let number = loop {
            match shared.begin(method, args, &slot)? {
                Some(number) => break number,
                None => shared.turn().await,
            }
        };
        Waiting::new(Arc::clone(shared), slot, number).await
    }

    /// Ends our direction once what is queued has left. No further call begins; those under way are still answered,
    /// by servers that take a half-closed connection for what it is, as Go's and ours do.
    pub fn finish(&self) {
        self.0.0.finish();
    }

    /// Closes the connection at once. Calls under way fail with [`CallError::Shutdown`].
    pub fn close(&self) {
        self.0.0.close();
    }

    /// Whether no further call can be made.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.0.lock().stage != Stage::Open
    }

    /// Completes when the connection has ended, for whatever reason.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn closed(&self) {
        let mut gone = pin!(self.0.0.gone.notified());
        gone.as_mut().enable();
        if self.0.0.lock().stage != Stage::Gone {
            gone.await;
        }
    }

    /// How many calls wait for their answers.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.0.0.lock().calls.waiting()
    }
}

impl<C: Codec> fmt::Debug for Client<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.0.lock();
        f.debug_struct("Client")
            .field("in_flight", &state.calls.waiting())
            .field("stage", &state.stage)
            .finish_non_exhaustive()
    }
}

impl<C: Codec> Drop for Handle<C> {
    fn drop(&mut self) {
        self.0.finish();
    }
}

impl<C: Codec> Shared<C> {
    fn lock(&self) -> MutexGuard<'_, State<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a call and gives its number, or nothing if it is not its turn.
    fn begin<R: Decode<C> + Send + 'static>(
        &self,
        method: &str,
        args: &(impl Encode<C> + ?Sized),
        slot: &Arc<Slot<R>>,
    ) -> Result<Option<u64>, CallError> {
        let mut state = self.lock();
        let state = &mut *state;
        let number = match state.calls.next() {
            Ok(_) if state.queue.len() >= self.config.queue_len => return Ok(None),
            Ok(number) => number,
            Err(Refused::Full { .. }) => return Ok(None),
            Err(_) => return Err(CallError::Shutdown),
        };
        if state.queue.capacity() == 0 {
            state.queue = scratch::take_long();
        }
        let put = catch_unwind(AssertUnwindSafe(|| {
            C::put_call(&mut state.encoder, &mut state.queue, method, number, args)
        }));
        if !matches!(put, Ok(Ok(()))) {
            // The turn is not used, and whoever waits may have been told of this one only.
            self.made_room(state);
        }
        put.unwrap_or_else(|panic| resume_unwind(panic))
            .map_err(|error| CallError::Encode(Arc::new(error)))?;
        let place: Arc<dyn Place<C>> = Arc::clone(slot) as _;
        let begun = state.calls.begin(place);
        debug_assert_eq!(begun, Ok(number), "nobody came in between");
        if !std::mem::replace(&mut state.is_told, true) {
            self.task.wake();
        }
        Ok(Some(number))
    }

    /// Waits until it may be a caller's turn.
    async fn turn(&self) {
        let mut room = pin!(self.room.notified());
        // Whoever makes room from here on is heard.
        room.as_mut().enable();
        let _waiting = {
            let mut state = self.lock();
            if state.has_room(&self.config) {
                return;
            }
            state.callers_waiting += 1;
            InLine(self)
        };
        room.await;
    }

    pub(super) fn give_up(&self, number: u64) {
        let mut state = self.lock();
        if state.calls.give_up(number).is_none() {
            return;
        }
        self.made_room(&state);
        if state.stage == Stage::Finishing && state.calls.waiting() == 0 {
            // Nothing is waited for any more, and the task may sleep until something comes.
            self.task.wake();
        }
    }

    /// One call fewer waits for its answer.
    fn made_room(&self, state: &State<C>) {
        if state.callers_waiting > 0 {
            self.room.notify_one();
        }
    }

    fn finish(&self) {
        let mut state = self.lock();
        if state.stage == Stage::Open {
            state.stage = Stage::Finishing;
            state.calls.end();
            drop(state);
            self.room.notify_waiters();
            self.task.wake();
        }
    }

    fn close(&self) {
        let mut state = self.lock();
        if matches!(state.stage, Stage::Open | Stage::Finishing) {
            state.stage = Stage::Closed;
        }
        let waiting: Vec<_> = state.calls.abandon().collect();
        drop(state);
        for place in waiting {
            place.fail(CallError::Shutdown);
        }
        self.room.notify_waiters();
        self.task.wake();
    }
}

impl<C: Codec> State<C> {
    fn has_room(&self, config: &Config) -> bool {
        match self.calls.next() {
            Ok(_) => self.queue.len() < config.queue_len,
            // Behind the end nobody needs to wait: a call is refused at once.
            Err(refused) => !matches!(refused, Refused::Full { .. }),
        }
    }
}

/// A caller among those that wait for their turn.
struct InLine<'s, C: Codec>(&'s Shared<C>);

impl<C: Codec> Drop for InLine<'_, C> {
    fn drop(&mut self) {
        self.0.lock().callers_waiting -= 1;
    }
}

/// What moves a connection's bytes.
struct Task<C: Codec, S> {
    line: Line<S>,
    decoder: C::Decoder,
    shared: Arc<Shared<C>>,
    ended_ours: bool,
    /// Whether what is queued has waited for more.
    waits: bool,
    vigil: Vigil,
}

impl<C: Codec, S: Stream> Task<C, S> {
    async fn run(mut self) {
        let ended = Ended(Arc::clone(&self.shared));
        match poll_fn(|cx| self.poll(cx)).await {
            Ok(()) => {
                let linger = self.shared.config.linger_timeout;
                drop(ended);
                self.line.shutdown().await;
                self.line.linger(linger).await;
            }
            Err(lost) => self.shared.lose(&lost),
        }
    }

    /// Moves bytes until the connection has ended; in order, or lost.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        self.shared.task.register(cx.waker());
        loop {
            let read = self.poll_read(cx)?;
            if self.may_wait() {
                line::later(cx);
                return Poll::Pending;
            }
            if self.poll_write(cx)?.is_ready() {
                return Poll::Ready(Ok(()));
            }
            if read.is_pending() {
                if self.shared.lock().calls.waiting() == 1 {
                    self.vigil.look_again(cx);
                }
                return Poll::Pending;
            }
            self.vigil.rewarded();
        }
    }

    /// Whether what is queued waits for a moment, once: where many call at the same time, others are about to call, and
    /// answers about to come, so that more of both is dealt with at once.
    fn may_wait(&mut self) -> bool {
        let state = self.shared.lock();
        let begins = state.is_told && !self.line.is_sending() && state.calls.waiting() > 1;
        self.waits = begins && !self.waits;
        self.waits
    }

    /// Reads once and gives out all answers that are complete.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, Lost> {
        match self.line.poll_read(cx, C::inbox(&mut self.decoder)) {
            Poll::Ready(Ok(0)) => Err(Lost::UnexpectedEof),
            Poll::Ready(Ok(_)) => {
                self.give_out().map_err(|error| Lost::Protocol(Arc::new(error)))?;
                Ok(Poll::Ready(()))
            }
            Poll::Ready(Err(error)) => Err(lost_io(error)),
            Poll::Pending => Ok(Poll::Pending),
        }
    }

    fn give_out(&mut self) -> Result<(), DecodeError> {
        while let Some(head) = C::next_reply(&mut self.decoder)? {
            let settled = {
                let mut state = self.shared.lock();
                let settled = state.calls.settle(head.number);
                self.shared.made_room(&state);
                settled
            };
            match settled {
                Settled::Awaited(place) => place.fill(head.error, &mut self.decoder)?,
                Settled::Late | Settled::Unasked => C::skip(&mut self.decoder)?,
            }
        }
        Ok(())
    }

    /// Writes what is queued; ready when the connection is to be closed in order.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, Lost> {
        loop {
            let (stage, waiting) = self.take_queue();
            if stage == Stage::Closed {
                return Ok(Poll::Ready(()));
            }
            match self.line.poll_send(cx) {
                Poll::Ready(sent) => sent.map_err(lost)?,
                Poll::Pending => return Ok(Poll::Pending),
            }
            if self.shared.lock().is_told {
                continue;
            }
            if stage != Stage::Finishing {
                return Ok(Poll::Pending);
            }
            if waiting == 0 {
                return Ok(Poll::Ready(()));
            }
            if !self.ended_ours {
                match self.line.poll_shutdown(cx) {
                    Poll::Ready(ended) => ended.map_err(lost_io)?,
                    Poll::Pending => return Ok(Poll::Pending),
                }
                self.ended_ours = true;
            }
            return Ok(Poll::Pending);
        }
    }

    /// Takes over what callers have queued, if what was taken before has left.
    fn take_queue(&mut self) -> (Stage, usize) {
        let mut state = self.shared.lock();
        if !self.line.is_sending() {
            let was_full = state.queue.len() >= self.shared.config.queue_len;
            self.line.take(&mut state.queue);
            state.is_told = false;
            if was_full {
                self.shared.room.notify_waiters();
            }
        }
        (state.stage, state.calls.waiting())
    }
}

impl<C: Codec> Shared<C> {
    /// The connection is lost to all calls under way.
    fn lose(&self, lost: &Lost) {
        let waiting: Vec<_> = {
            let mut state = self.lock();
            state.stage = Stage::Gone;
            state.calls.abandon().collect()
        };
        for place in waiting {
            place.fail(CallError::Lost(lost.clone()));
        }
    }
}

/// Tells everybody that the task is no more, also when it is dropped with its runtime.
struct Ended<C: Codec>(Arc<Shared<C>>);

impl<C: Codec> Drop for Ended<C> {
    fn drop(&mut self) {
        self.0.close();
        let mut state = self.0.lock();
        state.stage = Stage::Gone;
        state.queue = Vec::new();
        drop(state);
        self.0.gone.notify_waiters();
    }
}

fn lost(error: SendError) -> Lost {
    match error {
        SendError::Io(error) => lost_io(error),
        SendError::Stalled(limit) => Lost::WriteTimedOut { limit },
    }
}

fn lost_io(error: io::Error) -> Lost {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Lost::UnexpectedEof,
        _ => Lost::Io(Arc::new(error)),
    }
}
