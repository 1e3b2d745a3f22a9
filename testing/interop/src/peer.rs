//! The foreign peers: where they are, how a client runs, how the reference server lives.
//!
//! A peer is found by its variable (`HIJACK_GO`, `HIJACK_CURL`, `HIJACK_PYTHON`, `HIJACK_NODE`, as exported
//! by `testing/peers.sh`) or on the path. A missing one is named and its test skipped; with `CI=true` it fails.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A foreign HTTP client with a script in `clients/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// Go's `net/http`.
    Go,
    /// curl, with bash and coreutils around it.
    Curl,
    /// Python's `http.client`.
    Python,
    /// Node's `http`.
    Node,
}

impl Client {
    /// Every client.
    pub const ALL: [Self; 4] = [Self::Go, Self::Curl, Self::Python, Self::Node];

    /// Runs the client's script against `base`: with no `arguments` every case, else `[CASE, COUNT]`.
    /// False if the client is missing here.
    ///
    /// # Panics
    /// If the script fails (with what it said), or if the client is missing and `CI=true`.
    pub fn run(self, base: &str, arguments: &[&str]) -> bool {
        let Some(mut command) = self.command() else { return false };
        let ran = command.arg(base).args(arguments).output().expect("the client starts");
        let said =
            [ran.stdout, ran.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert!(
            ran.status.success() && said.contains("ok "),
            "{self:?} {arguments:?} against {base}: {said}"
        );
        true
    }

    fn command(self) -> Option<Command> {
        match self {
            Self::Go => go("./clients/go"),
            Self::Curl => {
                let curl = find("HIJACK_CURL", "curl")?;
                let mut command = script(find("HIJACK_BASH", "bash")?, "clients/curl.sh");
                command.env("HIJACK_CURL", curl);
                Some(command)
            }
            Self::Python => Some(script(find("HIJACK_PYTHON", "python3")?, "clients/client.py")),
            Self::Node => Some(script(find("HIJACK_NODE", "node")?, "clients/client.mjs")),
        }
    }
}

/// Go's `net/http` with the same endpoints (`reference/main.go`), until it is dropped.
#[derive(Debug)]
pub struct Reference {
    child: Child,
    base: String,
}

impl Reference {
    /// Starts it on a free port; `None` if Go is missing here.
    ///
    /// # Panics
    /// If it does not start, or if Go is missing and `CI=true`.
    #[must_use]
    pub fn start() -> Option<Self> {
        let mut command = go("./reference")?;
        command.args(["127.0.0.1:0", "--until-eof"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("Go starts");
        let mut base = String::new();
        let stdout = child.stdout.take().expect("stdout is a pipe");
        BufReader::new(stdout).read_line(&mut base).expect("the reference prints its address");
        assert!(base.starts_with("http://"), "the reference did not start");
        Some(Self { child, base: base.trim_end().to_owned() })
    }

    /// Its address, as `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        // `go run` has a child of its own, which ends with its standard input; nothing is killed.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// `go run PACKAGE` in this crate's folder; Go keeps the built program in its cache.
fn go(package: &str) -> Option<Command> {
    let mut command = Command::new(find("HIJACK_GO", "go")?);
    command.args(["run", package]).current_dir(env!("CARGO_MANIFEST_DIR"));
    // The toolchain that is here, and no question to git.
    command.env("GOTOOLCHAIN", "local").env("GOFLAGS", "-buildvcs=false");
    Some(command)
}

fn script(program: PathBuf, file: &str) -> Command {
    let mut command = Command::new(program);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(file));
    command
}

fn find(variable: &str, name: &str) -> Option<PathBuf> {
    let named = std::env::var_os(variable).map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        named.or_else(|| std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file()));
    if found.is_none() {
        let cure = "equip the shell with: eval \"$(testing/peers.sh)\"";
        assert!(
            std::env::var_os("CI").is_none_or(|ci| ci != "true"),
            "CI=true, but {name} is missing; {cure}"
        );
        eprintln!("skipped: the peer {name} is missing; {cure}");
    }
    found
}
