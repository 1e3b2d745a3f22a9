//! Command lines without a terminal.

use std::fs;

use hijack_interop::dockerd::IMAGE;
use serde_json::json;

use crate::beside::{BOTH, Client, Said, Site, neutral};

const RUN: [&str; 4] = ["run", "--rm", "--network", "none"];

/// `run` of the image, with more flags, and a script.
fn run<'w>(flags: &[&'w str], script: &'w str) -> Vec<&'w str> {
    [&RUN[..], flags, &[IMAGE, "sh", "-c", script]].concat()
}

#[track_caller]
fn ended(said: &Said, code: i32) {
    assert_eq!(said.code, Some(code), "{said:?}");
}

#[test]
fn runs() {
    let Some(site) = Site::start() else { return };
    fs::write(site.folder().join("env"), "# a comment\nA=from a file\nB\n").expect("written");
    fs::create_dir(site.folder().join("shared")).expect("a folder");
    fs::write(site.folder().join("shared/file"), "shared\n").expect("written");

    let said = site.same(&run(&[], "echo out; echo err >&2; exit 7"), b"");
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (Some(7), "out\n", "err\n"));
    ended(&site.same(&run(&["-i"], "cat; exit 4"), b"input"), 4);
    ended(&site.same(&run(&["-i=false"], "cat; echo nothing"), b"input"), 0);
    let flags = ["--env-file", "env", "-e", "C=c", "-eD=d", "-e", "E", "-w", "/tmp", "-u", "1:2", "-h", "me"];
    let said = site.same(&run(&flags, "echo $A-$B-$C-$D-$E; pwd; id; hostname"), b"");
    assert_eq!(said.out, "from a file--c-d-\n/tmp\nuid=1 gid=2 groups=2\nme\n");
    let flags = ["-v", "./shared:/shared:ro", "--read-only", "--tmpfs", "/scratch"];
    ended(&site.same(&run(&flags, "cat /shared/file; touch /x; touch /scratch/x && echo ok"), b""), 0);
    ended(&site.same(&[&RUN[..], &["--entrypoint", "echo", IMAGE, "-n", "--rm", "-x"]].concat(), b""), 0);
    ended(&site.same(&run(&["-a", "stderr"], "echo out; echo err >&2"), b""), 0);
    ended(&site.same(&run(&["--init", "-l", "a=b", "-m", "64m"], "cat /proc/1/comm"), b""), 0);
    ended(&site.same(&run(&["-d"], "exit 3"), b""), 0);
    // Not every machine may give what is asked for here.
    site.same(&["run", "--rm", "--network", "none", "--privileged", IMAGE, "true"], b"");
}

#[test]
fn runs_that_fail() {
    let Some(site) = Site::start() else { return };
    site.running("taken", "sleep 600", &json!({}));
    let table: [(&[&str], i32); 15] = [
        (&["run"], 1),
        (&["run", "--rm"], 1),
        (&["run", "--nope", IMAGE], 125),
        (&["run", "-tzi", IMAGE], 125),
        (&["run", "--name"], 125),
        (&["run", "--rm=maybe", IMAGE], 125),
        (&["run", "--rm", "--network", "none", IMAGE, "no-such-program"], 127),
        (&["run", "--rm", "--network", "none", IMAGE, "/bin"], 126),
        (&["run", "--rm", "--name", "taken", IMAGE, "true"], 125),
        (&["run", "--rm", "--network", "nowhere", IMAGE, "true"], 125),
        (&["run", "--rm", "--network", "none", "-u", "nobody-at-all", IMAGE, "true"], 125),
        (&["run", "--env-file", "nowhere", IMAGE, "true"], 125),
        (&["run", "-p", "x:y", IMAGE, "true"], 125),
        (&["run", "--rm", "-it", IMAGE, "true"], 1),
        (&["run", "-d", "-a", "stdout", IMAGE, "true"], 1),
    ];
    for (words, code) in table {
        ended(&site.same(words, b""), code);
    }
    // Where Docker pulls, we say what it says where it may not.
    let ours = site.say(Client::Hijack, &["run", "--rm", "nowhere/nothing:1", "true"], b"");
    let never =
        site.say(Client::Docker, &["run", "--rm", "--pull", "never", "nowhere/nothing:1", "true"], b"");
    ended(&ours, 125);
    assert!(neutral(&ours.err).ends_with(&never.err), "{ours:?}\n{never:?}");
}

