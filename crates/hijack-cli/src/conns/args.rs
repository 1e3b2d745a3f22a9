//! The command line of `hijack conns`.

use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use hijack::Endpoint;
use hijack_gateway::Filter;

/// See and steer the connections of a running gateway, over its admin API.
#[derive(Debug, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Conns {
    #[command(subcommand)]
    pub(super) act: Act,

    #[command(flatten)]
    pub(super) reach: Reach,
}

/// Where the gateway is, and who asks.
#[derive(Debug, ClapArgs)]
pub(super) struct Reach {
    /// The admin address of the gateway: http://HOST:PORT, https://HOST:PORT or unix:PATH
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9091", value_parser = parse_admin, global = true)]
    pub(super) admin: Endpoint,

    /// The token, as the gateway printed it or its configuration names it [default: HIJACK_TOKEN]
    #[arg(long, value_name = "TOKEN", global = true)]
    pub(super) token: Option<String>,

    /// Print JSON: an object a line
    #[arg(long, global = true)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Act {
    List(List),
    Show(Show),
    Tail(Tail),
    Send(Send),
    Kick(Kick),
    Broadcast(Broadcast),
    Tag(Tag),
}

/// List connections: those that live, or with `state=closed` in the filter those that ended.
#[derive(Debug, ClapArgs)]
#[command(after_help = LIST_EXAMPLES)]
pub(super) struct List {
    /// Only these, such as 'user=alice and idle>30s' (the fields are in docs/filter.md)
    #[arg(long, value_name = "FILTER", value_parser = parse_filter)]
    pub(super) filter: Option<Query>,

    /// At most so many
    #[arg(long, value_name = "N")]
    pub(super) limit: Option<usize>,

    /// Keep the list up to date; to a pipe, or as JSON, print what opens and closes
    #[arg(long)]
    pub(super) watch: bool,
}

/// Show all that is known of one connection.
#[derive(Debug, ClapArgs)]
#[command(after_help = SHOW_EXAMPLES)]
pub(super) struct Show {
    /// Its number, as `list` shows it
    pub(super) id: u64,
}

/// Print the messages of a connection while they pass.
#[derive(Debug, ClapArgs)]
#[command(after_help = TAIL_EXAMPLES)]
pub(super) struct Tail {
    /// Its number, as `list` shows it
    pub(super) id: u64,

    /// How payloads are shown: `auto` prints text as text and the rest as hex
    #[arg(long = "as", value_name = "FORM", value_enum, default_value_t = Form::Auto)]
    pub(super) form: Form,
}

/// How payloads are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    Auto,
    Text,
    Json,
    Hex,
}

/// Send a message to one side of a connection.
#[derive(Debug, ClapArgs)]
#[command(after_help = SEND_EXAMPLES)]
pub(super) struct Send {
    /// Its number, as `list` shows it
    pub(super) id: u64,

    #[command(flatten)]
    pub(super) message: Message,
}

/// A message to send, and to whom.
#[derive(Debug, ClapArgs)]
pub(super) struct Message {
    /// The text; without it and --base64, stdin to its end
    #[arg(value_name = "TEXT", conflicts_with = "base64")]
    pub(super) text: Option<String>,

    /// A binary message, in base64
    #[arg(long, value_name = "BASE64", conflicts_with = "binary")]
    pub(super) base64: Option<String>,

    /// Send stdin as a binary message
    #[arg(long, conflicts_with = "text")]
    pub(super) binary: bool,

    /// Who gets it
    #[arg(long, value_enum, default_value_t = To::Client)]
    pub(super) to: To,
}

/// A side of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum To {
    Client,
    Upstream,
}

/// Close connections: those of these numbers, or all that match a filter.
#[derive(Debug, ClapArgs)]
#[command(after_help = KICK_EXAMPLES)]
pub(super) struct Kick {
    /// Their numbers, as `list` shows them
    #[arg(value_name = "ID", required_unless_present = "filter", conflicts_with = "filter")]
    pub(super) ids: Vec<u64>,

    /// All of these, such as 'route=chat and idle>1h'
    #[arg(long, value_name = "FILTER", value_parser = parse_filter)]
    pub(super) filter: Option<Query>,

