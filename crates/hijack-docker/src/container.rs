//! Containers: made, listed, looked at, started, told signals and sizes, stopped and removed.

use std::collections::HashMap;
use std::time::Duration;

use http::Method;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::path::Path;
use crate::{Docker, Error};

/// What a container is to be. Fields that are left empty are the image's or the daemon's to say; `more` takes every
/// other one by the API's names.
///
/// ```
/// use hijack_docker::ContainerConfig;
///
/// let mut config = ContainerConfig::new("busybox", ["sh", "-c", "echo $GREETING"]);
/// config.env.push("GREETING=hello".into());
/// config.host_config.auto_remove = true;
/// config.more.insert("StopTimeout".into(), 1.into());
/// ```
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ContainerConfig {
    /// The image, by name or id.
    pub image: String,
    /// The command.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cmd: Vec<String>,
    /// What runs in front of the command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Vec<String>>,
    /// Variables, as `NAME=value`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// The user, as `user:group`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// The folder in which the command runs.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub working_dir: String,
    /// The name of the host.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hostname: String,
    /// Labels.
    #[serde(skip_serializing_if = "HashMap::is_empty")]
    pub labels: HashMap<String, String>,
    /// Whether it has a terminal: then all output is one raw stream.
    pub tty: bool,
    /// Whether it has a stdin.
    pub open_stdin: bool,
    /// Whether stdin ends with the first client that was attached to it. Without it the end of a client's stdin detaches
    /// that client and the process reads on.
    pub stdin_once: bool,
    /// Whether whoever starts it is attached to its stdin.
    pub attach_stdin: bool,
    /// To its stdout.
    pub attach_stdout: bool,
    /// To its stderr.
    pub attach_stderr: bool,
    /// What it is to the host.
    pub host_config: HostConfig,
    /// Everything else, by the API's names.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// What a container is to its host.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct HostConfig {
    /// Whether it is removed when it ends.
    pub auto_remove: bool,
    /// Whether a small init is its first process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init: Option<bool>,
    /// Its network: `none`, `host`, `bridge` or a name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub network_mode: String,
    /// Folders of the host, as `/there:/here:ro`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub binds: Vec<String>,
    /// Everything else, by the API's names.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl ContainerConfig {
    /// A container of `image` that runs `cmd`, with its outputs attached.
    #[must_use]
    pub fn new<S: Into<String>>(image: impl Into<String>, cmd: impl IntoIterator<Item = S>) -> Self {
        Self {
            image: image.into(),
            cmd: cmd.into_iter().map(Into::into).collect(),
            attach_stdout: true,
            attach_stderr: true,
            ..Self::default()
        }
    }

    /// With a stdin that ends when the client ends it, as `docker run -i` asks.
    #[must_use]
    pub fn with_stdin(mut self) -> Self {
        (self.open_stdin, self.stdin_once, self.attach_stdin) = (true, true, true);
        self
    }

    /// With a terminal, as `docker run -t` asks.
    #[must_use]
    pub fn with_tty(mut self) -> Self {
        self.tty = true;
        self
    }
}

/// A container that was made.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Created {
    /// Its id.
    pub id: String,
    /// What the daemon finds worth saying.
    #[serde(default, deserialize_with = "or_default")]
    pub warnings: Vec<String>,
}

/// What is known of a container.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Container {
    /// Its id.
    pub id: String,
    /// Its name, with a slash in front.
    #[serde(default)]
    pub name: String,
    /// What becomes of it.
    pub state: ContainerState,
    /// What it was made of, by the API's names.
    #[serde(default)]
    pub config: Map<String, Value>,
    /// Everything else, by the API's names.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl Container {
    /// Whether it has a terminal.
    #[must_use]
    pub fn tty(&self) -> bool {
        self.is("Tty")
    }

    /// Whether it has a stdin.
    #[must_use]
    pub fn open_stdin(&self) -> bool {
        self.is("OpenStdin")
    }

    /// Whether its stdin ends with the first client's.
    #[must_use]
    pub fn stdin_once(&self) -> bool {
        self.is("StdinOnce")
    }

    fn is(&self, name: &str) -> bool {
        self.config.get(name).and_then(Value::as_bool).unwrap_or_default()
    }
}

/// What becomes of a container.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[non_exhaustive]
pub struct ContainerState {
    /// `created`, `running`, `paused`, `restarting`, `removing`, `exited` or `dead`.
    pub status: String,
    /// Whether it runs; also while it is paused.
    pub running: bool,
    /// Whether it is paused.
    pub paused: bool,
    /// Whether it is about to start again.
    pub restarting: bool,
    /// Its first process, as the host counts.
    pub pid: i64,
    /// The code of its last end.
    pub exit_code: i64,
    /// Why it could not be started.
    pub error: String,
    /// When it started, by RFC 3339.
    pub started_at: String,
    /// When it ended.
    pub finished_at: String,
}

