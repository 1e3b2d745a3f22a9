//! Which programs are compared.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fmt, io};

use crate::launch::{Config, Launch, Pair};
use crate::options::Options;

/// What the measured programs are to the connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Server,
    Client,
    /// An axum app; the peers are the engines that serve it.
    AxumServer,
    /// Between the load and a server; the peers are forwarders and proxies.
    Relay,
    /// A WebSocket server.
    WsServer,
    /// One that compresses.
    WsDeflateServer,
    /// One that gives to all what it gets.
    WsBroadcastServer,
    /// Writes and reads values, without connections.
    Codec,
    /// A client of net/rpc and its server, measured together.
    RpcPair,
    /// A client of gRPC and its server, and the way between them.
    GrpcPair,
    /// Our gateway and these others, as they are installed.
    Gateway(&'static [&'static str]),
}

/// One program, and how it counts allocations: a variant of it, or itself.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) name: String,
    pub(crate) program: PathBuf,
    /// None of a program that cannot count.
    pub(crate) counted: Option<PathBuf>,
    pub(crate) arguments: &'static [&'static str],
    /// Those in Rust do.
    pub(crate) runs_in_valgrind: bool,
    /// What it is configured with, if it does not go by arguments.
    config: Option<Config>,
    /// The server, if both ends are measured.
    pair: Option<Pair>,
}

/// The name under which our own programs are compared with the others.
pub(crate) const OURS: &str = "hijack";

/// Our gateway with operators who look at connections.
pub(crate) const OURS_WATCHED: &str = "hijack-watched";

impl Peer {
    /// The programs of `--peers` that are built and have this role; says which are missing.
    pub(crate) fn present(role: Role, options: &Options) -> io::Result<Vec<Self>> {
        let defaults = role.default_peers().iter().map(|name| (*name).to_owned()).collect();
        let mut peers = Vec::new();
        for name in options.peers.as_ref().unwrap_or(&defaults) {
            let peer = Self::named(name, role, options)?;
            if peer.program.is_file() && peer.counted.as_ref().is_none_or(|counted| counted.is_file()) {
                peers.push(peer);
            } else {
                eprintln!("no {role} {name}: its bars are not measured");
            }
        }
        Ok(peers)
    }

    fn named(name: &str, role: Role, options: &Options) -> io::Result<Self> {
        match (role, name) {
            (Role::Relay, "haproxy-tcp") => Ok(Self::configured(name, "haproxy", Config::HaproxyTcp)),
            (Role::Relay, "haproxy-http") => Ok(Self::configured(name, "haproxy", Config::HaproxyHttp)),
            (Role::Relay, "nginx") => Ok(Self::configured(name, "nginx", Config::Nginx)),
            (Role::WsDeflateServer, OURS) => Self::beside(name, role, name, DEFLATE),
            (Role::WsBroadcastServer, OURS) => Self::beside(name, role, name, BROADCAST),
            (Role::WsDeflateServer, "fastwebsockets" | "tungstenite")
            | (Role::WsBroadcastServer, "fastwebsockets" | "tungstenite" | "gorilla") => {
                Ok(Self::foreign(name, None, &[]))
            }
            (
                Role::Gateway(of_part),
                OURS | OURS_WATCHED | "haproxy-tcp" | "haproxy-http" | "nginx" | "mitmdump",
            ) => Self::gateway(name, of_part.contains(&name), options),
            (Role::Server | Role::Client | Role::AxumServer | Role::Relay | Role::WsServer, OURS)
            | (Role::Relay, "copy")
            | (Role::WsServer, "fastwebsockets" | "tungstenite")
            | (Role::Server | Role::Client | Role::AxumServer, "hyper") => {
                Self::beside(name, role, name, &[])
            }
            (Role::Server, "hijack-in-handler") => Self::beside(name, role, OURS, &["--in-handler"]),
            (Role::Client, "hijack-map") => Self::beside(name, role, OURS, &["--map"]),
            (Role::Server, "hyper-timer") => Self::beside(name, role, "hyper", &["--timer"]),
            (Role::Codec, OURS) => Ok(Self { counted: None, ..Self::beside(name, role, name, &[])? }),
            (Role::RpcPair, OURS | "go" | "go-hijack" | "hijack-go") => Self::pair(name, options),
            (Role::GrpcPair, "plain") => Self::grpc(name, &["plain"], &["plain"]),
            (Role::GrpcPair, "token") => Self::grpc(name, &["token"], &["token"]),
            (Role::GrpcPair, "websocket") => Self::grpc(name, &["websocket"], &["websocket"]),
            (Role::GrpcPair, "forward") => Self::grpc(name, &["plain"], &["token"]),
            (Role::Server, "go") => Ok(Self::go(options)),
            (Role::WsServer, "bun") => Ok(Self::foreign(name, options.bun.as_deref(), &[BUN_SERVER])),
            (Role::WsDeflateServer, "bun") => Ok(Self::foreign(name, options.bun.as_deref(), BUN_DEFLATE)),
            (Role::WsBroadcastServer, "bun") => {
                Ok(Self::foreign(name, options.bun.as_deref(), BUN_BROADCAST))
            }
            (Role::WsServer, "gorilla") | (Role::Codec, "go") => {
                Ok(Self::foreign(name, options.go.as_deref(), &[]))
            }
            (Role::WsDeflateServer, "gorilla") => Ok(Self::foreign(name, options.go.as_deref(), DEFLATE)),
            _ => Err(io::Error::other(format!("unknown {role} {name}"))),
        }
    }

