//! Upgrades that the gateway lets pass, does not, or does not believe: what its upstream gets, and what its client.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use hijack_interop::foreign::Foreign;
use hijack_interop::gateway::Program;
use hijack_interop::transcript::{ask, split};

/// An upstream that answers each request's head with the same bytes, and tells all that it got on each connection.
struct Scripted {
    base: String,
    got: Receiver<Vec<u8>>,
}

impl Scripted {
    fn start(answer: impl Into<Vec<u8>>) -> Self {
        let (listener, answer) = (TcpListener::bind("127.0.0.1:0").expect("a port is free"), answer.into());
        let base = format!("http://{}", listener.local_addr().expect("it is bound"));
        let (seen, got) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (answer, seen) = (answer.clone(), seen.clone());
                thread::spawn(move || {
                    let _ = seen.send(serve(stream.expect("a connection"), &answer));
                });
            }
        });
        Self { base, got }
    }

    /// What it got on a connection that has ended.
    fn got(&self) -> String {
        let got = self.got.recv_timeout(PATIENCE).expect("the connection to the upstream ends");
        String::from_utf8(got).expect("text")
    }
}

fn serve(mut stream: TcpStream, answer: &[u8]) -> Vec<u8> {
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let (mut got, mut part, mut answered) = (Vec::new(), [0; 4096], false);
    // A reset is an end, too.
    while let Ok(len @ 1..) = stream.read(&mut part) {
        got.extend_from_slice(&part[..len]);
        if !answered && got.windows(4).any(|end| end == b"\r\n\r\n") {
            let _ = stream.write_all(answer);
            answered = true;
        }
    }
    got
}

