//! What Autobahn does not ask a WebSocket server, and what most servers get wrong: bytes by plain sockets, and the
//! answer that the law wants (RFC 6455 §4.2, §5).

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hijack_interop::server::Server;

/// What a server has to do.
enum Wanted {
    /// Answers with this status, and with this within its head.
    Refuses(u16, &'static str),
    /// Switches, and its frames begin like this.
    Sends(&'static [u8]),
}
use Wanted::{Refuses, Sends};

const GOOD: &str = "GET /ws/echo HTTP/1.1\r\nHost: HOST\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// `name, what to replace in the good request, by what, frames behind it, wanted`.
type Probe = (&'static str, &'static str, &'static str, &'static [u8], Wanted);

fn probes() -> Vec<Probe> {
    vec![
        ("nothing wrong", "", "", b"\x81\x82\0\0\0\0hi", Sends(b"\x81\x02hi")),
        ("an unmasked frame", "", "", b"\x81\x02hi", Sends(FAILS)),
        ("5 bytes in the 16-bit form", "", "", b"\x82\xfe\0\x05\0\0\0\0hello", Sends(FAILS)),
        ("5 bytes in the 64-bit form", "", "", b"\x82\xff\0\0\0\0\0\0\0\x05\0\0\0\0hello", Sends(FAILS)),
        ("a length of 2^63 + 5", "", "", b"\x82\xff\x80\0\0\0\0\0\0\x05\0\0\0\0hello", Sends(FAILS)),
        (
            "a length of 2^63 - 1",
            "",
            "",
            b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0hello",
            Sends(TOO_BIG),
        ),
        ("an empty text and a ping", "", "", b"\x81\x80\0\0\0\0\x89\x81\0\0\0\0p", Sends(b"\x81\0\x8a\x01p")),
        ("a list of tokens", "Connection: Upgrade", "Connection: keep-alive, Upgrade", PING, Sends(PONG)),
        ("names in other cases", "Upgrade: websocket", "uPGRADE: WebSocket", PING, Sends(PONG)),
        ("version 12", "Version: 13", "Version: 12", PING, Refuses(426, "sec-websocket-version: 13")),
        ("no version", "Sec-WebSocket-Version: 13\r\n", "", PING, Refuses(426, "sec-websocket-version: 13")),
        ("a key of 2 bytes", "dGhlIHNhbXBsZSBub25jZQ==", "abc", PING, Refuses(400, "")),
        ("a key of 17 bytes", "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZSE=", PING, Refuses(400, "")),
        (
            "two keys",
            "\r\n\r\n",
            "\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
            PING,
            Refuses(400, ""),
        ),
        (
            "another connection token",
            "Connection: Upgrade",
            "Connection: keep-alive",
            PING,
            Refuses(426, "upgrade: websocket"),
        ),
        ("no connection token", "Connection: Upgrade\r\n", "", PING, Refuses(426, "upgrade: websocket")),
        ("a POST", "GET", "POST", PING, Refuses(405, "allow: get")),
        ("HTTP/1.0", "HTTP/1.1", "HTTP/1.0", PING, Refuses(426, "")),
        ("a foreign page", "\r\n\r\n", "\r\nOrigin: http://elsewhere.test\r\n\r\n", PING, Refuses(403, "")),
        ("a page without a name", "\r\n\r\n", "\r\nOrigin: null\r\n\r\n", PING, Refuses(403, "")),
        ("its own page", "\r\n\r\n", "\r\nOrigin: http://HOST\r\n\r\n", PING, Sends(PONG)),
    ]
}

#[test]
fn every_probe_is_answered_by_the_law() {
    let server = Server::start();
    let host = server.base().trim_start_matches("http://");
    let wrong: Vec<String> = probes().iter().filter_map(|probe| try_out(host, probe).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn try_out(host: &str, (name, from, to, frames, wanted): &Probe) -> Result<(), String> {
    let request = if from.is_empty() { GOOD.to_owned() } else { GOOD.replacen(from, to, 1) };
    let said =
        ask(host, &request.replace("HOST", host), frames).map_err(|failure| format!("{name}: {failure}"))?;
    let said = said.escape_ascii().to_string();
    let (head, behind) = said.split_once(r"\r\n\r\n").unwrap_or((&said, ""));
    let is_right = match wanted {
        Refuses(status, field) => {
            head.starts_with(&format!("HTTP/1.1 {status} ")) && head.to_lowercase().contains(field)
        }
        Sends(frames) => {
            head.starts_with("HTTP/1.1 101 ") && behind.starts_with(&frames.escape_ascii().to_string())
        }
    };
    if is_right { Ok(()) } else { Err(format!("{name}: {said}")) }
}

/// Sends the request and the frames in one write and then our end, and reads until the server's.
fn ask(host: &str, request: &str, frames: &[u8]) -> io::Result<Vec<u8>> {
    let mut socket = TcpStream::connect(host)?;
    socket.set_read_timeout(Some(Duration::from_secs(20)))?;
    socket.write_all(&[request.as_bytes(), frames].concat())?;
    socket.shutdown(Shutdown::Write)?;
    let mut said = Vec::new();
    socket.read_to_end(&mut said)?;
    Ok(said)
}

#[test]
fn no_subprotocol_is_chosen_that_was_not_configured() {
    let server = Server::start();
    let host = server.base().trim_start_matches("http://");
    let request =
        GOOD.replace("HOST", host).replacen("\r\n\r\n", "\r\nSec-WebSocket-Protocol: chat\r\n\r\n", 1);
    let said = ask(host, &request, PING).expect("an answer").escape_ascii().to_string();
    assert!(
        said.starts_with("HTTP/1.1 101 ") && !said.to_lowercase().contains("sec-websocket-protocol"),
        "{said}"
    );
}

/// Fifty clients promise 15 MiB each, and send 100 bytes of it.
#[test]
fn a_promise_takes_no_memory() {
    let (process, host) = Process::start();
    let promise = [PING, b"\x82\xff\0\0\0\0\0\xf0\0\0\0\0\0\0", &[b'x'; 100]].concat();
    // The first connections pay for what all share.
    let mut open: Vec<TcpStream> = (0..10).map(|_| promising(&host, &promise)).collect();
    let before = process.resident_kib();
    open.extend((0..50).map(|_| promising(&host, &promise)));
    let grown = process.resident_kib().saturating_sub(before);
    assert!(grown <= 50 * MOST_KIB, "{grown} KiB for 50 connections");
}

/// A connection on which all of `frames` was read: the ping in front is answered.
fn promising(host: &str, frames: &[u8]) -> TcpStream {
    let mut socket = TcpStream::connect(host).expect("a connection");
    socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
    socket.write_all(&[GOOD.replace("HOST", host).as_bytes(), frames].concat()).expect("sent");
    let mut said = Vec::new();
    while !said.ends_with(PONG) {
        let mut byte = [0];
        socket.read_exact(&mut byte).expect("a pong");
        said.extend(byte);
    }
    socket
}

/// Our server in a process of its own, killed when this is dropped.
struct Process(Child);

impl Process {
    fn start() -> (Self, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hijack-interop"));
        let mut child = command.arg("127.0.0.1:0").stdout(Stdio::piped()).spawn().expect("it starts");
        let mut base = String::new();
        let stdout = child.stdout.take().expect("stdout is a pipe");
        BufReader::new(stdout).read_line(&mut base).expect("it tells its address");
        (Self(child), base.trim().trim_start_matches("http://").to_owned())
    }

    fn resident_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its size");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const PING: &[u8] = b"\x89\x81\0\0\0\0p";
const PONG: &[u8] = b"\x8a\x01p";

/// Closes of 1002 and 1009.
const FAILS: &[u8] = b"\x88\x02\x03\xea";
const TOO_BIG: &[u8] = b"\x88\x02\x03\xf1";

/// What a connection may take meanwhile, its task included; the socket's own is the system's.
const MOST_KIB: u64 = 16;
