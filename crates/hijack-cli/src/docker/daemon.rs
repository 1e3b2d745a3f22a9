//! Which daemon is meant, and what the user has set for all of Docker's clients.

use std::fs;
use std::path::{Path, PathBuf};

use hijack_docker::stream::DetachKeys;
use hijack_docker::{Docker as Client, DockerBuilder};
use serde::Deserialize;

use super::args::Docker;
use super::failure::Failed;
use super::trace::Tracer;

/// What every verb needs.
pub(super) struct Settings {
    pub(super) docker: Client,
    /// The name of the context that the daemon was found by.
    pub(super) context: String,
    /// The keys to detach where no others are said.
    pub(super) detach_keys: DetachKeys,
    tracer: Option<Tracer>,
}

/// `config.json`, as far as it is followed.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Config {
    current_context: String,
    detach_keys: String,
}

/// The context that is none: `DOCKER_HOST`, or the usual socket.
const DEFAULT: &str = "default";

impl Settings {
    pub(super) fn of(said: &Docker) -> Result<Self, Failed> {
        let var = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let folder = var("DOCKER_CONFIG")
            .map(PathBuf::from)
            .or_else(|| Some(PathBuf::from(var("HOME")?).join(".docker")));
        let config = folder.as_deref().map(Config::read).transpose()?.unwrap_or_default();
        let context = context(said.host.is_some(), var, &config);
        let failed = |error: hijack_docker::Error| Failed::new(format!("Failed to initialize: {error}"));
        let host = |name: &str| match name {
            // What was said counts before the environment.
            "DOCKER_HOST" => said.host.clone().or_else(|| var(name)),
            _ => var(name),
        };
        let mut builder = DockerBuilder::from_vars(host).map_err(failed)?;
        if context != DEFAULT {
            let folder = folder.unwrap_or_default();
            builder = Context::find(&folder, &context)?.apply(builder, &folder)?;
        }
        let tracer = said.trace.then(Tracer::new);
        if let Some(tracer) = tracer.clone() {
            builder = builder.wrap(move |stream| tracer.traced(stream));
        }
        let detach_keys = match config.detach_keys.as_str() {
            "" => DetachKeys::default(),
            keys => keys
                .parse()
                .map_err(|error| Failed::new(format!("invalid detach keys in config.json: {error}")))?,
        };
        Ok(Self { docker: builder.build(), context, detach_keys, tracer })
    }

    /// Says whether the process whose streams come next has a terminal.
    pub(super) fn expect(&self, tty: bool) {
        if let Some(tracer) = &self.tracer {
            tracer.expect(tty);
        }
    }
}

/// The context that counts. Whoever names a host means none.
fn context(host: bool, var: impl Fn(&str) -> Option<String>, config: &Config) -> String {
    if host || var("DOCKER_HOST").is_some() {
        return DEFAULT.to_owned();
    }
    let current = Some(config.current_context.clone()).filter(|name| !name.is_empty());
    var("DOCKER_CONTEXT").or(current).unwrap_or_else(|| DEFAULT.to_owned())
}

impl Config {
    fn read(folder: &Path) -> Result<Self, Failed> {
        let path = folder.join("config.json");
        let Ok(text) = fs::read(&path) else { return Ok(Self::default()) };
        serde_json::from_slice(&text)
            .map_err(|error| Failed::new(format!("cannot read {}: {error}", path.display())))
    }
}

/// A context, as `docker context create` leaves it in `contexts/meta/…/meta.json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Context {
    name: String,
    #[serde(default)]
    endpoints: Endpoints,
    /// The name of its folders.
    #[serde(skip)]
    id: PathBuf,
}

#[derive(Default, Deserialize)]
struct Endpoints {
    docker: Option<Endpoint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Endpoint {
    #[serde(default)]
    host: String,
}

impl Context {
    fn find(folder: &Path, name: &str) -> Result<Self, Failed> {
        let entries = fs::read_dir(folder.join("contexts/meta")).into_iter().flatten().flatten();
        let read = |entry: fs::DirEntry| {
            let mut context: Self =
                serde_json::from_slice(&fs::read(entry.path().join("meta.json")).ok()?).ok()?;
            context.id = PathBuf::from(entry.file_name());
            Some(context)
        };
        entries.filter_map(read).find(|context| context.name == name).ok_or_else(|| {
            let looked = folder.join("contexts").display().to_string();
            Failed::new(format!(
                "Failed to initialize: unable to resolve docker endpoint: context \"{name}\": context not found in {looked} (name a host with -H or DOCKER_HOST, or another context with DOCKER_CONTEXT)"
            ))
        })
    }

    fn apply(self, builder: DockerBuilder, folder: &Path) -> Result<DockerBuilder, Failed> {
        let failed = |error: hijack_docker::Error| {
            Failed::new(format!("Failed to initialize: context \"{}\": {error}", self.name))
        };
        let host = self.endpoints.docker.map(|endpoint| endpoint.host).unwrap_or_default();
        let builder = builder.host(host.parse().map_err(failed)?);
        let certificates = folder.join("contexts/tls").join(&self.id).join("docker");
        if certificates.join("ca.pem").exists() {
            builder.tls_files(&certificates).map_err(failed)
        } else {
            Ok(builder)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_names_a_host_means_no_context() {
        let config = Config { current_context: "colima".to_owned(), ..Config::default() };
        type Vars = &'static [(&'static str, &'static str)];
        let table: [(bool, Vars, &str); 6] = [
            (false, &[], "colima"),
            (true, &[], "default"),
            (false, &[("DOCKER_HOST", "tcp://a")], "default"),
            (false, &[("DOCKER_CONTEXT", "other")], "other"),
            (false, &[("DOCKER_HOST", "tcp://a"), ("DOCKER_CONTEXT", "other")], "default"),
            (true, &[("DOCKER_CONTEXT", "other")], "default"),
        ];
        for (host, vars, expected) in table {
            let var =
                |name: &str| vars.iter().find(|(of, _)| *of == name).map(|(_, value)| (*value).to_owned());
            assert_eq!(context(host, var, &config), expected, "{host} {vars:?}");
        }
        assert_eq!(context(false, |_| None, &Config::default()), "default");
    }
}
