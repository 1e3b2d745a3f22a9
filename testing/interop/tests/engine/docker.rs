//! `docker` on the example `docker_engine`: no command hangs, no byte is lost, and each exit code is the process's.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use hijack_interop::engine::Engine;
use hijack_interop::peer::find;
use hijack_interop::server::pattern;
use sha2::{Digest, Sha256};

use crate::command::{Ran, run};
use crate::rounds;

/// The engine, and that there is a client for it.
fn engine() -> Option<Engine> {
    Engine::start().filter(|engine| engine.docker(&[]).is_some())
}

fn command(engine: &Engine, words: &[&str]) -> Command {
    engine.docker(words).expect("it is here")
}

#[track_caller]
fn expect(engine: &Engine, words: &[&str], stdin: &[u8], code: i32, stdout: &[u8]) -> Ran {
    let ran = run(command(engine, words), stdin);
    let same = ran.code == Some(code) && Sha256::digest(&ran.stdout) == Sha256::digest(stdout);
    assert!(same, "docker {words:?}, expected {code} and {} bytes: {ran:?}\n{}", stdout.len(), engine.log());
    ran
}

/// Its output without line ends.
#[track_caller]
fn succeed(engine: &Engine, words: &[&str]) -> String {
    let ran = run(command(engine, words), b"");
    assert_eq!(ran.code, Some(0), "docker {words:?}: {ran:?}\n{}", engine.log());
    String::from_utf8_lossy(&ran.stdout).trim().to_owned()
}

/// Several MiB each way at once, ended by a half-close; and output behind the end of input.
#[test]
fn run_with_input() {
    let Some(engine) = engine() else { return };
    let input = pattern(8 << 20);
    for _ in 0..rounds() {
        expect(&engine, &["run", "-i", "any", "cat"], &input, 0, &input);
        let late = ["run", "-i", "--rm", "any", "sh", "-c", "cat; sleep 0.3; echo late; exit 4"];
        expect(&engine, &late, b"first ", 4, b"first late\n");
        // It reads nothing of it.
        expect(&engine, &["run", "-i", "--rm", "any", "echo", "hi"], &input, 0, b"hi\n");
    }
}

/// Without `-i` the client ends its own direction at once, and hears both outputs to their end all the same.
#[test]
fn run_without_input() {
    let Some(engine) = engine() else { return };
    for _ in 0..rounds() {
        let ran =
            expect(&engine, &["run", "any", "sh", "-c", "echo out; echo err >&2; exit 7"], b"", 7, b"out\n");
        assert_eq!(ran.stderr, b"err\n");
        expect(&engine, &["run", "--rm", "any", "seq", "200000"], b"", 0, &seq(200_000));
        let ran = expect(&engine, &["run", "--rm", "any", "no-such-program"], b"", 127, b"");
        assert!(String::from_utf8_lossy(&ran.stderr).contains("executable file not found"), "{ran:?}");
        expect(&engine, &["run", "--rm", "any", "sh", "-c", "kill -TERM $$"], b"", 143, b"");
    }
}

fn seq(last: usize) -> Vec<u8> {
    (1..=last).flat_map(|number| format!("{number}\n").into_bytes()).collect()
}

/// `-t` alone: raw output of a terminal, in a pipe. `-it` on one, made by util-linux's `script`.
#[test]
fn run_on_a_terminal() {
    let Some(engine) = engine() else { return };
    let asked = "tty -s && echo is a terminal; exit 5";
    for _ in 0..rounds() {
        expect(&engine, &["run", "-t", "--rm", "any", "sh", "-c", asked], b"", 5, b"is a terminal\r\n");
    }
    let Some(script) = find("HIJACK_SCRIPT", "script") else { return };
    for _ in 0..rounds() {
        let line = format!(
            "stty rows 33 cols 77; {} run --rm -it any sh -c '{}'",
            command(&engine, &[]).get_program().display(),
            // Its client tells the size behind the start.
            "read line; echo got $line; until stty size | grep 33; do sleep 0.01; done; exit 3",
        );
        let mut terminal = Command::new(&script);
        terminal.args(["-q", "-e", "-c", &line, "/dev/null"]);
        terminal.envs(command(&engine, &[]).get_envs().filter_map(|(name, value)| Some((name, value?))));
        let ran = run(terminal, b"typed\n");
        let said = String::from_utf8_lossy(&ran.stdout);
        assert_eq!(ran.code, Some(3), "{ran:?}\n{}", engine.log());
        assert!(said.contains("got typed\r\n") && said.contains("33 77\r\n"), "{said}");
    }
}

