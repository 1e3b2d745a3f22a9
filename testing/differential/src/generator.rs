//! Generated streams: pipelines that are valid by the grammar of RFC 9112, and [mutations](crate::mutate) of
//! such pipelines.
//!
//! A stream depends on the seed and its own number only. Valid ones use nothing that any of the servers is
//! known to refuse (the corpus has that), so that everybody must accept all of their requests.

use crate::mutate::mutate;
use crate::rng::Rng;
use crate::{Accepted, Stream};

/// Of every so many streams, [`VALID`] stay valid.
const OF: usize = 5;
const VALID: usize = 2;

/// The streams with the numbers `0..count`.
#[must_use]
pub fn generate(seed: u64, count: usize) -> Vec<Stream> {
    (0..count).map(|number| stream(seed, number)).collect()
}

fn stream(seed: u64, number: usize) -> Stream {
    let rng = Rng::new(seed.wrapping_mul(1_000_003).wrapping_add(number as u64));
    let mut pipeline = Pipeline { bytes: Vec::new(), requests: Vec::new(), rng };
    pipeline.fill();
    let Pipeline { mut bytes, requests, mut rng } = pipeline;
    let valid = number % OF < VALID;
    if !valid {
        mutate(&mut bytes, &mut rng);
    }
    Stream { name: format!("generated {number}"), bytes, expected: valid.then_some(requests) }
}

/// A valid stream while it grows.
struct Pipeline {
    bytes: Vec<u8>,
    requests: Vec<Accepted>,
    rng: Rng,
}

/// How the body of a request is framed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Framing {
    None,
    Length,
    Chunked,
}

impl Pipeline {
    fn fill(&mut self) {
        let count = 1 + self.rng.below(4);
        for number in 1..=count {
            let is_last = number == count;
            if is_last && self.rng.one_in(20) {
                return self.put_connect();
            }
            let was_post = self.put_request(is_last);
            if was_post && self.rng.one_in(8) {
                // RFC 9112 §2.2: old clients end a POST so; Go skips it nowhere else.
                self.bytes.extend_from_slice(b"\r\n");
            }
        }
    }

    fn put_connect(&mut self) {
        let target = format!("{}:{}", self.rng.pick(HOSTS), 1 + self.rng.below(65_535));
        self.put(&format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n"));
        for _ in 0..self.rng.below(20) {
            let byte = self.rng.byte();
            self.bytes.push(byte);
        }
        self.requests.push(Accepted { target: target.into_bytes(), body: Vec::new() });
    }

    /// One request; says whether it was a POST.
    fn put_request(&mut self, is_last: bool) -> bool {
        let framing = [Framing::None, Framing::Length, Framing::Chunked][self.rng.below(3)];
        // RFC 9112 §6.1: no transfer coding in HTTP/1.0.
        let is_old = framing != Framing::Chunked && self.rng.one_in(8);
        let method = self.rng.pick(METHODS);
        let target = self.target(method);
        let body = if framing == Framing::None { Vec::new() } else { self.body() };

        self.put(&format!("{method} {target} HTTP/1.{}\r\n", u8::from(!is_old)));
        let mut fields = self.plain_fields();
        fields.extend(self.connection_fields(is_old, is_last));
        fields.extend(self.framing_fields(framing, body.len()));
        self.put_shuffled(fields);
        if framing == Framing::Chunked {
            self.put_chunks(&body);
        } else {
            self.bytes.extend_from_slice(&body);
        }
        self.requests.push(Accepted { target: target.into_bytes(), body });
        method == "POST"
    }

    fn connection_fields(&mut self, is_old: bool, is_last: bool) -> Vec<String> {
        let mut fields = Vec::new();
        if !is_old || self.rng.one_in(2) {
            let host = self.rng.pick(HOSTS);
            fields.push(self.field("Host", host));
        }
        if let Some(options) = self.connection(is_old, is_last) {
            fields.push(self.field("Connection", options));
        }
        fields
    }

    fn framing_fields(&mut self, framing: Framing, len: usize) -> Vec<String> {
        let mut fields = Vec::new();
        if framing != Framing::None && self.rng.one_in(10) {
            fields.push(self.field("Expect", "100-continue"));
        }
        match framing {
            Framing::None => {}
            Framing::Length => {
                let zeros = if self.rng.one_in(10) { self.rng.below(4) } else { 0 };
                fields.push(self.field("Content-Length", &format!("{}{len}", "0".repeat(zeros))));
            }
            Framing::Chunked => {
                let coding = self.any_case("chunked");
                fields.push(self.field("Transfer-Encoding", &coding));
            }
        }
        fields
    }

    /// RFC 9112 §3.2: mostly origin form.
    fn target(&mut self, method: &str) -> String {
        if method == "OPTIONS" && self.rng.one_in(2) {
            return "*".to_owned();
        }
        let mut target = String::new();
        if self.rng.one_in(10) {
            target = format!("http://{}", self.rng.pick(HOSTS));
        }
        for _ in 0..1 + self.rng.below(3) {
            target.push('/');
            for _ in 0..self.rng.below(4) {
                target.push_str(self.rng.pick(PATH_PARTS));
            }
        }
        if self.rng.one_in(3) {
            target.push('?');
            for _ in 0..self.rng.below(4) {
                target.push_str(self.rng.pick(QUERY_PARTS));
            }
        }
        target
    }

    /// RFC 9112 §9.3: every request but the last keeps the connection.
    fn connection(&mut self, is_old: bool, is_last: bool) -> Option<&'static str> {
        match (is_old, is_last) {
            (true, false) => Some(self.rng.pick(&["keep-alive", "Keep-Alive"])),
            (_, true) if self.rng.one_in(4) => {
                Some(self.rng.pick(&["close", "keep-alive", "upgrade", "Close, x"]))
            }
            (false, false) if self.rng.one_in(8) => {
                Some(self.rng.pick(&["keep-alive", "x", "te, keep-alive"]))
            }
            _ => None,
        }
    }