/// All that the gateway says to `request` and, once that began, to `more` behind it.
fn talk(base: &str, request: &str, more: &str) -> String {
    let mut stream = TcpStream::connect(base.trim_start_matches("http://")).expect("the gateway listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut first = [0; 1];
    stream.read_exact(&mut first).unwrap_or_else(|error| panic!("no answer to {request}: {error}"));
    // Whatever the answer is, an attacker goes on as if he had his tunnel.
    let _ = stream.write_all(more.as_bytes());
    let _ = stream.shutdown(Shutdown::Write);
    let mut said = first.to_vec();
    let _ = stream.read_to_end(&mut said);
    String::from_utf8_lossy(&said).into_owned()
}

fn upgrade(token: &str, more: &str) -> String {
    format!("GET /x HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: {token}\r\n{more}\r\n")
}

const KEY: &str = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// What `/upgrade` of Go's server takes, and no route lets pass unasked.
#[test]
fn only_named_tokens_pass() {
    let Some(server) = Foreign::go() else { return };
    let request =
        b"GET /upgrade HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly";
    let Some(gateway) = Program::before(server.base(), "upgrades = [\"echo\"]") else { return };
    let said = ask(gateway.base(), request, true).expect("an answer");
    let answer = split(&said, &["GET"]).expect("an answer").remove(0);
    assert_eq!((answer.status, answer.header("upgrade")), (101, "echo"));
    assert_eq!(answer.body, b"welcome\nearly");

    let Some(gateway) = Program::before(server.base(), "") else { return };
    let closing = String::from_utf8_lossy(request).replace("Upgrade\r\nUpgrade", "Upgrade, close\r\nUpgrade");
    let said = ask(gateway.base(), closing.trim_end_matches("early").as_bytes(), false).expect("an answer");
    let answer = split(&said, &["GET"]).expect("an answer").remove(0);
    assert_eq!(answer.status, 426, "the server was asked without an Upgrade: {answer:?}");
}

/// Tokens that are not allowed do not reach the upstream, nor does h2c where any token is (RFC 9113 §3.1).
#[test]
fn what_is_not_allowed_is_not_asked_for() {
    let plain = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    for (allowed, token) in [("websocket", "evil"), ("*", "h2c"), ("*", "H2C"), ("tcp", "h2c, evil")] {
        let upstream = Scripted::start(plain);
        let lines = format!("upgrades = [\"{allowed}\"]");
        let Some(gateway) = Program::before(&upstream.base, &lines) else { return };
        let request = upgrade(token, "HTTP2-Settings: AAMAAABkAARAAAAA\r\n")
            .replace("Connection: Upgrade", "Connection: Upgrade, HTTP2-Settings, close");
        let said = talk(gateway.base(), &request, "");
        assert!(said.starts_with("HTTP/1.1 200 ") && said.ends_with("\r\n\r\nok"), "{token}: {said}");
        let got = upstream.got().to_ascii_lowercase();
        assert!(!got.contains("upgrade") && !got.contains("http2-settings"), "{token}: {got}");
    }
}

/// Answers that open nothing: 502, and the upstream gets no byte behind its request (RFC 6455 §4.1, RFC 9110 §7.8).
#[test]
fn a_101_that_is_not_believed_opens_nothing() {
    let switch = |fields: &str| {
        format!("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n{fields}\r\nhello")
    };
    let ordinary = "GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n".to_owned();
    let upload = "POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nab".to_owned();
    let accept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
    let cases = [
        (upgrade("websocket", KEY), switch("Upgrade: websocket\r\n")),
        (upgrade("websocket", KEY), switch("Upgrade: websocket\r\nSec-WebSocket-Accept: AAAA\r\n")),
        (upgrade("websocket", KEY), switch(&format!("Upgrade: websocket\r\n{accept}{accept}"))),
        (upgrade("websocket", KEY), switch(&format!("Upgrade: other\r\n{accept}"))),
        (upgrade("websocket", KEY), switch(accept)),
        (
            upgrade("websocket", KEY),
            switch(&format!("Upgrade: websocket\r\nSec-WebSocket-Protocol: x\r\n{accept}")),
        ),
        (
            upgrade("websocket", KEY),
            switch(&format!("Upgrade: websocket\r\nSec-WebSocket-Extensions: x\r\n{accept}")),
        ),
        (upgrade("tcp", ""), switch("Upgrade: websocket\r\n")),
        (upgrade("tcp", ""), switch("Upgrade: h2c\r\n")),
        (upgrade("tcp", ""), switch("")),
        (ordinary.clone(), switch("Upgrade: tcp\r\n")),
        (ordinary, switch(&format!("Upgrade: websocket\r\n{accept}"))),
        (upload, switch("Upgrade: tcp\r\n")),
    ];
    for (request, answer) in cases {
        let upstream = Scripted::start(answer.clone());
        let Some(gateway) = Program::before(&upstream.base, "") else { return };
        let said = talk(gateway.base(), &request, "smuggled bytes\r\n\r\n");
        assert!(said.starts_with("HTTP/1.1 502 "), "{request}\n{answer}\n{said}");
        assert!(!said.contains("hello") && !said.contains("101 Switching"), "{request}\n{answer}\n{said}");
        let got = upstream.got();
        let body = got.split_once("\r\n\r\n").map(|(_, body)| body);
        assert!(!got.contains("smuggled") && matches!(body, Some("" | "ab")), "{request}\n{answer}\n{got}");
        let open = gateway.ask("/api/connections");
        assert_eq!(open["connections"].as_array().map(Vec::len), Some(0), "{open}");
    }
}

/// A 101 that is right in all, as the other cases' measure.
#[test]
fn a_101_that_is_believed_opens_a_tunnel() {
    let accept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
    for (request, fields) in [
        (upgrade("websocket", KEY), format!("Upgrade: websocket\r\n{accept}")),
        (upgrade("tcp", ""), "Upgrade: tcp\r\n".to_owned()),
    ] {
        let upstream =
            Scripted::start(format!("HTTP/1.1 101 Fine\r\nConnection: Upgrade\r\n{fields}\r\n\u{1}\u{0}"));
        let Some(gateway) = Program::before(&upstream.base, "") else { return };
        let said = talk(gateway.base(), &request, "\u{1}\u{0}");
        assert!(
            said.starts_with("HTTP/1.1 101 Fine\r\n") && said.ends_with("\r\n\r\n\u{1}\u{0}"),
            "{said:?}"
        );
        assert!(upstream.got().ends_with("\r\n\r\n\u{1}\u{0}"));
    }
}

const PATIENCE: Duration = Duration::from_secs(30);
