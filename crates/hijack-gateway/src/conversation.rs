//! A taken-over pair of connections while it lives: the relay between them, what operators want of it, and its end.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};

use hijack::{Error, Relay, RelayEnd, Side, Transport};
use hijack_proto::ws::{Close, CloseCode, MessageKind, Role};

use crate::gate::{Alarm, FrameGate, OutboxFull, OwnFrame, PassGate, RateLimit};
use crate::gateway::Shared;
use crate::log;
use crate::packed::{MoveError, PackedConversation};
use crate::registry::{Command, Entry, Gear, Payload, SendFailure};
use crate::routes::Place;
use crate::tap::name_of;

/// The two connections of a conversation, joined.
pub(crate) type GatedRelay = Relay<Transport, Transport, PassGate>;

/// An end that we make.
#[derive(Debug, Clone)]
pub(crate) struct Ending {
    pub(crate) by: EndedBy,
    /// The cause, in words.
    pub(crate) cause: String,
    /// What a WebSocket's client is told, and its upstream.
    pub(crate) to_client: CloseText,
    pub(crate) to_upstream: CloseText,
}

/// A close code and its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CloseText {
    pub(crate) code: u16,
    pub(crate) reason: String,
}

/// Who makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndedBy {
    Operator,
    Gateway,
}

impl Ending {
    /// The gateway's own, for `cause`: `side` is told `code`, the other one that we go away.
    pub(crate) fn of_side(side: Side, code: CloseCode, cause: String) -> Self {
        let told = CloseText { code: code.get(), reason: cause.clone() };
        let away = CloseText { code: CloseCode::GOING_AWAY.get(), reason: String::new() };
        let (to_client, to_upstream) = if side == Side::Client { (told, away) } else { (away, told) };
        Self { by: EndedBy::Gateway, cause, to_client, to_upstream }
    }

    /// The gateway's own, for `cause`: both are told `code`.
    pub(crate) fn of_both(code: CloseCode, cause: &str) -> Self {
        let told = CloseText { code: code.get(), reason: cause.to_owned() };
        Self { by: EndedBy::Gateway, cause: cause.to_owned(), to_client: told.clone(), to_upstream: told }
    }

    fn told(&self, side: Side) -> &CloseText {
        match side {
            Side::Client => &self.to_client,
            Side::Server => &self.to_upstream,
        }
    }
}

/// The Close that came first from a peer.
#[derive(Debug)]
struct PeerClose {
    from: Side,
    code: Option<u16>,
    reason: String,
}

impl PeerClose {
    /// What `from` has said of the end, if its Close has passed.
    fn of(from: Side, frames: &FrameGate) -> Option<Box<Self>> {
        let close = frames.passed_close()?;
        let (code, reason) = close.map_or((None, ""), |close| (Some(close.code.get()), close.reason));
        Some(Box::new(Self { from, code, reason: reason.to_owned() }))
    }
}

/// A pair at work. However it is dropped, the registry hears of its end.
pub(crate) struct Conversation {
    shared: Arc<Shared>,
    entry: Arc<Entry>,
    relay: GatedRelay,
    ending: Option<Box<Ending>>,
    peer_close: Option<Box<PeerClose>>,
    end: Option<Box<RelayEnd>>,
    is_cut: bool,
    /// Its place within the limits of the route.
    _place: Place,
}

impl Conversation {
    pub(crate) fn new(shared: Arc<Shared>, entry: Arc<Entry>, relay: GatedRelay, place: Place) -> Self {
        let conversation = Self {
            shared,
            entry,
            relay,
            ending: None,
            peer_close: None,
            end: None,
            is_cut: false,
            _place: place,
        };
        conversation.note_gear();
        conversation
    }

