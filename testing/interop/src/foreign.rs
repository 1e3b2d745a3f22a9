//! Foreign servers: Go's `net/http` and Node's `http` with the endpoints of `README.md`, nginx and HAProxy in
//! front of Go's. Each listens on a free port of the loopback until it is dropped.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::peer::{find, go, script};
use crate::process::{Folder, Running};

/// A foreign server.
#[derive(Debug)]
pub struct Foreign {
    base: String,
    life: Life,
}

/// What has to be dropped, in this order.
#[derive(Debug)]
enum Life {
    Endpoints { _endpoints: Endpoints },
    Proxy { _running: Running, folder: Folder, _upstream: Option<Box<Foreign>> },
}

impl Foreign {
    /// Go's `net/http` (`reference/main.go`); `None` if Go is missing here.
    ///
    /// # Panics
    /// If it does not start, or if Go is missing and `CI=true`.
    #[must_use]
    pub fn go() -> Option<Self> {
        Some(Self::endpoints(go("./reference")?))
    }

    /// Node's `http` (`servers/server.mjs`); `None` if Node is missing here.
    ///
    /// # Panics
    /// If it does not start, or if Node is missing and `CI=true`.
    #[must_use]
    pub fn node() -> Option<Self> {
        Some(Self::endpoints(script(find("HIJACK_NODE", "node")?, "servers/server.mjs")))
    }

    /// nginx in front of [`go`](Self::go), and with Pattern(70,000) as its own file `/static/pattern`
    /// (`servers/nginx.conf`), with TLS if `tls`; `None` if nginx or Go is missing here.
    ///
    /// # Panics
    /// If it does not start, or if a program is missing and `CI=true`.
    #[must_use]
    pub fn nginx(tls: bool) -> Option<Self> {
        let nginx = find("HIJACK_NGINX", "nginx")?;
        let proxy = |upstream: &str, listen: SocketAddr, folder: &Folder| {
            let listen = format!("{listen}{}", if tls { " ssl" } else { "" });
            let config = include_str!("../servers/nginx.conf");
            let config = config.replace("UPSTREAM", upstream).replace("LISTEN", &listen);
            fs::create_dir(folder.path().join("static"))?;
            fs::write(folder.path().join("static/pattern"), crate::server::pattern(70_000))?;
            run_nginx(&nginx, &config, folder)
        };
        Some(Self::proxy("nginx", tls, Upstream::Ours(Self::go()?), proxy).expect("nginx starts"))
    }

    /// nginx in front of `upstream`, `HOST:PORT`, as it is delivered but for `lines` in its `location`
    /// (`servers/grpc-nginx.conf`); `None` if it is missing here.
    ///
    /// # Panics
    /// If it does not start, or if it is missing and `CI=true`.
    #[must_use]
    pub fn nginx_before(upstream: &str, lines: &str) -> Option<Self> {
        let nginx = find("HIJACK_NGINX", "nginx")?;
        let proxy = |upstream: &str, listen: SocketAddr, folder: &Folder| {
            let config = include_str!("../servers/grpc-nginx.conf");
            let config = config.replace("LINES", lines).replace("UPSTREAM", upstream);
            run_nginx(&nginx, &config.replace("LISTEN", &listen.to_string()), folder)
        };
        Some(Self::proxy("nginx", false, Upstream::Theirs(upstream), proxy).expect("nginx starts"))
    }

    /// HAProxy in front of [`go`](Self::go) (`servers/haproxy.cfg`), with TLS if `tls`; `None` if HAProxy or Go is
    /// missing here.
    ///
    /// # Panics
    /// If it does not start, or if a program is missing and `CI=true`.
    #[must_use]
    pub fn haproxy(tls: bool) -> Option<Self> {
        let haproxy = find("HIJACK_HAPROXY", "haproxy")?;
        Some(Self::run_haproxy(&haproxy, tls, Upstream::Ours(Self::go()?)))
    }

    /// HAProxy in front of `upstream`, `HOST:PORT`, in the same way without TLS; `None` if it is missing here.
    ///
    /// # Panics
    /// If it does not start, or if it is missing and `CI=true`.
    #[must_use]
    pub fn haproxy_before(upstream: &str) -> Option<Self> {
        let haproxy = find("HIJACK_HAPROXY", "haproxy")?;
        Some(Self::run_haproxy(&haproxy, false, Upstream::Theirs(upstream)))
    }

