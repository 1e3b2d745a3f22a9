//! The example `docker_engine` as it is built: an engine for Docker's clients, of this library, until it is dropped.

use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::peer::{find, missing};
use crate::process::{Folder, Running};

/// A running engine on a Unix socket.
#[derive(Debug)]
pub struct Engine {
    // In the order in which they must go.
    running: Running,
    folder: Folder,
}

impl Engine {
    /// Starts it; `None` if it is not built.
    ///
    /// # Panics
    /// If it does not start (with what it said), or if it is not built and `CI=true`.
    #[must_use]
    pub fn start() -> Option<Self> {
        let program = built()?;
        let folder = Folder::new("engine").expect("a folder is made");
        Some(Self::launch(&program, folder).expect("the engine starts"))
    }

    /// The path of its socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// What it said so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.running.log()
    }

    /// Docker's own client before it, with these words; `None` if that is missing here.
    ///
    /// # Panics
    /// If it is missing and `CI=true`.
    #[must_use]
    pub fn docker(&self, words: &[&str]) -> Option<Command> {
        docker(&format!("unix://{}", self.socket().display()), self.folder.path(), words)
    }

    fn launch(program: &Path, folder: Folder) -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        let mut command = Command::new(program);
        command.arg("unix:socket").env("TMPDIR", folder.path());
        fs::create_dir(folder.path().join("config"))?;
        let running = Running::start(&command, &folder, Some(writer.into()))?;
        let mut line = String::new();
        BufReader::new(reader).read_line(&mut line)?;
        if !line.starts_with("listening on ") {
            return Err(io::Error::other(format!("it ended: {}", running.log())));
        }
        Ok(Self { running, folder })
    }
}

/// `docker WORDS…` for the daemon at `host`, with nothing of whoever runs the tests: `folder` has its settings.
///
/// # Panics
/// If it is missing and `CI=true`.
#[must_use]
pub fn docker(host: &str, folder: &Path, words: &[&str]) -> Option<Command> {
    let mut command = Command::new(find("HIJACK_DOCKER", "docker")?);
    command.env("DOCKER_HOST", host).env("DOCKER_CONFIG", folder.join("config"));
    command.env_remove("DOCKER_CONTEXT").env_remove("DOCKER_TLS_VERIFY").args(words);
    Some(command)
}

/// Where the example is: at `HIJACK_ENGINE`, or where Cargo puts it, beside this test.
fn built() -> Option<PathBuf> {
    let named = env::var_os("HIJACK_ENGINE").map(PathBuf::from);
    let beside = || Some(env::current_exe().ok()?.parent()?.parent()?.join("examples/docker_engine"));
    let found = named.or_else(beside).filter(|path| path.is_file());
    if found.is_none() {
        missing(
            "the example `docker_engine`",
            "cargo build --example docker_engine, or export HIJACK_ENGINE",
        );
    }
    found
}
