//! One taken-over connection in the registry: what never changes, counters that its conversation writes and everyone reads,
//! and the mail of the operators'.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use atomic_waker::AtomicWaker;
use bytes::Bytes;
use hijack::{Limits, Peer, RequestHead, Side};
use tokio::sync::oneshot;

use crate::calls::TunnelCalls;
use crate::conversation::Ending;
use crate::gate::PingMark;
use crate::packed::{ConversationState, MoveError, PackedConversation};
use crate::routes::RouteState;
use crate::tap::{Tap, unix_ms};
use crate::{ConnectionView, HeadView};

/// What is known of a connection when it is taken over.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) route: Arc<RouteState>,
    pub(crate) peer: Peer,
    /// The bytes of the request's head.
    pub(crate) head: Box<[u8]>,
    /// Apart, since most have nothing of it.
    pub(crate) extra: Option<Box<Extra>>,
}

/// What not every connection has.
#[derive(Debug, Default)]
pub(crate) struct Extra {
    /// None for a WebSocket.
    pub(crate) protocol: Option<Box<str>>,
    pub(crate) subject: Option<Box<str>>,
    pub(crate) subprotocol: Option<Box<str>>,
    pub(crate) extensions: Option<Box<str>>,
    /// Why it cannot go on in another process.
    pub(crate) not_movable: Option<Cow<'static, str>>,
    /// The calls inside, where they are followed.
    pub(crate) calls: Option<Arc<TunnelCalls>>,
}

impl Extra {
    /// What [`Extra::protocol`] is of the protocol of this name.
    pub(crate) fn protocol(name: &str) -> Option<Box<str>> {
        (name != WEBSOCKET).then(|| name.into())
    }

    /// None if there is nothing in it.
    pub(crate) fn boxed(self) -> Option<Box<Self>> {
        let Self { protocol, subject, subprotocol, extensions, not_movable, calls } = &self;
        let texts = [protocol, subject, subprotocol, extensions];
        let is_empty = texts.iter().all(|text| text.is_none()) && not_movable.is_none() && calls.is_none();
        (!is_empty).then(|| Box::new(self))
    }
}

impl Facts {
    pub(crate) fn protocol(&self) -> &str {
        self.extra.as_ref().and_then(|extra| extra.protocol.as_deref()).unwrap_or(WEBSOCKET)
    }

    pub(crate) fn is_websocket(&self) -> bool {
        self.protocol() == WEBSOCKET
    }

    pub(crate) fn subject(&self) -> Option<&str> {
        self.extra.as_ref()?.subject.as_deref()
    }

    fn subprotocol(&self) -> Option<&str> {
        self.extra.as_ref()?.subprotocol.as_deref()
    }

    fn extensions(&self) -> Option<&str> {
        self.extra.as_ref()?.extensions.as_deref()
    }

    /// The calls inside, where they are followed.
    pub(crate) fn calls(&self) -> Option<&TunnelCalls> {
        self.extra.as_ref()?.calls.as_deref()
    }

    /// Why it cannot go on in another process.
    pub(crate) fn not_movable(&self) -> Option<&str> {
        self.extra.as_ref()?.not_movable.as_deref()
    }
}

/// A connection while it lives.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: u64,
    pub(crate) facts: Facts,
    opened_at_ms: u64,
    /// On the gateway's clock.
    opened_ms: u64,
    pub(crate) moved: Counts,
    state: AtomicU8,
    gear: AtomicU8,
    waker: AtomicWaker,
    /// There while there is something in it.
    rare: Mutex<Option<Box<Rare>>>,
}

/// Counters with one writer. "In" is from the client.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) bytes_in: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
    pub(crate) messages_in: AtomicU64,
    pub(crate) messages_out: AtomicU64,
    pub(crate) illegal_in: AtomicU64,
    pub(crate) illegal_out: AtomicU64,
    /// When a byte last came from the client, and from the upstream, on the gateway's clock.
    pub(crate) heard_in_ms: AtomicU64,
    pub(crate) heard_out_ms: AtomicU64,
    /// Since when the client, and the upstream, take nothing of what waits for them; zero while they do.
    pub(crate) stalled_in_ms: AtomicU64,
    pub(crate) stalled_out_ms: AtomicU64,
    /// When the ping was sent that nobody has answered; zero without one.
    pub(crate) pinged_ms: AtomicU64,
    /// When the connection began to end; zero before.
    pub(crate) ending_ms: AtomicU64,
}

#[derive(Debug, Default)]
struct Rare {
    mail: Vec<Command>,
    tap: Option<Arc<Tap>>,
    tags: Vec<String>,
}