#[test]
fn exec() {
    let Some(engine) = engine() else { return };
    let input = pattern(3 << 20);
    let id = succeed(&engine, &["run", "-d", "any", "sleep", "600"]);
    for _ in 0..rounds() {
        expect(&engine, &["exec", "-i", &id, "sh", "-c", "cat; exit 9"], &input, 9, &input);
        let ran =
            expect(&engine, &["exec", &id, "sh", "-c", "echo out; echo err >&2; exit 8"], b"", 8, b"out\n");
        assert_eq!(ran.stderr, b"err\n");
        let asked = "tty -s && echo is a terminal; exit 6";
        expect(&engine, &["exec", "-t", &id, "sh", "-c", asked], b"", 6, b"is a terminal\r\n");
        let ran = run(command(&engine, &["exec", &id, "no-such-program"]), b"");
        assert_eq!(ran.code, Some(127), "{ran:?}");
        let detached =
            succeed(&engine, &["exec", "-d", "-e", "WORD=told", &id, "sh", "-c", "echo $WORD > file"]);
        assert_eq!(detached, "");
    }
    // In the container's folder; the last one may take a moment.
    let read = "until test -s file; do sleep 0.01; done; cat file";
    expect(&engine, &["exec", &id, "sh", "-c", read], b"", 0, b"told\n");
    succeed(&engine, &["rm", "-f", &id]);
    assert_eq!(run(command(&engine, &["exec", &id, "true"]), b"").code, Some(1), "it is gone");
}

#[test]
fn attach() {
    let Some(engine) = engine() else { return };
    let script = "read line; echo got $line; cat; exit 4";
    for _ in 0..rounds() {
        // Made for one client's input, then started with everything attached.
        let id = succeed(&engine, &["create", "-i", "any", "sh", "-c", script]);
        expect(&engine, &["start", "-ai", &id], b"hello\nrest", 4, b"got hello\nrest");
        // And once more: each run has streams of its own.
        expect(&engine, &["start", "-ai", &id], b"again\n", 4, b"got again\n");
        succeed(&engine, &["rm", &id]);
        // Its input outlives its clients: whoever has typed is detached by the end of that. Another one looks on.
        let id = succeed(&engine, &["run", "-d", "-i", "any", "sh", "-c", TICKING]);
        let mut looking = command(&engine, &["attach", "--no-stdin", &id]);
        let mut looking = looking.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().expect("docker starts");
        let mut lines = BufReader::new(looking.stdout.take().expect("piped")).lines().map_while(Result::ok);
        assert_eq!(lines.next().as_deref(), Some("tick"));
        let ran = run(command(&engine, &["attach", &id]), b"one\ntwo\n");
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert_eq!(lines.filter(|line| line != "tick").collect::<Vec<_>>(), ["one two"]);
        assert_eq!(looking.wait().expect("it ends").code(), Some(2));
        assert!(run(command(&engine, &["attach", &id]), b"").code == Some(1), "it has ended");
        succeed(&engine, &["rm", &id]);
    }
}

const TICKING: &str =
    "(while :; do echo tick; sleep 0.01; done) & read a; read b; kill $!; echo $a $b; exit 2";

