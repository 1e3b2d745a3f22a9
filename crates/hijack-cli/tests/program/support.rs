//! What the tests share: a running demo, and runs of the program.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// A running demo; ended with the test.
pub(crate) struct Demo {
    pub(crate) child: Child,
    pub(crate) address: String,
}

impl Demo {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(args: &[&str]) -> Self {
        let mut demo = Self::start_on("127.0.0.1:0", args);
        let url = demo.address.split_once("://").and_then(|(_, rest)| rest.strip_suffix('/'));
        demo.address = url.unwrap_or_else(|| panic!("expected a URL, got {:?}", demo.address)).to_owned();
        demo
    }

    /// Its address is `unix:PATH`.
    pub(crate) fn start_on_unix(path: &str) -> Self {
        Self::start_on(&format!("unix:{path}"), &[])
    }

    fn start_on(listen: &str, args: &[&str]) -> Self {
        let mut child = hijack(&[&["demo", "--listen", listen, "--threads", "1"], args].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program");
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().expect("piped"));
        output.read_line(&mut line).expect("its first line");
        let address = line.trim().strip_prefix("demo server on ");
        let address = address.unwrap_or_else(|| panic!("expected an address, got {line:?}")).to_owned();
        Self { child, address }
    }

    /// Sends `request`, ends our direction, and reads to the end.
    pub(crate) fn ask(&self, request: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).expect("written");
        stream.shutdown(Shutdown::Write).expect("half-closed");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer and its end");
        answer
    }

    /// Opens a connection on which nothing is said yet.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).expect("a listening demo");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        stream
    }

    /// The URL of a WebSocket.
    pub(crate) fn ws(&self, path: &str) -> String {
        format!("ws://{}{path}", self.address)
    }

    pub(crate) fn get(&self, path: &str, more: &str) -> String {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: demo\r\n{more}\r\n"))
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn hijack(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hijack"));
    command.args(args);
    command
}

/// The exit code and stderr of a run that must fail.
pub(crate) fn fails(args: &[&str]) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = hijack(args).output().expect("the program");
    (status.code(), String::from_utf8(stderr).expect("UTF-8"))
}

/// Runs the program with `input` to its end: exit code, stdout, stderr.
pub(crate) fn run(args: &[&str], input: &[u8]) -> (Option<i32>, Vec<u8>, String) {
    let mut child = hijack(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    let mut stdin = child.stdin.take().expect("piped");
    let output = std::thread::scope(|scope| {
        scope.spawn(move || {
            // A run that fails reads nothing.
            let _ = stdin.write_all(input);
        });
        child.wait_with_output().expect("an end")
    });
    (output.status.code(), output.stdout, String::from_utf8(output.stderr).expect("UTF-8"))
}
