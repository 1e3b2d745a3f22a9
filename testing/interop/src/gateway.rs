//! The program `hijack gateway` as it is built, in front of whatever a test likes: on free ports of the loopback and a
//! Unix socket, with an operators' side, until it is dropped.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fs};

use serde_json::Value;

use crate::foreign::Foreign;
use crate::peer::{find, go, missing, script};
use crate::process::{Folder, Running};

/// A running gateway.
#[derive(Debug)]
pub struct Program {
    // In the order in which they must go.
    running: Running,
    base: String,
    admin: String,
    folder: Folder,
}

impl Program {
    /// Starts it with these routes (and tunnels), as they stand in a `gateway.toml`; `None` if the program is not built.
    ///
    /// # Panics
    /// If it does not start (with what it said), or if it is not built and `CI=true`.
    #[must_use]
    pub fn start(routes: &str) -> Option<Self> {
        let program = built()?;
        let folder = Folder::new("gateway").expect("a folder is made");
        Some(Self::launch(&program, folder, routes).expect("the gateway starts"))
    }

    /// In front of `upstream` (`http://HOST:PORT` or `unix:PATH`), with more lines for its one route.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    #[must_use]
    pub fn before(upstream: &str, lines: &str) -> Option<Self> {
        Self::start(&format!("[route.all]\nupstream = \"{upstream}\"\n{lines}\n"))
    }

    /// Its address, as `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The path of its Unix socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// What it said so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.running.log()
    }

    /// Asks its operators' side for JSON.
    ///
    /// # Panics
    /// If the answer is none, or not a 200 with JSON.
    #[must_use]
    pub fn ask(&self, path: &str) -> Value {
        let mut lines = self.follow(path).expect("the operators' side answers");
        let mut said = String::new();
        lines.read_to_string(&mut said).expect("an answer");
        let body = said.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
        assert!(said.starts_with("HTTP/1.1 200 "), "{path}: {said}");
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{path}: {error}: {said}"))
    }

    /// The connections that have ended, once there are as many as this: a peer knows of an end a little before it is
    /// over for the gateway.
    ///
    /// # Panics
    /// If there are still fewer after 30 seconds.
    #[must_use]
    pub fn ended(&self, at_least: usize) -> Vec<Value> {
        let begun = Instant::now();
        loop {
            let view = self.ask("/api/connections?filter=state=closed&limit=1000");
            match &view["connections"] {
                Value::Array(ended) if ended.len() >= at_least => return ended.clone(),
                ended => assert!(begun.elapsed() < Duration::from_secs(30), "{at_least} ended: {ended}"),
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Has its operators' side do something.
    ///
    /// # Panics
    /// If the answer is none, or not a success.
    pub fn tell(&self, path: &str, body: &Value) {
        let body = body.to_string();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.admin,
            body.len()
        );
        let mut said = String::new();
        let mut stream = TcpStream::connect(&self.admin).expect("the operators' side answers");
        stream.write_all(head.as_bytes()).expect("sent");
        stream.read_to_string(&mut said).expect("an answer");
        assert!(said.starts_with("HTTP/1.1 2"), "{path}: {said}");
    }

    /// Asks its operators' side on a connection of its own; the answer, head included, is read from what this gives.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn follow(&self, path: &str) -> io::Result<BufReader<TcpStream>> {
        let mut stream = TcpStream::connect(&self.admin)?;
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n",
            self.admin
        );
        stream.write_all(head.as_bytes())?;
        Ok(BufReader::new(stream))
    }

    fn launch(program: &Path, folder: Folder, routes: &str) -> io::Result<Self> {
        // Both sides take any port; the names differ, for the same address twice would be a mistake.
        let config = format!(
            "listen = [\"127.0.0.1:0\", \"unix:socket\"]\ndrain = \"1s\"\n[admin]\nlisten = \"localhost:0\"\n{routes}"
        );
        fs::write(folder.path().join("gateway.toml"), config)?;
        let (reader, writer) = io::pipe()?;
        let mut command = Command::new(program);
        command.args(["gateway", "--config", "gateway.toml"]).env("HIJACK_TOKEN", TOKEN);
        let running = Running::start(&command, &folder, Some(writer.into()))?;
        // The command holds no writer any more, so a program that ends is the end of what it says.
        drop(command);
        let mut told = BufReader::new(reader).lines();
        let (mut base, mut admin) = (None, None);
        while base.is_none() || admin.is_none() {
            let Some(line) = told.next().transpose()? else {
                return Err(io::Error::other(format!("it ended: {}", running.log())));
            };
            let url = line.split_whitespace().nth(1).unwrap_or_default().trim_end_matches('/').to_owned();
            match line.split_whitespace().next() {
                Some("gateway") if url.starts_with("http:") => base = Some(url),
                Some("console") => admin = url.strip_prefix("http://").map(str::to_owned),
                _ => {}
            }
        }
        let (base, admin) = (base.unwrap_or_default(), admin.unwrap_or_default());
        Ok(Self { running, base, admin, folder })
    }
}

/// A server of Go's net/http with what proxies get wrong (`servers/ordinary`); `None` if Go is missing here.
///
/// # Panics
/// If it does not start, or if Go is missing and `CI=true`.
#[must_use]
pub fn serve_ordinary() -> Option<Foreign> {
    Some(Foreign::endpoints(go("./servers/ordinary")?))
}

/// Servers that tell every request that they accepted, in Go's net/http and in Node's http (`servers/witness`).
///
/// # Panics
/// If one does not start, or is missing and `CI=true`.
#[must_use]
pub fn serve_witness(is_go: bool) -> Option<Foreign> {
    if is_go {
        return Some(Foreign::endpoints(go("./servers/witness")?));
    }
    Some(Foreign::endpoints(script(find("HIJACK_NODE", "node")?, "servers/witness/witness.mjs")))
}

/// Where the program is: at `HIJACK_PROGRAM`, or where Cargo puts it, two folders above this test.
///
/// # Panics
/// If it is nowhere and `CI=true`.
#[must_use]
pub fn built() -> Option<PathBuf> {
    let named = env::var_os("HIJACK_PROGRAM").map(PathBuf::from);
    let beside = || Some(env::current_exe().ok()?.parent()?.parent()?.join("hijack"));
    let found = named.or_else(beside).filter(|path| path.is_file());
    if found.is_none() {
        missing("the program `hijack`", "cargo build -p hijack-cli, or export HIJACK_PROGRAM");
    }
    found
}

/// The operator's.
const TOKEN: &str = "an-operator-of-tests";