    /// The program of that role and name beside this one.
    fn beside(name: &str, role: Role, file: &str, arguments: &'static [&'static str]) -> io::Result<Self> {
        let own = std::env::current_exe()?;
        Ok(Self {
            name: name.to_owned(),
            program: own.with_file_name(format!("{}-{file}", role.file())),
            counted: Some(own.with_file_name(format!("{}-{file}-counted", role.file()))),
            arguments,
            runs_in_valgrind: true,
            config: None,
            pair: None,
        })
    }

    /// A client of net/rpc and its server, each ours or Go's; one name is both.
    fn pair(name: &str, options: &Options) -> io::Result<Self> {
        let (client, server) = name.split_once('-').unwrap_or((name, name));
        let own = env::current_exe()?;
        let go = options.go.clone().unwrap_or_default();
        let ours = |end: &str| own.with_file_name(format!("{end}-rpc-hijack"));
        let is_go = |end| end == "go";
        let program = if is_go(client) { go.clone() } else { ours("client") };
        let pair = Pair {
            server: if is_go(server) { go } else { ours("server") },
            server_arguments: if is_go(server) { &["server"] } else { &[] },
            forwarder: None,
        };
        let arguments: &[&str] = if is_go(client) { &["client"] } else { &[] };
        let program = Some(program).filter(|_| pair.server.is_file());
        Ok(Self { pair: Some(pair), ..Self::foreign(name, program.as_deref(), arguments) })
    }

    /// A client of gRPC and its server.
    fn grpc(
        name: &str,
        client: &'static [&'static str],
        server: &'static [&'static str],
    ) -> io::Result<Self> {
        let own = env::current_exe()?;
        let forwarder = (name == "forward").then(|| own.with_file_name("hijack"));
        let pair = Pair { server: own.with_file_name("server-grpc"), server_arguments: server, forwarder };
        Ok(Self { pair: Some(pair), ..Self::foreign(name, Some(&own.with_file_name("client-grpc")), client) })
    }

    /// One of the programs that stand between clients and servers, if this part of the suite measures it.
    fn gateway(name: &str, is_of_part: bool, options: &Options) -> io::Result<Self> {
        if !is_of_part {
            return Ok(Self::foreign(name, None, &[]));
        }
        let ours = env::current_exe()?.with_file_name("hijack");
        let (program, config) = match name {
            OURS => (Some(ours), Config::Gateway),
            OURS_WATCHED => (Some(ours), Config::WatchedGateway),
            "haproxy-tcp" => (installed("haproxy"), Config::HaproxyTcp),
            "haproxy-http" => (installed("haproxy"), Config::HaproxyHttp),
            "nginx" => (installed("nginx"), Config::Nginx),
            _ => (options.mitmdump.clone(), Config::Mitmdump),
        };
        Ok(Self { config: Some(config), ..Self::foreign(name, program.as_deref(), &[]) })
    }

    fn go(options: &Options) -> Self {
        let program = options.go.clone().unwrap_or_default();
        let counted = Some(program.clone());
        let name = "go".to_owned();
        Self { name, program, counted, arguments: &[], runs_in_valgrind: false, config: None, pair: None }
    }

    /// A program in another language, if there is one.
    fn foreign(name: &str, program: Option<&Path>, arguments: &'static [&'static str]) -> Self {
        let (name, program) = (name.to_owned(), program.unwrap_or(Path::new("")).to_owned());
        Self { name, program, counted: None, arguments, runs_in_valgrind: false, config: None, pair: None }
    }

    /// A program of the system.
    fn configured(name: &str, file: &str, config: Config) -> Self {
        let (name, program) = (name.to_owned(), installed(file).unwrap_or_default());
        let config = Some(config);
        Self { name, program, counted: None, arguments: &[], runs_in_valgrind: false, config, pair: None }
    }

    /// How it is started on `core`.
    pub(crate) fn launch(&self, core: u32) -> Launch {
        Launch::new(self.command(&self.program), core).with_config(self.config).with_pair(self.pair.clone())
    }

    /// How the variant of it that counts is started.
    pub(crate) fn launch_counted(&self, core: u32) -> Option<Launch> {
        self.counted.as_ref().map(|counted| Launch::new(self.command(counted), core))
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.args(self.arguments);
        command
    }
}