#[test]
fn execs() {
    let Some(site) = Site::start() else { return };
    site.running("host", "sleep 600", &json!({}));
    site.made("created", "true", &json!({}));
    let said = site.same(&["exec", "host", "sh", "-c", "echo out; echo err >&2; exit 9"], b"");
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (Some(9), "out\n", "err\n"));
    let input: Vec<u8> = (0..300_000_u32).map(|at| b'a' + u8::try_from(at % 26).expect("small")).collect();
    let said = site.same(&["exec", "-i", "host", "sh", "-c", "cat; exit 5"], &input);
    assert_eq!((said.code, said.out.as_bytes() == input), (Some(5), true));
    let table: [(&[&str], i32); 12] = [
        (&["exec", "-e", "A=b", "-w", "/bin", "-u", "1", "host", "sh", "-c", "echo $A; pwd; id -u"], 0),
        (&["exec", "-d", "host", "true"], 0),
        (&["exec", "host", "echo", "-n", "-x"], 0),
        (&["exec", "host", "no-such-program"], 126),
        (&["exec", "-w", "/nowhere", "host", "ls"], 126),
        (&["exec", "nobody", "ls"], 1),
        (&["exec", "created", "ls"], 1),
        (&["exec", "-it", "host", "ls"], 1),
        (&["exec", "-it", "nobody", "ls"], 1),
        (&["exec", "host"], 1),
        (&["exec", "--nope", "host", "ls"], 125),
        (&["exec", "--env-file", "nowhere", "host", "ls"], 1),
    ];
    for (words, code) in table {
        ended(&site.same(words, b""), code);
    }
}

#[test]
fn attaches() {
    let Some(site) = Site::start() else { return };
    let once = json!({ "OpenStdin": true, "StdinOnce": true });
    let [docker, hijack] = BOTH.map(|client| {
        site.running("reads", "read line; echo got $line; echo err >&2; cat; exit 4", &once);
        let said = site.say(client, &["attach", "reads"], b"hello\nrest");
        site.daemon.remove("reads");
        said
    });
    assert_eq!(hijack, docker);
    assert_eq!((hijack.code, hijack.out.as_str()), (Some(4), "got hello\nrest"));
    // Without stdin it is looked at only.
    let [docker, hijack] = BOTH.map(|client| {
        site.running("writes", "sleep 1; echo later; exit 6", &once);
        let said = site.say(client, &["attach", "--no-stdin", "--sig-proxy=false", "writes"], b"");
        site.daemon.remove("writes");
        said
    });
    assert_eq!(hijack, docker);
    assert_eq!((hijack.code, hijack.out.as_str()), (Some(6), "later\n"));
    site.made("created", "true", &json!({}));
    let paused = site.running("paused", "sleep 600", &json!({}));
    let _ = site.daemon.succeed("POST", &format!("/containers/{paused}/pause"), &json!(null));
    site.running("terminal", "sleep 600", &json!({ "Tty": true, "OpenStdin": true }));
    let table: [(&[&str], i32); 7] = [
        (&["attach", "nobody"], 1),
        (&["attach", "created"], 1),
        (&["attach", "paused"], 1),
        (&["attach", "terminal"], 1),
        (&["attach"], 1),
        (&["attach", "a", "b"], 1),
        (&["attach", "--nope", "a"], 125),
    ];
    for (words, code) in table {
        ended(&site.same(words, b"x"), code);
    }
}

#[test]
fn logs() {
    let Some(site) = Site::start() else { return };
    let script = "for i in 1 2 3 4 5; do echo out $i; done; sleep 1; echo err >&2; echo last";
    let id = site.running("spoke", script, &json!({}));
    assert_eq!(site.daemon.exit_code(&id), 0);
    let id = site.running("typed", "echo on a terminal", &json!({ "Tty": true }));
    assert_eq!(site.daemon.exit_code(&id), 0);
    let table: [(&[&str], i32); 14] = [
        (&["logs", "spoke"], 0),
        (&["logs", "typed"], 0),
        (&["logs", "-n", "2", "spoke"], 0),
        (&["logs", "--tail=0", "spoke"], 0),
        (&["logs", "-n", "-5", "spoke"], 0),
        (&["logs", "-t", "spoke"], 0),
        (&["logs", "-f", "--details", "spoke"], 0),
        (&["logs", "--since", "1h", "--until", "2100-01-01", "spoke"], 0),
        (&["logs", "--until", "2000-01-01T00:00:00Z", "spoke"], 0),
        (&["logs", "--since", "soon", "spoke"], 1),
        (&["logs", "nobody"], 1),
        (&["logs"], 1),
        (&["logs", "a", "b"], 1),
        (&["logs", "-n"], 125),
    ];
    for (words, code) in table {
        ended(&site.same(words, b""), code);
    }
    // Followed until the container ends.
    let [docker, hijack] = BOTH.map(|client| {
        site.running("speaks", "echo one; sleep 1; echo two; exit 3", &json!({}));
        let said = site.say(client, &["logs", "-f", "speaks"], b"");
        site.daemon.remove("speaks");
        said
    });
    assert_eq!(hijack, docker);
    assert_eq!((hijack.code, hijack.out.as_str()), (Some(0), "one\ntwo\n"));
}

