//! How a program is started, again and again: every run has a fresh process.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};
use std::{env, fs};

use hijack_bench::wire::ECHO_PROTOCOL;
use tokio::net::{TcpListener, TcpStream};

use crate::program::Program;

/// A command, and the core it runs on.
#[derive(Debug)]
pub(crate) struct Launch {
    command: Command,
    core: u32,
    config: Option<Config>,
    pair: Option<Pair>,
}

/// The server of a client that is measured together with it.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) server: PathBuf,
    pub(crate) server_arguments: &'static [&'static str],
    /// Our program, where it stands between them.
    pub(crate) forwarder: Option<PathBuf>,
}

/// The language in which a program is told where to listen and where to lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Config {
    HaproxyTcp,
    HaproxyHttp,
    Nginx,
    /// Our gateway, by flags.
    Gateway,
    /// The same with an operators' side.
    WatchedGateway,
    /// By flags as well.
    Mitmdump,
}

/// Where a relay is reached.
#[derive(Clone, Debug)]
pub(crate) struct Entrance {
    pub(crate) address: SocketAddr,
    /// Where it is looked at, if it can be.
    pub(crate) operators: Option<Operators>,
}

/// The operators' side of our gateway.
#[derive(Clone, Debug)]
pub(crate) struct Operators {
    pub(crate) address: SocketAddr,
    pub(crate) token: String,
}

impl Launch {
    pub(crate) fn new(command: Command, core: u32) -> Self {
        Self { command, core, config: None, pair: None }
    }

    /// With a file instead of arguments, where the program wants one.
    pub(crate) fn with_config(self, config: Option<Config>) -> Self {
        Self { config, ..self }
    }

    /// With the server that is measured together with this client.
    pub(crate) fn with_pair(self, pair: Option<Pair>) -> Self {
        Self { pair, ..self }
    }

    /// Starts the program.
    pub(crate) fn start(&self) -> io::Result<Program> {
        Program::start(&self.command, self.core)
    }

    /// Starts a server, and a client of it with `arguments`, on the core of the load, which has none to bear.
    pub(crate) fn start_pair(&self, arguments: &[String]) -> io::Result<(Program, Program)> {
        let pair = self.pair.as_ref().ok_or_else(|| io::Error::other("no pair of programs"))?;
        let mut server = Command::new(&pair.server);
        server.args(pair.server_arguments);
        let mut client = Command::new(self.command.get_program());
        client.args(self.command.get_args()).args(arguments);
        Ok((Program::start(&server, self.core)?, Program::start(&client, 1 - self.core.min(1))?))
    }

    /// Starts the forwarder of gRPC between a client and this server, if there is one, and says where it listens.
    pub(crate) async fn start_forwarder(
        &self,
        server: SocketAddr,
    ) -> io::Result<Option<(Program, SocketAddr)>> {
        let Some(program) = self.pair.as_ref().and_then(|pair| pair.forwarder.as_ref()) else {
            return Ok(None);
        };
        let mut command = Command::new(program);
        let url = format!("http://{server}/grpc");
        command.args(["grpc-forward", "--listen", "127.0.0.1:0", "--mode", "token", "--to", &url]);
        let mut forwarder = Program::start(&command, self.core)?;
        let told = forwarder.told("forwarding").await?;
        let address = told.split(' ').next().unwrap_or_default().parse().map_err(io::Error::other)?;
        Ok(Some((forwarder, address)))
    }

    /// Starts a relay that leads to `upstream`, and says where it listens.
    pub(crate) async fn start_before(&self, upstream: SocketAddr) -> io::Result<(Program, Entrance)> {
        let mut command = Command::new(self.command.get_program());
        command.args(self.command.get_args());
        let Some(config) = self.config else {
            let mut relay = Program::start(command.arg(upstream.to_string()), self.core)?;
            let address = relay.address().await?;
            return Ok((relay, Entrance { address, operators: None }));
        };
        if let Config::Gateway | Config::WatchedGateway = config {
            let is_watched = config == Config::WatchedGateway;
            let mut gateway = Program::start(gateway(&mut command, upstream, is_watched), self.core)?;
            let entrance = Entrance::told(&mut gateway, is_watched).await?;
            return Ok((gateway, entrance));
        }
        let (address, folder) = (free_address().await?, Folder::new()?);
        command.args(config.arguments(address, upstream, &folder.0)?);
        let mut relay = Program::start(&command, self.core)?;
        relay.folder = Some(folder);
        until_it_listens(address).await?;
        Ok((relay, Entrance { address, operators: None }))
    }
}

