//! One direction of a relay: bytes taken from one connection and delivered to the other.
//!
//! All there is between two polls is in the [`Flow`], so that it can be given up, looked at or moved at any moment.
//! Small messages are copied through the thread's buffer. A sender of which each read brings much is spliced
//! instead: socket, pipe, socket. A pipe is held only while bytes are on their way: not while the sender is
//! silent, and not for a receiver that takes nothing, whose bytes are taken out of it after a moment.

use std::io;
use std::mem;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use serde::{Deserialize, Serialize};
use tokio::io::ReadBuf;
use tokio::task::coop;

use super::gate::{Gate, Passed};
use super::pipe::{Pipe, Pipes};
use crate::conn::Conn;
use crate::scratch;
use crate::transport::{self, Socket, Stream};

#[derive(Debug)]
pub(super) struct Flow<G> {
    pub(super) gate: G,
    pub(super) stage: Stage,
    pub(super) moved: Moved,
    /// Taken and not delivered. Without memory while everything is.
    pub(super) unsent: Bytes,
    /// What it holds comes behind `unsent`.
    pipe: Option<Box<Pipe>>,
    gear: Gear,
    /// Since when the receiver takes nothing, on its registry's clock; zero while it takes.
    blocked_ms: u64,
    /// Whether the receiving stream may hold back what it was given.
    unflushed: bool,
    /// Whether the sender ended without saying so, as TLS can tell.
    truncated: bool,
    /// Whether the last poll found that the sender has nothing for now.
    silent: bool,
    /// Whether the sender's end is kept from the receiver: it was a break.
    endless: bool,
    /// When the sender that nobody reads is looked after next, on its registry's clock.
    look_ms: u64,
}

/// A [`Flow`] at rest.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FlowState {
    stage: Stage,
    received: u64,
    delivered: u64,
    unsent: Bytes,
}

/// How far a direction has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    /// Bytes may come.
    Open,
    /// No more will; the receiver is to hear of it behind what is on its way.
    Ending,
    /// The receiver has heard.
    Ended,
    /// The receiver cannot be written to any more.
    Cut,
}

/// Bytes of one direction of a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Moved {
    /// Taken from the sending side, early bytes included.
    pub received: u64,
    /// Taken by the receiving side's transport, with what a [`Gate`] added and without what it held back. What else is
    /// missing here was lost with that side, or is on its way.
    pub delivered: u64,
}

/// Bytes that a relay took and did not deliver yet, by where they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Held {
    /// In our memory.
    pub in_memory: usize,
    /// In the kernel's pipes.
    pub in_pipes: usize,
}

/// Why a direction goes on no longer, or both must not.
#[derive(Debug)]
pub(super) enum Stop {
    Read(io::Error),
    Write(io::Error),
    /// The sender's direction was cut short, and what came of it is delivered.
    Truncated,
    /// The end is delivered to a stream that cannot end one direction alone.
    NoHalfClose,
}

#[derive(Debug, Clone, Copy)]
enum Gear {
    /// With the number of reads on end that brought much.
    Copy(u8),
    Splice,
}

impl<G: Gate> Flow<G> {
    pub(super) fn new(gate: G) -> Self {
        let state = FlowState { stage: Stage::Open, received: 0, delivered: 0, unsent: Bytes::new() };
        Self::restored(state, gate)
    }

    pub(super) fn restored(state: FlowState, gate: G) -> Self {
        Self {
            gate,
            stage: state.stage,
            moved: Moved { received: state.received, delivered: state.delivered },
            unsent: state.unsent,
            pipe: None,
            gear: Gear::Copy(0),
            blocked_ms: 0,
            // There may be something queued by whoever had the connection before.
            unflushed: true,
            truncated: false,
            silent: false,
            endless: false,
            look_ms: 0,
        }
    }

    /// All there is, but for what is in a pipe. What remains moves nothing.
    pub(super) fn take_state(&mut self) -> FlowState {
        let Moved { received, delivered } = self.moved;
        let stage = mem::replace(&mut self.stage, Stage::Cut);
        FlowState { stage, received, delivered, unsent: mem::take(&mut self.unsent) }
    }