#[test]
fn lists_and_versions() {
    let Some(site) = Site::start() else { return };
    for words in [&["ps"][..], &["ps", "--format", "json"], &["ps", "-aq"]] {
        ended(&site.same(words, b""), 0);
    }
    let labels = json!({ "Labels": { "b": "2", "a": "1" }, "ExposedPorts": { "80/tcp": {}, "81/tcp": {}, "9/udp": {} } });
    site.running("a-container-with-a-long-name", "sleep 600", &labels);
    site.made("made", "echo \"quoted\" and <long> enough to be cut", &json!({}));
    let id = site.running("ended", "exit 3", &json!({}));
    assert_eq!(site.daemon.exit_code(&id), 3);
    let table: [&[&str]; 16] = [
        &["ps"],
        &["ps", "-a"],
        &["ps", "-aq"],
        &["ps", "-a", "--no-trunc"],
        &["ps", "-q", "--no-trunc"],
        &["ps", "-l"],
        &["ps", "-n", "2"],
        &["ps", "-as"],
        &["ps", "-a", "-f", "status=exited", "--filter", "name=ended"],
        &["ps", "-a", "--format", "json"],
        &["ps", "-a", "--format", "json", "--no-trunc"],
        &["ps", "-a", "--format", "table"],
        &["ps", "-a", "--format", "table {{.Names}}\\t{{.Status}}"],
        &[
            "ps",
            "-a",
            "--format",
            "{{.ID}} {{.Image}} {{.Command}} {{.Labels}} {{.Mounts}} {{json .Networks}} {{.State}}",
        ],
        &["ps", "-a", "--format", "{{json .}}"],
        &["ps", "-a", "--format", "{{.CreatedAt}} {{.Size}}"],
    ];
    for words in table {
        ended(&site.same_at_last(words), 0);
    }
    for words in [&["ps", "extra"][..], &["version", "extra"], &["ps", "--format", "{{.Nope}}"]] {
        ended(&site.same(words, b""), 1);
    }
    for words in [&["ps", "--filter", "x"][..], &["ps", "--nope"], &["ps", "-n", "x"]] {
        ended(&site.same(words, b""), 125);
    }
    // Each client is itself; the daemon is the same.
    let server = |client| {
        let said = site.say(client, &["version"], b"");
        said.out.split_once("\n\n").map(|(_, server)| server.to_owned()).expect("two parts")
    };
    assert_eq!(server(Client::Hijack), server(Client::Docker));
    let server = |client| {
        let said = site.say(client, &["version", "--format", "json"], b"");
        said.out.split_once("\"Server\":").map(|(_, server)| server.to_owned()).expect("two parts")
    };
    assert_eq!(server(Client::Hijack), server(Client::Docker));
}

/// No daemon, and what is none.
#[test]
fn unreachable() {
    let Some(site) = Site::start() else { return };
    let gone = format!("unix://{}", site.folder().join("gone.sock").display());
    let table: [(&[&str], i32); 6] = [
        (&["-H", &gone, "ps"], 1),
        (&["-H", &gone, "run", "--rm", IMAGE, "true"], 125),
        (&["-H", &gone, "run", "-it", IMAGE, "true"], 1),
        (&["-H", &gone, "exec", "a", "b"], 1),
        (&["-H", "tcp://127.0.0.1:1", "logs", "a"], 1),
        (&["--host=tcp://127.0.0.1:1", "attach", "a"], 1),
    ];
    for (words, code) in table {
        ended(&site.same(words, b""), code);
    }
    // docker takes a host in front of the verb only.
    let said = site.say(Client::Hijack, &["ps", "-H", &gone], b"");
    assert!(said.code == Some(1) && said.err.contains(&gone), "{said:?}");
    let said = site.say(Client::Hijack, &["-H", &gone, "version"], b"");
    assert_eq!(said.code, Some(1));
    assert!(said.out.starts_with("Client: hijack\n") && said.err.contains(&gone), "{said:?}");
    for client in BOTH {
        let said = site.say(client, &["-H", "foo://x", "ps"], b"");
        assert!(said.code == Some(1) && said.err.starts_with("Failed to initialize: "), "{said:?}");
    }
}
