//! How a client for Docker is set up: by hand, or from the variables that Docker's own client reads.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hijack::tls::rustls;
use hijack::{Client, ClientConfig, Transport};

use crate::client::{Docker, Settings, Wrap};
use crate::host::Place;
use crate::trace::Tracer;
use crate::{ApiVersion, Error, Host, Trace};

/// Makes a [`Docker`].
///
/// ```
/// # fn main() -> Result<(), hijack_docker::Error> {
/// let docker = hijack_docker::Docker::builder()
///     .host("unix:///run/user/1000/docker.sock".parse()?)
///     .configure(|config| config.connect_timeout = std::time::Duration::from_secs(2))
///     .build();
/// assert_eq!(docker.host().to_string(), "unix:///run/user/1000/docker.sock");
/// # Ok(()) }
/// ```
#[must_use = "a builder does nothing until it is built"]
pub struct DockerBuilder {
    host: Host,
    tls: Option<Arc<rustls::ClientConfig>>,
    api_version: Option<ApiVersion>,
    ssh: PathBuf,
    answer_len: usize,
    config: ClientConfig,
    tracer: Tracer,
    wrap: Option<Wrap>,
}

impl Default for DockerBuilder {
    fn default() -> Self {
        Self {
            host: Host::default(),
            tls: None,
            api_version: None,
            ssh: "ssh".into(),
            answer_len: 16 << 20,
            config: ClientConfig::default(),
            tracer: Tracer::default(),
            wrap: None,
        }
    }
}