    /// Runs until both sides have ended, or have been told to.
    ///
    /// No `async fn`: that would have room for the conversation twice, for as long as it lives.
    pub(crate) fn run(self) -> impl Future<Output = Result<(), Error>> + Send {
        let mut conversation = self;
        async move {
            poll_fn(|cx| conversation.poll(cx)).await;
            // Apart, since all would have room for it from their beginning.
            Box::pin(conversation.end()).await;
            Ok(())
        }
    }

    async fn end(&mut self) {
        let end = if self.ending.is_some() || self.is_cut {
            self.relay.close().await
        } else {
            self.relay.run().await
        };
        self.note();
        self.end = Some(Box::new(end));
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.entry.register(cx.waker());
        for command in self.entry.take_mail() {
            self.obey(command);
        }
        let moved = self.relay.poll_run(cx);
        self.note();
        if let Some(ending) = self.find_alarm() {
            self.close(ending);
            cx.waker().wake_by_ref();
        }
        if moved.is_ready() || self.is_cut || self.has_said_goodbye() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Tap(tap) => {
                self.relay.gate_mut(Side::Client).set_tap(tap.as_ref());
                self.relay.gate_mut(Side::Server).set_tap(tap.as_ref());
            }
            Command::Send { to, payload, done } => {
                // Whoever asked may have gone.
                let _ = done.send(self.put(to, payload));
            }
            Command::Ping { mark, number } => self.ping(mark, number),
            Command::Close(ending) => self.close(ending),
            Command::Cut => self.is_cut = true,
            Command::Pack(done) => {
                // Whoever asked may have gone: then both connections are closed, as when a process ends.
                let _ = done.send(self.pack());
            }
        }
    }

    /// Takes everything out, to go on elsewhere.
    fn pack(&mut self) -> Result<PackedConversation, MoveError> {
        if self.ending.is_some() || self.entry.is_closing() {
            return Err(MoveError::NotMovable("not movable: it is at its end".into()));
        }
        if let Some(why) = self.entry.facts.not_movable() {
            return Err(MoveError::NotMovable(why.to_owned()));
        }
        let relay = self.relay.pack().map_err(|why| MoveError::NotMovable(why.to_string()))?;
        let gates = (self.relay.gate(Side::Client).state(), self.relay.gate(Side::Server).state());
        Ok(PackedConversation { relay, state: self.entry.state(self.shared.now_ms()), gates })
    }

    /// Has a message go to `to`.
    fn put(&mut self, to: Side, payload: Payload) -> Result<(), SendFailure> {
        if self.ending.is_some() {
            return Err(SendFailure::Ended);
        }
        let put = match self.relay.gate_mut(to.other()) {
            PassGate::Stream(stream) => stream.put(payload.into_bytes()),
            PassGate::WebSocket(frames) if !frames.is_framed() => return Err(SendFailure::NoEdge),
            PassGate::WebSocket(frames) => {
                let (kind, bytes) = match &payload {
                    Payload::Text(text) => (MessageKind::Text, text.as_bytes()),
                    Payload::Binary(bytes) => (MessageKind::Binary, &bytes[..]),
                };
                frames.put(OwnFrame::message(frames.receiver(), kind, bytes, rand::random()))
            }
        };
        put.map_err(|OutboxFull { limit }| SendFailure::Full { limit })
    }

    fn ping(&mut self, mark: crate::gate::PingMark, number: u64) {
        for side in [Side::Client, Side::Server] {
            // What this side sends is looked at, what goes to it carries the ping.
            let Some(frames) = self.relay.gate_mut(side).frames_mut() else { return };
            frames.expect_pongs(mark);
            let Some(frames) = self.relay.gate_mut(side.other()).frames_mut() else { return };
            let ping = OwnFrame::ping(frames.receiver(), &mark.payload(number), rand::random());
            // Where there is no room there is traffic enough.
            let _ = ping.map(|ping| frames.put(ping));
        }
    }

    /// Begins the end: a Close to both sides of a WebSocket at the next edge.
    fn close(&mut self, ending: Ending) {
        if self.ending.is_some() {
            return;
        }
        self.entry.set_closing(self.shared.now_ms());
        for side in [Side::Client, Side::Server] {
            let Some(frames) = self.relay.gate_mut(side.other()).frames_mut() else { continue };
            if let Some(close) = close_frame(frames.receiver(), ending.told(side), ending.by) {
                // A Close always finds room.
                let _ = frames.put(close);
            }
        }
        self.ending = Some(Box::new(ending));
    }

    /// Whether all that we have to say of the end is said.
    fn has_said_goodbye(&self) -> bool {
        let is_muted = |side: Side| self.relay.gate(side).frames().is_none_or(FrameGate::is_muted);
        let held = self.relay.held();
        self.ending.is_some()
            && is_muted(Side::Client)
            && is_muted(Side::Server)
            && (held.in_memory + held.in_pipes == 0 || self.relay.gate(Side::Client).frames().is_none())
    }

    /// What a gate or the route's limits want.
    fn find_alarm(&mut self) -> Option<Ending> {
        for from in [Side::Client, Side::Server] {
            let Some(frames) = self.relay.gate_mut(from).frames_mut() else { continue };
            if let Some(alarm) = frames.take_alarm() {
                return Some(ending_of(alarm, from));
            }
        }
        None
    }

    /// Tells the registry how far it has come.
    fn note(&mut self) {
        let is_stalled = self.note_bytes();
        self.note_gear();
        let (up, down) = (self.relay.gate(Side::Client).frames(), self.relay.gate(Side::Server).frames());
        let (Some(up), Some(down)) = (up, down) else { return };
        let counts = &self.entry.moved;
        counts.messages_in.store(up.counts().messages, Relaxed);
        counts.messages_out.store(down.counts().messages, Relaxed);
        counts.illegal_in.store(up.counts().illegal, Relaxed);
        counts.illegal_out.store(down.counts().illegal, Relaxed);
        // Nobody can answer a ping that waits for its place, or behind bytes that he does not read.
        let is_under_way = up.has_waiting() || down.has_waiting() || is_stalled;
        if is_under_way && counts.pinged_ms.load(Relaxed) != 0 {
            counts.pinged_ms.store(self.shared.now_ms(), Relaxed);
        }
        if self.peer_close.is_none() {
            self.peer_close = PeerClose::of(Side::Client, up).or_else(|| PeerClose::of(Side::Server, down));
        } else if up.passed_close().is_some() && down.passed_close().is_some() {
            // Both have said it: what is left is the ends of the streams, for which there is a limit.
            self.entry.set_closing(self.shared.now_ms());
        }
    }

    /// Bytes, and whether a side takes none that wait for it.
    fn note_bytes(&self) -> bool {
        let counts = &self.entry.moved;
        let (up, down) = (self.relay.to_server(), self.relay.to_client());
        let now = self.shared.now_ms();
        if counts.bytes_in.swap(up.received, Relaxed) != up.received {
            counts.heard_in_ms.store(now, Relaxed);
        }
        if counts.bytes_out.swap(down.received, Relaxed) != down.received {
            counts.heard_out_ms.store(now, Relaxed);
        }
        let stalled = [Side::Client, Side::Server].map(|side| self.relay.stalled_for(side));
        let [client_since, upstream_since] = stalled.map(|stalled| match stalled {
            Some(time) => now.saturating_sub(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)).max(1),
            None => 0,
        });
        counts.stalled_in_ms.store(client_since, Relaxed);
        counts.stalled_out_ms.store(upstream_since, Relaxed);
        stalled.iter().any(Option::is_some)
    }

    fn note_gear(&self) {
        let gates = [self.relay.gate(Side::Client), self.relay.gate(Side::Server)];
        let gear = match gates {
            gates if gates.iter().any(|gate| gate.is_tapped()) => Gear::Tapped,
            gates if gates.iter().any(|gate| gate.is_framed()) => Gear::Framed,
            _ => Gear::Spliced,
        };
        self.entry.set_gear(gear);
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        let calls = self.entry.facts.calls();
        if let Some(calls) = calls {
            calls.end();
        }
        let mut view = self.entry.view(self.shared.now_ms());
        view.calls = calls.map(|calls| calls.view(true).newest(MOST_KEPT_CALLS));
        let (by, reason, code) = self.verdict();
        (view.closed_by, view.reason, view.code) = (Some(by.to_owned()), Some(reason), code);
        let counters = &self.entry.facts.route.counters;
        counters.bytes_in.fetch_add(view.bytes_in, Relaxed);
        counters.bytes_out.fetch_add(view.bytes_out, Relaxed);
        counters.messages_in.fetch_add(view.messages_in, Relaxed);
        counters.messages_out.fetch_add(view.messages_out, Relaxed);
        let view = self.shared.registry.close(view);
        self.shared.metrics.count_end(&view);
        log::closed(&view);
    }
}

