//! The other implementations as filter processes: streams in as hex lines, verdicts out as JSON lines.
//!
//! A line is a stream of requests in hex, or `METHOD:hex` for each segment of a stream of responses, with spaces
//! between them.

use std::fmt;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::{Accepted, Role, Stream};

/// An implementation to compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// Go's net/http.
    Go,
    /// Node's http, with llhttp.
    Node,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Go => "Go",
            Self::Node => "Node",
        })
    }
}

/// A peer that can be started in a role.
#[derive(Debug)]
pub struct Oracle {
    peer: Peer,
    program: PathBuf,
    arguments: Vec<PathBuf>,
}

impl Oracle {
    /// The peer's filter, ready to run; Go's is built into `folder` first.
    ///
    /// # Errors
    ///
    /// A sentence that names the peer and says how to provide it.
    pub fn find(peer: Peer, role: Role, folder: &Path) -> Result<Self, String> {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracles");
        let side = match role {
            Role::Server => "server",
            Role::Client => "client",
        };
        match peer {
            Peer::Go => {
                let program = folder.join(format!("oracle-go-{side}"));
                let mut build = Command::new(runtime("HIJACK_GO", "go"));
                build.current_dir(sources.join("go")).args(["build", "-o"]).arg(&program).args(GO_FILES);
                succeed(build).map_err(|error| missing(peer, "HIJACK_GO", "go", &error))?;
                Ok(Self { peer, program, arguments: vec![side.into()] })
            }
            Peer::Node => {
                let program = PathBuf::from(runtime("HIJACK_NODE", "node"));
                let mut version = Command::new(&program);
                version.arg("--version");
                succeed(version).map_err(|error| missing(peer, "HIJACK_NODE", "node", &error))?;
                Ok(Self { peer, program, arguments: vec![sources.join("node/oracle.js"), side.into()] })
            }
        }
    }

    /// What the peer accepts of each stream.
    ///
    /// # Errors
    ///
    /// A sentence: the filter failed as a whole or on one stream.
    pub fn judge(&self, streams: &[Stream]) -> Result<Vec<Vec<Accepted>>, String> {
        let peer = self.peer;
        let lines = self.run(streams).map_err(|error| format!("{peer}: {error}"))?;
        if lines.len() != streams.len() {
            return Err(format!("{peer} judged {} streams of {}", lines.len(), streams.len()));
        }
        let judged = lines.iter().zip(streams);
        judged
            .map(|(line, stream)| {
                parse_verdict(line).map_err(|error| format!("{peer}, {}: {error}", stream.name))
            })
            .collect()
    }

    /// The filter's lines. All are read before any is judged, so that neither side waits for the other's pipe.
    fn run(&self, streams: &[Stream]) -> io::Result<Vec<String>> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let mut input = child.stdin.take().expect("piped");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let lines = std::thread::scope(|scope| {
            let writer = scope
                .spawn(move || streams.iter().try_for_each(|stream| writeln!(input, "{}", line(stream))));
            let lines = output.lines().collect();
            writer.join().expect("a writer does not panic").and(lines)
        });
        child.wait()?;
        lines
    }
}

const GO_FILES: [&str; 3] = ["main.go", "server.go", "client.go"];

fn runtime(variable: &str, default: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| default.to_owned())
}

fn missing(peer: Peer, variable: &str, program: &str, error: &str) -> String {
    format!("{peer} is missing ({error}): put `{program}` on PATH or its path into {variable}")
}

fn succeed(mut command: Command) -> Result<(), String> {
    let output = command.output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

/// `{"accepted":[{"start":"/","body":"00ff"}]}` or `{"error":"…"}`.
fn parse_verdict(line: &str) -> Result<Vec<Accepted>, String> {
    let malformed = || format!("malformed verdict: {line}");
    let verdict: Value = serde_json::from_str(line).map_err(|_| malformed())?;
    if let Some(error) = verdict["error"].as_str() {
        return Err(error.to_owned());
    }
    let accepted = verdict["accepted"].as_array().ok_or_else(malformed)?;
    accepted.iter().map(|message| parse_accepted(message).ok_or_else(malformed)).collect()
}

/// The start has one character per byte.
fn parse_accepted(message: &Value) -> Option<Accepted> {
    let start = message["start"].as_str()?.chars();
    let start = start.map(|byte| u8::try_from(byte).ok()).collect::<Option<_>>()?;
    Some(Accepted { start, body: unhex(message["body"].as_str()?)? })
}

/// How a filter is told a stream.
fn line(stream: &Stream) -> String {
    let mut methods = stream.asks.iter().map(|ask| format!("{}:", ask.method));
    let segments = stream.segments();
    let words = segments.map(|at| methods.next().unwrap_or_default() + &hex(&stream.bytes[at]));
    words.collect::<Vec<_>>().join(" ")
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::{Stream, hex, line, parse_verdict, unhex};
    use crate::Ask;

    #[test]
    fn reads_verdicts_byte_by_byte() {
        let verdict =
            parse_verdict("{\"accepted\":[{\"start\":\"/\u{e9}\",\"body\":\"00ff\"}]}").expect("legal");
        assert_eq!(verdict[0].start, b"/\xe9");
        assert_eq!(verdict[0].body, [0, 0xff]);
        assert_eq!(parse_verdict("{\"error\":\"slow\"}"), Err("slow".to_owned()));
        assert!(parse_verdict("{}").is_err());
    }

    #[test]
    fn writes_and_reads_hex() {
        assert_eq!(hex(&[0x00, 0x9f]), "009f");
        assert_eq!(unhex("009f"), Some(vec![0x00, 0x9f]));
        assert_eq!(unhex("0g"), None);
    }

    #[test]
    fn tells_streams_by_segments() {
        let asks = [("GET", 0), ("HEAD", 2), ("X", 2)];
        let asks = asks.map(|(method, at)| Ask { method: method.to_owned(), at }).to_vec();
        let mut stream = Stream { name: "test".to_owned(), bytes: b"abc".to_vec(), asks, expected: None };
        assert_eq!(line(&stream), "GET:6162 HEAD: X:63");
        stream.asks.clear();
        assert_eq!(line(&stream), "616263");
    }
}