    /// Moves what can be moved; ready when this direction is at its end.
    pub(super) fn poll<S: Stream, D: Stream>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Conn<S>,
        to: &mut Conn<D>,
        pipes: &Pipes,
    ) -> Poll<Result<(), Stop>> {
        self.silent = false;
        for _ in 0..MOST_TURNS {
            if self.holds_any() {
                ready!(self.poll_deliver(cx, from, to))?;
            }
            if self.takes_own()
                && let Some(own) = self.gate.own()
            {
                self.hold(own);
                continue;
            }
            match self.stage {
                Stage::Open => ready!(self.poll_take(cx, from, to, pipes))?,
                Stage::Ending if !self.endless => ready!(self.poll_end(cx, to))?,
                Stage::Ended => return Poll::Ready(self.look_after(cx, from)),
                Stage::Ending | Stage::Cut => return Poll::Ready(Ok(())),
            }
        }
        // The other direction, and other connections, have their turn.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Whether the gate may still put something in.
    fn takes_own(&self) -> bool {
        self.stage == Stage::Open || (self.stage == Stage::Ending && !self.endless)
    }

    /// How long the receiver has taken nothing while bytes wait for it.
    pub(super) fn stalled_for(&self, now_ms: u64) -> Option<Duration> {
        let is_stalled = self.blocked_ms != 0 && self.holds_any();
        is_stalled.then(|| Duration::from_millis(now_ms.saturating_sub(self.blocked_ms)))
    }

    /// Whether bytes were taken that are not delivered.
    pub(super) fn holds_any(&self) -> bool {
        !self.unsent.is_empty() || self.in_pipe() > 0
    }

    /// Whether all that the sender `from` had sent before it broke is delivered.
    pub(super) fn is_drained<S: Stream>(&self, from: &Conn<S>) -> bool {
        match self.stage {
            Stage::Open => self.silent && !transport::has_news(from.io()),
            Stage::Ending => self.endless && !self.holds_any(),
            Stage::Ended | Stage::Cut => true,
        }
    }

    /// Keeps the sender's end from the receiver: the kernel tells of a reset once, and of an end ever after.
    pub(super) fn withhold_end(&mut self) {
        self.endless = true;
    }

    /// Takes what was read from the sender before.
    fn take_early<S>(&mut self, from: &mut Conn<S>) {
        let early = mem::take(&mut from.unread);
        if early.is_empty() {
            return;
        }
        self.moved.received += early.len() as u64;
        match self.gate.pass(&early, now_ms(from)) {
            Passed::AsTheyCame => self.hold(early),
            Passed::Changed(bytes) => self.hold(bytes.into()),
        }
    }

    /// Holds `bytes` behind what is held.
    fn hold(&mut self, bytes: Bytes) {
        self.unsent = if self.unsent.is_empty() { bytes } else { [&self.unsent[..], &bytes].concat().into() };
    }

    /// Bytes in a pipe.
    pub(super) fn in_pipe(&self) -> usize {
        self.pipe.as_ref().map_or(0, |pipe| pipe.held())
    }

    /// Nothing goes this way any more.
    pub(super) fn cut(&mut self) {
        self.stage = Stage::Cut;
        self.unsent = Bytes::new();
        self.pipe = None;
    }

    /// Takes nothing more from the stream; what came of it is still delivered, and the end behind it.
    pub(super) fn stop_taking<S>(&mut self, from: &mut Conn<S>) {
        if self.stage == Stage::Open {
            self.take_early(from);
            self.begin_end();
        }
    }

    /// Takes what is in a pipe into our memory.
    pub(super) fn empty_pipe(&mut self) -> io::Result<()> {
        if let Some(mut pipe) = self.pipe.take_if(|pipe| pipe.held() > 0) {
            let spliced = pipe.take_out()?;
            self.hold(spliced.into());
        }
        self.pipe = None;
        Ok(())
    }

    fn poll_take<S: Stream, D: Stream>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Conn<S>,
        to: &mut Conn<D>,
        pipes: &Pipes,
    ) -> Poll<Result<(), Stop>> {
        if !from.unread.is_empty() {
            self.take_early(from);
            return Poll::Ready(Ok(()));
        }
        if let Some(pause) = self.gate.pause(now_ms(from)) {
            from.wire.lease.nudge_in(pause);
            self.flush(cx, to)?;
            self.look_after(cx, from)?;
            return Poll::Pending;
        }
        let taken = match self.gear {
            Gear::Splice if self.gate.blind() >= LITTLE as u64 => self.poll_splice(cx, from, pipes),
            _ => self.poll_copy(cx, from, to),
        };
        if taken.is_pending() && !self.holds_any() {
            // Out of its turns, a task is told that nothing is there.
            self.silent = coop::has_budget_remaining();
            self.pipe = None;
            self.flush(cx, to)?;
        }
        taken
    }

    fn poll_splice<S: Stream>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Conn<S>,
        pipes: &Pipes,
    ) -> Poll<Result<(), Stop>> {
        let Some(pipe) = self.pipe.take().or_else(|| pipes.lend()) else {
            self.gear = Gear::Copy(0);
            return Poll::Ready(Ok(()));
        };
        let pipe = self.pipe.insert(pipe);
        let most = usize::try_from(self.gate.blind()).unwrap_or(usize::MAX);
        let len = match ready!(from.wire.poll_read_socket(cx, |socket| pipe.fill(socket, most))) {
            Ok(len) => len,
            Err(error) => return Poll::Ready(self.failed_to_read(error)),
        };
        self.gate.skip(len as u64, now_ms(from));
        self.took(len);
        if len < LITTLE {
            self.gear = Gear::Copy(0);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_copy<S: Stream, D: Stream>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Conn<S>,
        to: &mut Conn<D>,
    ) -> Poll<Result<(), Stop>> {
        // Where the bytes of a sender that keeps ahead must be seen, it is read in larger pieces instead of spliced.
        let most = if matches!(self.gear, Gear::Splice) { scratch::RELAY_LEN } else { MUCH };
        scratch::with_relay(|buffer| {
            let buffer = &mut buffer[..most];
            let len = match ready!(from.wire.poll_read(cx, &mut ReadBuf::new(buffer))) {
                Ok(len) => len,
                Err(error) => return Poll::Ready(self.failed_to_read(error)),
            };
            self.took(len);
            self.shift(len, from, to);
            self.unflushed |= len > 0;
            let changed = match len {
                0 => None,
                _ => self.see(&buffer[..len], now_ms(from)),
            };
            let mut rest = changed.as_deref().unwrap_or(&buffer[..len]);
            let delivered = self.poll_write(cx, to, &mut rest);
            if !rest.is_empty() {
                self.unsent = Bytes::copy_from_slice(rest);
            }
            match delivered {
                Poll::Pending => {
                    self.blocked(cx, from, to).map_or_else(|stop| Poll::Ready(Err(stop)), |()| Poll::Pending)
                }
                delivered => delivered,
            }
        })
    }

    /// What goes on in the place of `bytes`, if they do not.
    fn see(&mut self, bytes: &[u8], now_ms: u64) -> Option<Vec<u8>> {
        match self.gate.pass(bytes, now_ms) {
            Passed::AsTheyCame => None,
            Passed::Changed(bytes) => Some(bytes),
        }
    }

    fn took(&mut self, len: usize) {
        self.moved.received += len as u64;
        if len == 0 {
            self.begin_end();
        }
    }

    /// The sender sends no more.
    fn begin_end(&mut self) {
        self.stage = Stage::Ending;
        if let Some(rest) = self.gate.end() {
            self.hold(rest);
        }
    }

    fn failed_to_read(&mut self, error: io::Error) -> Result<(), Stop> {
        if error.kind() != io::ErrorKind::UnexpectedEof {
            return Err(Stop::Read(error));
        }
        self.truncated = true;
        self.begin_end();
        Ok(())
    }

    /// Chooses the gear by what a read gave.
    fn shift<S: Stream, D: Stream>(&mut self, len: usize, from: &Conn<S>, to: &Conn<D>) {
        let full = match self.gear {
            Gear::Copy(full) if len >= MUCH => full + 1,
            // Between two stretches that the gate need not see.
            Gear::Splice if len >= MUCH => ENOUGH_FULL,
            _ => 0,
        };
        let spliced = full == ENOUGH_FULL && Socket::of(from.io()).is_some() && Socket::of(to.io()).is_some();
        self.gear = if spliced { Gear::Splice } else { Gear::Copy(full % ENOUGH_FULL) };
    }

    /// Delivers what was taken.
    fn poll_deliver<S: Stream, D: Stream>(
        &mut self,
        cx: &mut Context<'_>,
        from: &Conn<S>,
        to: &mut Conn<D>,
    ) -> Poll<Result<(), Stop>> {
        if let Poll::Ready(delivered) = self.poll_empty(cx, to) {
            return Poll::Ready(delivered);
        }
        self.blocked(cx, from, to)?;
        Poll::Pending
    }

    fn poll_empty<D: Stream>(&mut self, cx: &mut Context<'_>, to: &mut Conn<D>) -> Poll<Result<(), Stop>> {
        let unsent = mem::take(&mut self.unsent);
        let mut rest = &unsent[..];
        let delivered = self.poll_write(cx, to, &mut rest);
        if !rest.is_empty() {
            self.unsent = unsent.slice(unsent.len() - rest.len()..);
        }
        ready!(delivered)?;
        if to.wire.queued() > 0 {
            ready!(to.wire.poll_flush(cx)).map_err(Stop::Write)?;
        }
        while let Some(pipe) = self.pipe.as_mut().filter(|pipe| pipe.held() > 0) {
            let len =
                ready!(to.wire.poll_write_socket(cx, |socket| pipe.empty(socket))).map_err(Stop::Write)?;
            self.delivered(len);
        }
        if matches!(self.gear, Gear::Copy(_)) {
            self.pipe = None;
        }
        Poll::Ready(Ok(()))
    }

    /// Writes `rest`, of which what is not written stays.
    fn poll_write<D: Stream>(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut Conn<D>,
        rest: &mut &[u8],
    ) -> Poll<Result<(), Stop>> {
        while !rest.is_empty() {
            let len = ready!(to.wire.poll_write(cx, rest)).map_err(Stop::Write)?;
            rest.advance(len);
            self.delivered(len);
        }
        Poll::Ready(Ok(()))
    }

    fn delivered(&mut self, len: usize) {
        self.moved.delivered += len as u64;
        self.blocked_ms = 0;
    }

    /// The receiver takes nothing. After a moment its bytes leave the pipe. Nobody reads the sender meanwhile.
    fn blocked<S: Stream, D: Stream>(
        &mut self,
        cx: &Context<'_>,
        from: &Conn<S>,
        to: &Conn<D>,
    ) -> Result<(), Stop> {
        self.look_after(cx, from)?;
        let lease = &to.wire.lease;
        let now = lease.registry().now_ms();
        if self.blocked_ms == 0 {
            self.blocked_ms = now;
        }
        if now - self.blocked_ms < ms(STALLED_AFTER) {
            lease.nudge_in(STALLED_AFTER);
            return Ok(());
        }
        self.empty_pipe().map_err(Stop::Read)
    }

    /// Finds the end of a sender that nobody reads: by force, by a limit, or, now and then, by a reset.
    fn look_after<S: Stream>(&mut self, cx: &Context<'_>, from: &Conn<S>) -> Result<(), Stop> {
        let lease = &from.wire.lease;
        lease.check_reader(cx.waker()).map_err(Stop::Read)?;
        let now = lease.registry().now_ms();
        let is_due = self.look_ms <= now;
        if is_due {
            self.look_ms = now + ms(LOOK_EVERY);
        }
        lease.nudge_in(Duration::from_millis(self.look_ms - now));
        let Some(error) = is_due.then(|| transport::take_error(from.io())).flatten() else { return Ok(()) };
        from.wire.note_broken(&error);
        Err(Stop::Read(error))
    }

    fn flush<D: Stream>(&mut self, cx: &mut Context<'_>, to: &mut Conn<D>) -> Result<(), Stop> {
        if self.unflushed
            && let Poll::Ready(flushed) = to.wire.poll_flush(cx)
        {
            self.unflushed = false;
            flushed.map_err(Stop::Write)?;
        }
        Ok(())
    }

    fn poll_end<D: Stream>(&mut self, cx: &mut Context<'_>, to: &mut Conn<D>) -> Poll<Result<(), Stop>> {
        self.pipe = None;
        let ended = ready!(to.wire.poll_shutdown(cx));
        self.stage = Stage::Ended;
        Poll::Ready(match ended {
            Err(error) if error.kind() == io::ErrorKind::Unsupported => Err(Stop::NoHalfClose),
            Err(error) => Err(Stop::Write(error)),
            Ok(()) if self.truncated => Err(Stop::Truncated),
            Ok(()) => Ok(()),
        })
    }
}

/// The clock of the sender's registry.
fn now_ms<S>(from: &Conn<S>) -> u64 {
    from.wire.lease.registry().now_ms()
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Reads or splices of one direction before others have their turn.
const MOST_TURNS: usize = 16;

/// A read of so many bytes shows a sender that keeps ahead.
const MUCH: usize = 64 * 1024;

/// Such reads on end that show a sender worth splicing.
const ENOUGH_FULL: u8 = 2;

/// A splice that moved less shows that copying is cheaper.
const LITTLE: usize = 16 * 1024;

/// How long bytes stay in a pipe for a receiver that takes none.
const STALLED_AFTER: Duration = Duration::from_millis(200);

/// How often a sender is looked after that nobody reads.
const LOOK_EVERY: Duration = Duration::from_secs(1);
