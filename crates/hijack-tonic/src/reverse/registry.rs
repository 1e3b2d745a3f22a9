//! Those who have dialled in, by name.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hijack::ws::{Origins, Reject};
use hijack::{Body, Error, Exchange, Outcome};
use http::uri::Authority;
use http::{Request, Response, StatusCode};
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;
use tower_service::Service;

use super::{AGENT, TOKEN};
use crate::door::{Asked, Door};
use crate::link::Link;
use crate::preface::Patience;
use crate::{Channel, ChannelConfig, Pipe, Takeover};

/// The agents that are there, and the route on which they come in. Cheap to clone; all clones are one.
///
/// It is a tower service and a handler of exchanges, as [`Server`](crate::Server) is.
///
/// - **Who is it?** What its head names, unless [`identify`](Self::identify) says otherwise: whoever may be reached by
///   strangers must check that there.
/// - **Is it alive?** An agent is listed once it has begun HTTP/2's SETTINGS, and pinged while it is silent; one that does not answer, or
///   whose connection ends, is listed no more, and calls to it end with `UNAVAILABLE`.
/// - **Shutdown.** Told of one, it lists nobody any more; calls under way are finished, as long as that shutdown waits.
#[derive(Clone)]
pub struct AgentRegistry {
    door: Arc<Door>,
    identify: Arc<Identify>,
    config: Arc<RegistryConfig>,
    agents: Arc<Agents>,
}

/// What a registry allows, and how it calls.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RegistryConfig {
    /// Agents at once. Default 16,384. A further one is answered 503.
    pub max_agents: usize,
    /// What becomes of a second agent of the same name. Default [`Policy::Replace`].
    pub policy: Policy,
    /// Time from the 101 to an agent's SETTINGS of HTTP/2. Default 10 s.
    pub preface_timeout: Duration,
    /// How calls are made. Silent agents are pinged after 5 s, and have 15 s to answer.
    pub calling: ChannelConfig,
}

/// What becomes of a second agent of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Policy {
    /// It takes the place of the first one, whose calls end with `UNAVAILABLE`: an agent whose line was cut comes back at
    /// once, though nobody has noticed the cut yet. Who has not begun HTTP/2 takes nobody's place.
    #[default]
    Replace,
    /// It is answered 409 as long as the first one is there.
    Refuse,
}

impl Default for RegistryConfig {
    fn default() -> Self {
        let calling = ChannelConfig {
            keep_alive_interval: Some(Duration::from_secs(5)),
            keep_alive_timeout: Duration::from_secs(15),
            ..ChannelConfig::default()
        };
        Self {
            max_agents: 16_384,
            policy: Policy::default(),
            preface_timeout: Duration::from_secs(10),
            calling,
        }
    }
}

