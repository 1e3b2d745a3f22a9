//! The foreign peers: where they are, and how a client runs.
//!
//! A peer is found by its variable (`HIJACK_GO`, `HIJACK_DOCKERD`…, as exported by `testing/peers.sh`) or on the
//! path. A missing one is named and its test skipped; with `CI=true` it fails.

use std::path::{Path, PathBuf};
use std::process::Command;

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
        let Some(command) = self.command() else { return false };
        run_client(command, &format!("{self:?}"), base, arguments);
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

/// Runs a client's script against `base`.
///
/// # Panics
/// If it fails, with what it said.
pub(crate) fn run_client(mut command: Command, name: &str, base: &str, arguments: &[&str]) {
    let ran = command.arg(base).args(arguments).output().expect("the client starts");
    let said = [ran.stdout, ran.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(ran.status.success() && said.contains("ok "), "{name} {arguments:?} against {base}: {said}");
}

/// As [`go`], for a program that uses a library: those of Debian's packages, in the folder that Go calls its path.
pub(crate) fn go_library(package: &str) -> Option<Command> {
    let code = find("HIJACK_GOCODE", "gocode")?;
    let mut command = go(package)?;
    command.env("GO111MODULE", "off").env("GOPATH", code);
    Some(command)
}

/// `go run PACKAGE` in this crate's folder; Go keeps the built program in its cache.
pub(crate) fn go(package: &str) -> Option<Command> {
    let mut command = toolchain()?;
    command.args(["run", package]);
    Some(command)
}

/// Builds a program in Go into a folder, and gives its path. `None` if Go is missing here.
///
/// # Panics
/// If it cannot be built, or if Go is missing and `CI=true`.
#[must_use]
pub fn build_go(package: &str, folder: &Path) -> Option<PathBuf> {
    let program = folder.join("program");
    let built = toolchain()?.arg("build").arg("-o").arg(&program).arg(package).status();
    assert!(built.expect("Go starts").success(), "{package} cannot be built");
    Some(program)
}

fn toolchain() -> Option<Command> {
    let mut command = Command::new(find("HIJACK_GO", "go")?);
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    // The toolchain that is here, and no question to git.
    command.env("GOTOOLCHAIN", "local").env("GOFLAGS", "-buildvcs=false");
    Some(command)
}

pub(crate) fn script(program: PathBuf, file: &str) -> Command {
    let mut command = Command::new(program);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(file));
    command
}

/// Where a program or folder is: at `variable`'s value, or as `name` on the path.
///
/// # Panics
/// If it is nowhere and `CI=true`.
#[must_use]
pub fn find(variable: &str, name: &str) -> Option<PathBuf> {
    let named = std::env::var_os(variable).map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        named.or_else(|| std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file()));
    if found.is_none() {
        missing(name, "equip the shell with: eval \"$(testing/peers.sh)\"");
    }
    found
}

/// Says that a peer cannot be had here, and what to do about it.
///
/// # Panics
/// If `CI=true`.
pub fn missing(name: &str, cure: &str) {
    assert!(
        std::env::var_os("CI").is_none_or(|ci| ci != "true"),
        "CI=true, but {name} cannot be had: {cure}"
    );
    eprintln!("skipped: {name} cannot be had: {cure}");
}
