//! Containers in a list.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::container::or_default;
use crate::path::Path;
use crate::{Docker, Error};

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
    /// As [`ContainerState::status`](crate::ContainerState::status).
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

/// Which containers are listed.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ListOptions {
    /// Also those that do not run.
    pub all: bool,
    /// So many, the last ones made.
    pub limit: Option<u32>,
    /// With their sizes, which takes its time.
    pub size: bool,
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

impl Docker {
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
            .flag("size", options.size)
            .option("filters", Some(filters).filter(|_| !options.filters.is_empty()));
        self.get(&path).await?.json().await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Daemons leave out and write `null` where there is nothing.
    #[test]
    fn reads_lists_with_holes() {
        let list = json!([{ "Id": "a", "Names": null, "Labels": null, "Ports": [{ "PrivatePort": 80, "Type": "tcp" }] }]);
        let list: Vec<Summary> = serde_json::from_value(list).expect("a list");
        assert_eq!((list[0].ports[0].private_port, list[0].names.len()), (80, 0));
    }
}