impl Conversation {
    /// Who ended it, why, and with which close code.
    fn verdict(&self) -> (&'static str, String, Option<u16>) {
        if let Some(ending) = &self.ending {
            let by = if ending.by == EndedBy::Operator { "operator" } else { "gateway" };
            let is_websocket = self.relay.gate(Side::Client).frames().is_some();
            return (by, ending.cause.clone(), is_websocket.then_some(ending.to_client.code));
        }
        if let Some(close) = &self.peer_close {
            let reason = if close.reason.is_empty() { "closed".to_owned() } else { close.reason.clone() };
            return (name_of(close.from), reason, close.code);
        }
        match self.end.as_deref() {
            Some(end) => (end.by.map_or("gateway", name_of), end.reason.to_string(), None),
            None => ("gateway", "shut down".to_owned(), None),
        }
    }
}

/// The Close for a side. A reason that is too long is cut; a code that must not be sent has been refused before.
fn close_frame(receiver: Role, told: &CloseText, by: EndedBy) -> Option<OwnFrame> {
    let reason = cut(&told.reason, MOST_REASON);
    let close = Close { code: CloseCode::new(told.code), reason };
    OwnFrame::close(receiver, close, rand::random(), by == EndedBy::Operator)
}

/// The start of a text, `len` bytes at the most.
pub(crate) fn cut(text: &str, len: usize) -> &str {
    let end = (0..=len.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or_default()]
}

