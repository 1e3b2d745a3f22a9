//! What a container is made of.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Map, Value};

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
}
