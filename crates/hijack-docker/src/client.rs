//! The client itself: connections to the daemon, ordinary requests, and takeovers.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hijack::{Body, Client, ClientConfig, ClientConnection, Conn, Endpoint, ResponseHead, Transport};
use http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::host::Place;
use crate::path::Path;
use crate::ssh::{Said, SshStream};
use crate::trace::Tracer;
use crate::{Answer, ApiVersion, DockerBuilder, Error, Host, Trace};

/// A client for one daemon. Cheap to clone; all clones share connections and the version that was agreed upon.
///
/// Ordinary requests share up to four idle connections. Each stream, each wait and each answer that is read as it comes
/// has one of its own, which closes with it.
#[derive(Clone)]
pub struct Docker(Arc<Inner>);

pub(crate) struct Settings {
    pub(crate) host: Host,
    pub(crate) client: Client,
    /// The same, and waits for an answer as long as it takes.
    pub(crate) patient: Client,
    pub(crate) ssh: PathBuf,
    /// What each new stream goes through.
    pub(crate) wrap: Option<Wrap>,
    pub(crate) api_version: Option<ApiVersion>,
    pub(crate) answer_len: usize,
    pub(crate) tracer: Tracer,
}

/// Puts a stream inside another one.
pub(crate) type Wrap = Box<dyn Fn(Transport) -> Transport + Send + Sync>;

struct Inner {
    settings: Settings,
    endpoint: Option<Endpoint>,
    agreed: OnceCell<ApiVersion>,
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    connection: ClientConnection,
    said: Option<Said>,
    since: Instant,
}

/// Idle connections that are kept.
const MOST_IDLE: usize = 4;

/// How long they are: less than proxies allow.
const IDLE_TIME: Duration = Duration::from_secs(30);

/// A connection, and what is known of it.
pub(crate) struct Line {
    pub(crate) connection: ClientConnection,
    pub(crate) said: Option<Said>,
    /// It was idle before: the daemon may be closing it.
    used: bool,
    /// It may be kept once it is idle.
    kept: bool,
}

/// A request that is no stream.
pub(crate) struct Ask<'a> {
    pub(crate) method: Method,
    /// Complete, with version and base.
    pub(crate) target: String,
    pub(crate) body: Option<&'a Value>,
    /// The answer may take as long as it takes.
    pub(crate) patient: bool,
}

impl Docker {
    /// A client for the daemon that the environment names: see [`DockerBuilder::from_env`].
    ///
    /// # Errors
    ///
    /// As [`DockerBuilder::from_env`].
    pub fn from_env() -> Result<Self, Error> {
        Ok(DockerBuilder::from_env()?.build())
    }

    /// To say by hand which daemon, and how.
    pub fn builder() -> DockerBuilder {
        DockerBuilder::default()
    }

    pub(crate) fn new(settings: Settings) -> Self {
        let endpoint = settings.host.endpoint();
        let agreed = OnceCell::new_with(settings.api_version);
        Self(Arc::new(Inner { settings, endpoint, agreed, idle: Mutex::default() }))
    }