impl Role {
    /// How the files of its programs begin.
    fn file(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
            Self::AxumServer => "server-axum",
            Self::Relay => "relay",
            Self::WsServer | Self::WsDeflateServer | Self::WsBroadcastServer => "server-ws",
            Self::Codec => "codec",
            Self::RpcPair => "rpc",
            Self::GrpcPair => "grpc",
            // Not of the benches: the program itself.
            Self::Gateway(_) => "gateway",
        }
    }

    fn default_peers(self) -> &'static [&'static str] {
        match self {
            Self::Server => &[OURS, "hyper", "go"],
            Self::Client | Self::AxumServer => &[OURS, "hyper"],
            Self::Relay => &[OURS, "copy", "haproxy-tcp", "haproxy-http", "nginx"],
            Self::WsServer => &[OURS, "fastwebsockets", "bun", "tungstenite"],
            Self::WsDeflateServer => &[OURS, "bun", "gorilla"],
            Self::WsBroadcastServer => &[OURS, "bun"],
            Self::Codec => &[OURS, "go"],
            Self::RpcPair => &[OURS, "go", "go-hijack", "hijack-go"],
            Self::GrpcPair => &["plain", "token", "websocket", "forward"],
            Self::Gateway(of_part) => of_part,
        }
    }
}

/// Relative to the root, where `bench.sh` works.
const BUN_SERVER: &str = "benches/bun/server.js";

/// With it, WebSocket servers compress.
const DEFLATE: &[&str] = &["--deflate"];

const BUN_DEFLATE: &[&str] = &[BUN_SERVER, "--deflate"];

/// With it, they give to all what they get.
const BROADCAST: &[&str] = &["--broadcast"];

const BUN_BROADCAST: &[&str] = &[BUN_SERVER, "--broadcast"];

/// Where a program of the system is; such proxies often are where only root looks.
fn installed(file: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin".into()]);
    folders.map(|folder| folder.join(file)).find(|file| file.is_file())
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Server => "server",
            Self::Client => "client",
            Self::AxumServer => "axum server",
            Self::Relay => "relay",
            Self::WsServer => "WebSocket server",
            Self::WsDeflateServer => "compressing WebSocket server",
            Self::WsBroadcastServer => "broadcasting WebSocket server",
            Self::Codec => "codec",
            Self::RpcPair => "pair of net/rpc",
            Self::GrpcPair => "way of gRPC",
            Self::Gateway(_) => "gateway",
        })
    }
}