/// A container in a list.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Summary {
    /// Its id.
    pub id: String,
    /// Its names, each with a slash in front.
    #[serde(default, deserialize_with = "or_default")]
    pub names: Vec<String>,
    /// Its image.
    #[serde(default)]
    pub image: String,
    /// Its command, as text.
    #[serde(default)]
    pub command: String,
    /// When it was made, in seconds since 1970.
    #[serde(default)]
    pub created: i64,
    /// As [`ContainerState::status`].
    #[serde(default)]
    pub state: String,
    /// The same for people: `Up 5 minutes`.
    #[serde(default)]
    pub status: String,
    /// Its ports.
    #[serde(default, deserialize_with = "or_default")]
    pub ports: Vec<Port>,
    /// Its labels.
    #[serde(default, deserialize_with = "or_default")]
    pub labels: HashMap<String, String>,
    /// Everything else, by the API's names.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// A port of a container.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Port {
    /// The host's address, if it is published.
    #[serde(rename = "IP")]
    pub ip: Option<String>,
    /// Within the container.
    pub private_port: u16,
    /// On the host, if it is published.
    pub public_port: Option<u16>,
    /// `tcp`, `udp` or `sctp`.
    #[serde(rename = "Type")]
    pub protocol: String,
}

/// `null` is nothing.
pub(crate) fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Which containers are listed.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ListOptions {
    /// Also those that do not run.
    pub all: bool,
    /// So many, the last ones made.
    pub limit: Option<u32>,
    /// Only those that fit, such as `label` → `["a=b"]`.
    pub filters: HashMap<String, Vec<String>>,
}

impl ListOptions {
    /// All containers.
    #[must_use]
    pub fn all() -> Self {
        Self { all: true, ..Self::default() }
    }
}

/// How a container is removed.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct RemoveOptions {
    /// Also if it runs.
    pub force: bool,
    /// With its unnamed volumes.
    pub volumes: bool,
}

impl RemoveOptions {
    /// Also if it runs.
    #[must_use]
    pub fn force() -> Self {
        Self { force: true, ..Self::default() }
    }
}

/// The size of a terminal, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Lines.
    pub height: u16,
    /// Columns.
    pub width: u16,
}

impl Docker {
    /// Makes a container, with a name or without.
    ///
    /// # Errors
    ///
    /// [`Error::Daemon`]: 404 if there is no such image, 409 if the name is taken. Those of a connection.
    ///
    /// # Cancel safety
    ///
    /// As [`request`](Self::request).
    pub async fn create(&self, config: &ContainerConfig, name: Option<&str>) -> Result<Created, Error> {
        let body = serde_json::to_value(config).map_err(|error| Error::Config(error.to_string()))?;
        self.post(&Path::of(["containers", "create"]).option("name", name), Some(&body)).await?.json().await
    }

    /// Starts a container. One that runs already is none to complain about.
    ///
    /// Attach to it and [`wait`](Self::wait) for it before, and nothing is missed.
    ///
    /// # Errors
    ///
    /// [`Error::Daemon`]: 404 if there is none, 400 or 500 if its command cannot be run. Those of a connection.
    ///
    /// # Cancel safety
    ///
    /// As [`request`](Self::request).
    pub async fn start(&self, container: &str) -> Result<(), Error> {
        self.finish(self.post_patiently(&of(container, "start")).await?).await
    }

    /// Sends a container a signal, such as `TERM` or `SIGINT`.
    ///
    /// # Errors
    ///
    /// [`Error::Daemon`]: 409 if it does not run. Those of a connection.
    ///
    /// # Cancel safety
    ///
    /// As [`request`](Self::request).
    pub async fn kill(&self, container: &str, signal: &str) -> Result<(), Error> {
        self.finish(self.post(&of(container, "kill").query("signal", signal), None).await?).await
    }

    /// Stops a container: it is told to end, and killed if it has not `within` that time, or the container's own.
    ///
    /// # Errors
    ///
    /// [`Error::Daemon`] and those of a connection.
    ///
    /// # Cancel safety
    ///
    /// As [`request`](Self::request).
    pub async fn stop(&self, container: &str, within: Option<Duration>) -> Result<(), Error> {
        let seconds = within.map(|within| within.as_secs());
        self.finish(self.post_patiently(&of(container, "stop").option("t", seconds)).await?).await
    }