impl Rare {
    fn is_empty(&self) -> bool {
        self.mail.is_empty() && self.tap.is_none() && self.tags.is_empty()
    }
}

/// How a connection is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Gear {
    Spliced = 0,
    Framed = 1,
    Tapped = 2,
}

/// Where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum State {
    Open = 0,
    Closing = 1,
}

/// What operators, and the gateway's own watch, want of a conversation.
#[derive(Debug)]
pub(crate) enum Command {
    Tap(Option<Arc<Tap>>),
    Send {
        to: Side,
        payload: Payload,
        done: oneshot::Sender<Result<(), SendFailure>>,
    },
    Ping {
        mark: PingMark,
        number: u64,
    },
    Close(Ending),
    /// It had its time to end in order.
    Cut,
    Pack(oneshot::Sender<Result<PackedConversation, MoveError>>),
}

/// What an operator sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// A text message; on a stream without messages its bytes.
    Text(String),
    /// A binary message; on a stream without messages its bytes.
    Binary(Bytes),
}

impl Payload {
    pub(crate) fn into_bytes(self) -> Bytes {
        match self {
            Self::Text(text) => text.into(),
            Self::Binary(bytes) => bytes,
        }
    }
}

/// Why a message could not be put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendFailure {
    /// The connection is at its end.
    Ended,
    /// An illegal frame has passed in that direction, behind which no place between two messages is known.
    NoEdge,
    /// So many messages wait for a place already.
    Full {
        /// The limit.
        limit: usize,
    },
}

impl std::fmt::Display for SendFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ended => f.write_str("the connection is at its end"),
            Self::NoEdge => {
                f.write_str("an illegal frame has passed: no place between two messages is known")
            }
            Self::Full { limit } => write!(f, "{limit} messages wait for a place between two others already"),
        }
    }
}

impl std::error::Error for SendFailure {}

impl Entry {
    pub(super) fn new(id: u64, facts: Facts, now_ms: u64) -> Self {
        let counts = Counts { heard_in_ms: now_ms.into(), heard_out_ms: now_ms.into(), ..Counts::default() };
        Self {
            id,
            facts,
            opened_at_ms: unix_ms(),
            opened_ms: now_ms,
            moved: counts,
            state: AtomicU8::new(State::Open as u8),
            gear: AtomicU8::new(Gear::Spliced as u8),
            waker: AtomicWaker::new(),
            rare: Mutex::default(),
        }
    }

    /// One that was opened elsewhere, so long ago.
    pub(super) fn restored(id: u64, facts: Facts, now_ms: u64, opened_at_ms: u64, age_ms: u64) -> Self {
        Self { opened_at_ms, opened_ms: now_ms.saturating_sub(age_ms), ..Self::new(id, facts, now_ms) }
    }

    /// What goes on elsewhere.
    pub(crate) fn state(&self, now_ms: u64) -> ConversationState {
        let facts = &self.facts;
        ConversationState {
            id: self.id,
            route: facts.route.route.name.clone(),
            protocol: facts.protocol().to_owned().into(),
            subject: facts.subject().map(Into::into),
            subprotocol: facts.subprotocol().map(Into::into),
            extensions: facts.extensions().map(Into::into),
            head: Bytes::copy_from_slice(&facts.head),
            opened_at_ms: self.opened_at_ms,
            age_ms: self.age_ms(now_ms),
            tags: lock(&self.rare).as_ref().map(|rare| rare.tags.clone()).unwrap_or_default(),
        }
    }

    pub(crate) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    /// Has the conversation obey.
    pub(crate) fn post(&self, command: Command) {
        lock(&self.rare).get_or_insert_default().mail.push(command);
        self.waker.wake();
    }

    pub(crate) fn take_mail(&self) -> Vec<Command> {
        let mut kept = lock(&self.rare);
        let Some(rare) = kept.as_mut() else { return Vec::new() };
        let mail = std::mem::take(&mut rare.mail);
        if rare.is_empty() {
            *kept = None;
        }
        mail
    }

    pub(crate) fn set_gear(&self, gear: Gear) {
        self.gear.store(gear as u8, Relaxed);
    }

    pub(crate) fn set_closing(&self, now_ms: u64) {
        if self.state.swap(State::Closing as u8, Relaxed) == State::Open as u8 {
            self.moved.ending_ms.store(now_ms.max(1), Relaxed);
        }
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.state.load(Relaxed) == State::Closing as u8
    }

