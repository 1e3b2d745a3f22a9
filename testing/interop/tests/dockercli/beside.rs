//! Both programs, the daemon, and what they say.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hijack_interop::dockerd::{Dockerd, IMAGE};
use hijack_interop::gateway::built;
use hijack_interop::peer::{find, missing};
use hijack_interop::process::Folder;
use serde_json::{Value, json};

/// A daemon, and both clients before it.
pub(crate) struct Site {
    pub(crate) daemon: Dockerd,
    docker: PathBuf,
    hijack: PathBuf,
    folder: Folder,
}

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    Docker,
    Hijack,
}

pub(crate) const BOTH: [Client; 2] = [Client::Docker, Client::Hijack];

/// What came of a command line.
#[derive(PartialEq, Eq)]
pub(crate) struct Said {
    /// `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl std::fmt::Debug for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit code {:?}\nstdout: {:?}\nstderr: {:?}", self.code, self.out, self.err)
    }
}

impl Site {
    /// If all of them are here, and Docker's client is one that says what we say.
    pub(crate) fn start() -> Option<Self> {
        let docker = find("HIJACK_DOCKER", "docker")?;
        if !is_new(&docker) {
            missing(
                "docker 28 or later",
                &format!("{} is older: export HIJACK_DOCKER with one that is not", docker.display()),
            );
            return None;
        }
        let hijack = built()?;
        let daemon = Dockerd::start()?;
        let folder = Folder::new("dockercli").expect("a folder is made");
        Some(Self { daemon, docker, hijack, folder })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// One of the programs with the daemon's address, and without anything that its user has set.
    pub(crate) fn command(&self, client: Client, words: &[&str]) -> Command {
        let mut command = match client {
            Client::Docker => Command::new(&self.docker),
            Client::Hijack => {
                let mut command = Command::new(&self.hijack);
                command.arg("docker");
                command
            }
        };
        let host = format!("unix://{}", self.daemon.socket().display());
        command.env("DOCKER_HOST", host).env("DOCKER_CONFIG", self.folder.path()).env("TZ", "UTC");
        for name in ["DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_TLS", "DOCKER_API_VERSION"] {
            command.env_remove(name);
        }
        command.args(words).current_dir(self.folder.path());
        command
    }

    /// Runs a command line to its end.
    pub(crate) fn say(&self, client: Client, words: &[&str], input: &[u8]) -> Said {
        let mut command = self.command(client, words);
        let stdin = if input.is_empty() { Stdio::null() } else { Stdio::piped() };
        let mut child =
            command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let stdin = child.stdin.take();
        std::thread::scope(|scope| {
            scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input)));
            ended(child, words)
        })
    }

    /// Both say the same; what.
    #[track_caller]
    pub(crate) fn same(&self, words: &[&str], input: &[u8]) -> Said {
        let [docker, hijack] = BOTH.map(|client| alike(&self.say(client, words, input)));
        assert_eq!(hijack, docker, "{words:?}, ours left, docker's right");
        hijack
    }

    /// As [`same`](Self::same), for what tells how long ago something was: a second may pass between both.
    #[track_caller]
    pub(crate) fn same_at_last(&self, words: &[&str]) -> Said {
        for _ in 0..5 {
            let [docker, hijack] = BOTH.map(|client| alike(&self.say(client, words, b"")));
            if hijack == docker {
                return hijack;
            }
        }
        self.same(words, b"")
    }

    /// A container that runs, with a name.
    pub(crate) fn running(&self, name: &str, script: &str, options: &Value) -> String {
        let id = self.made(name, script, options);
        self.daemon.start_container(&id);
        id
    }

    /// A container that was made, with a name.
    pub(crate) fn made(&self, name: &str, script: &str, options: &Value) -> String {
        let mut config = json!({
            "Image": IMAGE, "Cmd": ["sh", "-c", script], "StopTimeout": 1, "HostConfig": { "NetworkMode": "none" }
        });
        for (key, value) in options.as_object().into_iter().flatten() {
            config[key] = value.clone();
        }
        let created = self.daemon.succeed("POST", &format!("/containers/create?name={name}"), &config);
        created["Id"].as_str().expect("an id").to_owned()
    }
}

fn is_new(docker: &Path) -> bool {
    let said = Command::new(docker).arg("--version").output().expect("docker starts");
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let major = said.split_whitespace().find_map(|word| word.split_once('.')?.0.parse::<u32>().ok());
    major.is_some_and(|major| major >= 28)
}

/// The end of a child whose outputs are pipes.
pub(crate) fn ended(child: Child, words: &[&str]) -> Said {
    let id = child.id();
    let (done, is_done) = std::sync::mpsc::channel::<()>();
    let output = std::thread::scope(|scope| {
        // Softer signals are passed on to the container.
        scope.spawn(move || {
            let hangs = is_done.recv_timeout(PATIENCE) == Err(std::sync::mpsc::RecvTimeoutError::Timeout);
            if hangs {
                kill(id, "KILL");
            }
        });
        let output = child.wait_with_output().expect("an end");
        drop(done);
        output
    });
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let said = Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) };
    assert!(
        std::os::unix::process::ExitStatusExt::signal(&output.status) != Some(9),
        "{words:?} hangs: {said:?}"
    );
    said
}

/// How long anything may take that must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn kill(process: u32, signal: &str) {
    let sent = Command::new("kill").args([&format!("-{signal}"), &process.to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()), "kill -{signal} {process}");
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn until(what: &str, mut is: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is() {
        assert!(started.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Without what differs by nature.
pub(crate) fn alike(said: &Said) -> Said {
    Said { code: said.code, out: neutral(&said.out), err: neutral(&said.err) }
}

/// Ids become `ID`, and the program is called docker.
pub(crate) fn neutral(text: &str) -> String {
    let text = text.replace("hijack docker ", "docker ");
    let mut out = String::new();
    let mut word = String::new();
    for c in text.chars().chain(['\0']) {
        if c.is_ascii_hexdigit() && !c.is_ascii_uppercase() {
            word.push(c);
            continue;
        }
        out.push_str(if word.len() == 64 || word.len() == 12 { "ID" } else { &word });
        word.clear();
        if c != '\0' {
            out.push(c);
        }
    }
    out
}
