//! Further processes in a container.

use std::time::{Duration, Instant};

use hijack::stream::{ClientStreams, DetachKeys, Framing};
use http::HeaderMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::attach::Terms;
use crate::container::{Size, sized};
use crate::path::Path;
use crate::{Docker, Error};

/// A process to be run in a container. Its outputs are attached, its stdin is not.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ExecOptions {
    /// The command.
    pub cmd: Vec<String>,
    /// Variables, as `NAME=value`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// The user, as `user:group`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// The folder in which it runs.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub working_dir: String,
    /// Whether it has a terminal.
    pub tty: bool,
    /// Whether it has a stdin.
    pub attach_stdin: bool,
    /// Whether its stdout comes.
    pub attach_stdout: bool,
    /// Whether its stderr comes.
    pub attach_stderr: bool,
    /// Whether it may do more than the container.
    pub privileged: bool,
    /// The keys by which the daemon detaches from its terminal.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shown")]
    pub detach_keys: Option<DetachKeys>,
    /// Everything else, by the API's names.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

fn shown<S: Serializer>(keys: &Option<DetachKeys>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&keys.as_ref().map(ToString::to_string).unwrap_or_default())
}

impl ExecOptions {
    /// A process that runs `cmd`.
    #[must_use]
    pub fn new<S: Into<String>>(cmd: impl IntoIterator<Item = S>) -> Self {
        Self {
            cmd: cmd.into_iter().map(Into::into).collect(),
            env: Vec::new(),
            user: String::new(),
            working_dir: String::new(),
            tty: false,
            attach_stdin: false,
            attach_stdout: true,
            attach_stderr: true,
            privileged: false,
            detach_keys: None,
            more: Map::new(),
        }
    }

    /// With stdin.
    #[must_use]
    pub fn with_stdin(mut self) -> Self {
        self.attach_stdin = true;
        self
    }

    /// With a terminal.
    #[must_use]
    pub fn with_tty(mut self) -> Self {
        self.tty = true;
        self
    }
}

/// What became of a process.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ExecState {
    /// Whether it runs.
    pub running: bool,
    /// Its exit code, if it has ended: 126 if it could not be run, 127 if there is no such command, by what runs it.
    pub exit_code: Option<i64>,
    /// As the host counts.
    #[serde(default)]
    pub pid: i64,
    /// Everything else, by the API's names.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// How long a process whose streams have ended may count as running.
const SETTLING: Duration = Duration::from_secs(5);

impl Docker {
    /// Prepares a process in a running container, and tells its id.
    ///
    /// # Errors
    ///
    /// [`Error::Daemon`]: 404 if there is no such container, 409 if it does not run or is paused. Those of a connection.
    ///
    /// # Cancel safety
    ///
    /// As [`request`](Self::request).
    pub async fn create_exec(&self, container: &str, options: &ExecOptions) -> Result<String, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Made {
            id: String,
        }
        let body = serde_json::to_value(options).map_err(|error| Error::Config(error.to_string()))?;
        let path = Path::of(["containers", container, "exec"]);
        Ok(self.post(&path, Some(&body)).await?.json::<Made>().await?.id)
    }

    /// Starts a process and joins its streams. `tty` is what it was made with.
    ///
    /// That this succeeds does not say that the process runs: what is wrong with its command comes as output, and as its
    /// exit code, see [`exec_exit_code`](Self::exec_exit_code). Its stdin always ends with ours, and it does not end when
    /// the streams are dropped.
    ///
    /// # Errors
    ///
    /// [`Error::Daemon`]: 404 if there is none. [`Error::Unexpected`]. Those of a connection.
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection; the process may have started.
    pub async fn start_exec(&self, exec: &str, tty: bool) -> Result<ClientStreams, Error> {
        self.start_exec_by(exec, tty, true).await
    }

    /// As [`start_exec`](Self::start_exec), without asking for an upgrade: the daemon answers with a bare 200.
    ///
    /// # Errors
    ///
    /// As [`start_exec`](Self::start_exec).
    ///
    /// # Cancel safety
    ///
    /// As [`start_exec`](Self::start_exec).
    pub async fn start_exec_without_upgrade(&self, exec: &str, tty: bool) -> Result<ClientStreams, Error> {
        self.start_exec_by(exec, tty, false).await
    }

    async fn start_exec_by(&self, exec: &str, tty: bool, upgrade: bool) -> Result<ClientStreams, Error> {
        let terms = Terms { labelled: self.is_labelled().await?, tty: Some(tty) };
        let body = json!({ "Detach": false, "Tty": tty });
        let protocol = upgrade.then_some("tcp");
        let conn = self.take_over(&of(exec, "start"), protocol, HeaderMap::new(), Some(&body), true).await?;
        let framing = terms.framing(self, &conn)?.unwrap_or(Framing::of_tty(tty));
        Ok(ClientStreams::new(conn, framing))
    }

    /// Starts a process and leaves it alone.
    ///
    /// # Errors
    ///
    /// [`Error::Daemon`] and those of a connection.
    ///
    /// # Cancel safety
    ///
    /// As [`request`](Self::request).
    pub async fn start_exec_detached(&self, exec: &str, tty: bool) -> Result<(), Error> {
        let body = json!({ "Detach": true, "Tty": tty });
        self.finish(self.post(&of(exec, "start"), Some(&body)).await?).await
    }

    /// What became of a process.
    ///
    /// # Errors
    ///
    /// [`Error::Daemon`]: 404 if there is none. Those of a connection.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn inspect_exec(&self, exec: &str) -> Result<ExecState, Error> {
        self.get(&of(exec, "json")).await?.json().await
    }

    /// The exit code of a process whose streams have ended; none if it runs all the same, as one does that closed its
    /// outputs, or if it never ran. The daemon may be a moment behind, so it is asked for up to five seconds.
    ///
    /// # Errors
    ///
    /// As [`inspect_exec`](Self::inspect_exec).
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn exec_exit_code(&self, exec: &str) -> Result<Option<i64>, Error> {
        let started = Instant::now();
        let mut pause = Duration::from_millis(5);
        loop {
            let state = self.inspect_exec(exec).await?;
            // Without a code it has not ended, whatever else is said: nothing may count as a success that is not one.
            if let (false, Some(code)) = (state.running, state.exit_code) {
                return Ok(Some(code));
            }
            if started.elapsed() > SETTLING {
                return Ok(None);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(200));
        }
    }

    /// Tells a process the size of its terminal.
    ///
    /// # Errors
    ///
    /// [`Error::Daemon`]: 404 once it has ended. Those of a connection.
    ///
    /// # Cancel safety
    ///
    /// As [`request`](Self::request).
    pub async fn resize_exec(&self, exec: &str, size: Size) -> Result<(), Error> {
        self.finish(self.post(&sized(of(exec, "resize"), size), None).await?).await
    }
}

fn of(exec: &str, what: &str) -> Path {
    Path::of(["exec", exec, what])
}
