//! What can be said to `hijack docker`: Docker's flags, and two of our own.

use std::ffi::OsString;
use std::str::FromStr;

use clap::builder::ValueParser;
use clap::{Args as ClapArgs, Command, Subcommand};
use hijack_docker::stream::DetachKeys;

/// Docker's streams by Docker's words: containers run, entered, attached to and read.
#[derive(Debug, ClapArgs)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Docker {
    /// Where the daemon is: unix:///PATH, tcp://HOST:PORT, https://HOST:PORT or ssh://USER@HOST
    /// [default: $DOCKER_HOST, the current context, or unix:///var/run/docker.sock]
    #[arg(short = 'H', long, global = true, value_name = "HOST")]
    pub(super) host: Option<String>,

    /// Show on stderr what goes over the wire: heads, frames, and when. Bodies and secrets are left out
    #[arg(long, global = true)]
    pub(super) trace: bool,

    #[command(subcommand)]
    pub(super) verb: Verb,
}

const EXAMPLES: &str = "\
Examples:
  hijack docker run --rm -it busybox sh
  tar c . | hijack docker run --rm -i busybox tar t
  hijack docker exec -it web sh
  hijack docker -H ssh://me@example.com logs -f --tail 10 web
  hijack docker --trace run --rm busybox echo hello

The daemon is found as Docker's own client finds it: DOCKER_HOST, DOCKER_CONTEXT, DOCKER_TLS_VERIFY,
DOCKER_CERT_PATH and DOCKER_API_VERSION are read, and of $DOCKER_CONFIG/config.json the current context and the keys to
detach. No image is pulled.

Exit codes are Docker's: that of the container's process or of the exec's; 125 the daemon refused, or a flag is wrong;
126 the command cannot be run; 127 there is no such command; 128 and a signal's number behind that signal; 1 anything
else.";

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    Run(Box<Run>),
    Exec(Exec),
    Attach(Attach),
    Logs(Logs),
    Ps(Ps),
    Version(Version),
}

/// A flag that may be said as `--rm` or, in Go's way, as `--rm=false`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Switch(pub(super) bool);

impl FromStr for Switch {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Self(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Self(false)),
            _ => Err(format!("strconv.ParseBool: parsing {text:?}: invalid syntax")),
        }
    }
}

/// Makes the flags of a command behave as Go's do: a switch may have a value behind a `=`, any other flag takes what
/// stands behind it whatever it looks like, and the last of several counts.
pub(crate) fn in_gos_way(command: Command) -> Command {
    let switch = ValueParser::from(Switch::from_str).type_id();
    let command = command.mut_args(|arg| {
        if arg.get_value_parser().type_id() == switch {
            let said = if arg.get_id() == "sig_proxy" { "true" } else { "false" };
            let arg = arg.num_args(0..=1).require_equals(true).required(false);
            return arg.default_missing_value("true").default_value(said).hide_default_value(true);
        }
        let takes_more = !arg.is_positional() && arg.get_action().takes_values();
        arg.allow_hyphen_values(takes_more)
    });
    command.args_override_self(true).mut_subcommands(in_gos_way)
}

/// Create and run a new container from an image
#[derive(Debug, ClapArgs)]
#[command(after_help = RUN_EXAMPLES, disable_help_flag = true)]
pub(super) struct Run {
    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,

    /// Run the container in the background and print its id
    #[arg(short, long)]
    pub(super) detach: Switch,

    /// Forward signals to the process
    #[arg(long)]
    pub(super) sig_proxy: Switch,

    /// The keys that detach from the terminal, such as ctrl-p,ctrl-q
    #[arg(long, value_name = "KEYS")]
    pub(super) detach_keys: Option<String>,

    /// A name for the container
    #[arg(long)]
    pub(super) name: Option<String>,

    /// Write the container's id to this file, which must not exist
    #[arg(long, value_name = "FILE")]
    pub(super) cidfile: Option<std::path::PathBuf>,

    #[command(flatten)]
    pub(super) container: Container,

    /// The image, and what runs in it instead of its own command
    #[arg(required = true, num_args = 1.., value_names = ["IMAGE", "COMMAND"], trailing_var_arg = true)]
    pub(super) image_and_command: Vec<String>,
}

const RUN_EXAMPLES: &str = "\
Examples:
  hijack docker run --rm busybox echo hello
  hijack docker run --rm -it busybox sh            a shell; ctrl-p ctrl-q leaves it running
  hijack docker run --rm -i busybox sha256sum < photo.jpg
  hijack docker run -d --name web -p 8080:80 nginx";

/// What a container is to be.
#[derive(Debug, Default, ClapArgs)]
#[command(next_help_heading = "The container")]
pub(super) struct Container {
    /// Keep stdin open, and send ours
    #[arg(short, long)]
    pub(super) interactive: Switch,

    /// Give it a terminal
    #[arg(short, long)]
    pub(super) tty: Switch,

    /// Attach to stdin, stdout or stderr only; may be repeated
    #[arg(short, long, value_name = "STREAM")]
    pub(super) attach: Vec<String>,

