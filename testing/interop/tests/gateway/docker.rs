//! The real `docker` in front of the gateway, the real dockerd behind it: every command several times
//! (`HIJACK_GATEWAY_ROUNDS`), by TCP and by the Unix socket in turn. No command hangs, no byte is lost, and each exit
//! code is the container's.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use hijack_interop::dockerd::{Dockerd, IMAGE};
use hijack_interop::gateway::Program;
use hijack_interop::peer::find;
use hijack_interop::process::Folder;
use hijack_interop::server::pattern;
use serde_json::{Value, json};

use crate::command::{Ran, run};
use crate::number;

/// The daemon, the gateway before it, and the program.
struct Docker {
    program: PathBuf,
    folder: Folder,
    gateway: Program,
    daemon: Dockerd,
}

impl Docker {
    fn start() -> Option<Self> {
        let program = find("HIJACK_DOCKER", "docker")?;
        let daemon = Dockerd::start()?;
        let gateway = Program::before(&daemon.base(), "")?;
        let folder = Folder::new("docker").expect("a folder is made");
        Some(Self { program, folder, gateway, daemon })
    }

    /// `docker WORDS…` by way of the gateway's socket in odd rounds, and of TCP in even ones.
    fn command(&self, round: usize, words: &[&str]) -> Command {
        let host = match round % 2 {
            0 => self.gateway.base().replace("http:", "tcp:"),
            _ => format!("unix://{}", self.gateway.socket().display()),
        };
        let mut command = Command::new(&self.program);
        // Neither contexts nor plugins of whoever runs the tests; the builder that is in the daemon.
        command.env("DOCKER_HOST", host).env("DOCKER_CONFIG", self.folder.path()).env("DOCKER_BUILDKIT", "0");
        command.env_remove("DOCKER_CONTEXT").env_remove("DOCKER_TLS_VERIFY").args(words);
        command
    }

    fn run(&self, round: usize, words: &[&str], stdin: &[u8]) -> Ran {
        run(self.command(round, words), stdin)
    }

    /// Runs what must succeed; its output without line ends.
    fn succeed(&self, round: usize, words: &[&str]) -> String {
        let ran = self.run(round, words, b"");
        assert_eq!(ran.code, Some(0), "docker {words:?}: {ran:?}\n{}", self.gateway.log());
        String::from_utf8_lossy(&ran.stdout).trim().to_owned()
    }

    /// As [`run`](Self::run), with its code and its output checked.
    fn expect(&self, round: usize, words: &[&str], stdin: &[u8], code: i32, stdout: &[u8]) -> Ran {
        let ran = self.run(round, words, stdin);
        let same = ran.code == Some(code) && ran.stdout == stdout;
        assert!(same, "round {round}, docker {words:?}, expected {code}: {ran:?}\n{}", self.gateway.log());
        ran
    }
}

const RUN: [&str; 4] = ["run", "--rm", "--network", "none"];