    /// Where the daemon is.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.0.settings.host
    }

    /// The version of the API that is spoken: the one that was asked for, else the newest that both sides know, for which
    /// the daemon is asked once.
    ///
    /// # Errors
    ///
    /// As [`ping`](Self::ping).
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn api_version(&self) -> Result<ApiVersion, Error> {
        let agree = || async {
            let told = self.ping().await?.api_version.unwrap_or(ApiVersion::UNTOLD);
            Ok(told.min(ApiVersion::NEWEST))
        };
        self.0.agreed.get_or_try_init(agree).await.copied()
    }

    /// A connection of its own to the daemon, for requests that this crate knows nothing of.
    ///
    /// # Errors
    ///
    /// [`Error::Unreachable`], [`Error::Denied`], [`Error::Tls`], [`Error::Ssh`].
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn connect(&self) -> Result<ClientConnection, Error> {
        Ok(self.fresh(false).await?.connection)
    }

    /// The target of a request for `path`, which begins with a slash and is encoded: with the version in front, and the
    /// base of the host.
    ///
    /// # Errors
    ///
    /// As [`api_version`](Self::api_version).
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn target(&self, path: &str) -> Result<String, Error> {
        Ok(format!("{}/v{}{path}", self.host().base(), self.api_version().await?))
    }

    /// Asks for anything: `path` is as in [`target`](Self::target), `body` is sent as JSON.
    ///
    /// # Errors
    ///
    /// [`Error::Daemon`] unless the status is one of 2xx or 304, and those of a connection.
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection; whether the daemon did what it was asked for is not known.
    pub async fn request(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, Error> {
        let target = self.target(path).await?;
        self.ask(Ask { method, target, body, patient: false }).await
    }

    pub(crate) async fn get(&self, path: &Path) -> Result<Answer, Error> {
        self.request(Method::GET, path.as_str(), None).await
    }

    pub(crate) async fn post(&self, path: &Path, body: Option<&Value>) -> Result<Answer, Error> {
        self.request(Method::POST, path.as_str(), body).await
    }

    /// As [`post`](Self::post), for what may take its time.
    pub(crate) async fn post_patiently(&self, path: &Path) -> Result<Answer, Error> {
        let target = self.target(path.as_str()).await?;
        self.ask(Ask { method: Method::POST, target, body: None, patient: true }).await
    }

    pub(crate) async fn ask(&self, ask: Ask<'_>) -> Result<Answer, Error> {
        let answer = self.ask_for_any(ask).await?;
        let status = answer.status();
        if status.is_success() || status == StatusCode::NOT_MODIFIED {
            return Ok(answer);
        }
        Err(answer.into_refusal().await)
    }

    /// The answer, whatever its status is.
    pub(crate) async fn ask_for_any(&self, ask: Ask<'_>) -> Result<Answer, Error> {
        let started = Instant::now();
        loop {
            let mut line = self.line(ask.patient).await?;
            let request = self.json_request(ask.method.clone(), &ask.target, ask.body, None)?;
            match line.connection.request(request).await {
                Ok(head) => {
                    self.tell_answer(&ask.target, &head, started, false);
                    return Ok(Answer::new(self.clone(), line, head));
                }
                // The daemon closed it just now. Each round uses an idle connection up, so there is an end.
                Err(hijack::Error::Unanswered(_) | hijack::Error::Io(_))
                    if line.used && ask.method.is_idempotent() => {}
                Err(error) => return Err(self.failed(error, line.said).await),
            }
        }
    }

    /// Sends a request whose answer is waited for later.
    pub(crate) async fn send(&self, ask: Ask<'_>) -> Result<Line, Error> {
        let mut line = self.line(ask.patient).await?;
        let request = self.json_request(ask.method, &ask.target, ask.body, None)?;
        match line.connection.send(request).await {
            Ok(_) => Ok(line),
            Err(error) => Err(self.failed(error, line.said).await),
        }
    }

    /// Asks for the takeover of a connection of its own: an upgrade to `protocol`, or, where `or_stream` says so, a bare
    /// 200; without a protocol only that.
    pub(crate) async fn take_over(
        &self,
        path: &Path,
        protocol: Option<&'static str>,
        headers: HeaderMap,
        body: Option<&Value>,
        or_stream: bool,
    ) -> Result<Conn, Error> {
        let target = self.target(path.as_str()).await?;
        let started = Instant::now();
        let upgrade = Some((protocol, headers));
        let request = self.json_request(Method::POST, &target, body, upgrade)?;
        let Line { connection, said, .. } = self.fresh(false).await?;
        let protocols = protocol.as_slice();
        let taken = match or_stream {
            true => connection.upgrade_or_stream(request, protocols).await,
            false => connection.upgrade(request, protocols).await,
        };
        match taken {
            Ok(conn) => {
                if let Some(head) = conn.answer() {
                    self.tell_answer(&target, &head, started, true);
                }
                Ok(conn)
            }
            Err(untaken) => {
                if let hijack::Error::Declined(decline) = &untaken.error {
                    self.tell_answer(&target, &decline.head, started, false);
                }
                Err(self.failed(untaken.error, said).await)
            }
        }
    }

    /// A request; `takeover` is the protocol to upgrade to, and further headers.
    fn json_request(
        &self,
        method: Method,
        target: &str,
        body: Option<&Value>,
        takeover: Option<(Option<&str>, HeaderMap)>,
    ) -> Result<Request<Body>, Error> {
        let (upgrade, headers) = takeover.unwrap_or_default();
        let mut request = Request::builder().method(method).uri(target).header(USER_AGENT, AGENT);
        // A connection over a stream that we opened ourselves does not know whose host it leads to.
        if self.0.endpoint.is_none() || self.0.settings.wrap.is_some() {
            request = request.header(HOST, self.host().authority());
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let text = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let mut request = request
            .body(text)
            .map_err(|error| Error::Config(format!("cannot ask for {target:?}: {error}")))?;
        request.headers_mut().extend(headers);
        let (method, headers) = (request.method(), request.headers());
        self.0.settings.tracer.tell(&Trace::Request { method, target, headers, body, upgrade });
        Ok(request)
    }

    pub(crate) fn tell_answer(&self, target: &str, head: &ResponseHead, started: Instant, taken: bool) {
        let after = started.elapsed();
        self.0.settings.tracer.tell(&Trace::Answer { target, head, after, taken });
    }

    /// What a failure was, with what the command `ssh` says if it is one.
    pub(crate) async fn failed(&self, error: hijack::Error, said: Option<Said>) -> Error {
        match (said, error) {
            (Some(said), error @ (hijack::Error::Unanswered(_) | hijack::Error::Io(_))) => {
                Error::Ssh { host: self.host().to_string(), said: said.text().await, source: error.into() }
            }
            (_, error) => Error::talking(self.host(), error),
        }
    }

    /// An idle connection that still lives, or a new one.
    async fn line(&self, patient: bool) -> Result<Line, Error> {
        let idle = if patient { None } else { self.pop() };
        match idle {
            Some(Idle { connection, said, .. }) => Ok(Line { connection, said, used: true, kept: true }),
            None => self.fresh(patient).await,
        }
    }

    async fn fresh(&self, patient: bool) -> Result<Line, Error> {
        let settings = &self.0.settings;
        let client = if patient { &settings.patient } else { &settings.client };
        let (connection, said) = match (&self.0.endpoint, &settings.host.0) {
            (None, Place::Ssh(to)) => {
                let (stream, said) = SshStream::start(&settings.ssh, to).map_err(|error| Error::Ssh {
                    host: settings.host.to_string(),
                    said: format!("it cannot be started: {error}"),
                    source: error.into(),
                })?;
                let stream = Transport::custom(stream);
                let stream = match &settings.wrap {
                    Some(wrap) => wrap(stream),
                    None => stream,
                };
                (client.connection(stream, b""), Some(said))
            }
            (Some(endpoint), _) => {
                let failed = |error| Error::connecting(&settings.host, error);
                let connection = match &settings.wrap {
                    None => client.connect(endpoint).await.map_err(failed)?,
                    Some(wrap) => client.connection(wrap(client.dial(endpoint).await.map_err(failed)?), b""),
                };
                (connection, None)
            }
            (None, _) => unreachable!("every host but ssh's has an endpoint"),
        };
        Ok(Line { connection, said, used: false, kept: !patient })
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pop(&self) -> Option<Idle> {
        let mut idle = self.idle();
        std::iter::from_fn(|| idle.pop()).find_map(|mut idle| {
            (idle.since.elapsed() < IDLE_TIME && idle.connection.is_quiet()).then_some(idle)
        })
    }

    /// Takes back a connection whose answer was read.
    pub(crate) fn keep(&self, line: Line) {
        let Line { connection, said, kept, .. } = line;
        if !kept || !connection.is_open() {
            return;
        }
        let mut idle = self.idle();
        idle.push(Idle { connection, said, since: Instant::now() });
        if idle.len() > MOST_IDLE {
            idle.remove(0);
        }
    }

    pub(crate) fn config(&self) -> &ClientConfig {
        self.0.settings.client.config()
    }

    pub(crate) fn answer_len(&self) -> usize {
        self.0.settings.answer_len
    }
}

const AGENT: &str = concat!("hijack-docker/", env!("CARGO_PKG_VERSION"));

impl fmt::Debug for Docker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Docker")
            .field("host", self.host())
            .field("api_version", &self.0.agreed.get())
            .finish_non_exhaustive()
    }
}
