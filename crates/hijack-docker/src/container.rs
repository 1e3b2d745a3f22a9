//! Containers: made, looked at, started, told signals and sizes, stopped and removed.

use std::time::Duration;

use http::Method;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::path::Path;
use crate::{ContainerConfig, Docker, Error};

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

/// `null` is nothing.
pub(crate) fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
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

    /// Stops a container: it is told to end, and killed if it has not `within` that time, in whole seconds, or the
    /// container's own.
    ///
    /// # Errors
    ///
    /// [`Error::Daemon`] and those of a connection.
    ///
    /// # Cancel safety
    ///
    /// As [`request`](Self::request).
    pub async fn stop(&self, container: &str, within: Option<Duration>) -> Result<(), Error> {
        // Rounded up: no second at all is a kill at once.
        let seconds = within.map(|within| within.as_secs() + u64::from(within.subsec_nanos() > 0));
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
    fn reads_what_daemons_say() {
        let container =
            json!({ "Id": "a", "State": { "Running": true }, "Config": { "Tty": true }, "Path": "sh" });
        let container: Container = serde_json::from_value(container).expect("a container");
        assert!(container.tty() && container.state.running && !container.open_stdin());
        assert_eq!(container.more["Path"], "sh");
    }
}
