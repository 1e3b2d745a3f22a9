//! Two connections joined: what the one sends the other gets, until both have ended.
//!
//! `flow` moves the bytes of one direction, `gate` is what may look at them there, `pipe` is what they go through where
//! the kernel can do it alone, `end` says what became of it all, and `packed` is a relay on its way to another process.

mod end;
mod flow;
mod gate;
mod packed;
#[cfg_attr(not(target_os = "linux"), path = "pipe_off.rs")]
mod pipe;

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};

pub use end::{RelayEnd, Side};
use flow::{Flow, Stage, Stop};
pub use flow::{Held, Moved};
pub use gate::{Gate, NoGate, Passed};
pub use packed::PackedRelay;
pub use pipe::Pipes;

use crate::conn::{Conn, LINGER};
use crate::error::ended_by;
use crate::observe::{ConnLimits, EndReason};
use crate::transport::{self, Stream, Transport};

/// Two connections, joined: every byte of the one, early ones included, goes to the other, in order and once.
///
/// - **Ends.** The end of one side's direction (a FIN, close_notify) is passed on behind its last byte, and the other
///   direction goes on; the relay ends when both have. A side that breaks has the other one reset, where its
///   transport can be; what the broken side had sent before is still delivered. A TLS side that ends without
///   close_notify, and any side after [`without_half_close`](Self::without_half_close) or whose stream fails to shut down with
///   [`io::ErrorKind::Unsupported`], ends both directions in order.
/// - **Limits** are those of the two connections; [`set_limits`](Self::set_limits) sets them for both.
/// - **Who closes?** The relay, when it is dropped; [`run`](Self::run) returns when there is nothing more to move.
/// - **Shutdown.** The relay does not heed [`Conn::told`], for it cannot tell its peers: it lives until the server's
///   deadline. Select on `client().told()` and call [`close`](Self::close) where it should end sooner.
/// - **Memory.** Nothing is held while nothing moves. Between two sockets of TCP or Unix large transfers are spliced
///   by the kernel through pipes of a bounded pool ([`Pipes`]); everything else is copied through a buffer of the
///   thread. A receiver that does not read stops its sender; at most 256 KiB
///   are held for it in each direction, and the bytes that were read before the relay.
///
/// ```
/// use hijack::{Relay, Tracker};
/// use tokio::net::{TcpListener, TcpStream};
///
/// # async fn forward(listener: TcpListener) -> std::io::Result<()> {
/// let tracker = Tracker::default();
/// let (client, _) = listener.accept().await?;
/// let server = TcpStream::connect("127.0.0.1:5432").await?;
/// let end = Relay::new(tracker.adopt(client), tracker.adopt(server)).run().await;
/// println!("{end}"); // client: closed by the peer; 517 bytes to the server, 2048 to the client
/// # Ok(()) }
/// ```
#[must_use = "a relay moves nothing unless it runs"]
pub struct Relay<C = Transport, S = Transport, G = NoGate> {
    client: Conn<C>,
    server: Conn<S>,
    /// From the client to the server.
    up: Flow<G>,
    /// From the server to the client.
    down: Flow<G>,
    pipes: Pipes,
    half_close: bool,
    /// Which direction has the first turn, so that neither starves the other.
    up_first: bool,
    /// The side whose direction ended first.
    first: Option<Side>,
    /// A side that cannot be written to any more, and why; what it sent is still delivered.
    broken: Option<Box<(Side, EndReason)>>,
    end: Option<Box<(Option<Side>, EndReason)>>,
}

impl<C: Stream, S: Stream> Relay<C, S> {
    /// Joins two connections. Nothing moves until it [runs](Self::run).
    pub fn new(client: Conn<C>, server: Conn<S>) -> Self {
        Self::with_gates(client, server, NoGate, NoGate)
    }
}

impl<C: Stream, S: Stream, G: Gate> Relay<C, S, G> {
    /// Joins two connections, with a gate in each direction: `to_server` sees what the client sends, `to_client` what the
    /// server does.
    pub fn with_gates(client: Conn<C>, server: Conn<S>, to_server: G, to_client: G) -> Self {
        Self::joined(client, server, Flow::new(to_server), Flow::new(to_client))
    }

    fn joined(client: Conn<C>, server: Conn<S>, up: Flow<G>, down: Flow<G>) -> Self {
        Self {
            client,
            server,
            up,
            down,
            pipes: Pipes::shared(),
            half_close: true,
            up_first: true,
            first: None,
            broken: None,
            end: None,
        }
    }

    /// Splices through `pipes` instead of the pool of this process.
    pub fn with_pipes(mut self, pipes: Pipes) -> Self {
        self.pipes = pipes;
        self
    }

    /// Ends both directions when one has ended, for peers that take the end of one direction for the end of all.
    pub fn without_half_close(mut self) -> Self {
        self.half_close = false;
        self
    }

