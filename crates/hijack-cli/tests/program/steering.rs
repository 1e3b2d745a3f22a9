//! A gateway before the demo, and the operators' commands on what lives there.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Demo, hijack};

const TOKEN: &str = "a-token-for-this-test";

/// A gateway as its user starts it; ended with the test.
struct Gateway {
    child: Child,
    address: String,
    admin: String,
    _demo: Demo,
}

impl Gateway {
    fn start() -> Self {
        let demo = Demo::start();
        let upstream = format!("http://{}", demo.address);
        let mut child = hijack(&[
            "gateway",
            "--listen",
            "127.0.0.1:0",
            "--admin",
            "127.0.0.1:0",
            "--threads",
            "1",
            "--upstream",
            &upstream,
        ])
        .env("HIJACK_TOKEN", TOKEN)
        .env("HIJACK_LOG_FORMAT", "json")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut line = |name: &str| {
            let line = lines.next().expect("a line").expect("UTF-8");
            let url = line.strip_prefix(name).unwrap_or_else(|| panic!("expected {name}, got {line:?}"));
            url.trim().to_owned()
        };
        let (gateway, admin) = (line("gateway "), line("console "));
        let address = gateway.trim_start_matches("http://").trim_end_matches('/').to_owned();
        Self { child, address, admin: admin.trim_end_matches('/').to_owned(), _demo: demo }
    }

    /// `hijack conns` with these arguments: exit code, stdout, stderr.
    fn conns(&self, args: &[&str]) -> (Option<i32>, String, String) {
        let output = hijack(&[&["conns", "--admin", &self.admin, "--token", TOKEN], args].concat()).output();
        let output = output.expect("the program");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    /// The id of the one connection that lives.
    fn id(&self) -> String {
        let until = Instant::now() + Duration::from_secs(10);
        while Instant::now() < until {
            let (_, listed, _) = self.conns(&["list", "--json"]);
            if let Some(id) = listed.split("\"id\":").nth(1) {
                return id.split(',').next().expect("a number").to_owned();
            }
        }
        panic!("no connection is listed");
    }

    fn socket(&self) -> Child {
        let url = format!("ws://{}/ws", self.address);
        let mut command = hijack(&["ws", &url]);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program")
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn operators_list_show_send_and_kick() {
    let gateway = Gateway::start();
    let mut socket = gateway.socket();
    let mut printed = BufReader::new(socket.stdout.take().expect("piped"));
    let id = gateway.id();
    let (code, table, _) = gateway.conns(&["list"]);
    assert!(code == Some(0) && table.contains("websocket"), "{table}");
    let (code, shown, _) = gateway.conns(&["show", &id]);
    assert!(code == Some(0) && shown.contains("GET /ws"), "{shown}");
    let (code, _, stderr) = gateway.conns(&["send", &id, "from an operator"]);
    assert_eq!((code, &*stderr), (Some(0), ""));
    let mut line = String::new();
    printed.read_line(&mut line).expect("a line");
    assert_eq!(line, "from an operator\n");
    let (code, _, stderr) = gateway.conns(&["kick", &id, "--code", "4001", "--reason", "enough"]);
    assert_eq!((code, &*stderr), (Some(0), ""));
    let end = socket.wait_with_output().expect("its end");
    let stderr = String::from_utf8(end.stderr).expect("UTF-8");
    assert!(end.status.code() == Some(5) && stderr.contains("4001") && stderr.contains("enough"), "{stderr}");
    let (_, closed, _) = gateway.conns(&["list", "--filter", "state=closed"]);
    assert!(closed.contains("operator") && closed.contains("enough"), "{closed}");
    let (code, _, stderr) = gateway.conns(&["show", "4242"]);
    assert!(code == Some(7) && stderr.contains("4242"), "{stderr}");
}

#[test]
fn a_tail_shows_what_passes() {
    let gateway = Gateway::start();
    let mut socket = gateway.socket();
    let id = gateway.id();
    let mut tail = hijack(&["conns", "--admin", &gateway.admin, "--token", TOKEN, "tail", &id])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program");
    let mut stdin = socket.stdin.take().expect("piped");
    let mut lines = BufReader::new(tail.stdout.take().expect("piped")).lines();
    // It may not look yet when the first is sent.
    let sending = std::thread::spawn(move || {
        for _ in 0..100 {
            if stdin.write_all(b"a message to be seen\n").is_err() {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    let seen = lines.by_ref().map_while(Result::ok).find(|line| line.contains("a message to be seen"));
    assert!(seen.is_some());
    tail.kill().and_then(|()| tail.wait()).expect("ended");
    socket.kill().and_then(|()| socket.wait()).expect("ended");
    sending.join().expect("no panic");
}

#[test]
fn a_signal_drains_and_tells_each_end_in_json() {
    let mut gateway = Gateway::start();
    let socket = gateway.socket();
    gateway.id();
    let sent = Command::new("kill").args(["-TERM", &gateway.child.id().to_string()]).status();
    assert!(sent.expect("kill").success());
    let end = socket.wait_with_output().expect("its end");
    assert_eq!(end.status.code(), Some(5), "closed with 1012");
    assert!(gateway.child.wait().expect("its end").success());
    let mut told = String::new();
    gateway.child.stderr.take().expect("piped").read_to_string(&mut told).expect("UTF-8");
    let line =
        told.lines().find(|line| line.contains("hijack_gateway::connection")).expect("a line at the end");
    let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
    assert_eq!(
        (&line["closed_by"], &line["code"], &line["protocol"]),
        (&"gateway".into(), &1012.into(), &"websocket".into())
    );
}
