//! The flags of `hijack gateway`.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use hijack::Endpoint;

use crate::args::parse_threads;

/// A gateway in front of unmodified servers, whose upgraded connections can be seen and steered while they live.
///
/// Flags come before what the file says.
#[derive(Debug, Default, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Gateway {
    /// Read this configuration; examples/gateway.toml has every key
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Where clients come in: HOST:PORT, or unix:PATH; may be repeated [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Vec<String>,

    /// Where requests go that no other route takes: http://HOST:PORT, https://HOST:PORT or unix:PATH
    #[arg(long, value_name = "URL", value_parser = parse_upstream)]
    pub(crate) upstream: Option<Endpoint>,

    /// Let this token of `Upgrade` pass, besides websocket and tcp; may be repeated. `*` is any but h2c
    #[arg(long, value_name = "TOKEN", value_parser = parse_upgrade)]
    pub(crate) upgrade: Vec<String>,

    /// Where operators come in: HOST:PORT, unix:PATH, or `off` [default: 127.0.0.1:9091]
    #[arg(long, value_name = "ADDR")]
    pub(crate) admin: Option<String>,

    /// Worker threads [default: one per core]
    #[arg(long, value_name = "N", value_parser = parse_threads)]
    pub(crate) threads: Option<usize>,

    /// Start the demo server behind it, on 127.0.0.1:9090, and allow what it offers
    #[arg(long, conflicts_with = "upstream")]
    pub(crate) demo: bool,

    /// Check the configuration, say what it means, and start nothing
    #[arg(long)]
    pub(crate) check: bool,
}

/// Where the demo server listens.
pub(super) const DEMO: (&str, u16) = ("127.0.0.1", 9090);

const EXAMPLES: &str = "\
Examples:
  hijack gateway --upstream http://127.0.0.1:3000
  hijack gateway --config gateway.toml --check
  hijack gateway --listen unix:/tmp/docker.sock --upstream unix:/var/run/docker.sock --admin 127.0.0.1:9091";

fn parse_upstream(text: &str) -> Result<Endpoint, String> {
    text.parse().map_err(|_| "it looks like http://host:port, https://host:port or unix:/path/to.sock".into())
}

fn parse_upgrade(text: &str) -> Result<String, String> {
    if text != "*" && !hijack::tokens::is_protocol(text.as_bytes()) {
        return Err("a token is one word, such as websocket or tcp".into());
    }
    Ok(text.to_owned())
}