    /// Limits both connections: see [`Conn::set_limits`].
    pub fn set_limits(&mut self, limits: ConnLimits) {
        self.client.set_limits(limits);
        self.server.set_limits(limits);
    }

    /// The client's connection.
    pub fn client(&self) -> &Conn<C> {
        &self.client
    }

    /// The server's connection.
    pub fn server(&self) -> &Conn<S> {
        &self.server
    }

    /// What went from the client to the server so far.
    pub fn to_server(&self) -> Moved {
        self.up.moved
    }

    /// What went from the server to the client so far.
    pub fn to_client(&self) -> Moved {
        self.down.moved
    }

    /// The gate that sees what `from` sends.
    pub fn gate(&self, from: Side) -> &G {
        match from {
            Side::Client => &self.up.gate,
            Side::Server => &self.down.gate,
        }
    }

    /// The gate that sees what `from` sends. After a change that has it put in bytes of its own, the relay must be polled.
    pub fn gate_mut(&mut self, from: Side) -> &mut G {
        &mut self.flow_from(from).gate
    }

    /// How long `receiver` has taken nothing while bytes wait for it here; none if it takes what there is.
    pub fn stalled_for(&self, receiver: Side) -> Option<std::time::Duration> {
        let (flow, conn) = match receiver {
            Side::Client => (&self.down, self.client.wire.lease.registry()),
            Side::Server => (&self.up, self.server.wire.lease.registry()),
        };
        flow.stalled_for(conn.now_ms())
    }

    /// What is on its way at this moment, both directions together.
    pub fn held(&self) -> Held {
        let flows = [&self.up, &self.down];
        Held {
            in_memory: flows.iter().map(|flow| flow.unsent.len()).sum(),
            in_pipes: flows.iter().map(|flow| flow.in_pipe()).sum(),
        }
    }

    /// Moves bytes until both sides have ended, or one broke, reached a limit or was killed; tells what became of it.
    ///
    /// The sockets stay open until the relay is dropped. Called again it tells the same.
    ///
    /// # Cancel safety
    ///
    /// Safe at any moment: all that is on its way is in the relay, and the next call goes on.
    pub async fn run(&mut self) -> RelayEnd {
        poll_fn(|cx| self.poll_run(cx)).await;
        if self.owes_goodbyes() {
            // Apart, since few relays come here and all would have room for it.
            Box::pin(self.say_goodbyes()).await;
        }
        self.report()
    }

    /// Ends the relay in order: nothing more is taken, what was taken is delivered, both peers are told, and what they
    /// still send is thrown away until they end too. After two seconds it is ended whatever they do.
    ///
    /// # Cancel safety
    ///
    /// Safe: call it again.
    pub async fn close(&mut self) -> RelayEnd {
        self.conclude(None, EndReason::Closed);
        if self.owes_goodbyes() {
            self.say_goodbyes().await;
        }
        self.report()
    }

    fn report(&self) -> RelayEnd {
        let (by, reason) = self.end.as_deref().cloned().unwrap_or((None, EndReason::Closed));
        RelayEnd { by, reason, to_server: self.up.moved, to_client: self.down.moved }
    }

