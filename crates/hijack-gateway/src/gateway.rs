//! The gateway itself: what is shared by all connections, and what its operators can do.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hijack::{Client, Error, Listener, Pool, Server, ShutdownReport, Side, Tracker, tls};
use hijack_proto::ws::CloseCode;
use tokio::sync::{broadcast, oneshot};

use crate::config::{Config, Route, Tunnel};
use crate::conversation::{CloseText, Conversation, EndedBy, Ending, MOST_REASON};
use crate::filter::Filter;
use crate::gate::{GateState, PassGate, PingMark, Rate};
use crate::metrics::Metrics;
use crate::packed::{MoveError, PackedConversation};
use crate::registry::{Command, Entry, Event, Extra, Facts, Payload, Registry, SendFailure};
use crate::routes::RouteState;
use crate::tap::Tap;
use crate::{ConnectionView, MessageView, ingress, watch};

/// A gateway at work. Cheap to clone; all clones are one.
///
/// - **Who closes?** The gateway: both connections of a pair when both have ended, when a limit is reached, when an operator
///   says so, and at the end of a [`drain`](Self::drain).
/// - **Shutdown.** Dropping it ends nothing: connections go on. [`drain`](Self::drain) ends them in order.
#[derive(Clone)]
pub struct Gateway(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) routes: Vec<Arc<RouteState>>,
    /// One for each of the configuration's `connect`, in its order.
    pub(crate) tunnels: Vec<(Tunnel, Arc<RouteState>)>,
    pub(crate) server: Server,
    pub(crate) client: Client,
    pub(crate) pool: Pool,
    /// Upstream connections that did not begin as HTTP.
    pub(crate) dialled: Tracker,
    pub(crate) registry: Registry,
    pub(crate) metrics: Metrics,
    pub(crate) ping_mark: PingMark,
    started: Instant,
    now_ms: AtomicU64,
    draining: AtomicBool,
    watched: AtomicBool,
    handshakes: Option<Mutex<Rate>>,
}

/// What an operator says of the end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kick {
    /// The close code that a WebSocket's client gets (RFC 6455 §7.4). Default 1001.
    pub code: u16,
    /// Its reason, up to 123 bytes; kept as the cause in the registry too.
    pub reason: String,
}

impl Default for Kick {
    fn default() -> Self {
        Self { code: CloseCode::GOING_AWAY.get(), reason: String::new() }
    }
}

impl Kick {
    /// Whether it can be said to a client.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words.
    pub fn check(&self) -> Result<(), String> {
        if !CloseCode::new(self.code).may_be_sent() {
            return Err(format!(
                "close code {} must not be sent: use 1000, 1001, 1008, 1011 to 1014 or 3000 to 4999",
                self.code
            ));
        }
        if self.reason.len() > MOST_REASON {
            return Err(format!("a reason of {} bytes exceeds the limit {MOST_REASON}", self.reason.len()));
        }
        Ok(())
    }

    fn ending(&self) -> Ending {
        let told = CloseText { code: self.code, reason: self.reason.clone() };
        let away = CloseText { code: CloseCode::GOING_AWAY.get(), reason: String::new() };
        let cause = if self.reason.is_empty() { "kicked".to_owned() } else { self.reason.clone() };
        Ending { by: EndedBy::Operator, cause, to_client: told, to_upstream: away }
    }
}

/// A part of a list of connections.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Page {
    /// The connections, in the order of their ids.
    pub connections: Vec<ConnectionView>,
    /// The id behind which the next part begins, if there is one.
    pub next: Option<u64>,
}

/// What became of a broadcast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Broadcast {
    /// Connections that the filter matched.
    pub matched: usize,
    /// Those that took the message.
    pub delivered: usize,
}