fn ending_of(alarm: Alarm, from: Side) -> Ending {
    match alarm {
        Alarm::MessageTooLong { len, limit } => {
            let cause = format!("message of {len} bytes exceeds the limit message_len of {limit}");
            Ending::of_side(from, CloseCode::TOO_BIG, cause)
        }
        Alarm::TooFast(RateLimit { name, per_second }) => {
            let cause = format!("more than {name} of {per_second}");
            Ending::of_side(from, CloseCode::POLICY, cause)
        }
    }
}

/// Calls that are remembered of an ended connection.
const MOST_KEPT_CALLS: usize = 10;

/// Bytes of a Close's reason (RFC 6455 §5.5: 125 with the code).
pub(crate) const MOST_REASON: usize = 123;

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes of what `run` gives for a conversation.
    fn future_len<F>(_: impl FnOnce(Conversation) -> F) -> usize {
        size_of::<F>()
    }

    /// What stands in memory for every idle pair: a field more is paid for many thousand times.
    #[test]
    fn an_idle_pair_is_small() {
        let run = future_len(Conversation::run);
        let most = size_of::<Conversation>() + 32;
        assert!(run <= most, "the future of {run} bytes has more in it than one conversation: {most}");
        let pair = run + 2 * size_of::<FrameGate>() + size_of::<Entry>();
        assert!(pair <= MOST_OF_PAIR, "{pair} bytes of an idle pair exceed {MOST_OF_PAIR}");
    }

    /// Of future, gates and record, without what both connections have of their own.
    const MOST_OF_PAIR: usize = 1_400;
}