impl Entrance {
    /// As our gateway prints it when it listens.
    async fn told(gateway: &mut Program, is_watched: bool) -> io::Result<Self> {
        let address = address_of(&gateway.told("gateway").await?)?;
        let mut entrance = Self { address, operators: None };
        if is_watched {
            let url = gateway.told("console").await?;
            let (_, token) = url.split_once("?token=").unwrap_or_default();
            entrance.operators = Some(Operators { address: address_of(&url)?, token: token.to_owned() });
        }
        Ok(entrance)
    }
}

/// The address in `http://ADDRESS/…`.
fn address_of(url: &str) -> io::Result<SocketAddr> {
    let address = url.strip_prefix("http://").and_then(|rest| rest.split('/').next()?.parse().ok());
    address.ok_or_else(|| io::Error::other(format!("a URL with an address expected, got {url:?}")))
}

/// One thread, and no line for each connection, as others are told as well.
fn gateway(command: &mut Command, upstream: SocketAddr, is_watched: bool) -> &mut Command {
    let admin = if is_watched { "localhost:0" } else { "off" };
    command.args(["gateway", "--listen", "127.0.0.1:0", "--upgrade", ECHO_PROTOCOL, "--threads", "1"]);
    command.args(["--admin", admin, "--upstream", &format!("http://{upstream}")]).env("HIJACK_LOG", "warn")
}

impl Config {
    /// What makes it stay in the foreground, quietly, and lead from `address` to `upstream`.
    fn arguments(self, address: SocketAddr, upstream: SocketAddr, folder: &Path) -> io::Result<Vec<String>> {
        let name = folder.display().to_string();
        let (flags, text): (&[&str], String) = match self {
            Self::HaproxyTcp => {
                let splice = "option splice-request\n  option splice-response";
                (&["-db", "-q", "-f"], haproxy("tcp", splice, address, upstream))
            }
            Self::HaproxyHttp => (&["-db", "-q", "-f"], haproxy("http", "", address, upstream)),
            Self::Nginx => (&["-e", "stderr", "-c"], nginx(address, upstream, &name)),
            Self::Mitmdump => return Ok(mitmdump(address, upstream, &name)),
            Self::Gateway | Self::WatchedGateway => return Ok(Vec::new()),
        };
        let file = folder.join("config");
        fs::write(&file, text)?;
        let flags = flags.iter().map(|flag| (*flag).to_owned());
        Ok(flags.chain([file.display().to_string()]).collect())
    }
}

/// As it comes, which keeps every message; only not written to the terminal.
fn mitmdump(address: SocketAddr, upstream: SocketAddr, folder: &str) -> Vec<String> {
    let (host, port) = (address.ip(), address.port());
    let line = format!(
        "--quiet --set confdir={folder} --mode reverse:http://{upstream} --listen-host {host} --listen-port {port}"
    );
    line.split(' ').map(str::to_owned).collect()
}

/// One thread, and connections and pipes for which `bench.sh` has descriptors.
fn haproxy(mode: &str, more: &str, address: SocketAddr, upstream: SocketAddr) -> String {
    format!(
        "global\n  nbthread 1\n  maxconn 6400\n  maxpipes 64\n\
         defaults\n  mode {mode}\n  {more}\n  timeout connect 5s\n  timeout client 1h\n  timeout server 1h\n  \
         timeout tunnel 1h\n\
         listen relay\n  bind {address}\n  server upstream {upstream}\n"
    )
}

/// One process, which is the worker, as its documentation tells to pass upgrades on.
fn nginx(address: SocketAddr, upstream: SocketAddr, folder: &str) -> String {
    format!(
        "daemon off; master_process off; pid {folder}/pid;\n\
         events {{ worker_connections 13500; }}\n\
         http {{\n\
           access_log off;\n\
           client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;\n\
           uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;\n\
           server {{\n\
             listen {address} backlog=4096;\n\
             location / {{\n\
               proxy_pass http://{upstream}; proxy_http_version 1.1;\n\
               proxy_set_header Host $http_host; proxy_set_header Upgrade $http_upgrade;\n\
               proxy_set_header Connection upgrade;\n\
               proxy_read_timeout 1h; proxy_send_timeout 1h;\n\
             }}\n\
           }}\n\
         }}\n"
    )
}

/// An address on which nobody listens; that nobody will is only likely.
async fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()
}

/// Foreign programs say nothing when they are ready.
async fn until_it_listens(address: SocketAddr) -> io::Result<()> {
    let start = Instant::now();
    loop {
        match TcpStream::connect(address).await {
            Ok(_) => return Ok(()),
            Err(error) if start.elapsed() > LONGEST_START => return Err(error),
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

const LONGEST_START: Duration = Duration::from_secs(30);

/// A new folder for temporary files, removed when dropped.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    fn new() -> io::Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("hijack-bench-{}-{}", process::id(), NUMBER.fetch_add(1, Relaxed));
        let folder = env::temp_dir().join(name);
        fs::create_dir(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.0);
    }
}
