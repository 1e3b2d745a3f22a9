//! Streams on which parsers may disagree (`testing/differential`), with the gateway in the middle: what it lets through
//! is read by the server behind it as the gateway's own session reads it. So a server never sees a request that the
//! gateway did not see, which is what request smuggling is.

use std::io::Write;

use hijack_differential::escape::escape_stream;
use hijack_differential::ours::Ours;
use hijack_differential::{Accepted, Role, Stream, corpus, generator};
use hijack_interop::gateway::{Program, serve_witness};
use hijack_interop::transcript::{ask, split};
use serde_json::Value;

use crate::number;

#[test]
fn go_reads_what_the_gateway_read() {
    read_alike(true);
}

#[test]
fn node_reads_what_the_gateway_read() {
    read_alike(false);
}

fn read_alike(is_go: bool) {
    let Some(server) = serve_witness(is_go) else { return };
    let Some(gateway) = Program::before(server.base(), "") else { return };
    let mut streams = corpus::read(Role::Server).expect("a well-formed corpus");
    streams.extend(generator::generate(Role::Server, 1, number("HIJACK_GATEWAY_STREAMS", 600)));
    let (mut read, mut arrived, mut wrong) = (0, 0, Vec::new());
    for stream in &streams {
        // A gateway that has had enough resets; what it let through is what counts.
        let _ = ask(gateway.base(), &stream.bytes, true);
        let seen = witnessed(server.base());
        let ours = Ours::of(stream, usize::MAX);
        let ours: Vec<Accepted> =
            ours.messages.into_iter().map(|message| as_forwarded(message.accepted)).collect();
        read += ours.len();
        arrived += seen.len();
        if !is_subsequence(&seen, &ours) {
            wrong.push(explain(stream, &ours, &seen));
        }
    }
    let figures =
        format!("{} streams, {read} requests read by the gateway, {arrived} arrived", streams.len());
    writeln!(std::io::stderr(), "{figures}").expect("stderr");
    assert!(wrong.is_empty(), "{figures}, {} read differently:\n{}", wrong.len(), wrong.join("\n"));
    assert!(arrived * 100 >= read * ARRIVING_PERCENT, "{figures}");
}

/// What the server accepted since it was asked last.
fn witnessed(base: &str) -> Vec<Accepted> {
    let request = b"GET /witness HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let said = ask(base, request, false).expect("the witness answers");
    let answer = split(&said, &["GET"]).expect("an answer").pop().expect("one");
    let list: Value = serde_json::from_slice(&answer.body).expect("JSON");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let list = list.as_array().expect("a list").iter();
    list.map(|seen| Accepted { start: text(&seen["target"]).into_bytes(), body: unhex(&text(&seen["body"])) })
        .collect()
}

/// A target in absolute form goes on in origin form (RFC 9112 §3.2.1, §3.2.2).
fn as_forwarded(mut accepted: Accepted) -> Accepted {
    let target = String::from_utf8_lossy(&accepted.start).into_owned();
    if let Some((_, rest)) = target.split_once("://").filter(|(scheme, _)| !scheme.contains('/')) {
        let path = rest.find(['/', '?']).map_or("", |at| &rest[at..]);
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        accepted.start = path.into_bytes();
    }
    accepted
}

/// Whether all of `some` are in `all`, in this order. What is missing, the gateway answered itself.
fn is_subsequence(some: &[Accepted], all: &[Accepted]) -> bool {
    let mut all = all.iter();
    some.iter().all(|one| all.any(|other| other == one))
}

fn explain(stream: &Stream, ours: &[Accepted], seen: &[Accepted]) -> String {
    let shown = |list: &[Accepted]| {
        let one = |message: &Accepted| {
            format!("{} ‹{}›", message.start.escape_ascii(), message.body.escape_ascii())
        };
        list.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    let bytes: String = escape_stream(stream).chars().take(2000).collect();
    format!("  {}: {bytes}\n    gateway {}\n    server  {}", stream.name, shown(ours), shown(seen))
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |at: usize| text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    (0..text.len()).step_by(2).map(|at| digit(at).expect("hex")).collect()
}

/// Of what the gateway reads it answers little itself: CONNECT, and what no route takes.
const ARRIVING_PERCENT: usize = 90;
