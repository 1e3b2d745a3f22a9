//! The connection itself: bytes become messages, and all that has to happen beside them.
//!
//! All state is in the struct and each poll leaves it whole, so every future here may be cancelled. Input is read into
//! the thread's buffer and judged there; only what is left of it when a message is given out is kept. Output is queued
//! in the wire's buffer, which is the thread's too while nothing waits.

use std::cell::Cell;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use hijack_proto::ws::deflate::Agreement;
use hijack_proto::ws::{
    Assembly, Close, CloseCode, ControlPayload, Event, MaskKey, Message as Borrowed, Piece, ReceiveError,
    Receiver, Role, Sender, Skipped, Workspace,
};
use rand::Rng;
use tokio::io::ReadBuf;
use tokio::runtime::Handle;

use super::{Config, Error, Message};
use crate::conn::Conn;
use crate::observe::{EndReason, Timeout};
use crate::scratch;
use crate::transport::{Stream, Transport};

/// A WebSocket over a taken-over connection.
///
/// - **Who closes?** You, by [`close`](Self::close). Dropped, it says goodbye: a Close of 1000, or of 1011 after a panic,
///   and the end of our direction. Within a runtime a task then reads what the peer still sends until it ends too, for
///   half a second, so that no reset destroys that Close.
/// - **Cancellation.** Every future may be dropped: no message is lost, and one that was given to `send` is either not
///   begun or leaves whole with what is sent or received next.
/// - **Backpressure.** Senders await their turn beyond [`Config::queue_len`]; a peer that sends pings without reading the
///   pongs is not read any more.
pub struct WebSocket<Io: Stream = Transport>(Option<Inner<Io>>);

/// The peer's last words.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseFrame {
    /// Why; [`CloseCode::NO_STATUS`] if the peer did not say, [`CloseCode::ABNORMAL`] if there was no Close at all.
    pub code: CloseCode,
    /// In words.
    pub reason: String,
}

pub(super) struct Inner<Io> {
    pub(super) conn: Conn<Io>,
    receiver: Receiver,
    pub(super) sender: Sender,
    assembly: Assembly,
    /// Received and not judged yet, from `judged` on. Without memory while there is nothing.
    input: Vec<u8>,
    judged: usize,
    /// Whether the receiver may have more to give out without further input.
    more: bool,
    pongs: Pongs,
    /// When the peer was last heard, and when a ping was sent that it did not answer; zero if none.
    heard_ms: u64,
    pinged_ms: u64,
    stage: Stage,
    close: Option<Box<CloseFrame>>,
    pub(super) role: Role,
    pub(super) config: Arc<Config>,
    subprotocol: Option<Box<str>>,
    pub(super) deflate: Option<Agreement>,
}

/// Pongs that wait to be sent.
#[derive(Default)]
struct Pongs {
    queued: u8,
    /// Of the pings that came when [`MOST_PONGS`] waited, the last one's payload (RFC 6455 §5.5.3 wants no other).
    latest: Option<Box<ControlPayload>>,
}

/// How far the connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    /// Our last words are to leave, then our end of the connection, and then the peer's is waited for.
    Parting(Parting),
    Over,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Parting {
    failed: Option<ReceiveError>,
    ended: bool,
}

impl<Io: Stream> WebSocket<Io> {
    /// A WebSocket over `conn`, behind a handshake that was made otherwise, without compression.
    pub fn over(conn: Conn<Io>, role: Role, config: impl Into<Arc<Config>>) -> Self {
        Self::agreed(conn, role, config.into(), None, None)
    }

    pub(super) fn agreed(
        mut conn: Conn<Io>,
        role: Role,
        config: Arc<Config>,
        subprotocol: Option<String>,
        deflate: Option<Agreement>,
    ) -> Self {
        Self(Some(Inner {
            receiver: Receiver::new(role, config.limits, deflate.as_ref()),
            sender: Sender::new(role, deflate.as_ref()),
            assembly: Assembly::default(),
            input: mem::take(&mut conn.unread).into(),
            judged: 0,
            more: false,
            pongs: Pongs::default(),
            heard_ms: conn.wire.lease.registry().now_ms(),
            pinged_ms: 0,
            stage: Stage::Open,
            close: None,
            role,
            config,
            subprotocol: subprotocol.map(Into::into),
            deflate,
            conn,
        }))
    }