    /// Remove it when it ends
    #[arg(long)]
    pub(super) rm: Switch,

    #[command(flatten)]
    pub(super) surroundings: Surroundings,

    /// What runs in front of the command, instead of the image's
    #[arg(long, value_name = "COMMAND")]
    pub(super) entrypoint: Option<String>,

    /// A folder of the host, or a volume: SOURCE:TARGET[:OPTIONS]; may be repeated
    #[arg(short, long, value_name = "VOLUME")]
    pub(super) volume: Vec<String>,

    /// A folder in memory: TARGET[:OPTIONS]; may be repeated
    #[arg(long, value_name = "TARGET")]
    pub(super) tmpfs: Vec<String>,

    /// Publish a port: [[ADDRESS:]HOST-PORT:]PORT[/PROTOCOL]; may be repeated
    #[arg(short, long, value_name = "PORT")]
    pub(super) publish: Vec<String>,

    /// Publish every port that the image names
    #[arg(short = 'P', long)]
    pub(super) publish_all: Switch,

    /// A label: NAME or NAME=VALUE; may be repeated
    #[arg(short, long, value_name = "NAME[=VALUE]")]
    pub(super) label: Vec<String>,

    /// The network: none, host, bridge, or a name
    #[arg(long, visible_alias = "net", value_name = "NETWORK")]
    pub(super) network: Option<String>,

    /// The name of the host
    #[arg(short = 'h', long, value_name = "NAME")]
    pub(super) hostname: Option<String>,

    /// A line for /etc/hosts: NAME:ADDRESS; may be repeated
    #[arg(long, value_name = "NAME:ADDRESS")]
    pub(super) add_host: Vec<String>,

    /// A name server; may be repeated
    #[arg(long, value_name = "ADDRESS")]
    pub(super) dns: Vec<String>,

    /// Give it all the host's rights
    #[arg(long)]
    pub(super) privileged: Switch,

    /// Add a capability of Linux; may be repeated
    #[arg(long, value_name = "CAPABILITY")]
    pub(super) cap_add: Vec<String>,

    /// Take one away; may be repeated
    #[arg(long, value_name = "CAPABILITY")]
    pub(super) cap_drop: Vec<String>,

    /// A further group of its user; may be repeated
    #[arg(long, value_name = "GROUP")]
    pub(super) group_add: Vec<String>,

    /// An option of the security modules; may be repeated
    #[arg(long, value_name = "OPTION")]
    pub(super) security_opt: Vec<String>,

    /// Nothing of its file system may be written
    #[arg(long)]
    pub(super) read_only: Switch,

    /// Run a small init as its first process
    #[arg(long)]
    pub(super) init: Option<Switch>,

    /// The processes it sees: host, or container:NAME
    #[arg(long, value_name = "MODE")]
    pub(super) pid: Option<String>,

    /// Memory: bytes, or with b, k, m or g
    #[arg(short, long, value_name = "SIZE")]
    pub(super) memory: Option<String>,

    /// Processors, such as 1.5
    #[arg(long, value_name = "NUMBER")]
    pub(super) cpus: Option<String>,

    /// Processes, at the most; -1 for any number
    #[arg(long, value_name = "NUMBER")]
    pub(super) pids_limit: Option<i64>,

    /// When it starts again: no, always, unless-stopped, on-failure[:TIMES]
    #[arg(long, value_name = "POLICY")]
    pub(super) restart: Option<String>,

    /// The signal that tells it to end
    #[arg(long, value_name = "SIGNAL")]
    pub(super) stop_signal: Option<String>,

    /// The seconds that it then has
    #[arg(long, value_name = "SECONDS")]
    pub(super) stop_timeout: Option<i64>,
}

/// What a command finds where it runs, and as whom it does.
#[derive(Debug, Default, ClapArgs)]
pub(super) struct Surroundings {
    /// Set a variable: NAME=VALUE, or NAME alone for its value here; may be repeated
    #[arg(short, long, value_name = "NAME[=VALUE]")]
    pub(super) env: Vec<String>,

    /// Read variables from a file of such lines; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(super) env_file: Vec<String>,

    /// The folder in which the command runs
    #[arg(short, long, value_name = "DIR")]
    pub(super) workdir: Option<String>,

    /// Who runs it: NAME or UID, and :GROUP or :GID
    #[arg(short, long)]
    pub(super) user: Option<String>,
}

/// Execute a command in a running container
#[derive(Debug, ClapArgs)]
#[command(after_help = EXEC_EXAMPLES)]
pub(super) struct Exec {
    /// Run it in the background
    #[arg(short, long)]
    pub(super) detach: Switch,

    /// Keep stdin open, and send ours
    #[arg(short, long)]
    pub(super) interactive: Switch,

    /// Give it a terminal
    #[arg(short, long)]
    pub(super) tty: Switch,

    /// The keys that detach from the terminal, such as ctrl-p,ctrl-q
    #[arg(long, value_name = "KEYS")]
    pub(super) detach_keys: Option<String>,