impl DockerBuilder {
    /// What the environment says:
    ///
    /// - `DOCKER_HOST`: see [`Host`].
    /// - `DOCKER_TLS_VERIFY`, not empty: TLS to hosts of TCP, with `ca.pem`, `cert.pem` and `key.pem` in
    ///   `DOCKER_CERT_PATH`, or in `DOCKER_CONFIG`, or in `~/.docker`. Without certificate and key none is shown.
    /// - `DOCKER_API_VERSION`: the version of the API, which is not agreed upon then.
    ///
    /// `DOCKER_TLS` without `DOCKER_TLS_VERIFY` asks for TLS with anybody, which is refused. Contexts
    /// (`docker context`) are not read.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] that says which variable, or file, cannot be used and why.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_vars(|name| std::env::var(name).ok())
    }

    /// As [`from_env`](Self::from_env), with variables of one's own.
    ///
    /// # Errors
    ///
    /// As [`from_env`](Self::from_env).
    pub fn from_vars(vars: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let var = |name: &str| vars(name).filter(|value| !value.is_empty());
        let mut builder = Self::default();
        if let Some(host) = var("DOCKER_HOST") {
            builder.host = host.parse()?;
        }
        if let Some(version) = var("DOCKER_API_VERSION") {
            builder.api_version = Some(version.parse()?);
        }
        if var("DOCKER_TLS_VERIFY").is_some() {
            let home = || var("HOME").map(|home| Path::new(&home).join(".docker"));
            let folder = var("DOCKER_CERT_PATH").or_else(|| var("DOCKER_CONFIG")).map(PathBuf::from);
            let folder = folder.or_else(home).ok_or_else(|| {
                Error::Config(
                    "DOCKER_TLS_VERIFY is set: say where the certificates are in DOCKER_CERT_PATH".into(),
                )
            })?;
            if matches!(builder.host.0, Place::Tcp(_)) {
                builder = builder.tls_files(&folder)?;
            }
        } else if var("DOCKER_TLS").is_some() && matches!(builder.host.0, Place::Tcp(_)) {
            return Err(Error::Config(
                "DOCKER_TLS asks for TLS without knowing with whom: set DOCKER_TLS_VERIFY as well".into(),
            ));
        }
        Ok(builder)
    }

    /// The daemon. Default: `unix:///var/run/docker.sock`.
    pub fn host(mut self, host: Host) -> Self {
        self.host = host;
        self
    }

    /// TLS for hosts of TCP, by `ca.pem` in `folder`, and `cert.pem` and `key.pem` if they are there.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] that names the file and what is wrong with it.
    pub fn tls_files(self, folder: &Path) -> Result<Self, Error> {
        let [ca, certificate, key] = ["ca.pem", "cert.pem", "key.pem"].map(|name| folder.join(name));
        let identity = (certificate.exists() || key.exists()).then_some((&*certificate, &*key));
        let config = hijack::tls::client_config_with(&ca, identity)
            .map_err(|error| Error::Config(error.to_string()))?;
        Ok(self.tls(config))
    }

    /// TLS for hosts of TCP. Without this, `https://` hosts are checked by the authorities of this machine.
    pub fn tls(mut self, config: Arc<rustls::ClientConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// The version of the API to speak, instead of one that is agreed upon.
    pub fn api_version(mut self, version: ApiVersion) -> Self {
        self.api_version = Some(version);
        self
    }

    /// The command for hosts of `ssh`. Default: `ssh`, wherever the path has it.
    pub fn ssh_program(mut self, program: impl Into<PathBuf>) -> Self {
        self.ssh = program.into();
        self
    }

    /// Bytes of an answer that are taken where it is read whole. Default 16 MiB: a list of 5,000 containers has some
    /// ten.
    pub fn answer_len(mut self, limit: usize) -> Self {
        self.answer_len = limit;
        self
    }

    /// Changes the limits and times of connections.
    pub fn configure(mut self, change: impl FnOnce(&mut ClientConfig)) -> Self {
        change(&mut self.config);
        self
    }

    /// Tells `trace` of every request and every answer's head, from whatever task they are in. It must not block.
    pub fn trace(mut self, trace: impl Fn(&Trace<'_>) + Send + Sync + 'static) -> Self {
        self.tracer = Tracer(Some(Arc::new(trace)));
        self
    }

    /// Puts the stream of each new connection inside another one, which sees the bytes in both directions: to show, to
    /// count or to slow them. TLS, and what `ssh` does, is inside already. Half-closes must go through.
    pub fn wrap(mut self, wrap: impl Fn(Transport) -> Transport + Send + Sync + 'static) -> Self {
        self.wrap = Some(Box::new(wrap));
        self
    }

    /// The client. Nothing is connected before it is asked for.
    #[must_use]
    pub fn build(self) -> Docker {
        let host = if self.tls.is_some() { self.host.with_tls() } else { self.host };
        let client = |config: ClientConfig| {
            let mut builder = Client::builder().configure(|to| *to = config);
            if let Some(tls) = &self.tls {
                builder = builder.tls(Arc::clone(tls));
            }
            builder.build()
        };
        let mut patient = self.config.clone();
        patient.answer_timeout = None;
        Docker::new(Settings {
            host,
            patient: client(patient),
            client: client(self.config),
            ssh: self.ssh,
            wrap: self.wrap,
            api_version: self.api_version,
            answer_len: self.answer_len,
            tracer: self.tracer,
        })
    }
}

impl fmt::Debug for DockerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DockerBuilder")
            .field("host", &self.host)
            .field("tls", &self.tls.is_some())
            .field("api_version", &self.api_version)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(vars: &[(&str, &str)]) -> Result<Docker, Error> {
        let var = |name: &str| vars.iter().find(|(of, _)| *of == name).map(|(_, value)| (*value).to_owned());
        DockerBuilder::from_vars(var).map(DockerBuilder::build)
    }

    #[test]
    fn reads_dockers_variables() {
        let hosts: [(&[(&str, &str)], &str); 4] = [
            (&[], "unix:///var/run/docker.sock"),
            (&[("DOCKER_HOST", "")], "unix:///var/run/docker.sock"),
            (&[("DOCKER_HOST", "tcp://a"), ("DOCKER_TLS_VERIFY", "")], "tcp://a:2375"),
            (&[("DOCKER_TLS_VERIFY", "1"), ("HOME", "/nowhere")], "unix:///var/run/docker.sock"),
        ];
        for (vars, host) in hosts {
            assert_eq!(built(vars).expect(host).host().to_string(), host);
        }
    }

    #[test]
    fn says_which_variable_is_wrong() {
        let table: [(&[(&str, &str)], &str); 4] = [
            (
                &[("DOCKER_HOST", "tcp://a"), ("DOCKER_TLS_VERIFY", "1"), ("HOME", "/nowhere")],
                "/nowhere/.docker/ca.pem",
            ),
            (&[("DOCKER_HOST", "tcp://a"), ("DOCKER_TLS", "1")], "DOCKER_TLS_VERIFY"),
            (&[("DOCKER_HOST", "nonsense")], "unix:///path"),
            (&[("DOCKER_API_VERSION", "latest")], "1.41"),
        ];
        for (vars, text) in table {
            let error = built(vars).expect_err(text).to_string();
            assert!(error.contains(text), "{error}");
        }
    }
}