    /// The close code that WebSockets get
    #[arg(long, value_name = "CODE", value_parser = parse_code)]
    pub(super) code: Option<u16>,

    /// The reason that they get with it
    #[arg(long, value_name = "TEXT", value_parser = parse_reason, requires = "code")]
    pub(super) reason: Option<String>,

    /// At most so many per second
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "ids")]
    pub(super) rate: Option<u32>,

    /// Do not ask, however many match
    #[arg(long)]
    pub(super) yes: bool,
}

/// Send a message to all connections that match a filter.
#[derive(Debug, ClapArgs)]
#[command(after_help = BROADCAST_EXAMPLES)]
pub(super) struct Broadcast {
    /// These; '' is all
    #[arg(long, value_name = "FILTER", value_parser = parse_filter)]
    pub(super) filter: Query,

    #[command(flatten)]
    pub(super) message: Message,
}

/// Give a connection tags, in the place of those that it has.
#[derive(Debug, ClapArgs)]
#[command(after_help = TAG_EXAMPLES)]
pub(super) struct Tag {
    /// Its number, as `list` shows it
    pub(super) id: u64,

    /// The tags
    #[arg(value_name = "TAG", required_unless_present = "clear")]
    pub(super) tags: Vec<String>,

    /// Take all tags away
    #[arg(long, conflicts_with = "tags")]
    pub(super) clear: bool,
}

/// A filter as it was typed, and what it means.
#[derive(Debug, Clone)]
pub(super) struct Query {
    pub(super) text: String,
    pub(super) filter: Filter,
}

const EXAMPLES: &str = "\
Examples:
  hijack conns list --filter 'user=alice and idle>30s'
  hijack conns list --watch
  hijack conns tail 7 --as json
  hijack conns send 7 'the server restarts in a minute'
  hijack conns kick --filter 'route=chat' --code 1012 --reason restart --rate 50
  hijack conns broadcast --filter tag=beta hello

Exit codes: 0 it worked; 2 wrong command line; 3 the gateway cannot be reached; 4 it refused; 6 the connection to it
broke; 7 nothing matched; 1 anything else.";

const LIST_EXAMPLES: &str = "\
Examples:
  hijack conns list
  hijack conns list --filter 'user=alice and idle>30s'
  hijack conns list --filter 'state=closed and code=1006' --json
  hijack conns list --watch";

const SHOW_EXAMPLES: &str = "\
Example:
  hijack conns show 7";

const TAIL_EXAMPLES: &str = "\
Examples:
  hijack conns tail 7
  hijack conns tail 7 --as json
  hijack conns tail 7 --json | jq -r .text";

const SEND_EXAMPLES: &str = "\
Examples:
  hijack conns send 7 'the server restarts in a minute'
  hijack conns send 7 --to upstream --binary < message.bin";

const KICK_EXAMPLES: &str = "\
Examples:
  hijack conns kick 7 8 --code 1008 --reason 'not you'
  hijack conns kick --filter 'route=chat and idle>1h' --code 1001 --rate 50";

const BROADCAST_EXAMPLES: &str = "\
Example:
  hijack conns broadcast --filter 'route=chat and tag=beta' hello";

const TAG_EXAMPLES: &str = "\
Examples:
  hijack conns tag 7 vip beta
  hijack conns tag 7 --clear";

fn parse_admin(text: &str) -> Result<Endpoint, String> {
    text.parse().map_err(|_| "it looks like http://127.0.0.1:9091, https://host:port or unix:/path".into())
}

fn parse_filter(text: &str) -> Result<Query, String> {
    match text.parse() {
        Ok(filter) => Ok(Query { text: text.to_owned(), filter }),
        Err(error) => Err(error.to_string()),
    }
}

/// Codes that may stand in a Close (RFC 6455 §7.4).
fn parse_code(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(code @ (1000..=1003 | 1007..=1014 | 3000..=4999)) => Ok(code),
        _ => Err("a close code is 1000 to 1003, 1007 to 1014 or 3000 to 4999".into()),
    }
}

/// A control frame holds 125 bytes, the code takes two of them (RFC 6455 §5.5).
fn parse_reason(text: &str) -> Result<String, String> {
    if text.len() > 123 {
        return Err(format!("a reason of {} bytes exceeds limit 123", text.len()));
    }
    Ok(text.to_owned())
}