    #[command(flatten)]
    pub(super) surroundings: Surroundings,

    /// Give it all the host's rights
    #[arg(long)]
    pub(super) privileged: Switch,

    /// The container, and the command
    #[arg(required = true, num_args = 2.., value_names = ["CONTAINER", "COMMAND"], trailing_var_arg = true)]
    pub(super) container_and_command: Vec<String>,
}

const EXEC_EXAMPLES: &str = "\
Examples:
  hijack docker exec web ls /etc
  hijack docker exec -it web sh
  hijack docker exec -i web tar x < files.tar";

/// Attach stdin, stdout and stderr to a running container
#[derive(Debug, ClapArgs)]
#[command(after_help = ATTACH_EXAMPLES)]
pub(super) struct Attach {
    /// Do not attach stdin
    #[arg(long)]
    pub(super) no_stdin: Switch,

    /// Forward signals to the process
    #[arg(long)]
    pub(super) sig_proxy: Switch,

    /// The keys that detach from the terminal, such as ctrl-p,ctrl-q
    #[arg(long, value_name = "KEYS")]
    pub(super) detach_keys: Option<String>,

    /// The container
    pub(super) container: String,
}

const ATTACH_EXAMPLES: &str = "\
Examples:
  hijack docker attach web                                        until it ends
  hijack docker attach --no-stdin --sig-proxy=false web           look only; ^C leaves";

/// Show what a container wrote
#[derive(Debug, ClapArgs)]
#[command(after_help = LOGS_EXAMPLES)]
pub(super) struct Logs {
    /// Go on with what it writes from now on
    #[arg(short, long)]
    pub(super) follow: Switch,

    /// Only from this time on: 2013-01-02T13:23:37Z, seconds since 1970, or so long ago, such as 42m
    #[arg(long, value_name = "TIME")]
    pub(super) since: Option<String>,

    /// Only up to this time
    #[arg(long, value_name = "TIME")]
    pub(super) until: Option<String>,

    /// With the time in front of each line
    #[arg(short, long)]
    pub(super) timestamps: Switch,

    /// With what the log driver was told to add
    #[arg(long)]
    pub(super) details: Switch,

    /// Only so many last lines; all for all
    #[arg(short = 'n', long, value_name = "LINES", default_value = "all")]
    pub(super) tail: String,

    /// The container
    pub(super) container: String,
}

const LOGS_EXAMPLES: &str = "\
Examples:
  hijack docker logs web
  hijack docker logs -f --tail 10 web
  hijack docker logs -t --since 10m web";

/// List containers
#[derive(Debug, ClapArgs)]
#[command(after_help = PS_EXAMPLES)]
pub(super) struct Ps {
    /// Also those that do not run
    #[arg(short, long)]
    pub(super) all: Switch,

    /// Only ids
    #[arg(short, long)]
    pub(super) quiet: Switch,

    /// With the sizes of their files
    #[arg(short, long)]
    pub(super) size: Switch,

    /// Cut nothing
    #[arg(long)]
    pub(super) no_trunc: Switch,

    /// The last one made
    #[arg(short, long)]
    pub(super) latest: Switch,

    /// So many, the last ones made
    #[arg(short = 'n', long, value_name = "NUMBER", default_value_t = -1, hide_default_value = true, value_parser = parse_number)]
    pub(super) last: i64,

    /// Only those that fit, such as name=web or status=exited; may be repeated
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = parse_filter)]
    pub(super) filter: Vec<(String, String)>,

    /// table, json, or a line with {{.ID}}, {{.Names}}, {{json .}}… in it, as a table behind the word table
    #[arg(long)]
    pub(super) format: Option<String>,
}

const PS_EXAMPLES: &str = "\
Examples:
  hijack docker ps -a
  hijack docker ps -q --filter status=running
  hijack docker ps --format 'table {{.Names}}\\t{{.Status}}'";

/// Show the versions of this client and of the daemon
#[derive(Debug, ClapArgs)]
#[command(after_help = VERSION_EXAMPLES)]
pub(super) struct Version {
    /// json
    #[arg(short, long)]
    pub(super) format: Option<String>,
}

const VERSION_EXAMPLES: &str = "\
Examples:
  hijack docker version
  hijack docker version --format json";

fn parse_filter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("bad format of filter (expected name=value)")?;
    Ok((name.trim().to_lowercase(), value.trim().to_owned()))
}

fn parse_number(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| format!("strconv.ParseInt: parsing {text:?}: invalid syntax"))
}

/// The keys that somebody asked for, if he did.
pub(super) fn detach_keys(text: Option<&str>) -> Result<Option<DetachKeys>, String> {
    match text {
        None | Some("") => Ok(None),
        Some(text) => {
            text.parse().map(Some).map_err(|error| format!("invalid detach keys ({text}): {error}"))
        }
    }
}

/// Whether the command line is one of `hijack docker`.
pub(crate) fn is_meant(mut arguments: impl Iterator<Item = OsString>) -> bool {
    arguments.nth(1).is_some_and(|first| first == "docker")
}
