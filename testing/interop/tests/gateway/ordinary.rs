//! Ordinary HTTP to a server of Go's: what a client gets through the gateway is what it gets directly, and what the
//! server gets is what it gets directly, byte for byte. Headers that belong to one connection, `Date` and `Forwarded`
//! are left out of it (RFC 9110 §7.6.1).

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use hijack_interop::foreign::Foreign;
use hijack_interop::gateway::{Program, serve_ordinary};
use hijack_interop::server::pattern;
use hijack_interop::transcript::{Answer, ask, split};

/// The server, and the gateway before it.
fn pair() -> Option<(Foreign, Program)> {
    let server = serve_ordinary()?;
    let gateway = Program::before(server.base(), "")?;
    Some((server, gateway))
}

/// A request on the wire, and its method.
struct Asked {
    method: &'static str,
    bytes: Vec<u8>,
}

/// 1,000 requests, ten on a connection, one behind the other without waiting.
#[test]
fn a_thousand_mixed_requests_get_the_answers_of_direct_ones() {
    let Some((server, gateway)) = pair() else { return };
    let mut dice = Dice(1);
    for batch in 0..110 {
        let mut asked: Vec<Asked> = (0..10).map(|at| request(&mut dice, at == 9)).collect();
        if batch % 10 == 9 {
            asked.push(one_zero(&mut dice));
        }
        let bytes: Vec<u8> = asked.iter().flat_map(|asked| asked.bytes.clone()).collect();
        let methods: Vec<&str> = asked.iter().map(|asked| asked.method).collect();
        // Whoever closes is behind the last request, so a request of HTTP/1.0 is asked alone.
        let (bytes, methods) = match methods.len() {
            11 => (asked[10].bytes.clone(), vec![methods[10]]),
            _ => (bytes, methods),
        };
        let [direct, through] = [server.base(), gateway.base()].map(|base| {
            let said = ask(base, &bytes, false).expect("answers");
            split(&said, &methods).unwrap_or_else(|error| panic!("{base}: {error}: {}", text(&bytes)))
        });
        let log = gateway.log();
        assert_eq!(direct.len(), through.len(), "{}\n{direct:?}\n{through:?}\n{log}", text(&bytes));
        for (direct, through) in direct.into_iter().zip(through) {
            same(direct, through, &bytes);
        }
    }
}

fn same(direct: Answer, through: Answer, asked: &[u8]) {
    // What the server's `Connection` names, or would if that did not say `close`.
    assert_eq!(through.header("x-hop"), "", "{}", text(asked));
    let [direct, through] = [direct, through].map(end_to_end);
    assert!(direct == through, "{}\ndirect  {direct:?}\nthrough {through:?}", text(asked));
}

/// Without what belongs to one connection.
fn end_to_end(mut answer: Answer) -> Answer {
    let hop_by_hop = ["connection", "keep-alive", "transfer-encoding", "date", "x-hop"];
    answer.headers.retain(|name, _| !hop_by_hop.contains(&name.as_str()));
    answer
}

fn text(bytes: &[u8]) -> String {
    bytes[..bytes.len().min(3000)].escape_ascii().to_string().replace("\\r\\n", "\n")
}

/// A small generator of numbers, the same in each run.
struct Dice(u64);

impl Dice {
    /// Below `faces`.
    fn roll(&mut self, faces: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % faces
    }

    fn len(&mut self) -> u64 {
        let most = [1, 100, 5_000, 70_000, 300_000][usize::try_from(self.roll(5)).unwrap_or(0)];
        self.roll(most)
    }