    /// Halts every process of a container.
    ///
    /// # Errors
    ///
    /// [`Error::Daemon`] and those of a connection.
    ///
    /// # Cancel safety
    ///
    /// As [`request`](Self::request).
    pub async fn pause(&self, container: &str) -> Result<(), Error> {
        self.finish(self.post(&of(container, "pause"), None).await?).await
    }

    /// Lets them go on.
    ///
    /// # Errors
    ///
    /// [`Error::Daemon`] and those of a connection.
    ///
    /// # Cancel safety
    ///
    /// As [`request`](Self::request).
    pub async fn unpause(&self, container: &str) -> Result<(), Error> {
        self.finish(self.post(&of(container, "unpause"), None).await?).await
    }

    /// Removes a container.
    ///
    /// # Errors
    ///
    /// [`Error::Daemon`]: 409 if it runs and is not forced. Those of a connection.
    ///
    /// # Cancel safety
    ///
    /// As [`request`](Self::request).
    pub async fn remove(&self, container: &str, options: &RemoveOptions) -> Result<(), Error> {
        let path =
            Path::of(["containers", container]).flag("force", options.force).flag("v", options.volumes);
        self.finish(self.request(Method::DELETE, path.as_str(), None).await?).await
    }

    /// Tells a container the size of its terminal. Not before it runs.
    ///
    /// # Errors
    ///
    /// [`Error::Daemon`]: 409 if it does not run. Those of a connection.
    ///
    /// # Cancel safety
    ///
    /// As [`request`](Self::request).
    pub async fn resize(&self, container: &str, size: Size) -> Result<(), Error> {
        self.finish(self.post(&sized(of(container, "resize"), size), None).await?).await
    }

    /// What is known of a container.
    ///
    /// # Errors
    ///
    /// [`Error::Daemon`]: 404 if there is none. Those of a connection.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn inspect(&self, container: &str) -> Result<Container, Error> {
        self.get(&of(container, "json")).await?.json().await
    }

    /// The containers that run, or all.
    ///
    /// # Errors
    ///
    /// [`Error::Daemon`] and those of a connection.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn list(&self, options: &ListOptions) -> Result<Vec<Summary>, Error> {
        let filters =
            serde_json::to_string(&options.filters).map_err(|error| Error::Config(error.to_string()))?;
        let path = Path::of(["containers", "json"])
            .flag("all", options.all)
            .option("limit", options.limit)
            .option("filters", Some(filters).filter(|_| !options.filters.is_empty()));
        self.get(&path).await?.json().await
    }

    /// Reads an answer that says no more than that it was done.
    pub(crate) async fn finish(&self, answer: crate::Answer) -> Result<(), Error> {
        answer.bytes().await.map(drop)
    }
}

/// The path of what is done to a container.
pub(crate) fn of(container: &str, what: &str) -> Path {
    Path::of(["containers", container, what])
}

pub(crate) fn sized(path: Path, size: Size) -> Path {
    path.query("h", size.height).query("w", size.width)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_configuration_is_the_apis() {
        let mut config = ContainerConfig::new("busybox", ["cat"]).with_stdin().with_tty();
        config.more.insert("StopTimeout".into(), 1.into());
        config.host_config.network_mode = "none".into();
        config.host_config.more.insert("Privileged".into(), true.into());
        let expected = json!({
            "Image": "busybox", "Cmd": ["cat"], "Tty": true, "OpenStdin": true, "StdinOnce": true,
            "AttachStdin": true, "AttachStdout": true, "AttachStderr": true, "StopTimeout": 1,
            "HostConfig": { "AutoRemove": false, "NetworkMode": "none", "Privileged": true },
        });
        assert_eq!(serde_json::to_value(config).expect("JSON"), expected);
    }

    /// Daemons leave out and write `null` where there is nothing.
    #[test]
    fn reads_lists_with_holes() {
        let list = json!([{ "Id": "a", "Names": null, "Labels": null, "Ports": [{ "PrivatePort": 80, "Type": "tcp" }] }]);
        let list: Vec<Summary> = serde_json::from_value(list).expect("a list");
        assert_eq!((list[0].ports[0].private_port, list[0].names.len()), (80, 0));
        let container =
            json!({ "Id": "a", "State": { "Running": true }, "Config": { "Tty": true }, "Path": "sh" });
        let container: Container = serde_json::from_value(container).expect("a container");
        assert!(container.tty() && container.state.running && !container.open_stdin());
        assert_eq!(container.more["Path"], "sh");
    }
}