    /// One turn of [`run`](Self::run): moves what can be moved, and is ready at the end, which `run` then makes polite
    /// and reports.
    pub fn poll_run(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.end.is_some() {
            return Poll::Ready(());
        }
        let was_broken = self.broken.is_some();
        for from in self.take_turns() {
            // What the first one found bears upon the other.
            if self.end.is_none() {
                let polled = self.poll_flow(cx, from);
                self.note(from, polled);
            }
        }
        self.note_broken(cx, was_broken);
        let one_is_all =
            !self.half_close && (self.up.stage == Stage::Ended || self.down.stage == Stage::Ended);
        if self.broken.is_none() && (self.both_ended() || one_is_all) {
            self.conclude(self.first, EndReason::PeerClosed);
        }
        if self.end.is_some() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Which side's direction has the first turn, and which the second.
    fn take_turns(&mut self) -> [Side; 2] {
        self.up_first = !self.up_first;
        if self.up_first { [Side::Client, Side::Server] } else { [Side::Server, Side::Client] }
    }

    fn poll_flow(&mut self, cx: &mut Context<'_>, from: Side) -> Polled {
        let Self { client, server, up, down, pipes, .. } = self;
        match from {
            Side::Client => up.poll(cx, client, server, pipes),
            Side::Server => down.poll(cx, server, client, pipes),
        }
    }

    /// Delivers what was taken and the ends behind it, as far as it can be.
    fn poll_delivery(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let polled = self.take_turns().map(|from| self.poll_flow(cx, from));
        if polled.iter().all(Poll::is_ready) { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Notes what the flow from the side `from` came to.
    fn note(&mut self, from: Side, polled: Polled) {
        if matches!(self.flow_from(from).stage, Stage::Ending | Stage::Ended) {
            self.first.get_or_insert(from);
        }
        let Poll::Ready(Err(stop)) = polled else { return };
        match stop {
            Stop::Read(error) => self.conclude(Some(from), reason_of(&error)),
            Stop::Truncated => self.conclude(Some(from), EndReason::Broken(io::ErrorKind::UnexpectedEof)),
            Stop::NoHalfClose => self.conclude(self.first, EndReason::PeerClosed),
            Stop::Write(error) if ended_by(&error).is_some() => {
                self.conclude(Some(from.other()), reason_of(&error));
            }
            Stop::Write(error) => {
                self.flow_from(from).cut();
                // To a peer that is done, as a closed pipe shows, its own end belongs.
                if error.kind() != io::ErrorKind::BrokenPipe {
                    self.flow_from(from.other()).withhold_end();
                }
                self.broken.get_or_insert_with(|| Box::new((from.other(), reason_of(&error))));
            }
        }
    }

    /// Ends the relay once all is delivered that a broken side had sent. It may have sent until it was found broken,
    /// so that it is looked at once more after that.
    fn note_broken(&mut self, cx: &Context<'_>, was_broken: bool) {
        let Some((side, reason)) = self.broken.as_deref().cloned() else { return };
        if !was_broken {
            cx.waker().wake_by_ref();
        } else if self.is_drained(side) {
            self.conclude(Some(side), reason);
        }
    }

    fn is_drained(&self, side: Side) -> bool {
        match side {
            Side::Client => self.up.is_drained(&self.client),
            Side::Server => self.down.is_drained(&self.server),
        }
    }

    fn flow_from(&mut self, side: Side) -> &mut Flow<G> {
        match side {
            Side::Client => &mut self.up,
            Side::Server => &mut self.down,
        }
    }

    /// The end: the first reason stays. Each connection's record is told its part, and a break is passed on.
    fn conclude(&mut self, by: Option<Side>, reason: EndReason) {
        if self.end.is_some() {
            return;
        }
        let is_break = matches!(&reason, EndReason::Broken(kind) if *kind != io::ErrorKind::UnexpectedEof);
        let both_ended = reason == EndReason::PeerClosed && self.both_ended();
        let reason_for = |side| match by {
            Some(by) if by != side && !both_ended => EndReason::OtherSide,
            _ => reason.clone(),
        };
        self.client.set_end_reason(reason_for(Side::Client));
        self.server.set_end_reason(reason_for(Side::Server));
        match by {
            Some(Side::Client) if is_break => transport::reset_on_close(self.server.io()),
            Some(Side::Server) if is_break => transport::reset_on_close(self.client.io()),
            _ => {}
        }
        self.end = Some(Box::new((by, reason)));
    }

    fn both_ended(&self) -> bool {
        self.up.stage == Stage::Ended && self.down.stage == Stage::Ended
    }

    /// Whether the end was one in order that not both sides made.
    fn owes_goodbyes(&self) -> bool {
        let in_order = match self.end.as_deref() {
            Some((_, EndReason::PeerClosed | EndReason::Closed)) => true,
            Some((_, EndReason::Broken(kind))) => *kind == io::ErrorKind::UnexpectedEof,
            _ => false,
        };
        in_order && !self.both_ended()
    }

    /// Delivers what was taken, tells both, and lets them end.
    async fn say_goodbyes(&mut self) {
        self.up.stop_taking(&mut self.client);
        self.down.stop_taking(&mut self.server);
        let goodbyes = async {
            poll_fn(|cx| self.poll_delivery(cx)).await;
            tokio::join!(self.client.say_goodbye(), self.server.say_goodbye())
        };
        let _ = tokio::time::timeout(LINGER, goodbyes).await;
    }
}

impl<C, S, G> Drop for Relay<C, S, G> {
    /// Given up before its end, it ends both connections; a reason that one of them has is the other one's too.
    fn drop(&mut self) {
        let (client, server) = (self.client.wire.lease.record(), self.server.wire.lease.record());
        if self.end.is_none() && client.has_end() != server.has_end() {
            client.set_end(EndReason::OtherSide);
            server.set_end(EndReason::OtherSide);
        }
    }
}

type Polled = Poll<Result<(), Stop>>;

fn reason_of(error: &io::Error) -> EndReason {
    ended_by(error).unwrap_or(EndReason::Broken(error.kind()))
}

impl<C: fmt::Debug, S: fmt::Debug, G> fmt::Debug for Relay<C, S, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay")
            .field("client", &self.client)
            .field("server", &self.server)
            .field("to_server", &self.up.moved)
            .field("to_client", &self.down.moved)
            .finish_non_exhaustive()
    }
}