/// The keys detach a terminal, and the container runs on.
#[test]
fn detach_keys() {
    let Some(engine) = engine() else { return };
    let Some(script) = find("HIJACK_SCRIPT", "script") else { return };
    for round in 0..rounds() {
        let name = format!("cat-{round}");
        let docker = command(&engine, &[]);
        let line = format!(
            "{} run --name {name} -it any sh -c 'echo ready; exec cat'",
            docker.get_program().display()
        );
        let mut terminal = Command::new(&script);
        terminal.args(["-q", "-e", "-c", &line, "/dev/null"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        terminal.envs(docker.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let mut terminal = terminal.spawn().expect("script starts");
        let mut lines = BufReader::new(terminal.stdout.take().expect("piped")).split(b'\n');
        // From here on keys go through: its client has made its terminal raw before it started the container.
        assert_eq!(lines.next().and_then(Result::ok).as_deref(), Some(&b"ready\r"[..]));
        let mut keyboard = terminal.stdin.take().expect("piped");
        keyboard.write_all(b"\x10\x11").expect("typed");
        let rest: Vec<_> = lines.map_while(Result::ok).collect();
        assert_eq!(terminal.wait().expect("it ends").code(), Some(0), "{rest:?}");
        assert_eq!(succeed(&engine, &["inspect", "-f", "{{.State.Running}}", &name]), "true");
        succeed(&engine, &["rm", "-f", &name]);
    }
}

/// Signals, stops, lists, versions.
#[test]
fn other_words() {
    let Some(engine) = engine() else { return };
    for round in 0..rounds() {
        let name = format!("box-{round}");
        let script = "trap 'echo told; exit 11' INT; echo ready; while :; do sleep 0.01; done";
        let mut running = command(&engine, &["run", "--name", &name, "any", "sh", "-c", script]);
        let mut running = running.stdout(Stdio::piped()).spawn().expect("docker starts");
        let mut lines = BufReader::new(running.stdout.take().expect("piped")).lines();
        assert_eq!(lines.next().and_then(Result::ok).as_deref(), Some("ready"));
        let listed = succeed(&engine, &["ps", "--format", "{{.Names}} {{.State}} {{.Image}}"]);
        assert_eq!(listed, format!("{name} running any"));
        // By way of its client, as a terminal's control-c comes.
        let told = Command::new("kill").args(["-INT", &running.id().to_string()]).status();
        assert!(told.expect("kill").success());
        assert_eq!(lines.next().and_then(Result::ok).as_deref(), Some("told"));
        assert_eq!(running.wait().expect("it ends").code(), Some(11));
        assert_eq!(succeed(&engine, &["wait", &name]), "11");
        assert_eq!(
            succeed(&engine, &["ps", "-a", "--format", "{{.Names}} {{.Status}}"]),
            format!("{name} Exited (11)")
        );
        succeed(&engine, &["rm", &name]);
        assert_eq!(succeed(&engine, &["ps", "-aq"]), "");
        let version =
            succeed(&engine, &["version", "--format", "{{.Server.APIVersion}} {{.Client.APIVersion}}"]);
        assert_eq!(version, "1.44 1.44");
        assert!(succeed(&engine, &["version"]).contains("API version:"));
        let id = succeed(&engine, &["run", "-d", "any", "sleep", "600"]);
        succeed(&engine, &["stop", &id]);
        assert_eq!(succeed(&engine, &["inspect", "-f", "{{.State.ExitCode}}", &id]), "143");
        succeed(&engine, &["rm", &id]);
    }
}

/// What is there, and what comes.
#[test]
fn logs() {
    let Some(engine) = engine() else { return };
    let script = "seq 3000; echo oops >&2; read go; echo the end";
    for _ in 0..rounds() {
        let id = succeed(&engine, &["run", "-d", "-i", "any", "sh", "-c", script]);
        let mut following = command(&engine, &["logs", "-f", &id]);
        let mut following =
            following.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("docker starts");
        let mut lines = BufReader::new(following.stdout.take().expect("piped")).lines();
        for number in 1..=3000 {
            assert_eq!(lines.next().and_then(Result::ok), Some(number.to_string()), "{}", engine.log());
        }
        assert_eq!(run(command(&engine, &["attach", &id]), b"go\n").code, Some(0));
        assert_eq!(lines.map_while(Result::ok).collect::<Vec<_>>(), ["the end"]);
        assert!(following.wait_with_output().expect("it ends").stderr == b"oops\n");
        let mut all = seq(3000);
        all.extend_from_slice(b"the end\n");
        let ran = expect(&engine, &["logs", &id], b"", 0, &all);
        assert_eq!(ran.stderr, b"oops\n");
        succeed(&engine, &["rm", &id]);
    }
}