    fn run_haproxy(haproxy: &Path, tls: bool, upstream: Upstream<'_>) -> Self {
        let mut haproxy = Command::new(haproxy);
        let proxy = |upstream: &str, _: SocketAddr, _: &Folder| {
            haproxy.args(["-db", "-f", concat!(env!("CARGO_MANIFEST_DIR"), "/servers/haproxy.cfg")]);
            haproxy.env("UPSTREAM", upstream);
            if tls {
                haproxy.env("IDENTITY", "identity.pem");
            }
            Ok(haproxy)
        };
        Self::proxy("haproxy", tls, upstream, proxy).expect("HAProxy starts")
    }

    /// Where its own certificate is, if it speaks TLS.
    #[must_use]
    pub fn certificate(&self) -> Option<PathBuf> {
        match &self.life {
            Life::Proxy { folder, .. } if self.base.starts_with("https:") => {
                Some(folder.path().join("identity.pem"))
            }
            _ => None,
        }
    }

    /// Its address, as `http://127.0.0.1:PORT` or `https://127.0.0.1:PORT`.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    pub(crate) fn endpoints(command: Command) -> Self {
        let (endpoints, base) = Endpoints::start(command);
        Self { base, life: Life::Endpoints { _endpoints: endpoints } }
    }

    /// The listening socket is ours, and becomes the proxy's standard output. So nobody else can take its
    /// port, and whoever connects before the proxy is ready waits in the socket's queue.
    fn proxy(
        name: &str,
        tls: bool,
        upstream: Upstream<'_>,
        configure: impl FnOnce(&str, SocketAddr, &Folder) -> io::Result<Command>,
    ) -> io::Result<Self> {
        let folder = Folder::new(name)?;
        fs::write(folder.path().join("identity.pem"), identity())?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        // Shared with the proxy, which would not set it on a socket that it inherits.
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let command = configure(upstream.address(), address, &folder)?;
        let running = Running::start(&command, &folder, Some(OwnedFd::from(listener).into()))?;
        let life = Life::Proxy { _running: running, folder, _upstream: upstream.kept() };
        Ok(Self { base: format!("{}://{address}", if tls { "https" } else { "http" }), life })
    }
}

/// What a proxy is in front of.
enum Upstream<'a> {
    /// Something that lives as long as the proxy.
    Ours(Foreign),
    /// The address of something that lives longer.
    Theirs(&'a str),
}

impl Upstream<'_> {
    fn address(&self) -> &str {
        match self {
            Self::Ours(foreign) => foreign.base.trim_start_matches("http://"),
            Self::Theirs(address) => address,
        }
    }

    fn kept(self) -> Option<Box<Foreign>> {
        match self {
            Self::Ours(foreign) => Some(Box::new(foreign)),
            Self::Theirs(_) => None,
        }
    }
}

/// nginx in `folder`, with this for its configuration.
fn run_nginx(nginx: &Path, config: &str, folder: &Folder) -> io::Result<Command> {
    fs::write(folder.path().join("nginx.conf"), config)?;
    let mut nginx = Command::new(nginx);
    nginx.arg("-p").arg(folder.path()).args(["-c", "nginx.conf", "-e", "stderr"]);
    // As from an nginx that is being replaced: its standard output is the listening socket.
    nginx.env("NGINX", "1;");
    Ok(nginx)
}

/// A certificate for the loopback, signed by itself, and its key, in PEM.
fn identity() -> String {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    made.cert.pem() + &made.signing_key.serialize_pem()
}

/// A server of ours in a foreign language: it prints its address, and ends with its standard input.
#[derive(Debug)]
struct Endpoints(Child);

impl Endpoints {
    fn start(mut command: Command) -> (Self, String) {
        command.args(["127.0.0.1:0", "--until-eof"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut base = String::new();
        let stdout = child.stdout.take().expect("stdout is a pipe");
        BufReader::new(stdout).read_line(&mut base).expect("the server prints its address");
        assert!(base.starts_with("http://"), "{command:?} did not start");
        (Self(child), base.trim_end().to_owned())
    }
}

impl Drop for Endpoints {
    fn drop(&mut self) {
        // `go run` has a child of its own, which ends with its standard input; nothing is killed.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}
