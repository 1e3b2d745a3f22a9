//! A client for Docker's streams: attach, exec, run and logs, over connections that are taken over.
//!
//! [`server`] is the other side, for engines that Docker's clients are to use.
//!
//! Not the whole of Docker's API, but what its streams need: a container made, attached to, started, waited for, told
//! signals and sizes, and removed. [`Docker::request`] asks for everything else.
//!
//! ```no_run
//! use hijack_docker::{AttachOptions, Condition, ContainerConfig, Docker};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let docker = Docker::from_env()?; // DOCKER_HOST, DOCKER_TLS_VERIFY, DOCKER_CERT_PATH
//! let config = ContainerConfig::new("busybox", ["cat"]).with_stdin();
//! let container = docker.create(&config, None).await?.id;
//! // In this order nothing is missed: neither the first output nor the exit code.
//! let mut streams = docker.attach(&container, &AttachOptions::default().with_stdin()).await?;
//! let wait = docker.wait(&container, Condition::NextExit).await?;
//! docker.start(&container).await?;
//! streams.stdin.copy_from(&mut &b"hello\n"[..], None).await?; // and the end of stdin
//! let copied = streams.output.copy_to(&mut tokio::io::stdout(), &mut tokio::io::stderr()).await?;
//! assert_eq!((copied.stdout, wait.exit().await?.code), (6, 0));
//! docker.remove(&container, &Default::default()).await?;
//! # Ok(()) }
//! ```
//!
//! # The way of a stream
//!
//! Each stream has a connection of its own. Not a byte is sent behind the request before its answer is read, since
//! dockerd throws away what it reads ahead; the answer is a 101 or, where a proxy does not upgrade, a bare 200. What it
//! refuses is [`Error::Daemon`] with status and text. Whether outputs are framed comes from the answer's media type from
//! version 1.42 of the API on, and before from the container's configuration, never from the bytes. Connections are
//! probed when silent for 30 s, also inside TLS ([`hijack::ClientConfig::probe_after`]), and have no timeout.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod answer;
mod attach;
mod builder;
mod client;
mod config;
mod container;
mod error;
mod exec;
mod host;
mod http2;
mod list;
mod logs;
mod path;
pub mod server;
mod ssh;
mod system;
mod trace;
mod version;
mod wait;

pub use answer::{Answer, AnswerBody};
pub use attach::AttachOptions;
pub use builder::DockerBuilder;
pub use client::Docker;
pub use config::{ContainerConfig, HostConfig};
pub use container::{Container, ContainerState, Created, RemoveOptions, Size};
pub use error::Error;
pub use exec::{ExecOptions, ExecState};
pub use hijack::stream;
pub use host::Host;
pub use http2::SessionOptions;
pub use list::{ListOptions, Port, Summary};
pub use logs::LogsOptions;
pub use system::{Ping, Version};
pub use trace::Trace;
pub use version::ApiVersion;
pub use wait::{Condition, Exit, Wait};