    pub(crate) fn age_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(self.opened_ms)
    }

    pub(crate) fn idle_ms(&self, now_ms: u64) -> u64 {
        let heard = self.moved.heard_in_ms.load(Relaxed).max(self.moved.heard_out_ms.load(Relaxed));
        now_ms.saturating_sub(heard)
    }

    /// The tap, made if there is none. Whoever made it has the conversation open it.
    pub(crate) fn tap(&self, make: impl FnOnce() -> Arc<Tap>) -> (Arc<Tap>, bool) {
        let mut rare = lock(&self.rare);
        let rare = rare.get_or_insert_default();
        match &rare.tap {
            Some(tap) => (Arc::clone(tap), false),
            None => (Arc::clone(rare.tap.insert(make())), true),
        }
    }

    /// Forgets the tap if nobody looks.
    pub(crate) fn drop_idle_tap(&self) -> bool {
        let mut rare = lock(&self.rare);
        let idle = rare.as_mut().and_then(|rare| rare.tap.take_if(|tap| tap.watchers() == 0));
        idle.is_some()
    }

    pub(crate) fn set_tags(&self, tags: Vec<String>) {
        lock(&self.rare).get_or_insert_default().tags = tags;
    }

    /// As it stands now, without its head.
    pub(crate) fn view(&self, now_ms: u64) -> ConnectionView {
        let facts = &self.facts;
        let (taps, tags) = match &*lock(&self.rare) {
            Some(rare) => (rare.tap.as_ref().map_or(0, |tap| tap.watchers()), rare.tags.clone()),
            None => (0, Vec::new()),
        };
        let counts = &self.moved;
        ConnectionView {
            id: self.id,
            route: facts.route.route.name.clone(),
            peer: facts.peer.to_string(),
            upstream: facts.route.route.upstream.to_string(),
            protocol: facts.protocol().to_owned(),
            subject: facts.subject().map(str::to_owned),
            state: if self.is_closing() { "closing" } else { "open" }.into(),
            gear: self.gear_name().into(),
            request: self.request_line(),
            subprotocol: facts.subprotocol().map(str::to_owned),
            extensions: facts.extensions().map(str::to_owned),
            opened_at_ms: self.opened_at_ms,
            age_ms: self.age_ms(now_ms),
            idle_ms: self.idle_ms(now_ms),
            bytes_in: counts.bytes_in.load(Relaxed),
            bytes_out: counts.bytes_out.load(Relaxed),
            messages_in: counts.messages_in.load(Relaxed),
            messages_out: counts.messages_out.load(Relaxed),
            illegal_in: counts.illegal_in.load(Relaxed),
            illegal_out: counts.illegal_out.load(Relaxed),
            movable: facts.not_movable().is_none(),
            not_movable: facts.not_movable().map(str::to_owned),
            taps: taps as u64,
            tags,
            calls: facts.calls().map(|calls| calls.view(false)),
            ..ConnectionView::default()
        }
    }

    fn gear_name(&self) -> &'static str {
        match self.gear.load(Relaxed) {
            0 => "spliced",
            1 => "framed",
            _ => "tapped",
        }
    }

    /// Method and target.
    fn request_line(&self) -> String {
        let line = self.facts.head.split(|&byte| byte == b'\r' || byte == b'\n').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        line.rsplit_once(' ').map_or_else(|| line.to_string(), |(request, _)| request.to_owned())
    }

    /// The request's head, without what is secret in it.
    pub(crate) fn head_view(&self) -> Option<HeadView> {
        let mut limits = Limits::default();
        limits.head_len = self.facts.head.len();
        limits.target_len = self.facts.head.len();
        limits.headers = limits.headers.max(self.facts.head.iter().filter(|&&byte| byte == b'\n').count());
        let head = RequestHead::parse(Bytes::copy_from_slice(&self.facts.head), &limits).ok()?;
        let headers = head.headers().iter().map(|(name, value)| {
            let value = match SECRET.contains(&name.as_str()) {
                true => "(not shown)".to_owned(),
                false => String::from_utf8_lossy(value.as_bytes()).into_owned(),
            };
            (name.to_string(), value)
        });
        let headers = headers.collect();
        Some(HeadView { method: head.method().to_string(), target: head.uri().to_string(), headers })
    }
}

/// The protocol that most connections speak.
pub(crate) const WEBSOCKET: &str = "websocket";

/// Fields whose values let somebody in elsewhere.
const SECRET: [&str; 5] =
    ["authorization", "cookie", "proxy-authorization", "sec-websocket-key", "x-registry-auth"];

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