    pub(super) fn inner(&mut self) -> &mut Inner<Io> {
        self.0.as_mut().expect("there until it is taken apart")
    }

    fn seen(&self) -> &Inner<Io> {
        self.0.as_ref().expect("there until it is taken apart")
    }

    /// Receives the next message; nothing once both sides have said their last words. While it waits, pings are answered
    /// and what was fed is sent.
    ///
    /// # Errors
    ///
    /// [`Error::Peer`] if the peer breaks the protocol or a limit: it has been told. [`Error::CutOff`] if the connection ends
    /// within a message, [`Error::Io`] if it fails. [`Error::Skipped`] behind which it goes on.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn recv(&mut self) -> Result<Option<Message>, Error> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// Polls for the next message: see [`recv`](Self::recv).
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        let waker = cx.waker();
        self.inner().poll_message(cx, waker, |message| message.into())
    }

    /// Receives the next message and shows it where it lies, which spares a copy of small ones.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn recv_with<R>(
        &mut self,
        mut show: impl FnMut(Borrowed<'_>) -> R,
    ) -> Result<Option<R>, Error> {
        poll_fn(|cx| {
            let waker = cx.waker();
            self.inner().poll_message(cx, waker, &mut show)
        })
        .await
    }

    /// What the peer said at the end, once [`recv`](Self::recv) gave nothing.
    #[must_use]
    pub fn close_frame(&self) -> Option<&CloseFrame> {
        self.seen().close.as_deref()
    }

    /// The subprotocol that was agreed upon.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        self.seen().subprotocol.as_deref()
    }

    /// Whether messages are compressed, if they are worth it.
    #[must_use]
    pub fn is_compressed(&self) -> bool {
        self.seen().deflate.is_some()
    }

    /// Which side this is.
    #[must_use]
    pub fn role(&self) -> Role {
        self.seen().role
    }

    /// The connection underneath: its peer, head, limits and record.
    #[must_use]
    pub fn conn(&self) -> &Conn<Io> {
        &self.seen().conn
    }

    /// The connection underneath, to be limited or named: reading from it or writing to it would break the frames.
    pub fn conn_mut(&mut self) -> &mut Conn<Io> {
        &mut self.inner().conn
    }

    /// The raw connection, for whoever speaks frames themselves: what was received and not judged comes first, what is
    /// queued leaves first.
    ///
    /// Between messages it is at the edge of a frame; half a message that was received is lost.
    #[must_use = "dropping it closes the connection"]
    #[expect(clippy::missing_panics_doc, reason = "only this takes it apart")]
    pub fn into_conn(mut self) -> Conn<Io> {
        let mut inner = self.0.take().expect("there until it is taken apart");
        inner.queue_latest_pong();
        let rest = inner.input.split_off(inner.judged);
        inner.conn.unshift(rest);
        inner.conn
    }

    /// Ends the conversation: sends a Close and waits for the peer's, for [`Config::close_timeout`] at the most, whatever
    /// else it sends.
    ///
    /// # Errors
    ///
    /// [`Error::Local`] if `code` must not be sent or `reason` is too long; [`Error::Io`] if the connection failed or the peer
    /// did not answer in time. It is closed all the same when this is dropped.
    ///
    /// # Cancel safety
    ///
    /// Safe: call it again.
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        self.inner().begin_close(Some(Close { code, reason }))?;
        self.closed().await
    }

    /// Waits for the end; messages that still come are thrown away.
    async fn closed(&mut self) -> Result<(), Error> {
        poll_fn(|cx| {
            let waker = cx.waker();
            self.inner().poll_pieces(cx, waker, |_| None::<()>)
        })
        .await
        .map(drop)
    }
}