fn words<'w>(first: &[&'w str], rest: &[&'w str]) -> Vec<&'w str> {
    [first, rest].concat()
}

/// `run -i`, whose piped input ends by a half-close, and comes back whole.
#[test]
fn run_with_input() {
    let Some(docker) = Docker::start() else { return };
    let input = pattern(1 << 20);
    for round in 0..rounds() {
        docker.expect(round, &words(&RUN, &["-i", IMAGE, "cat"]), &input, 0, &input);
        docker.expect(
            round,
            &words(&RUN, &["-i", IMAGE, "sh", "-c", "cat; sleep 1; exit 4"]),
            b"late",
            4,
            b"late",
        );
    }
}

/// `run` without `-i` ends its own direction at once, and hears both outputs to their end all the same.
#[test]
fn run_without_input() {
    let Some(docker) = Docker::start() else { return };
    for round in 0..rounds() {
        let script = "echo out; echo err >&2; exit 7";
        let ran = docker.expect(round, &words(&RUN, &[IMAGE, "sh", "-c", script]), b"", 7, b"out\n");
        assert_eq!(ran.stderr, b"err\n");
        let ran = docker.run(round, &words(&RUN, &[IMAGE, "no-such-program"]), b"");
        assert_eq!(ran.code, Some(127), "{ran:?}");
    }
}

/// `run -t` on a terminal, which util-linux's `script` makes.
#[test]
fn run_on_a_terminal() {
    let Some(docker) = Docker::start() else { return };
    let Some(script) = find("HIJACK_SCRIPT", "script") else { return };
    for round in 0..rounds() {
        let asked = "tty -s && echo is a terminal; read line; echo got $line; exit 3";
        let inner = docker.command(round, &[]);
        let line =
            format!("{} run --rm --network none -it {IMAGE} sh -c '{asked}'", docker.program.display());
        let mut command = Command::new(&script);
        command.args(["-q", "-e", "-c", &line, "/dev/null"]);
        command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let ran = run(command, b"typed\n");
        let said = String::from_utf8_lossy(&ran.stdout);
        assert_eq!(ran.code, Some(3), "{ran:?}\n{}", docker.gateway.log());
        assert!(said.contains("is a terminal\r\n") && said.contains("got typed\r\n"), "{said}");
    }
}

/// `exec`: a body goes with the request for the upgrade.
#[test]
fn exec() {
    let Some(docker) = Docker::start() else { return };
    let input = pattern(300_000);
    let id = docker.succeed(0, &["run", "-d", "-i", "--network", "none", IMAGE, "cat"]);
    for round in 0..rounds() {
        docker.expect(round, &["exec", "-i", &id, "sh", "-c", "cat; exit 9"], &input, 9, &input);
        docker.expect(round, &["exec", &id, "sh", "-c", "echo out; exit 9"], b"", 9, b"out\n");
    }
}

#[test]
fn attach() {
    let Some(docker) = Docker::start() else { return };
    for round in 0..rounds() {
        let id = docker.daemon.create(
            &["sh", "-c", "read line; echo got $line; cat; exit 4"],
            &json!({ "OpenStdin": true, "StdinOnce": true }),
        );
        docker.daemon.start_container(&id);
        docker.expect(round, &["attach", &id], b"hello\nrest", 4, b"got hello\nrest");
        docker.daemon.remove(&id);
        // Created, then started with everything attached.
        let id =
            docker.succeed(round, &["create", "-i", "--network", "none", IMAGE, "sh", "-c", "cat; exit 5"]);
        docker.expect(round, &["start", "-ai", &id], b"input", 5, b"input");
        docker.succeed(round, &["rm", &id]);
    }
}

/// Whoever looks sees whose output it is, and what is put in arrives as output.
#[test]
fn streams_are_told_apart() {
    let Some(docker) = Docker::start() else { return };
    let script = "read line; echo got $line; echo no such $line >&2; read line; exit 4";
    let id = docker.daemon.create(&["sh", "-c", script], &json!({ "OpenStdin": true, "StdinOnce": true }));
    docker.daemon.start_container(&id);
    let mut command = docker.command(0, &["attach", &id]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut attached = command.spawn().expect("docker starts");
    let number = loop {
        let view = docker.gateway.ask("/api/connections?filter=protocol=tcp");
        if let Some(number) = view["connections"][0]["id"].as_u64() {
            break number;
        }
        thread::sleep(Duration::from_millis(20));
    };
    let path = format!("/api/connections/{number}/messages");
    let mut lines = docker.gateway.follow(&path).expect("the operators' side answers").lines();
    // A first comment says that nothing is missed from here on.
    let begins = lines.by_ref().map_while(Result::ok).any(|line| line.starts_with(':'));
    assert!(begins, "a stream");
    let mut messages = lines
        .map_while(Result::ok)
        .filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok())
        .map(|message| ["from", "opcode", "text"].map(|key| message[key].as_str().unwrap_or("").to_owned()));
    let mut stdin = attached.stdin.take().expect("piped");
    stdin.write_all(b"file\n").expect("written");
    let mut seen: Vec<_> = messages.by_ref().take(3).collect();
    // What the two outputs say may come in either order.
    seen[1..].sort();
    assert_eq!(seen[0], ["client", "stdin", "file\n"]);
    assert_eq!(seen[1], ["upstream", "stderr", "no such file\n"]);
    assert_eq!(seen[2], ["upstream", "stdout", "got file\n"]);
    docker.gateway.tell(&path, &json!({ "to": "client", "text": "from above\n" }));
    assert_eq!(messages.next().expect("shown"), ["operator", "stdout", "from above\n"]);
    docker.gateway.tell(&path, &json!({ "to": "upstream", "text": "the end\n" }));
    let output = attached.wait_with_output().expect("docker ends");
    let texts = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(texts, ("got file\nfrom above\n".into(), "no such file\n".into()));
    assert_eq!(output.status.code(), Some(4));
    docker.daemon.remove(&id);
}

/// `logs -f`: an ordinary answer that grows until the container ends.
#[test]
fn logs() {
    let Some(docker) = Docker::start() else { return };
    let script = "i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); done; read go; echo the end";
    let expected: String = (0..300).map(|i| format!("line {i}\n")).collect();
    for round in 0..rounds() {
        let id = docker.succeed(round, &["run", "-d", "-i", "--network", "none", IMAGE, "sh", "-c", script]);
        let mut command = docker.command(round, &["logs", "-f", &id]);
        let mut following =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("docker starts");
        let mut lines = BufReader::new(following.stdout.take().expect("piped")).lines();
        for line in expected.lines() {
            assert_eq!(lines.next().and_then(Result::ok).as_deref(), Some(line), "{}", docker.gateway.log());
        }
        // Only now goes the container on: what it says is followed live. It may end before whoever told it so.
        let told = docker.run(round, &["exec", &id, "sh", "-c", "echo go >/proc/1/fd/0"], b"");
        assert!(matches!(told.code, Some(0 | 137)), "{told:?}");
        let rest: Vec<_> = lines.map_while(Result::ok).collect();
        assert_eq!(rest, ["the end"]);
        assert!(following.wait().expect("it ends").success());
        docker.daemon.remove(&id);
    }
}

/// `build` streams a context up, `save` an image down, `load` up again.
#[test]
fn images() {
    let Some(docker) = Docker::start() else { return };
    let at = |name: &str| docker.folder.path().join(name);
    fs::create_dir(at("context")).expect("a folder is made");
    fs::write(at("context/Dockerfile"), format!("FROM {IMAGE}\nCOPY blob /blob\n")).expect("written");
    let context = at("context").display().to_string();
    let archive = at("saved.tar").display().to_string();
    for round in 0..rounds() {
        let mut blob = pattern(number("HIJACK_GATEWAY_MIB", 8) << 20);
        blob.extend(round.to_string().bytes());
        fs::write(at("context/blob"), &blob).expect("written");
        docker.succeed(round, &["build", "-q", "-t", "hijack/built", &context]);
        docker.succeed(round, &["save", "-o", &archive, "hijack/built"]);
        docker.succeed(round, &["rmi", "-f", "hijack/built"]);
        docker.succeed(round + 1, &["load", "-q", "-i", &archive]);
        let ran = docker.run(round, &words(&RUN, &["hijack/built", "cat", "/blob"]), b"");
        assert!(ran.stdout == blob && ran.code == Some(0), "{} bytes of {}", ran.stdout.len(), blob.len());
        docker.succeed(round, &["rmi", "-f", "hijack/built"]);
    }
}

/// `events` tells what happens while it happens.
#[test]
fn events() {
    let Some(docker) = Docker::start() else { return };
    for round in 0..rounds() {
        let id = docker.succeed(round, &["create", "-i", "--network", "none", IMAGE, "cat"]);
        let filter = format!("container={id}");
        let watch = ["events", "--since", "10m", "--filter", &filter, "--format", "{{.Action}}"];
        let mut command = docker.command(round, &watch);
        let mut watching =
            command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("docker starts");
        let mut lines = BufReader::new(watching.stdout.take().expect("piped")).lines();
        let mut told = |action: &str| {
            let line = lines.by_ref().map_while(Result::ok).find(|line| line == action);
            assert_eq!(line.as_deref(), Some(action), "{}", docker.gateway.log());
        };
        // What happened before is told first, so that what follows is live.
        told("create");
        docker.expect(round, &["start", "-ai", &id], b"x", 0, b"x");
        told("start");
        told("die");
        docker.succeed(round, &["rm", &id]);
        told("destroy");
        watching.kill().expect("it runs");
        let _ = watching.wait();
    }
}

/// How often each command is run.
fn rounds() -> usize {
    number("HIJACK_GATEWAY_ROUNDS", 3)
}
