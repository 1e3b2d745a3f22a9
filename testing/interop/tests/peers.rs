//! The foreign servers themselves: they start beside each other, answer, and leave nothing behind.

use std::net::TcpStream;

use hijack_interop::dockerd::Dockerd;
use hijack_interop::foreign::Foreign;
use hijack_interop::transcript::{ask, split};
use serde_json::{Value, json};

#[test]
fn every_server_answers_and_ends() {
    for start in [Foreign::go, Foreign::node, || Foreign::nginx(false), || Foreign::haproxy(false)] {
        let Some(server) = start() else { continue };
        let base = server.base().to_owned();
        let said = ask(&base, b"GET /bytes/5 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", false);
        let answers = split(&said.expect("it closes"), &["GET"]).expect("an answer");
        assert_eq!(answers[0].body, b"0\r\n1\r", "{base}");
        drop(server);
        TcpStream::connect(base.trim_start_matches("http://")).expect_err("nobody listens any more");
    }
}

#[test]
fn two_daemons_run_containers_and_leave_nothing() {
    let (Some(first), Some(second)) = (Dockerd::start(), Dockerd::start()) else { return };
    for daemon in [&first, &second] {
        let id = daemon.create(&["sh", "-c", "echo out; exit 7"], &json!({ "Tty": true }));
        daemon.start_container(&id);
        assert_eq!(daemon.exit_code(&id), 7);
        let logs = daemon.call("GET", &format!("/containers/{id}/logs?stdout=1"), &Value::Null);
        assert_eq!(logs.body.escape_ascii().to_string(), r"out\r\n");
        let deaf = daemon.create(&["cat"], &json!({ "OpenStdin": true }));
        daemon.start_container(&deaf);
    }
    let socket = first.socket().to_owned();
    drop(first);
    assert!(!socket.parent().expect("it is in a folder").exists(), "the folder is gone");
    assert_eq!(second.call("GET", "/_ping", &Value::Null).body, b"OK", "the other one is not touched");
}