impl Gateway {
    /// A gateway that does what `config` says.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] if certificates cannot be read.
    pub fn new(config: Config) -> Result<Self, Error> {
        let limits = config.limits.clone();
        let server = Server::builder().configure(|server| {
            server.max_connections = limits.connections;
            server.write_timeout = READER_TIMEOUT;
        });
        let server = server.build();
        let client = client_of(&config, Some(limits.answer_timeout))?;
        // How long a request may take is between client and upstream: some are answered when a container ends.
        let pool = client_of(&config, None)?.pool();
        let tunnels = config.connect.iter().map(|tunnel| (tunnel.clone(), RouteState::new(route_of(tunnel))));
        let tunnels = tunnels.collect();
        Ok(Self(Arc::new(Shared {
            routes: config.routes.iter().cloned().map(RouteState::new).collect(),
            tunnels,
            server,
            pool,
            client,
            dialled: Tracker::default(),
            registry: Registry::new(config.closed_kept, config.closed_for),
            metrics: Metrics::default(),
            ping_mark: PingMark(rand::random()),
            started: Instant::now(),
            now_ms: AtomicU64::new(FIRST_MS),
            draining: AtomicBool::new(false),
            watched: AtomicBool::new(false),
            handshakes: limits.handshakes_per_second.map(|rate| Mutex::new(Rate::new(rate))),
            config,
        })))
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Listens where the configuration says.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] whose text tells the address, the cause and the cure.
    pub async fn bind(&self) -> Result<Vec<Listener>, Error> {
        let mut listeners = Vec::new();
        for address in &self.config().listen {
            let mut listener = Listener::bind(address).await?;
            if let Some(files) = &self.config().tls {
                listener = listener.with_tls(tls::server_config(&files.cert, &files.key)?);
            }
            listeners.push(listener);
        }
        Ok(listeners)
    }

    /// Serves the clients that come to `listener`, until the gateway is drained.
    ///
    /// # Cancel safety
    ///
    /// Safe: accepting stops and the listener closes; connections go on.
    pub async fn serve(&self, listener: Listener) {
        let shared = Arc::clone(&self.0);
        self.watch_over();
        let handler = move |exchange| ingress::answer(Arc::clone(&shared), exchange);
        self.0.server.serve(listener, handler).await;
    }

