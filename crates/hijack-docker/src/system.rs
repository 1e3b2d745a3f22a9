//! The daemon itself: is it there, and what is it.

use http::{HeaderMap, Method};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::client::Ask;
use crate::path::Path;
use crate::{ApiVersion, Docker, Error};

/// What a daemon says of itself before anything else.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ping {
    /// The newest version of the API that it knows.
    pub api_version: Option<ApiVersion>,
    /// The operating system of its containers, such as `linux`.
    pub os_type: Option<String>,
    /// Its name and version, such as `Docker/20.10.24 (linux)` or `Libpod/4.3.1`.
    pub server: Option<String>,
}

/// What a daemon is, in all detail.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Version {
    /// The engine's.
    pub version: String,
    /// The newest version of the API that it knows.
    pub api_version: ApiVersion,
    /// The oldest.
    #[serde(rename = "MinAPIVersion")]
    pub min_api_version: Option<ApiVersion>,
    /// The commit that it was built from.
    pub git_commit: Option<String>,
    /// The Go that it was built with.
    pub go_version: Option<String>,
    /// Its operating system.
    pub os: Option<String>,
    /// Its architecture.
    pub arch: Option<String>,
    /// Its kernel.
    pub kernel_version: Option<String>,
    /// When it was built.
    pub build_time: Option<String>,
    /// Everything else, by the API's names.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl Docker {
    /// Asks whether the daemon is there, without any version: `HEAD /_ping`, and `GET` where that is not known.
    ///
    /// # Errors
    ///
    /// [`Error::Daemon`] and those of a connection.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn ping(&self) -> Result<Ping, Error> {
        let target = format!("{}/_ping", self.host().base());
        let ask = |method| Ask { method, target: target.clone(), body: None, patient: false };
        let head = self.ask_for_any(ask(Method::HEAD)).await?;
        let ping = Ping::of(head.headers());
        let is_told = head.status().is_success() || ping.api_version.is_some();
        let _ = head.bytes().await?;
        if is_told {
            return Ok(ping);
        }
        let answer = self.ask(ask(Method::GET)).await?;
        let ping = Ping::of(answer.headers());
        let _ = answer.bytes().await?;
        Ok(ping)
    }

    /// Asks what the daemon is.
    ///
    /// # Errors
    ///
    /// [`Error::Daemon`], [`Error::Unexpected`] and those of a connection.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn version(&self) -> Result<Version, Error> {
        self.get(&Path::of(["version"])).await?.json().await
    }
}

impl Ping {
    fn of(headers: &HeaderMap) -> Self {
        let text = |name: &str| Some(headers.get(name)?.to_str().ok()?.to_owned());
        Self {
            api_version: text("api-version").and_then(|version| version.parse().ok()),
            os_type: text("ostype"),
            server: text("server"),
        }
    }
}
