//! The streams of a container.

use hijack::Conn;
use hijack::stream::{ClientStreams, DetachKeys, Framing};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::container::of;
use crate::{ApiVersion, Docker, Error};

/// Which streams of a container, and how.
///
/// The default is what a container writes from now on: stdout and stderr, no stdin.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AttachOptions {
    /// What is typed goes to the container. One without a stdin throws it away.
    pub stdin: bool,
    /// What it writes comes.
    pub stdout: bool,
    /// What it writes of errors comes.
    pub stderr: bool,
    /// The streams from now on.
    pub stream: bool,
    /// What was written before comes first. Between the two a line may be missing, or come twice.
    pub logs: bool,
    /// The keys by which the daemon detaches from a terminal; `ctrl-p,ctrl-q` if none are said. To find them on this
    /// side, which is not subject to delays, give them to [`Stdin::copy_from`](hijack::stream::Stdin::copy_from) too.
    pub detach_keys: Option<DetachKeys>,
    /// Whether the container has a terminal, where that is known. Otherwise it is asked for where the answer does not tell.
    pub tty: Option<bool>,
    /// Attaches only if the container runs: any other one is silent for ever.
    pub only_running: bool,
    /// Asks for an upgrade, as proxies want it. Otherwise the daemon answers with a bare 200, and so may a proxy.
    pub upgrade: bool,
}

impl Default for AttachOptions {
    fn default() -> Self {
        Self {
            stdin: false,
            stdout: true,
            stderr: true,
            stream: true,
            logs: false,
            detach_keys: None,
            tty: None,
            only_running: false,
            upgrade: true,
        }
    }
}

impl AttachOptions {
    /// With stdin.
    #[must_use]
    pub fn with_stdin(mut self) -> Self {
        self.stdin = true;
        self
    }

    /// With what was written before.
    #[must_use]
    pub fn with_logs(mut self) -> Self {
        self.logs = true;
        self
    }

    /// With other keys to detach.
    #[must_use]
    pub fn with_detach_keys(mut self, keys: DetachKeys) -> Self {
        self.detach_keys = Some(keys);
        self
    }

    /// Knowing whether the container has a terminal.
    #[must_use]
    pub fn with_tty(mut self, tty: bool) -> Self {
        self.tty = Some(tty);
        self
    }

    /// Only if the container runs.
    #[must_use]
    pub fn only_running(mut self) -> Self {
        self.only_running = true;
        self
    }

    /// Without asking for an upgrade.
    #[must_use]
    pub fn without_upgrade(mut self) -> Self {
        self.upgrade = false;
        self
    }
}

/// Takes the answer's word for what a stream is, or knows it.
#[derive(Clone, Copy)]
pub(crate) struct Terms {
    /// Whether the daemon's labels are true.
    pub(crate) labelled: bool,
    pub(crate) tty: Option<bool>,
}

impl Terms {
    /// How the stream behind `conn` is framed; none if that must be asked for.
    pub(crate) fn framing(self, docker: &Docker, conn: &Conn) -> Result<Option<Framing>, Error> {
        let answer = conn.answer().ok_or_else(|| Error::unexpected(docker.host(), "no head"))?;
        let named = Framing::named_in(answer.headers());
        let is_upgrade = answer.status() == StatusCode::SWITCHING_PROTOCOLS;
        if named.is_none() && !is_upgrade {
            // Any web server may answer 200; only Docker's begins a stream behind it.
            return Err(Error::unexpected(docker.host(), "a 200 without one of Docker's media types"));
        }
        // A bare 200 is called raw whatever it is.
        Ok(named.filter(|_| self.labelled && is_upgrade).or_else(|| self.tty.map(Framing::of_tty)))
    }
}

impl Docker {
    /// Attaches to a container's streams. They are joined when this returns, so attach to a container before it is
    /// started, and no output of it is missed.
    ///
    /// - **Who closes?** Dropping the streams detaches; the container runs on, unless its stdin ends with ours. The daemon
    ///   ends the connection when the container ends.
    /// - **Deadlines?** None. The connection is probed when it is silent for 30 s.
    /// - **Unread bytes?** What came with the answer is the first output.
    /// - **The end of stdin?** See [`Stdin::close`](hijack::stream::Stdin::close). Sent before the container is started it
    ///   counts all the same.
    /// - **A container that does not run?** The streams are silent for ever: see [`AttachOptions::only_running`].
    ///
    /// # Errors
    ///
    /// [`Error::Daemon`]: 404 if there is none, 409 if it is paused, 400 for its detach keys. [`Error::NotRunning`] if that
    /// was asked for. [`Error::Unexpected`] if it is no Docker that answers. Those of a connection.
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection.
    pub async fn attach(&self, container: &str, options: &AttachOptions) -> Result<ClientStreams, Error> {
        let mut terms = Terms { labelled: self.is_labelled().await?, tty: options.tty };
        let untold = terms.tty.is_none() && !(terms.labelled && options.upgrade);
        if untold || options.only_running {
            terms.tty = Some(self.check(container, options.only_running).await?);
        }
        let path = of(container, "attach")
            .flag("stream", options.stream)
            .flag("stdin", options.stdin)
            .flag("stdout", options.stdout)
            .flag("stderr", options.stderr)
            .flag("logs", options.logs)
            .option("detachKeys", options.detach_keys.as_ref());
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("text/plain"))]);
        let protocol = options.upgrade.then_some("tcp");
        let conn = self.take_over(&path, protocol, headers, None, true).await?;
        let framing = match terms.framing(self, &conn)? {
            Some(framing) => framing,
            None => Framing::of_tty(self.inspect(container).await?.tty()),
        };
        Ok(ClientStreams::new(conn, framing))
    }

    /// Whether what the daemon calls a stream is true.
    pub(crate) async fn is_labelled(&self) -> Result<bool, Error> {
        Ok(self.api_version().await? >= ApiVersion::LABELLED)
    }

    /// Whether the container has a terminal.
    async fn check(&self, container: &str, only_running: bool) -> Result<bool, Error> {
        let found = self.inspect(container).await?;
        if only_running && (!found.state.running || found.state.paused) {
            let state = found.state.status;
            return Err(Error::NotRunning { container: container.to_owned(), state });
        }
        Ok(found.tty())
    }
}