    fn plain_fields(&mut self) -> Vec<String> {
        let count = self.rng.below(4);
        (0..count)
            .map(|_| {
                let (name, value) = (self.rng.pick(NAMES), self.rng.pick(VALUES));
                self.field(name, value)
            })
            .collect()
    }

    /// RFC 9112 §5: any case of the name, white space around the value.
    fn field(&mut self, name: &str, value: &str) -> String {
        let name = self.any_case(name);
        let before = self.rng.pick(&[" ", " ", " ", "", "  "]);
        let after = self.rng.pick(&["", "", "", " ", "  "]);
        format!("{name}:{before}{value}{after}\r\n")
    }

    fn any_case(&mut self, name: &str) -> String {
        match self.rng.below(6) {
            0 => name.to_ascii_lowercase(),
            1 => name.to_ascii_uppercase(),
            _ => name.to_owned(),
        }
    }

    fn put_shuffled(&mut self, mut fields: Vec<String>) {
        while !fields.is_empty() {
            let field = fields.swap_remove(self.rng.below(fields.len()));
            self.put(&field);
        }
        self.put("\r\n");
    }

    /// Bytes of all kinds, and text that looks like framing.
    fn body(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        for _ in 0..self.rng.below(4) {
            if self.rng.one_in(2) {
                body.extend_from_slice(self.rng.pick(BODY_PARTS).as_bytes());
            } else {
                body.extend((0..self.rng.below(30)).map(|_| self.rng.byte()));
            }
        }
        body
    }

    /// RFC 9112 §7.1.
    fn put_chunks(&mut self, mut body: &[u8]) {
        while !body.is_empty() {
            let (chunk, rest) = body.split_at(1 + self.rng.below(body.len()));
            self.put_chunk_line(chunk.len());
            self.bytes.extend_from_slice(chunk);
            self.put("\r\n");
            body = rest;
        }
        self.put_chunk_line(0);
        if self.rng.one_in(5) {
            let trailer = self.field("X-Trailer", "y");
            self.put(&trailer);
        }
        self.put("\r\n");
    }

    fn put_chunk_line(&mut self, len: usize) {
        let zeros = "0".repeat(if self.rng.one_in(8) { self.rng.below(6) } else { 0 });
        let size = if self.rng.one_in(2) { format!("{len:x}") } else { format!("{len:X}") };
        let extension = if self.rng.one_in(6) { self.rng.pick(EXTENSIONS) } else { "" };
        self.put(&format!("{zeros}{size}{extension}\r\n"));
    }

    fn put(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }
}

const METHODS: &[&str] =
    &["GET", "GET", "POST", "POST", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "QUERY"];
const HOSTS: &[&str] = &["a", "example.test", "a-b.c", "127.0.0.1", "[::1]", "A"];
const PATH_PARTS: &[&str] = &["a", "b9", "-._~", "%41", "%2f", "!$&'()*+,;=", ":@", ".", ".."];
const QUERY_PARTS: &[&str] = &["a=b", "&", "c", "%20", "/", "?", "=", "+"];
const NAMES: &[&str] =
    &["X", "Accept", "User-Agent", "Cookie", "X_y", "TE", "Content-Type", "Upgrade", "!#$%&'*+-.^_`|~1"];
const VALUES: &[&str] =
    &["", "y", "a, b", "\"q;\\\"r\"", "a=b; c=d", "*/*", "\u{e9}", "tab\there", "x:y", "chunked", "0"];
const BODY_PARTS: &[&str] =
    &["hello", "\r\n", "0\r\n\r\n", "GET / HTTP/1.1\r\nHost: b\r\n\r\n", "5\r\n", "\n\n", "{\"a\":1}"];
const EXTENSIONS: &[&str] = &[";x", ";x=y", ";x=\"y z\"", ";a;b=c", ";x=\"\\\"\"", ";x=\";\""];
