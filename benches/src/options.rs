//! The command line, as `bench.sh` writes it.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Loads the programs in turns and compares what they spend.
#[derive(Clone, Debug, Parser)]
pub(crate) struct Options {
    /// What to measure.
    pub(crate) suite: Suite,
    /// Rounds; in each, every program runs twice, there and back (A B C C B A).
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// Operations per run; a run should cost a program a second or more.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) ops: Option<u64>,
    /// Connections held open while memory is read.
    #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) held: u32,
    /// Programs, in the order of the first pass.
    #[arg(long, value_delimiter = ',')]
    pub(crate) peers: Option<Vec<String>>,
    /// Parts of the suite; all of them unless given.
    #[arg(long, value_delimiter = ',')]
    pub(crate) parts: Option<Vec<String>>,
    /// The core the programs are pinned to.
    #[arg(long, default_value_t = 0)]
    pub(crate) core: u32,
    /// The built Go server.
    #[arg(long)]
    pub(crate) go: Option<PathBuf>,
    /// Bun.
    #[arg(long)]
    pub(crate) bun: Option<PathBuf>,
    /// mitmproxy's program without a screen.
    #[arg(long)]
    pub(crate) mitmdump: Option<PathBuf>,
    /// Instead of measuring: record the first program's profile to this folder, a file for each part.
    #[arg(long)]
    pub(crate) profile: Option<PathBuf>,
    /// Write the results here as JSON.
    #[arg(long, requires_all = ["date", "commit"])]
    pub(crate) save: Option<PathBuf>,
    /// Date for the results.
    #[arg(long)]
    pub(crate) date: Option<String>,
    /// Commit for the results.
    #[arg(long)]
    pub(crate) commit: Option<String>,
    /// Compiler and peers, for the results.
    #[arg(long, value_delimiter = ',')]
    pub(crate) versions: Vec<String>,
}

impl Options {
    /// Whether this part of the suite is asked for.
    pub(crate) fn wants(&self, part: &str) -> bool {
        self.parts.as_ref().is_none_or(|parts| parts.iter().any(|name| name == part))
    }
}

/// The things that can be measured.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Suite {
    /// Servers: connect, ask for the upgrade, one echo, close.
    Takeover,
    /// Servers: ordinary requests on kept-alive connections.
    Http,
    /// Both, with clients under measurement.
    Client,
    /// Both, with axum apps under measurement.
    Axum,
    /// Port forwarders: bulk, small messages, and what visits leave behind.
    Relay,
    /// WebSocket servers: echoes of all sizes, and what idle connections hold.
    Ws,
    /// Codecs of gob: ten values, written and read.
    Gob,
    /// Our gateway: bulk, WebSocket messages, looked at or not, and ordinary requests.
    Gateway,
    /// Calls of net/rpc, between ours and Go's in every pairing.
    Rpc,
    /// Calls of gRPC, over taken-over connections and over TCP.
    Grpc,
}
