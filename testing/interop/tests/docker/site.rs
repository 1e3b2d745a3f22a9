//! A daemon with our client before it, and what most tests do with a container.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hijack_docker::stream::{ClientStreams, Error};
use hijack_docker::{AttachOptions, Condition, ContainerConfig, Docker, Host, RemoveOptions, Wait};
use hijack_interop::dockerd::{Dockerd, IMAGE};
use hijack_interop::podman::Podman;
use tokio::time::timeout;

/// How long anything may take that must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Site {
    pub(crate) docker: Docker,
    daemon: Arc<Daemon>,
}

/// Whoever speaks Docker's API.
enum Daemon {
    Dockerd(Dockerd),
    Podman(Podman),
}

impl Daemon {
    fn socket(&self) -> PathBuf {
        match self {
            Self::Dockerd(dockerd) => dockerd.socket().to_owned(),
            Self::Podman(podman) => podman.socket(),
        }
    }
}

/// Runs `test` with a daemon of its own, if there can be one here. The whole must end in three minutes, and three seconds
/// for each of its [`rounds`].
pub(crate) fn run<F: Future<Output = ()>>(test: impl FnOnce(Site) -> F) {
    if let Some(dockerd) = Dockerd::start() {
        run_with(dockerd, test);
    }
}

/// As [`run`], with podman.
pub(crate) fn run_by_podman<F: Future<Output = ()>>(test: impl FnOnce(Site) -> F) {
    if let Some(podman) = Podman::start() {
        run_on(Daemon::Podman(podman), test);
    }
}

/// As [`run`], with a given daemon.
pub(crate) fn run_with<F: Future<Output = ()>>(dockerd: Dockerd, test: impl FnOnce(Site) -> F) {
    run_on(Daemon::Dockerd(dockerd), test);
}

fn run_on<F: Future<Output = ()>>(daemon: Daemon, test: impl FnOnce(Site) -> F) {
    let docker = Docker::builder().host(Host::unix(daemon.socket())).build();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let test = test(Site { docker, daemon: Arc::new(daemon) });
    let limit = 3 * PATIENCE + Duration::from_secs(3 * rounds() as u64);
    runtime.block_on(async { timeout(limit, test).await }).expect("it ends in time");
}

/// Waits for what must happen soon.
pub(crate) async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    match timeout(PATIENCE, future).await {
        Ok(output) => output,
        Err(_) => panic!("{what} did not happen within {PATIENCE:?}"),
    }
}

/// A container that runs `script`, without a network; one that is deaf to TERM is not waited for.
pub(crate) fn script(script: &str) -> ContainerConfig {
    let mut config = ContainerConfig::new(IMAGE, ["sh", "-c", script]);
    config.host_config.network_mode = "none".into();
    config.more.insert("StopTimeout".into(), 1.into());
    config
}

/// What was written to both outputs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn new(out: &str, err: &str) -> Self {
        Self { out: out.to_owned(), err: err.to_owned() }
    }
}

/// Everything up to the end.
pub(crate) async fn rest(streams: ClientStreams) -> Said {
    let (said, end) = rest_or_error(streams).await;
    end.expect("whole");
    said
}

pub(crate) async fn rest_or_error(streams: ClientStreams) -> (Said, Result<(), Error>) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let copied = soon("the end of the outputs", streams.output.copy_to(&mut out, &mut err)).await;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (Said { out: text(out), err: text(err) }, copied.map(drop))
}

impl Site {
    /// The daemon's socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.daemon.socket()
    }

    /// Another way to the same daemon.
    pub(crate) fn by(&self, docker: Docker) -> Self {
        Self { docker, daemon: Arc::clone(&self.daemon) }
    }

    pub(crate) async fn create(&self, config: &ContainerConfig) -> String {
        self.docker.create(config, None).await.expect("a container is made").id
    }

    /// A container that was made, attached to and waited for, in the order in which nothing is missed.
    pub(crate) async fn attached(&self, config: &ContainerConfig) -> (String, ClientStreams, Wait) {
        let id = self.create(config).await;
        let mut options = AttachOptions::default();
        options.stdin = config.open_stdin;
        let streams = self.docker.attach(&id, &options).await.expect("attached");
        let wait = self.docker.wait(&id, Condition::NextExit).await.expect("waiting");
        (id, streams, wait)
    }

    /// As [`attached`](Self::attached), and started.
    pub(crate) async fn started(&self, config: &ContainerConfig) -> (String, ClientStreams, Wait) {
        let (id, streams, wait) = self.attached(config).await;
        self.docker.start(&id).await.expect("started");
        (id, streams, wait)
    }

    /// A container in which others are run.
    pub(crate) async fn idle(&self) -> String {
        let id = self.create(&script("sleep 600")).await;
        self.docker.start(&id).await.expect("started");
        id
    }

    pub(crate) async fn remove(&self, id: &str) {
        self.docker.remove(id, &RemoveOptions::force()).await.expect("removed");
    }
}

/// The exit code.
pub(crate) async fn code(wait: Wait) -> i64 {
    soon("the end of the container", wait.exit()).await.expect("an exit").code
}

/// `HIJACK_DOCKER_ROUNDS`, or 20.
pub(crate) fn rounds() -> usize {
    let told = std::env::var("HIJACK_DOCKER_ROUNDS").ok();
    told.map_or(20, |told| told.parse().expect("HIJACK_DOCKER_ROUNDS is a number"))
}
