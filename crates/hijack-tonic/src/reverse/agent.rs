//! The agent: it dials, serves, and dials again.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::pin::pin;
use std::time::Duration;

use http::HeaderValue;
use rand::Rng;
use tokio::time::{Instant, sleep};
use tonic::service::Routes;

use super::{AGENT, TOKEN};
use crate::preface::Patience;
use crate::{Config, DialError, Dialer, serving};

/// Serves gRPC over connections that it opens itself, one at a time: see [`reverse`](super).
#[derive(Debug)]
#[must_use = "an agent does nothing until it serves"]
pub struct Agent {
    dialer: Dialer,
    config: AgentConfig,
}

/// What an agent allows, and how long it waits.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AgentConfig {
    /// What it allows in calls, as a server. `max_tunnels` means nothing here: an agent has one connection at a time.
    pub serving: Config,
    /// Time before the second try, behind a cut or a refusal. Default 200 ms; every further try doubles it, up to
    /// [`max_backoff`](Self::max_backoff). A random half is left out of each, so that a thousand agents do not come at once
    /// when their gateway is back.
    pub backoff: Duration,
    /// Longest time between two tries. Default 30 s.
    pub max_backoff: Duration,
    /// Life of a connection after which the next try is a first one again. Default 5 s.
    pub stable_after: Duration,
}

impl Default for AgentConfig {
    fn default() -> Self {
        Self {
            serving: Config::default(),
            backoff: Duration::from_millis(200),
            max_backoff: Duration::from_secs(30),
            stable_after: Duration::from_secs(5),
        }
    }
}

impl Agent {
    /// An agent that is known as `name` to the registry at `url`.
    ///
    /// # Errors
    ///
    /// [`DialError::Url`] if `url` is none, [`DialError::Name`] if `name` cannot stand in a header.
    pub fn new(url: &str, name: &str) -> Result<Self, DialError> {
        let value = HeaderValue::from_str(name).ok().filter(|_| !name.is_empty());
        let value = value.ok_or_else(|| DialError::Name(name.to_owned()))?;
        let dialer = Dialer::to(url)?.with_token(TOKEN).header(AGENT, value);
        Ok(Self { dialer, config: AgentConfig::default() })
    }

    /// Changes how it dials: the mode, headers, TLS, a proxy.
    pub fn dial(mut self, change: impl FnOnce(Dialer) -> Dialer) -> Self {
        self.dialer = change(self.dialer);
        self
    }

    /// Changes the configuration.
    pub fn configure(mut self, change: impl FnOnce(&mut AgentConfig)) -> Self {
        change(&mut self.config);
        self
    }

    /// Serves `routes` for ever: a connection that ends or is refused is followed by another one.
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection and ends its calls; [`serve_until`](Self::serve_until) lets them finish.
    pub async fn serve(self, routes: Routes) -> Infallible {
        self.serve_until(routes, pending()).await;
        unreachable!("what is pending does not complete")
    }

    /// As [`serve`](Self::serve), until `signal` completes: then no more calls are taken (GOAWAY), those under way are
    /// finished, and it returns. There is no limit on their time but their deadlines.
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection and ends its calls.
    pub async fn serve_until(self, routes: Routes, signal: impl Future<Output = ()>) {
        let mut signal = pin!(signal);
        let mut tries: u32 = 0;
        loop {
            let dialled = tokio::select! {
                dialled = self.dialer.dial() => dialled,
                () = &mut signal => return,
            };
            match dialled {
                Ok(pipe) => {
                    let began = Instant::now();
                    let patience = Patience::new(self.config.serving.preface_timeout);
                    let mut signalled = false;
                    let told = async {
                        signal.as_mut().await;
                        signalled = true;
                    };
                    let served =
                        serving::serve(pipe, routes.clone(), None, &self.config.serving, patience, told)
                            .await;
                    if signalled {
                        return;
                    }
                    tracing::info!(
                        error = served.err().map(tracing::field::display),
                        "an agent's connection ended"
                    );
                    let was_stable = began.elapsed() >= self.config.stable_after;
                    tries = if was_stable { 0 } else { tries.saturating_add(1) };
                }
                Err(error) => {
                    tracing::warn!(%error, "an agent does not get in");
                    tries = tries.saturating_add(1);
                }
            }
            tokio::select! {
                () = sleep(self.config.pause(tries)) => {}
                () = &mut signal => return,
            }
        }
    }
}

impl AgentConfig {
    /// How long to wait before the next try, `tries` of them having been short or in vain.
    fn pause(&self, tries: u32) -> Duration {
        let longest = self.backoff.saturating_mul(1 << tries.saturating_sub(1).min(16)).min(self.max_backoff);
        longest.mul_f64(rand::rng().random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_are_not_all_the_same() {
        let config = AgentConfig::default();
        for (tries, most_ms) in
            [(0, 200), (1, 200), (2, 400), (3, 800), (8, 25_600), (9, 30_000), (u32::MAX, 30_000)]
        {
            let pauses: Vec<_> = (0..50).map(|_| config.pause(tries).as_millis()).collect();
            assert!(pauses.iter().all(|&ms| ms >= most_ms / 2 && ms <= most_ms), "{tries} tries: {pauses:?}");
            assert!(pauses.iter().any(|&ms| ms != pauses[0]), "{tries} tries: {pauses:?}");
        }
    }
}
