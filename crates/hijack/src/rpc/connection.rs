//! A connection on a server: calls come in, answers go out, in whatever order they are ready.
//!
//! One task reads and writes. A handler's future is polled where its call was read; only one that waits gets a task. All
//! answers to what came with one read leave in one write.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hijack_proto::rpc::Serving;
use tokio::task::JoinSet;

use super::context::Origin;
use super::line::{self, Line, SendError, Vigil};
use super::methods::{Answers, Call, Methods};
use super::{Codec, Config, DecodeError, ServeError};
use crate::transport::Stream;

/// Completes when no further call is to be taken.
pub(super) type Told = Pin<Box<dyn Future<Output = ()> + Send>>;

pub(super) struct Connection<C: Codec, S> {
    line: Line<S>,
    decoder: C::Decoder,
    answers: Arc<Answers<C>>,
    methods: Arc<Methods<C>>,
    origin: Arc<Origin>,
    serving: Serving,
    /// Those that wait. Dropped with the connection, they end.
    tasks: JoinSet<()>,
    told: Option<Told>,
    /// Why nothing more is read, if that is the peer's doing.
    broken: Option<DecodeError>,
    /// Calls that were begun since this was asked last, and whether their answers have waited for more.
    begun: usize,
    waits: bool,
    vigil: Vigil,
    config: Config,
}

impl<C: Codec, S: Stream> Connection<C, S> {
    pub(super) fn new(
        io: S,
        codec: &C,
        methods: Arc<Methods<C>>,
        origin: Origin,
        told: Told,
        config: Config,
    ) -> Self {
        Self {
            line: Line::new(io, config.write_timeout),
            decoder: codec.decoder(&config),
            answers: Arc::new(Answers::new(codec.encoder(&config))),
            methods,
            origin: Arc::new(origin),
            serving: Serving::new(config.in_flight),
            tasks: JoinSet::new(),
            told: Some(told),
            broken: None,
            begun: 0,
            waits: false,
            vigil: Vigil::default(),
            config,
        }
    }

    /// Serves until both sides have ended and all is answered.
    pub(super) async fn run(mut self) -> Result<(), ServeError> {
        poll_fn(|cx| self.poll(cx)).await?;
        self.line.shutdown().await;
        self.line.linger(self.config.linger_timeout).await;
        self.broken.map_or(Ok(()), |error| Err(ServeError::Protocol(error.into_cause())))
    }

    /// Moves bytes until everything is answered.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ServeError>> {
        self.poll_told(cx);
        loop {
            let wants_more = self.take_calls(cx);
            // Behind the calls that were begun, so that their tasks' ends are heard of.
            self.reap(cx);
            if self.may_wait() {
                line::later(cx);
                return Poll::Pending;
            }
            let is_sent = self.poll_send(cx)?.is_ready();
            if self.serving.is_over() {
                return if is_sent { Poll::Ready(Ok(())) } else { Poll::Pending };
            }
            if self.serving.is_ending() {
                return Poll::Pending;
            }
            if wants_more {
                if self.poll_read(cx)?.is_pending() {
                    if self.serving.running() == 0 {
                        self.vigil.look_again(cx);
                    }
                    return Poll::Pending;
                }
                self.vigil.rewarded();
            } else if !self.has_room() {
                // It is made by a task that ends, or by the peer that reads.
                return Poll::Pending;
            }
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        if ready!(self.line.poll_read(cx, C::inbox(&mut self.decoder)))? == 0 {
            self.serving.end();
            if C::is_within(&self.decoder) {
                let cut_off = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
                self.broken = Some(DecodeError::of_stream(cut_off));
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_told(&mut self, cx: &mut Context<'_>) {
        if let Some(told) = &mut self.told
            && told.as_mut().poll(cx).is_ready()
        {
            self.told = None;
            self.serving.end();
        }
    }

    /// Whether the answers wait for a moment, once: where several calls came at once, more are about to.
    fn may_wait(&mut self) -> bool {
        self.waits = self.begun > 1 && !self.waits;
        self.begun = 0;
        self.waits
    }

    /// Counts the tasks that have ended.
    fn reap(&mut self, cx: &mut Context<'_>) {
        while let Poll::Ready(Some(_)) = self.tasks.poll_join_next(cx) {
            self.serving.finish();
        }
    }

    /// Begins all calls that have come and may run; says whether more are to be read.
    fn take_calls(&mut self, cx: &mut Context<'_>) -> bool {
        while !self.serving.is_ending() {
            if !self.has_room() {
                return false;
            }
            match C::next_call(&mut self.decoder) {
                Ok(Some(id)) => self.take_call(id, cx).unwrap_or_else(|error| self.give_up_reading(error)),
                Ok(None) => return true,
                Err(error) => self.give_up_reading(error),
            }
        }
        false
    }

    /// As in Go: what runs is still answered, then the connection closes.
    fn give_up_reading(&mut self, error: DecodeError) {
        self.broken = Some(error);
        self.serving.end();
    }

    fn take_call(&mut self, id: C::Id, cx: &mut Context<'_>) -> Result<(), DecodeError> {
        self.begun += 1;
        let name = C::method(&self.decoder);
        let entry = match self.methods.find(name) {
            Ok(entry) => Arc::clone(entry),
            Err(unserved) => {
                let name = name.to_owned();
                self.answers.lock().put_error(&name, &id, &unserved.to_string());
                return C::skip(&mut self.decoder);
            }
        };
        let (origin, answers) = (Arc::clone(&self.origin), Arc::clone(&self.answers));
        let Some(mut running) = (Call { id, entry, origin, answers }).start(&mut self.decoder)? else {
            return Ok(());
        };
        if running.as_mut().poll(cx).is_pending() {
            self.serving.begin();
            self.tasks.spawn(running);
        }
        Ok(())
    }

    /// Whether a further call may begin: few enough run, and the peer reads their answers.
    fn has_room(&self) -> bool {
        let queued = self.line.queued() + self.answers.lock().bytes.len();
        self.serving.has_room() && queued < self.config.queue_len
    }

    /// Writes all answers that are ready.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ServeError>> {
        loop {
            self.line.take(&mut self.answers.lock().bytes);
            if !self.line.is_sending() {
                // Flushed as well, or the last round would have waited.
                return self.line.poll_send(cx).map_err(ServeError::from);
            }
            ready!(self.line.poll_send(cx))?;
        }
    }
}

impl From<SendError> for ServeError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Io(error) => Self::Io(error),
            SendError::Stalled(limit) => Self::WriteTimedOut { limit },
        }
    }
}
