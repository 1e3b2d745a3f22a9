//! The command line, as typed.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};

/// Take over HTTP/1.1 connections, and see what lives on them.
///
/// Without a command the demo server starts, on 127.0.0.1:9090.
#[derive(Debug, Parser)]
#[command(name = "hijack", version, after_help = "Example:\n  hijack demo --listen 127.0.0.1:9090")]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Demo(Demo),
}

impl Default for Command {
    fn default() -> Self {
        Self::Demo(Demo { listen: DEMO_ADDRESS.into(), threads: None, tls_cert: None, tls_key: None })
    }
}

const DEMO_ADDRESS: &str = "127.0.0.1:9090";

/// A server to try takeovers on: its page at / explains them.
#[derive(Debug, ClapArgs)]
#[command(after_help = DEMO_EXAMPLES)]
pub(crate) struct Demo {
    /// Where to listen: HOST:PORT, or unix:PATH
    #[arg(long, value_name = "ADDR", default_value = DEMO_ADDRESS)]
    pub(crate) listen: String,

    /// Worker threads [default: one per core]
    #[arg(long, value_name = "N", value_parser = parse_threads)]
    pub(crate) threads: Option<usize>,

    /// Serve TLS with this certificate chain (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// The private key of the certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
}

const DEMO_EXAMPLES: &str = "\
Examples:
  hijack demo --listen 127.0.0.1:9090
  curl http://127.0.0.1:9090/                   the page that explains everything
  curl --http0.9 http://127.0.0.1:9090/handle1  taken over: 11 bytes that are no HTTP
  curl -i http://127.0.0.1:9090/handle2         the same text as an ordinary answer";

fn parse_threads(text: &str) -> Result<usize, String> {
    let threads: NonZeroUsize = text.parse().map_err(|_| "a number from 1 upwards is needed".to_string())?;
    Ok(threads.get())
}
