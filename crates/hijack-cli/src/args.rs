//! The command line, as typed.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};
use hijack::ws::Dial;
use http::{HeaderName, HeaderValue};

use crate::conns::Conns;
use crate::docker::Docker;
use crate::gateway::Gateway;
use crate::grpc_forward::GrpcForward;
use crate::rpc::Rpc;

/// Take over HTTP/1.1 connections, and see what lives on them.
///
/// Without a command a demo server starts on 127.0.0.1:9090, a gateway before it on 127.0.0.1:8080, and the gateway's
/// console on 127.0.0.1:9091: what `hijack gateway --demo` does.
#[derive(Debug, Parser)]
#[command(name = "hijack", version, after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Demo(Demo),
    Gateway(Gateway),
    Conns(Box<Conns>),
    Rpc(Box<Rpc>),
    Ws(Box<Ws>),
    GrpcForward(Box<GrpcForward>),
    Docker(Docker),
}

const EXAMPLES: &str = "\
Examples:
  hijack demo --listen 127.0.0.1:9090
  hijack gateway --upstream http://127.0.0.1:9090 --check
  hijack conns list --filter 'idle>30s'
  hijack rpc call http://127.0.0.1:9090 Arith.Multiply '{\"A\":7,\"B\":8}'
  hijack ws ws://127.0.0.1:9090/ws
  hijack grpc-forward --listen 127.0.0.1:50051 --to http://127.0.0.1:9090/grpc
  hijack docker run --rm -it busybox sh";

impl Default for Command {
    fn default() -> Self {
        Self::Gateway(Gateway { demo: true, ..Gateway::default() })
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

/// A WebSocket client: a line of stdin is a text message, what comes is printed.
#[derive(Debug, ClapArgs)]
#[command(after_help = WS_EXAMPLES)]
pub(crate) struct Ws {
    /// Where to: ws://HOST:PORT/PATH or wss://…, or http and https instead
    #[arg(value_parser = parse_url)]
    pub(crate) url: Url,

    /// Send stdin as binary messages, as it comes; write what comes to a pipe or file as raw bytes, without newlines
    #[arg(long)]
    pub(crate) binary: bool,

    /// Add a header to the request; may be repeated
    #[arg(long, value_name = "NAME: VALUE", value_parser = parse_header)]
    pub(crate) header: Vec<(HeaderName, HeaderValue)>,

    /// Connect to this Unix socket instead of the URL's host, which the request still names
    #[arg(long, value_name = "PATH")]
    pub(crate) unix_socket: Option<PathBuf>,

    /// Offer a subprotocol, the one that is liked best first; may be repeated
    #[arg(long, value_name = "NAME", value_parser = parse_subprotocol)]
    pub(crate) subprotocol: Vec<String>,

    /// When stdin ends, close (1000), and print what comes until the server has closed too. Without this, go on
    /// receiving until the server closes
    #[arg(long)]
    pub(crate) exit_on_close: bool,

    /// Ping the server after so many seconds of its silence; 0 never does
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub(crate) ping: u32,

    /// Offer compression (permessage-deflate)
    #[arg(long)]
    pub(crate) compress: bool,

    /// Trust the certificate authorities in this file (PEM) instead of the machine's
    #[arg(long, value_name = "FILE", conflicts_with = "insecure")]
    pub(crate) ca: Option<PathBuf>,

    /// Take any certificate of the server's: nobody is kept from reading along or answering in its place
    #[arg(long)]
    pub(crate) insecure: bool,
}

const WS_EXAMPLES: &str = "\
Examples:
  hijack ws ws://127.0.0.1:9090/ws                                 type lines, read the answers; ^D, ^C closes
  echo hello | hijack ws --exit-on-close ws://127.0.0.1:9090/ws    say it, print the answer, end
  hijack ws --binary --exit-on-close ws://127.0.0.1:9090/ws < photo.jpg > copy.jpg
  hijack ws --header 'Authorization: Bearer TOKEN' --subprotocol v1.live wss://example.com/live
  hijack ws --unix-socket /run/app.sock ws://localhost/live

A line is a message without its newline, and must be UTF-8. A binary message that comes without --binary is printed
as one line, with escapes, as is what comes to a terminal with control characters.

Exit codes: 0 closed with 1000, 1001 or no code; 2 wrong command line; 3 the server cannot be reached; 4 it opens no
WebSocket (status and body on stderr); 5 it closed with another code; 6 the connection broke or the server broke the
protocol; 1 anything else.";

/// A URL and what it means to the client.
#[derive(Debug, Clone)]
pub(crate) struct Url {
    pub(crate) text: String,
    pub(crate) dial: Dial,
}

fn parse_url(text: &str) -> Result<Url, String> {
    match Dial::to(text) {
        Ok(dial) => Ok(Url { text: text.to_owned(), dial }),
        Err(_) => Err("it looks like ws://host:port/path or wss://host/path".into()),
    }
}

/// The headers that make the handshake, which are not the user's to change.
const HANDSHAKE: [&str; 6] = [
    "connection",
    "upgrade",
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-extensions",
    "sec-websocket-protocol",
];

pub(crate) fn parse_header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("it looks like 'Name: value'")?;
    let name: HeaderName = name.trim().parse().map_err(|_| format!("{name:?} is no header's name"))?;
    if HANDSHAKE.contains(&name.as_str()) {
        return Err(format!("{name} is the handshake's own: see --subprotocol and --compress"));
    }
    let value = HeaderValue::from_str(value.trim()).map_err(|_| "its value has control characters in it")?;
    Ok((name, value))
}

fn parse_subprotocol(text: &str) -> Result<String, String> {
    if !hijack::tokens::is_token(text.as_bytes()) {
        return Err("a subprotocol is one word, such as v1.live".into());
    }
    Ok(text.to_owned())
}

pub(crate) fn parse_threads(text: &str) -> Result<usize, String> {
    let threads: NonZeroUsize = text.parse().map_err(|_| "a number from 1 upwards is needed".to_string())?;
    Ok(threads.get())
}