    /// Whether takeovers are still accepted.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.0.is_draining()
    }

    /// Taken-over connections that live.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.registry.count()
    }

    /// The connections that `filter` matches, behind the id `after`, `limit` at the most.
    ///
    /// With `state=closed` in the filter those that have ended, else those that live.
    #[must_use]
    pub fn list(&self, filter: &Filter, after: u64, limit: usize) -> Page {
        let now = self.0.now_ms();
        let mut found: Vec<ConnectionView> = if filter.asks_for_closed() {
            let mut closed = self.0.registry.closed();
            closed.sort_unstable_by_key(|view| view.id);
            closed.iter().filter(|view| view.id > after).map(|view| (**view).clone()).collect()
        } else {
            self.0
                .registry
                .all()
                .iter()
                .filter(|entry| entry.id > after)
                .map(|entry| entry.view(now))
                .collect()
        };
        found.retain(|view| filter.matches(view));
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().map(|view| view.id).filter(|_| more);
        Page { connections: found, next }
    }

    /// One connection with its head, living or ended.
    #[must_use]
    pub fn get(&self, id: u64) -> Option<ConnectionView> {
        let Some(entry) = self.0.registry.get(id) else {
            return self.0.registry.closed_one(id).map(|view| (*view).clone());
        };
        let calls = entry.facts.calls().map(|calls| calls.view(true));
        Some(ConnectionView { calls, head: entry.head_view(), ..entry.view(self.0.now_ms()) })
    }

    /// Has a connection end; `false` if it does not live.
    #[must_use]
    pub fn kick(&self, id: u64, kick: &Kick) -> bool {
        self.0.registry.get(id).map(|entry| entry.post(Command::Close(kick.ending()))).is_some()
    }

    /// Has all that `filter` matches end, `rate` of them per second if given; gives their number at once.
    #[must_use]
    pub fn kick_all(&self, filter: &Filter, kick: &Kick, rate: Option<u32>) -> usize {
        let matching = self.0.matching(filter);
        let count = matching.len();
        let ending = kick.ending();
        match rate {
            None => matching.iter().for_each(|entry| entry.post(Command::Close(ending.clone()))),
            Some(rate) => drop(tokio::spawn(watch::end_paced(matching, ending, rate))),
        }
        count
    }

    /// Sends a message to one side of a connection, and waits until it is queued there; `None` if the connection does not
    /// live. On a stream without messages its bytes are put in wherever it stands.
    ///
    /// # Errors
    ///
    /// A [`SendFailure`].
    ///
    /// # Cancel safety
    ///
    /// Cancelled, it may be sent all the same.
    pub async fn send(&self, id: u64, to: Side, payload: Payload) -> Option<Result<(), SendFailure>> {
        let entry = self.0.registry.get(id)?;
        Some(send(&entry, to, payload).await)
    }

    /// Sends a message to one side of all that `filter` matches.
    ///
    /// # Cancel safety
    ///
    /// Cancelled, it may be sent to all of them the same.
    pub async fn broadcast(&self, filter: &Filter, to: Side, payload: &Payload) -> Broadcast {
        let matching = self.0.matching(filter);
        let answers: Vec<_> = matching.iter().map(|entry| post(entry, to, payload.clone())).collect();
        let mut report = Broadcast { matched: matching.len(), delivered: 0 };
        for answer in answers {
            report.delivered += usize::from(matches!(answer.await, Ok(Ok(()))));
        }
        report
    }

    /// Gives a connection these tags; `false` if it does not live.
    #[must_use]
    pub fn tag(&self, id: u64, tags: Vec<String>) -> bool {
        self.0.registry.get(id).map(|entry| entry.set_tags(tags)).is_some()
    }

    /// The messages of a connection from now on, both directions in the order in which they passed; `None` if it does not
    /// live. The stream ends with the connection.
    #[must_use]
    pub fn watch(&self, id: u64) -> Option<broadcast::Receiver<Arc<MessageView>>> {
        let entry = self.0.registry.get(id)?;
        let limits = &self.0.config.limits;
        let (tap, is_new) = entry.tap(|| Tap::new(limits.shown_len, limits.shown_queue));
        let messages = tap.watch();
        if is_new {
            entry.post(Command::Tap(Some(tap)));
        }
        Some(messages)
    }

    /// Takes a connection out of this gateway, at whatever byte it stands, to go on in another one. Here it is closed with
    /// the reason that it moved.
    ///
    /// # Errors
    ///
    /// [`MoveError::Unknown`] or [`MoveError::NotMovable`]; it goes on here then.
    ///
    /// # Cancel safety
    ///
    /// Not safe: both connections may be closed.
    pub async fn pack(&self, id: u64) -> Result<PackedConversation, MoveError> {
        let entry = self.0.registry.get(id).ok_or(MoveError::Unknown)?;
        let (done, packed) = oneshot::channel();
        entry.post(Command::Pack(done));
        packed.await.unwrap_or(Err(MoveError::Unknown))
    }

    /// Goes on with a connection that another gateway packed, on the route of the same name, under the id that it had if
    /// that is free here. Gives the id.
    ///
    /// # Errors
    ///
    /// A [`MoveError`]; both connections are closed then.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn unpack(&self, packed: PackedConversation) -> Result<u64, MoveError> {
        let PackedConversation { relay, mut state, gates: (up, down) } = packed;
        let route =
            self.0.route_called(&state.route).ok_or_else(|| MoveError::NoRoute(state.route.clone()))?;
        let malformed = || MoveError::Malformed("no gate can have stood there".into());
        let rules = |state: &GateState| match state.is_lenient() {
            true => Arc::clone(&route.lenient_rules),
            false => Arc::clone(&route.rules),
        };
        let (up_rules, down_rules) = (rules(&up), rules(&down));
        let up = PassGate::restored(up, Side::Client, &up_rules).ok_or_else(malformed)?;
        let down = PassGate::restored(down, Side::Server, &down_rules).ok_or_else(malformed)?;
        let relay = relay.unpack_with_gates(&self.0.dialled, up, down).map_err(MoveError::Io)?;
        let peer = relay.client().peer().clone();
        let place =
            route.enter(&peer, state.subject.as_deref()).map_err(|full| MoveError::Full(full.to_string()))?;
        let extra = Extra {
            protocol: Extra::protocol(&state.protocol),
            subject: state.subject.take(),
            subprotocol: state.subprotocol.take(),
            extensions: state.extensions.take(),
            not_movable: None,
            calls: None,
        };
        let facts = Facts { route, peer, head: state.head[..].into(), extra: extra.boxed() };
        let entry = self.0.registry.reopen(&state, facts, self.0.now_ms());
        let id = entry.id;
        self.watch_over();
        tokio::spawn(Conversation::new(Arc::clone(&self.0), entry, relay, place).run());
        Ok(id)
    }

    /// Starts the watch over all connections, once.
    fn watch_over(&self) {
        if !self.0.watched.swap(true, Relaxed) {
            tokio::spawn(watch::run(Arc::downgrade(&self.0)));
        }
    }

    /// What is opened and closed from now on.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.0.registry.events()
    }

    /// All counters, in the form of Prometheus.
    #[must_use]
    pub fn metrics(&self) -> String {
        self.0.metrics_text()
    }

    /// Comes to an end: further takeovers are answered 503 with `Retry-After`, and living ones are ended at an edge of
    /// their messages, spread over `over`. Then the listeners close, and what is left is ended by force.
    ///
    /// # Cancel safety
    ///
    /// Cancelled, takeovers stay refused; call it again.
    pub async fn drain(&self, over: Duration) -> ShutdownReport {
        self.0.draining.store(true, Relaxed);
        let ending =
            Ending::of_side(Side::Client, CloseCode::RESTART, "the gateway is restarting".to_owned());
        watch::end_spread(&self.0, ending, over).await;
        self.0.server.shutdown(GOODBYES).await
    }
}