/// Says who an agent is.
type Identify = dyn Fn(&mut Asked<'_>) -> Result<String, Reject> + Send + Sync;

/// Who an agent is, among the extensions of its takeover.
#[derive(Clone)]
struct Name(Arc<str>);

#[derive(Default)]
struct Agents {
    here: Mutex<Here>,
    came: Notify,
}

#[derive(Default)]
struct Here {
    by_name: HashMap<Arc<str>, Agent>,
    /// The agents that ever came.
    count: u64,
}

/// The registry's end of an agent.
struct Agent {
    number: u64,
    channel: Channel,
    /// Goes with the agent: its connection is told at once.
    _seat: oneshot::Sender<()>,
}

impl Default for AgentRegistry {
    fn default() -> Self {
        Self::new()
    }
}

impl AgentRegistry {
    /// An empty registry, open to the token [`TOKEN`] and to WebSockets that are no pages' of other hosts.
    #[must_use]
    pub fn new() -> Self {
        let config = RegistryConfig::default();
        let mut door = Door::new(TOKEN, config.max_agents, config.preface_timeout);
        door.open_to_websockets(Origins::default());
        let (door, config) = (Arc::new(door), Arc::new(config));
        Self { door, identify: Arc::new(named), config, agents: Arc::default() }
    }

    /// Changes the configuration.
    #[must_use]
    pub fn configure(mut self, change: impl FnOnce(&mut RegistryConfig)) -> Self {
        change(Arc::make_mut(&mut self.config));
        let door = Arc::make_mut(&mut self.door);
        (door.max_tunnels, door.preface_timeout) = (self.config.max_agents, self.config.preface_timeout);
        self
    }

    /// Says which pages may open WebSockets.
    #[must_use]
    pub fn websocket(mut self, origins: Origins) -> Self {
        Arc::make_mut(&mut self.door).open_to_websockets(origins);
        self
    }

    /// Takes `Upgrade: h2c` too, as clients of BuildKit ask for a session; `identify` finds their name where they say it.
    #[must_use]
    pub fn h2c(mut self) -> Self {
        Arc::make_mut(&mut self.door).h2c = true;
        self
    }

    /// Has `identify` say, before the 101, who an agent is, of what its request says, or refuse it: by 401 or 403.
    #[must_use]
    pub fn identify(
        mut self,
        identify: impl Fn(&mut Asked<'_>) -> Result<String, Reject> + Send + Sync + 'static,
    ) -> Self {
        self.identify = Arc::new(identify);
        self
    }

    /// The agent of this name, if it is there.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Channel> {
        self.agents.lock().by_name.get(name).map(|agent| agent.channel.clone())
    }

    /// The agent of this name, as soon as it is there; nothing if it does not come within that time.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn wait_for(&self, name: &str, within: Duration) -> Option<Channel> {
        let coming = async {
            loop {
                let mut came = pin!(self.agents.came.notified());
                came.as_mut().enable();
                if let Some(channel) = self.get(name) {
                    return channel;
                }
                came.await;
            }
        };
        timeout(within, coming).await.ok()
    }

    /// Those who are there at this moment.
    pub fn iter(&self) -> impl Iterator<Item = (Arc<str>, Channel)> + use<> {
        let here = self.agents.lock();
        let list: Vec<_> =
            here.by_name.iter().map(|(name, agent)| (Arc::clone(name), agent.channel.clone())).collect();
        list.into_iter()
    }

    /// How many are there.
    #[must_use]
    pub fn count(&self) -> usize {
        self.agents.lock().by_name.len()
    }

    /// Serves one exchange: takes its connection over for an agent, or answers why not.
    ///
    /// # Errors
    ///
    /// If the answer cannot be sent.
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection.
    pub async fn serve(&self, exchange: Exchange) -> Result<Outcome, Error> {
        exchange.call(self.clone()).await
    }

    fn answer<B>(&self, request: Request<B>) -> Response<Body> {
        let registry = self.clone();
        self.door.answer(
            request,
            |asked| self.admit(asked),
            |pipe, takeover, patience| registry.keep(pipe, takeover, patience),
        )
    }

    /// Finds out who asks, and whether it may come in.
    fn admit(&self, asked: &mut Asked<'_>) -> Result<(), Reject> {
        let name: Arc<str> = (self.identify)(asked)?.into();
        if self.config.policy == Policy::Refuse && self.get(&name).is_some() {
            return Err(Reject::new(StatusCode::CONFLICT, "an agent of this name is here already\n"));
        }
        asked.extensions_mut().insert(Name(name));
        Ok(())
    }

    /// Holds an agent's connection until it ends or another one takes its place.
    async fn keep(self, mut pipe: Pipe, takeover: Takeover, mut patience: Patience) -> Result<(), Error> {
        let Some(Name(name)) = takeover.extensions().get() else { return Ok(()) };
        let (told, heard) = (pipe.conn().told(), pipe.heard());
        // hyper gives the connection a task of its own, which ends with the leash.
        let mut leash = pipe.leash();
        let (link, running) = Link::begin(pipe, &self.config.calling).await.map_err(Error::other)?;
        let (mut running, mut told) = (pin!(running), pin!(told));
        tokio::select! {
            () = &mut running => return Ok(()),
            came = patience.wait(told.as_mut(), heard) => match came {
                Ok(Ok(())) if !patience.is_told() => {}
                _ => return Ok(()), // the connection ends with the leash
            },
        }
        let channel = Channel::over(link, Authority::from_static("agent"), self.config.calling.clone());
        let Some(seat) = self.agents.enter(name, &channel, self.config.policy) else { return Ok(()) };
        let (mut left, place) = seat;
        tokio::select! {
            // Ended, or the agent takes no more calls.
            () = &mut running => drop(place),
            _ = &mut left => return Ok(()), // another one has its name, and its calls end with the connection
            () = told => {
                drop(place);
                channel.retire();
                running.await;
            }
        }
        // Calls under way are finished.
        leash.ended().await;
        Ok(())
    }
}

impl Agents {
    fn lock(&self) -> MutexGuard<'_, Here> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lists an agent: what tells it that it is listed no more, and its hold on the list. Nothing if another one is there
    /// and stays.
    fn enter(
        self: &Arc<Self>,
        name: &Arc<str>,
        channel: &Channel,
        policy: Policy,
    ) -> Option<(oneshot::Receiver<()>, Place)> {
        let (seat, left) = oneshot::channel();
        let mut here = self.lock();
        if policy == Policy::Refuse && here.by_name.contains_key(name) {
            return None;
        }
        here.count += 1;
        let number = here.count;
        let agent = Agent { number, channel: channel.clone(), _seat: seat };
        // Whoever was there is dropped behind the lock: its channel is its last one, perhaps.
        let before = here.by_name.insert(Arc::clone(name), agent);
        drop(here);
        drop(before);
        self.came.notify_waiters();
        Some((left, Place { agents: Arc::clone(self), name: Arc::clone(name), number }))
    }
}

/// An agent's place in the list, which it leaves with it.
struct Place {
    agents: Arc<Agents>,
    name: Arc<str>,
    number: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut here = self.agents.lock();
        let is_ours = here.by_name.get(&self.name).is_some_and(|agent| agent.number == self.number);
        let agent = is_ours.then(|| here.by_name.remove(&self.name));
        drop(here);
        drop(agent);
    }
}

/// What an agent calls itself.
fn named(asked: &mut Asked<'_>) -> Result<String, Reject> {
    let name = asked.headers().get(AGENT).and_then(|name| name.to_str().ok());
    name.filter(|name| !name.is_empty())
        .map(str::to_owned)
        .ok_or_else(|| Reject::new(StatusCode::BAD_REQUEST, format!("an agent says its name in {AGENT}\n")))
}

/// The answer is at hand at once: the takeover happens behind it.
impl<B> Service<Request<B>> for AgentRegistry {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        ready(Ok(self.answer(request)))
    }
}

impl fmt::Debug for AgentRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentRegistry")
            .field("door", &self.door)
            .field("agents", &self.count())
            .finish_non_exhaustive()
    }
}
