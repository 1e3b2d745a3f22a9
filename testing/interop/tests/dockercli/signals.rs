//! Signals: passed on to the container, or the end of the client.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use hijack_interop::dockerd::IMAGE;
use serde_json::json;

use crate::beside::{BOTH, Client, Said, Site, alike, ended, kill};

const RUN: [&str; 4] = ["run", "--rm", "--network", "none"];

/// A process that says which signal came, and ends by it.
const TRAPS: &str = "for s in HUP INT TERM USR1 QUIT; do trap \"echo $s; exit 11\" $s; done; \
                     echo ready; while :; do sleep 0.1; done";

impl Site {
    /// Runs a command line until it has said `ready`, sends it a signal, and sees how it ends.
    fn told(&self, client: Client, words: &[&str], signal: &str) -> Said {
        let mut command = self.command(client, words);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let mut output = BufReader::new(child.stdout.take().expect("piped"));
        let mut first = String::new();
        output.read_line(&mut first).expect("a line");
        assert_eq!(first, "ready\n", "{words:?}");
        kill(child.id(), signal);
        let mut said = ended(child, words);
        output.read_to_string(&mut said.out).expect("text");
        alike(&said)
    }

    #[track_caller]
    fn same_by(&self, words: &[&str], signal: &str) -> Said {
        let [docker, hijack] = BOTH.map(|client| self.told(client, words, signal));
        assert_eq!(hijack, docker, "{words:?} {signal}, ours left, docker's right");
        hijack
    }
}

#[test]
fn a_container_is_told_signals() {
    let Some(site) = Site::start() else { return };
    let words = [&RUN[..], &[IMAGE, "sh", "-c", TRAPS]].concat();
    for signal in ["INT", "TERM", "HUP", "USR1", "QUIT"] {
        let said = site.same_by(&words, signal);
        assert_eq!((said.code, said.out), (Some(11), format!("{signal}\n")));
    }
    // A first process without a handler is deaf; one that is killed has a code for that.
    let words = [&RUN[..], &["--name", "deaf", IMAGE, "sh", "-c", "echo ready; sleep 600"]].concat();
    for client in BOTH {
        let mut child = site.command(client, &words).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut first = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut first).expect("a line");
        let _ = site.daemon.succeed("POST", "/containers/deaf/kill?signal=KILL", &json!(null));
        assert_eq!(child.wait().expect("an end").code(), Some(137), "{client:?}");
    }
}

#[test]
fn whoever_attaches_tells_signals() {
    let Some(site) = Site::start() else { return };
    let script =
        TRAPS.replace("echo ready", "echo ready; while [ ! -e /go ]; do sleep 0.1; echo ready; done");
    for signal in ["INT", "TERM"] {
        let [docker, hijack] = BOTH.map(|client| {
            site.running("attached", &script, &json!({}));
            let said = site.told(client, &["attach", "attached"], signal);
            site.daemon.remove("attached");
            // How often it said it was ready is a matter of time.
            Said { out: said.out.replace("ready\n", ""), ..said }
        });
        assert_eq!(hijack, docker, "{signal}");
        assert_eq!((hijack.code, hijack.out), (Some(11), format!("{signal}\n")));
    }
}

/// Without a proxy, and where there is none, a signal ends the client; the container goes on.
#[test]
fn a_client_is_ended_by_signals() {
    let Some(site) = Site::start() else { return };
    let id = site.running("spoke", "echo ready; sleep 600", &json!({}));
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        // docker calls it a success. What was interrupted has not succeeded.
        let words = ["exec", "spoke", "sh", "-c", "echo ready; sleep 600"];
        let said = site.told(Client::Hijack, &words, signal);
        assert_eq!((said.code, said.err.as_str()), (Some(code), ""), "exec {signal}");
        let said = site.same_by(&["logs", "-f", "spoke"], signal);
        assert_eq!((said.code, said.err.as_str()), (Some(code), ""), "logs {signal}");
    }
    assert_eq!(site.daemon.inspect(&id)["State"]["Running"], json!(true));
    // docker waits for the container's end even then, and is ended by nothing but KILL; we are ended.
    let chatty = "while :; do echo ready; sleep 0.1; done";
    site.running("chatty", chatty, &json!({}));
    let words = ["attach", "--no-stdin", "--sig-proxy=false", "chatty"];
    let said = site.told(Client::Hijack, &words, "INT");
    assert_eq!((said.code, said.err.as_str()), (Some(130), ""));
    assert_eq!(site.daemon.inspect("chatty")["State"]["Running"], json!(true));
}

/// Without a proxy a container that was run is told nothing by either client. docker waits for its end all the same; we are
/// ended.
#[test]
fn a_container_without_a_proxy_is_not_told() {
    let Some(site) = Site::start() else { return };
    let script = "trap 'exit 11' INT TERM; echo ready; i=0; while [ $i -lt 20 ]; do sleep 0.1; i=$((i + 1)); done; exit 5";
    let words =
        ["run", "--network", "none", "--sig-proxy=false", "--name", "alone", IMAGE, "sh", "-c", script];
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        for (client, expected) in BOTH.into_iter().zip([5, code]) {
            let said = site.told(client, &words, signal);
            assert_eq!((said.code, said.err.as_str()), (Some(expected), ""), "{client:?} {signal}");
            // Had it been told, it would be 11.
            assert_eq!(site.daemon.exit_code("alone"), 5, "{client:?} {signal}");
            site.daemon.remove("alone");
        }
    }
}