impl<Io: Stream> Inner<Io> {
    /// Gives the next whole message to `show`. `writes` is woken when there is room to send.
    pub(super) fn poll_message<R>(
        &mut self,
        cx: &mut Context<'_>,
        writes: &Waker,
        mut show: impl FnMut(Borrowed<'_>) -> R,
    ) -> Poll<Result<Option<R>, Error>> {
        let Some(limit) = self.config.skip_len else {
            return self.poll_assembled(cx, writes, |assembly, piece| assembly.push(piece).map(&mut show));
        };
        let polled =
            self.poll_assembled(cx, writes, |assembly, piece| match assembly.push_within(piece, limit) {
                Ok(message) => message.map(|message| Ok(show(message))),
                Err(Skipped) => Some(Err(Error::Skipped { limit })),
            });
        polled.map(|received| received?.transpose())
    }

    /// Gives every piece that comes to `take`, until that has made something of them; nothing at the end, and nothing
    /// behind an error.
    pub(super) fn poll_pieces<R>(
        &mut self,
        cx: &mut Context<'_>,
        writes: &Waker,
        mut take: impl FnMut(Piece<'_>) -> Option<R>,
    ) -> Poll<Result<Option<R>, Error>> {
        self.poll_assembled(cx, writes, |_, piece| take(piece))
    }

    fn poll_assembled<R>(
        &mut self,
        cx: &mut Context<'_>,
        writes: &Waker,
        mut take: impl FnMut(&mut Assembly, Piece<'_>) -> Option<R>,
    ) -> Poll<Result<Option<R>, Error>> {
        let polled = self.poll_stage(cx, writes, &mut take);
        if let Poll::Ready(Err(Error::Io(_))) = polled {
            self.end_abnormally();
        }
        polled
    }

    fn poll_stage<R>(
        &mut self,
        cx: &mut Context<'_>,
        writes: &Waker,
        take: &mut impl FnMut(&mut Assembly, Piece<'_>) -> Option<R>,
    ) -> Poll<Result<Option<R>, Error>> {
        loop {
            match self.stage {
                Stage::Open => {}
                Stage::Parting(parting) => {
                    ready!(self.poll_part(cx, writes, parting));
                    self.end();
                    return Poll::Ready(parting.failed.map_or(Ok(None), |error| Err(Error::Peer(error))));
                }
                Stage::Over => return Poll::Ready(Ok(None)),
            }
            if self.more || self.judged < self.input.len() {
                if let Some(taken) = self.judge_input(take) {
                    return Poll::Ready(Ok(Some(taken)));
                }
                continue;
            }
            self.send_queued(writes)?;
            if self.conn.wire.queued() > self.config.queue_len {
                // A peer that does not read what it asks for is not asked what more it wants.
                self.conn.wire.lease.check_reader(cx.waker())?;
                return Poll::Pending;
            }
            if let Some(taken) = ready!(self.poll_read(cx, writes, take))? {
                return Poll::Ready(Ok(Some(taken)));
            }
        }
    }

    /// Reads once, and judges what came.
    fn poll_read<R>(
        &mut self,
        cx: &mut Context<'_>,
        writes: &Waker,
        take: &mut impl FnMut(&mut Assembly, Piece<'_>) -> Option<R>,
    ) -> Poll<Result<Option<R>, Error>> {
        scratch::with_relay(|buffer| {
            let Poll::Ready(read) = self.conn.wire.poll_read(cx, &mut ReadBuf::new(buffer)) else {
                return self.beat(writes).map_or_else(|error| Poll::Ready(Err(error)), |()| Poll::Pending);
            };
            let len = read?;
            if len == 0 {
                return Poll::Ready(self.cut().map(|()| None));
            }
            self.heard_ms = self.conn.wire.lease.registry().now_ms();
            self.pinged_ms = 0;
            let (judged, taken) = self.judge(&mut buffer[..len], take);
            if judged < len {
                self.input = buffer[judged..len].to_vec();
                self.judged = 0;
            }
            Poll::Ready(Ok(taken))
        })
    }

    fn judge_input<R>(&mut self, take: &mut impl FnMut(&mut Assembly, Piece<'_>) -> Option<R>) -> Option<R> {
        let mut input = mem::take(&mut self.input);
        let (judged, taken) = self.judge(&mut input[self.judged..], take);
        self.judged += judged;
        if self.judged < input.len() {
            self.input = input;
        } else {
            self.judged = 0;
        }
        taken
    }

    /// Judges bytes from the front until `take` has made something of them; how many those were.
    fn judge<R>(
        &mut self,
        bytes: &mut [u8],
        take: &mut impl FnMut(&mut Assembly, Piece<'_>) -> Option<R>,
    ) -> (usize, Option<R>) {
        with_workspace(self.deflate.is_some(), |workspace| {
            let mut at = 0;
            // Only what is inflated may be more than its input.
            self.more = self.deflate.is_some();
            loop {
                if at == bytes.len() && !self.more {
                    return (at, None);
                }
                let (taken, event) = match self.receiver.next(&mut bytes[at..], workspace) {
                    Ok(next) => next,
                    Err(error) => {
                        self.more = false;
                        self.fail(error);
                        return (bytes.len(), None);
                    }
                };
                at += taken;
                match event {
                    Event::NeedInput => {
                        self.more = false;
                        return (at, None);
                    }
                    Event::Data(piece) => {
                        if let Some(made) = take(&mut self.assembly, piece) {
                            return (at, Some(made));
                        }
                    }
                    Event::Ping(payload) => {
                        let out = self.conn.wire.out();
                        self.pongs.answer(payload, &mut self.sender, out);
                    }
                    Event::Pong(_) => {}
                    Event::Close(close) => {
                        let (code, reason) =
                            close.map_or((CloseCode::NO_STATUS, ""), |close| (close.code, close.reason));
                        self.close = Some(Box::new(CloseFrame { code, reason: reason.to_owned() }));
                        self.more = false;
                        self.answer_close(code);
                        return (bytes.len(), None);
                    }
                }
            }
        })
    }

    /// Sends what is queued, as far as the socket takes it.
    pub(super) fn send_queued(&mut self, writes: &Waker) -> io::Result<()> {
        let _ = self.poll_flush(writes)?;
        Ok(())
    }

    /// Sends what is queued, and the pong that waits behind it.
    pub(super) fn poll_flush(&mut self, writes: &Waker) -> Poll<io::Result<()>> {
        let mut cx = Context::from_waker(writes);
        if self.conn.wire.is_unflushed() || !self.pongs.is_empty() {
            ready!(self.conn.wire.poll_flush(&mut cx))?;
            self.queue_latest_pong();
            self.pongs.queued = 0;
            if self.conn.wire.queued() > 0 {
                ready!(self.conn.wire.poll_flush(&mut cx))?;
            }
        }
        Poll::Ready(Ok(()))
    }

    fn queue_latest_pong(&mut self) {
        if let Some(latest) = self.pongs.latest.take() {
            let _ = self.sender.pong(&latest, mask_key, self.conn.wire.out());
        }
    }

    /// The peer is silent: pings it in time, and gives it up when that was in vain.
    fn beat(&mut self, writes: &Waker) -> Result<(), Error> {
        let Some(ping_after) = self.config.ping_after else { return Ok(()) };
        let lease = &self.conn.wire.lease;
        let now = lease.registry().now_ms();
        let (since, limit) = match self.pinged_ms {
            0 => (self.heard_ms, ping_after),
            pinged => (pinged, self.config.pong_timeout),
        };
        let waited = Duration::from_millis(now.saturating_sub(since));
        if waited < limit {
            lease.nudge_in(limit - waited);
            return Ok(());
        }
        if self.pinged_ms != 0 {
            let timeout = EndReason::TimedOut(Timeout::Pong);
            self.conn.set_end_reason(timeout.clone());
            return Err(Error::Io(io::Error::new(io::ErrorKind::TimedOut, crate::observe::Ended(timeout))));
        }
        self.pinged_ms = now.max(1);
        lease.nudge_in(self.config.pong_timeout);
        if self.sender.ping(b"", mask_key, self.conn.wire.out()).is_ok() {
            self.send_queued(writes)?;
        }
        Ok(())
    }

    /// Our Close is out from here on; the peer's is waited for with a limit.
    pub(super) fn begin_close(&mut self, close: Option<Close<'_>>) -> Result<(), Error> {
        if self.stage == Stage::Open && !self.sender.is_closed() {
            self.sender.close(close, mask_key, self.conn.wire.out())?;
            self.conn.set_end_reason(EndReason::Closed);
            self.conn.wire.lease.wait(Timeout::Close, self.config.close_timeout);
        }
        Ok(())
    }

    /// The peer's Close has come: it is answered by the same code, unless ours is out already (RFC 6455 §5.5.1).
    fn answer_close(&mut self, code: CloseCode) {
        if !self.sender.is_closed() {
            let answer = (code != CloseCode::NO_STATUS).then_some(Close { code, reason: "" });
            let _ = self.sender.close(answer, mask_key, self.conn.wire.out());
        }
        self.conn.set_end_reason(EndReason::PeerClosed);
        self.part(None, self.config.close_timeout);
    }

    /// The peer broke the protocol: it is told, and the connection ends (RFC 6455 §7.1.7).
    fn fail(&mut self, error: ReceiveError) {
        if !self.sender.is_closed() {
            let told = Close { code: error.close_code(), reason: "" };
            let _ = self.sender.close(Some(told), mask_key, self.conn.wire.out());
        }
        self.conn.set_end_reason(EndReason::Protocol(error.close_code().get()));
        self.part(Some(error), FAILED_CLOSE);
    }

    fn part(&mut self, failed: Option<ReceiveError>, limit: Duration) {
        self.pongs = Pongs::default();
        self.conn.wire.lease.end_wait();
        self.conn.wire.lease.wait(Timeout::Close, limit);
        self.stage = Stage::Parting(Parting { failed, ended: false });
    }

    /// Ready when the connection is at its end, or at the end of our patience. What fails here fails silently: all has
    /// been said.
    fn poll_part(&mut self, cx: &mut Context<'_>, writes: &Waker, parting: Parting) -> Poll<()> {
        if !parting.ended {
            // The server ends the connection first (RFC 6455 §7.1.1), but whoever broke the law is not waited for.
            let mut writes = Context::from_waker(writes);
            let ended = if self.role == Role::Server || parting.failed.is_some() {
                self.conn.wire.poll_shutdown(&mut writes)
            } else {
                self.conn.wire.poll_flush(&mut writes)
            };
            if ready!(ended).is_err() {
                return Poll::Ready(());
            }
            self.stage = Stage::Parting(Parting { ended: true, ..parting });
            if parting.failed.is_none() {
                // All is said: only the other end of the connection is missing.
                self.conn.wire.lease.end_wait();
                self.conn.wire.lease.wait(Timeout::Close, self.config.close_timeout.min(PARTED));
            }
            if self.role == Role::Server && parting.failed.is_none() {
                return Poll::Ready(());
            }
        }
        // Read to its end, or a reset might destroy our last words.
        loop {
            match ready!(self.conn.wire.poll_read_with(cx, <[u8]>::len)) {
                Ok(1..) => {}
                _ => return Poll::Ready(()),
            }
        }
    }

    /// The connection has ended without a Close.
    fn cut(&mut self) -> Result<(), Error> {
        self.end_abnormally();
        if self.receiver.within_message() { Err(Error::CutOff) } else { Ok(()) }
    }

    /// Nothing is waited for any more.
    fn end(&mut self) {
        self.conn.wire.lease.end_wait();
        self.stage = Stage::Over;
    }

    fn end_abnormally(&mut self) {
        self.end();
        self.close = Some(Box::new(CloseFrame { code: CloseCode::ABNORMAL, reason: String::new() }));
    }

    /// Says goodbye as far as that can be done at once; whether the peer is still to be seen off.
    fn say_goodbye(&mut self) -> bool {
        if self.stage == Stage::Over {
            return false;
        }
        if self.stage == Stage::Open && !self.sender.is_closed() {
            let (code, reason) = if std::thread::panicking() {
                (CloseCode::INTERNAL_ERROR, EndReason::Panicked)
            } else {
                (CloseCode::NORMAL, EndReason::Closed)
            };
            let _ = self.sender.close(Some(Close { code, reason: "" }), mask_key, self.conn.wire.out());
            self.conn.set_end_reason(reason);
        }
        let told = self.conn.wire.poll_shutdown(&mut Context::from_waker(Waker::noop()));
        !matches!(told, Poll::Ready(Err(_))) && !self.conn.wire.lease.record().peer_ended()
    }

    /// Reads on for a while, or a reset would destroy our last words where the peer's were not all read.
    async fn see_off(mut self) {
        self.input = Vec::new();
        let wire = &mut self.conn.wire;
        wire.lease.end_wait();
        wire.lease.wait(Timeout::Close, FAREWELL);
        if poll_fn(|cx| wire.poll_shutdown(cx)).await.is_ok() {
            wire.linger(FAREWELL).await;
        }
    }
}

impl Pongs {
    fn is_empty(&self) -> bool {
        self.queued == 0 && self.latest.is_none()
    }

    fn answer(&mut self, payload: &[u8], sender: &mut Sender, out: &mut Vec<u8>) {
        if self.queued < MOST_PONGS {
            self.queued += 1;
            // Behind our Close nothing is sent, and nothing is to be answered.
            let _ = sender.pong(payload, mask_key, out);
        } else {
            self.latest = ControlPayload::new(payload).map(Box::new);
        }
    }
}

impl<Io: Stream> Drop for WebSocket<Io> {
    fn drop(&mut self) {
        if let Some(mut inner) = self.0.take()
            && inner.say_goodbye()
            && let Ok(runtime) = Handle::try_current()
        {
            // Whoever dropped it has ended; the record holds this task to its deadline, and shutdown waits for it.
            runtime.spawn(inner.see_off());
        }
    }
}

impl<Io: Stream> fmt::Debug for WebSocket<Io> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("WebSocket");
        if let Some(inner) = &self.0 {
            debug.field("conn", &inner.conn).field("role", &inner.role).field("stage", &inner.stage);
        }
        debug.finish_non_exhaustive()
    }
}

/// A key that nobody can foresee (RFC 6455 §10.3).
pub(super) fn mask_key() -> MaskKey {
    rand::rng().random()
}

/// Runs `work` with this thread's workspace, or with an empty one where nothing is compressed.
pub(super) fn with_workspace<R>(compressed: bool, work: impl FnOnce(&mut Workspace) -> R) -> R {
    thread_local! {
        static WORKSPACE: Cell<Option<Box<Workspace>>> = const { Cell::new(None) };
    }
    if !compressed {
        return work(&mut Workspace::default());
    }
    let mut workspace = WORKSPACE.take().unwrap_or_default();
    let result = work(&mut workspace);
    WORKSPACE.set(Some(workspace));
    result
}

/// Pongs that may wait; of further pings the last one is answered.
const MOST_PONGS: u8 = 64;

/// Time for a server to end the connection once both sides have closed.
const PARTED: Duration = Duration::from_secs(1);

/// Time for a Close to reach a peer that broke the law, and for its end.
const FAILED_CLOSE: Duration = Duration::from_millis(400);

/// The same where nobody waits for it.
const FAREWELL: Duration = Duration::from_millis(400);