impl Shared {
    fn route_called(&self, name: &str) -> Option<Arc<RouteState>> {
        let tunnels = self.tunnels.iter().map(|(_, route)| route);
        self.routes.iter().chain(tunnels).find(|route| route.route.name == name).cloned()
    }

    /// Milliseconds of the gateway's clock, as of the last tick.
    pub(crate) fn now_ms(&self) -> u64 {
        self.now_ms.load(Relaxed)
    }

    pub(crate) fn tick(&self) -> u64 {
        let now = FIRST_MS + u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX / 2);
        self.now_ms.store(now, Relaxed);
        now
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Relaxed)
    }

    /// Whether a further takeover keeps to the limit on handshakes.
    pub(crate) fn may_shake_hands(&self) -> bool {
        let Some(rate) = &self.handshakes else { return true };
        rate.lock().unwrap_or_else(PoisonError::into_inner).try_take(self.now_ms())
    }

    /// The living connections that `filter` matches and that are not at their end already.
    pub(crate) fn matching(&self, filter: &Filter) -> Vec<Arc<Entry>> {
        let now = self.now_ms();
        let mut all = self.registry.all();
        all.retain(|entry| !entry.is_closing() && filter.matches(&entry.view(now)));
        all
    }
}

/// A client for upstreams.
fn client_of(config: &Config, answer_timeout: Option<Duration>) -> Result<Client, Error> {
    let limits = &config.limits;
    let client = Client::builder().configure(|client| {
        client.connect_timeout = limits.connect_timeout;
        client.answer_timeout = answer_timeout;
        // An answer may last for hours, as streams of events do: whoever was let in finds a connection.
        client.max_per_endpoint = limits.connections;
    });
    let client = match &config.upstream_ca {
        Some(authorities) => client.tls(tls::client_config_with(authorities, None)?),
        None => client,
    };
    Ok(client.build())
}

/// A tunnel's route, for registry, limits and metrics.
fn route_of(tunnel: &Tunnel) -> Route {
    let mut route = Route::new(format!("connect {}", tunnel.target), tunnel.upstream.clone());
    route.limits = tunnel.limits.clone();
    route.grpc = tunnel.grpc;
    route
}

fn post(entry: &Entry, to: Side, payload: Payload) -> oneshot::Receiver<Result<(), SendFailure>> {
    let (done, answer) = oneshot::channel();
    entry.post(Command::Send { to, payload, done });
    answer
}

async fn send(entry: &Entry, to: Side, payload: Payload) -> Result<(), SendFailure> {
    post(entry, to, payload).await.unwrap_or(Err(SendFailure::Ended))
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("open", &self.count()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("open", &self.registry.count()).finish_non_exhaustive()
    }
}

/// Where the clock begins: zero means "never".
const FIRST_MS: u64 = 1_000;

/// Time without a client taking a byte of an ordinary answer: people leave a pager open over lunch.
const READER_TIMEOUT: Duration = Duration::from_secs(3_600);

/// Time for the last answers and goodbyes at the end of a drain.
const GOODBYES: Duration = Duration::from_secs(5);