    fn one_of(&mut self, choices: &[&'static str]) -> &'static str {
        let at = self.roll(choices.len() as u64);
        choices[usize::try_from(at).unwrap_or(0)]
    }
}

fn request(dice: &mut Dice, is_last: bool) -> Asked {
    let end = if is_last { "Connection: close\r\n" } else { "" };
    if dice.roll(3) == 0 {
        return upload(dice, end);
    }
    let method = dice.one_of(&["GET", "GET", "GET", "HEAD"]);
    let len = dice.len();
    let (target, fields) = match dice.roll(9) {
        0 => (format!("/sized/{len}"), ""),
        1 => (format!("/chunked/{len}"), ""),
        2 => (format!("/trailers/{len}"), "TE: trailers\r\n"),
        3 => (
            "/file/100000".to_owned(),
            dice.one_of(&[
                "",
                "Range: bytes=10-20\r\n",
                "Range: bytes=-5\r\n",
                "Range: bytes=1-2,500-900\r\nIf-Range: \"other\"\r\n",
                "Range: bytes=200000-\r\n",
                "If-None-Match: \"pattern\"\r\n",
                "If-Match: \"other\"\r\n",
                "If-Modified-Since: Wed, 15 Nov 2023 00:00:00 GMT\r\n",
            ]),
        ),
        4 => (format!("/status/{}", dice.one_of(&["200", "204", "304", "404", "418", "500", "503"])), ""),
        5 => ("/interim".to_owned(), ""),
        6 => ("/fields".to_owned(), ""),
        7 => ("/events/1".to_owned(), "Accept: text/event-stream\r\n"),
        _ => {
            (format!("/seen/{}", dice.one_of(&["", "a%20b?c=d&e", "%2e%2e/x?%zz", "//x//", ";p=1?"])), FIELDS)
        }
    };
    let bytes = format!("{method} {target} HTTP/1.1\r\nHost: a.test:81\r\n{fields}{end}\r\n").into_bytes();
    Asked { method, bytes }
}

/// What may happen to fields on their way.
const FIELDS: &str = "X-Twice: one\r\nX-Twice: two\r\nx-empty:\r\nX-Comma: \"a, b\"  \r\nCookie: a=1; b=2\r\n\
    Accept-Encoding: gzip, br\r\nUser-Agent: a (b) c/1\r\nTE: trailers\r\nVia: 1.1 before\r\nX-Latin: caf\u{e9}\r\n\
    Authorization: Basic eA==\r\nConnection: keep-alive\r\n";

fn upload(dice: &mut Dice, end: &str) -> Asked {
    let method = dice.one_of(&["POST", "PUT", "PATCH", "DELETE", "REPORT"]);
    let body = pattern(usize::try_from(dice.len()).unwrap_or(0));
    let mut bytes =
        format!("{method} /seen/up HTTP/1.1\r\nHost: a.test\r\nContent-Type: text/plain\r\n{end}")
            .into_bytes();
    if dice.roll(2) == 0 {
        bytes.extend(format!("Content-Length: {}\r\n\r\n", body.len()).bytes());
        bytes.extend(body);
        return Asked { method, bytes };
    }
    let has_trailers = dice.roll(2) == 0;
    let announced = if has_trailers { "Trailer: X-Sum, X-Other\r\n" } else { "" };
    bytes.extend(format!("{announced}Transfer-Encoding: chunked\r\n\r\n").bytes());
    let piece = usize::try_from(1 + dice.roll(9_000)).unwrap_or(1);
    for (number, piece) in body.chunks(piece).enumerate() {
        // The gateway has a limit on all extensions of a body together.
        let extension = if number < 100 { ";ext=\"1\"" } else { "" };
        bytes.extend(format!("{:x}{extension}\r\n", piece.len()).bytes());
        bytes.extend(piece);
        bytes.extend(b"\r\n");
    }
    bytes.extend(
        format!("0\r\n{}\r\n", if has_trailers { "X-Sum: 12\r\nX-Other: x, y\r\n" } else { "" }).bytes(),
    );
    Asked { method, bytes }
}

fn one_zero(dice: &mut Dice) -> Asked {
    let method = dice.one_of(&["GET", "HEAD"]);
    let target = format!("/{}/{}", dice.one_of(&["sized", "file"]), dice.len());
    Asked { method, bytes: format!("{method} {target} HTTP/1.0\r\nHost: a.test\r\n\r\n").into_bytes() }
}

/// Each event arrives before the next one is asked for.
#[test]
fn events_arrive_while_they_happen() {
    let Some((_server, gateway)) = pair() else { return };
    let mut events = open(gateway.base(), "GET /events/20 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let mut lines = String::new();
    for number in 0..20 {
        if number > 0 {
            let said =
                ask(gateway.base(), b"POST /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false);
            assert!(said.expect("an answer").starts_with(b"HTTP/1.1 200 "));
        }
        let event = format!("data: {number}\n");
        while !lines.ends_with(&event) {
            assert!(events.read_line(&mut lines).expect("an event in time") > 0, "{lines}");
        }
    }
}

/// An answer that begins while its request goes on: neither is stored on the way.
#[test]
fn both_bodies_flow_at_once() {
    let Some((_server, gateway)) = pair() else { return };
    let head = "POST /duplex HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut answer = open(gateway.base(), head);
    let mut said = String::new();
    for number in 0..20 {
        let line = format!("line {number}\n");
        let chunk = format!("{:x}\r\n{line}\r\n", line.len());
        answer.get_mut().write_all(chunk.as_bytes()).expect("sent");
        while !said.ends_with(&line) {
            assert!(answer.read_line(&mut said).expect("its echo in time") > 0, "{said}");
        }
    }
    answer.get_mut().write_all(b"0\r\n\r\n").expect("sent");
    answer.read_to_string(&mut said).expect("the end");
    assert!(said.ends_with("0\r\n\r\n"), "{said}");
}

/// An answer that the server does not finish is not finished for the client (RFC 9112 §8).
#[test]
fn a_cut_answer_stays_cut() {
    let Some((server, gateway)) = pair() else { return };
    for base in [server.base(), gateway.base()] {
        let mut said = Vec::new();
        // A reset is an end, too.
        let _ = open(base, "GET /panic HTTP/1.1\r\nHost: a\r\n\r\n").read_to_end(&mut said);
        let said = String::from_utf8_lossy(&said).replace("content-length", "Content-Length");
        assert!(said.contains("Content-Length: 100\r\n") && said.ends_with("\r\n\r\ncut"), "{base}: {said}");
    }
}

/// A body of which the client was asked to be sent is sent, and one that was refused is not (RFC 9110 §10.1.1).
#[test]
fn expectations_reach_the_server() {
    let Some((_server, gateway)) = pair() else { return };
    let head = "Host: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n\r\n";
    let mut answer = open(gateway.base(), &format!("POST /seen HTTP/1.1\r\n{head}"));
    let mut said = String::new();
    while !said.ends_with("\r\n\r\n") {
        assert!(answer.read_line(&mut said).expect("a 100 in time") > 0, "{said}");
    }
    assert!(said.starts_with("HTTP/1.1 100 "), "{said}");
    answer.get_mut().write_all(b"hello").expect("sent");
    answer.read_to_string(&mut said).expect("the answer");
    assert!(said.contains("HTTP/1.1 200 ") && said.contains("body 5 "), "{said}");

    let mut answer = open(gateway.base(), &format!("POST /early HTTP/1.1\r\n{head}"));
    let mut said = String::new();
    answer.read_to_string(&mut said).expect("the answer");
    assert!(said.starts_with("HTTP/1.1 403 ") && said.ends_with("no\n"), "{said}");
}

fn open(base: &str, request: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(base.trim_start_matches("http://")).expect("the gateway listens");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a socket");
    stream.write_all(request.as_bytes()).expect("sent");
    BufReader::new(stream)
}
