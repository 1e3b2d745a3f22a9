//! gRPC's own clients, and what is between them and the demo's test service: `hijack grpc-forward`, or nothing but a
//! variable of the environment that names a proxy.

use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::Command;

use crate::gateway::built;
use crate::peer::{find, go_library, missing, script};
use crate::process::{Folder, Running};

/// An implementation of gRPC that none of us wrote, as a client with a script in `clients/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// Python's grpcio, which is gRPC's C core.
    Python,
    /// Node's grpc-js.
    Node,
    /// grpc-go.
    Go,
}

impl Client {
    /// Has it try these cases, or all, and gives what it said; `None` if it is missing here.
    ///
    /// # Panics
    /// If a case fails (with what the client said), or if the client is missing and `CI=true`.
    #[must_use]
    pub fn run(self, way: &Way, cases: &[&str]) -> Option<String> {
        let mut command = self.command()?;
        for name in PROXIES {
            command.env_remove(name).env_remove(name.to_uppercase());
        }
        if let Some(proxy) = &way.proxy {
            command.env(self.variable(), proxy);
        }
        let ran = command.arg(&way.target).args(cases).output().expect("the client starts");
        let said =
            [ran.stdout, ran.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        let is_good = ran.status.success() && said.contains("ok ");
        assert!(is_good, "{self:?} {cases:?} by {way:?}: {said}\nthe forwarder: {}", way.told());
        Some(said)
    }

    fn command(self) -> Option<Command> {
        match self {
            Self::Python => {
                let Some(python) = std::env::var_os("HIJACK_GRPCIO") else {
                    missing("grpcio", "equip the shell with: eval \"$(testing/peers.sh)\"");
                    return None;
                };
                Some(script(python.into(), "clients/grpcio.py"))
            }
            Self::Node => {
                let modules = find("HIJACK_NODE_MODULES", "grpc-js")?;
                let mut command = script(find("HIJACK_NODE", "node")?, "clients/grpc.mjs");
                command.env("HIJACK_NODE_MODULES", modules);
                Some(command)
            }
            Self::Go => go_library("./clients/grpcgo"),
        }
    }

    /// Where it looks for a proxy.
    fn variable(self) -> &'static str {
        match self {
            Self::Python => "http_proxy",
            Self::Node => "grpc_proxy",
            Self::Go => "HTTPS_PROXY",
        }
    }
}

/// What the machine may have said of proxies, which is not meant here.
const PROXIES: [&str; 6] =
    ["grpc_proxy", "http_proxy", "https_proxy", "all_proxy", "no_proxy", "no_grpc_proxy"];

/// How a client is told to reach the services.
#[derive(Debug)]
pub struct Way {
    target: String,
    proxy: Option<String>,
    forward: Option<Program>,
}

impl Way {
    /// By a forwarder to `url`; `None` if the program is not built.
    ///
    /// # Panics
    /// If it does not start, or if it is not built and `CI=true`.
    #[must_use]
    pub fn forward(url: &str, mode: &str) -> Option<Self> {
        Self::forward_with(url, mode, &[])
    }

    /// The same, with `more` flags.
    #[must_use]
    pub fn forward_with(url: &str, mode: &str, more: &[&str]) -> Option<Self> {
        let flags = ["grpc-forward", "--listen", "127.0.0.1:0", "--to", url, "--mode", mode];
        let forward = Program::start(&[&flags, more].concat())?;
        Some(Self { target: forward.address.clone(), proxy: None, forward: Some(forward) })
    }

    /// To `target`, through the proxy `url` that a variable of the environment names.
    #[must_use]
    pub fn environment(target: &str, url: &str) -> Self {
        Self { target: target.to_owned(), proxy: Some(url.to_owned()), forward: None }
    }

    /// Straight to `target`.
    #[must_use]
    pub fn straight(target: &str) -> Self {
        Self { target: target.to_owned(), proxy: None, forward: None }
    }

    /// What the forwarder said so far.
    #[must_use]
    pub fn told(&self) -> String {
        self.forward.as_ref().map(|forward| forward.running.log()).unwrap_or_default()
    }
}

/// The demo server, with the test service at `/grpc` and by `CONNECT`; `None` if the program is not built.
///
/// # Panics
/// If it does not start, or if it is not built and `CI=true`.
#[must_use]
pub fn demo() -> Option<Program> {
    Program::start(&["demo", "--listen", "127.0.0.1:0"])
}

/// The name by which the demo's services are known wherever it listens.
pub const NAME: &str = "demo.hijack.test:80";

/// The program `hijack` at work.
#[derive(Debug)]
pub struct Program {
    // In the order in which they must go.
    running: Running,
    address: String,
    _folder: Folder,
}

impl Program {
    fn start(arguments: &[&str]) -> Option<Self> {
        Some(Self::launch(&built()?, arguments).expect("the program starts"))
    }

    fn launch(program: &Path, arguments: &[&str]) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.args(arguments);
        let folder = Folder::new("grpc")?;
        let (reader, writer) = io::pipe()?;
        let running = Running::start(&command, &folder, Some(writer.into()))?;
        let mut line = String::new();
        BufReader::new(reader).read_line(&mut line)?;
        let mut words = line.split([' ', '/', '\n']);
        let Some(address) = words.find(|word| word.starts_with("127.0.0.1:")) else {
            return Err(io::Error::other(format!("it said {line:?}: {}", running.log())));
        };
        Ok(Self { address: address.to_owned(), running, _folder: folder })
    }

    /// Its address, as `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// As `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }
}
