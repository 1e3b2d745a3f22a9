//! The client of Go's net/rpc: a call on the command line, its answer on stdout.
//!
//! `value` makes values of JSON and JSON of values, by codec; `list` reads the page of what a server offers. Here stand
//! the words, and what is said when a call fails.

mod list;
mod value;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use hijack::Client;
use hijack::rpc::{CallError, Codec, Decode, Dial, Encode, Gob, Json, MsgPack};
use http::{HeaderName, HeaderValue};
use serde_json::Value as JsonValue;

use crate::exit::{Failure, Kind};
use value::{MsgPackReply, dynamic};

/// Call a server of Go's net/rpc, or list what it offers.
#[derive(Debug, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Rpc {
    #[command(subcommand)]
    command: RpcCommand,
}

#[derive(Debug, Subcommand)]
enum RpcCommand {
    Call(Call),
    List(List),
}

const EXAMPLES: &str = "\
Examples:
  hijack rpc call http://127.0.0.1:9090 Arith.Multiply '{\"A\":7,\"B\":8}'    prints 56
  hijack rpc list http://127.0.0.1:9090

URL is http://HOST:PORT[/PATH] (CONNECT to PATH, /_goRPC_ if none is said; https:// too), unix:PATH (the same over a Unix
socket), or tcp://HOST:PORT (no HTTP).";

/// Call a method, and print its answer as JSON.
#[derive(Debug, ClapArgs)]
#[command(after_help = CALL_EXAMPLES)]
struct Call {
    /// Where to: http://HOST:PORT[/PATH], unix:PATH, tcp://HOST:PORT
    url: String,

    /// What to call, as SERVICE.METHOD
    method: String,

    /// The arguments, as JSON
    #[arg(value_parser = parse_json, allow_hyphen_values = true)]
    args: JsonValue,

    /// How values are written
    #[arg(long, value_enum, default_value_t)]
    codec: Encoding,

    /// The Go type of the arguments, where it is not the one that the JSON seems to have
    #[arg(long = "type", value_name = "GO TYPE", value_parser = value::parse_type)]
    ty: Option<hijack_gob::Type>,

    #[command(flatten)]
    connecting: Connecting,
}

/// List the methods of a server from its page /debug/rpc.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:\n  hijack rpc list http://127.0.0.1:9090")]
struct List {
    /// Where to: http://HOST:PORT, https://HOST:PORT or unix:PATH
    url: String,

    /// Print JSON instead of lines
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    connecting: Connecting,
}

#[derive(Debug, ClapArgs)]
struct Connecting {
    /// Give up after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    timeout: u64,

    /// Add a header to the request; may be repeated
    #[arg(long, value_name = "NAME: VALUE", value_parser = parse_header)]
    header: Vec<(HeaderName, HeaderValue)>,

    /// Trust the certificate authorities in this file (PEM) instead of the machine's
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

/// How values are written on the connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Encoding {
    /// As net/rpc does unless told otherwise
    #[default]
    Gob,
    /// As net/rpc/jsonrpc
    Json,
    /// As hashicorp/net-rpc-msgpackrpc: Consul, Nomad
    Msgpack,
}

const CALL_EXAMPLES: &str = "\
Examples:
  hijack rpc call http://127.0.0.1:9090 Arith.Divide '{\"A\":7,\"B\":2}'
  hijack rpc call tcp://127.0.0.1:1234 Clock.Add 90 --codec json
  hijack rpc call unix:/run/app.sock Store.Get '\"key\"'
  hijack rpc call tcp://127.0.0.1:1234 Blob.Put '\"aGVsbG8=\"' --type '[]byte'
  hijack rpc call tcp://127.0.0.1:1234 Stock.Set '{\"EUR\":3}' --type 'map[string]uint'

gob tells the type of every value, and the server takes no other one. A type is seen in the JSON so: an object whose
keys all begin with a capital is a struct, any other a map of strings; a number with a point or an exponent is a
float64, any other an int; null is left out; true, texts and lists are what they are, a list of things of one kind.
Everything else is said by --type, in Go's words: uint, int64, []byte (its JSON is base64), map[string]int,
struct{A, B int; Tags []string}, time.Time (RFC 3339), *T as T, interface{}. Names of types do not matter.

Only the answer goes to stdout. Exit codes: 0 answered; 2 wrong command line; 1 anything else, with the reason on stderr.";

fn parse_json(text: &str) -> Result<JsonValue, String> {
    serde_json::from_str(text)
        .map_err(|error| format!("{error} (texts need quotes of their own: '\"text\"')"))
}

fn parse_header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("it looks like 'Name: value'")?;
    let name: HeaderName = name.trim().parse().map_err(|_| format!("{name:?} is no header's name"))?;
    let value = HeaderValue::from_str(value.trim()).map_err(|_| "its value has control characters in it")?;
    Ok((name, value))
}

/// Does what was asked.
pub(crate) async fn run(rpc: Rpc) -> Result<(), Failure> {
    let (RpcCommand::Call(Call { connecting, .. }) | RpcCommand::List(List { connecting, .. })) =
        &rpc.command;
    let timeout = connecting.timeout;
    let done = async {
        match &rpc.command {
            RpcCommand::Call(call) => call.run().await,
            RpcCommand::List(list) => list::run(list).await,
        }
    };
    let late = || failure(format!("no answer within {timeout} s (--timeout allows more)"));
    tokio::time::timeout(Duration::from_secs(timeout), done).await.unwrap_or_else(|_| Err(late()))
}

impl Call {
    async fn run(&self) -> Result<(), Failure> {
        if self.ty.is_some() && self.codec != Encoding::Gob {
            return Err(failure("--type says what gob wants to know, and no other codec"));
        }
        let answer = match self.codec {
            Encoding::Gob => {
                let args = dynamic(&self.args, self.ty.as_ref()).map_err(failure)?;
                let answer: hijack_gob::Dynamic = self.call(&Gob::default(), &args).await?;
                answer.to_json()
            }
            Encoding::Json => self.call(&Json, &self.args).await?,
            Encoding::Msgpack => {
                let MsgPackReply(answer) = self.call(&MsgPack, &self.args).await?;
                answer
            }
        };
        println!("{answer}");
        Ok(())
    }

    async fn call<C, R>(&self, codec: &C, args: &(impl Encode<C> + Sync)) -> Result<R, Failure>
    where
        C: Codec,
        R: Decode<C> + Send + 'static,
    {
        let mut dial = Dial::to(&self.url).map_err(|error| failure(error.to_string()))?;
        for (name, value) in &self.connecting.header {
            dial = dial.header(name.clone(), value.clone());
        }
        let cannot = |why: String| failure(format!("cannot call {} at {}: {why}", self.method, self.url));
        let opened = dial.by(self.connecting.client()?).open(codec).await;
        let client = opened.map_err(|error| cannot(error.to_string()))?;
        let answer = client.call(&self.method, args).await;
        answer.map_err(|error| match error {
            CallError::Remote(text) => failure(text),
            error => cannot(format!("{error}{}", advice(&error))),
        })
    }
}

/// What may help.
fn advice(error: &CallError) -> &'static str {
    match error {
        CallError::Lost(_) => " (does the server speak this --codec, and is that its kind of URL?)",
        _ => "",
    }
}

impl Connecting {
    fn client(&self) -> Result<Client, Failure> {
        let Some(authorities) = &self.ca else { return Ok(Client::new()) };
        Ok(Client::builder().tls(hijack::tls::client_config_with(authorities, None)?).build())
    }
}

fn failure(text: impl Into<String>) -> Failure {
    Failure::new(Kind::Other, text)
}
