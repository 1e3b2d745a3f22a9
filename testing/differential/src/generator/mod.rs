//! Generated streams: pipelines that are valid by the grammar of RFC 9112, and [mutations](crate::mutate) of
//! such pipelines.
//!
//! A stream depends on the seed and its own number only. Valid ones use nothing that any implementation is
//! known to refuse (the corpus has that), so that everybody must accept all of their messages.

mod requests;
mod responses;

use crate::mutate::mutate;
use crate::rng::Rng;
use crate::{Accepted, Ask, Role, Stream};

/// Of every so many streams, [`VALID`] stay valid.
const OF: usize = 5;
const VALID: usize = 2;

/// The streams with the numbers `0..count`.
#[must_use]
pub fn generate(role: Role, seed: u64, count: usize) -> Vec<Stream> {
    (0..count).map(|number| stream(role, seed, number)).collect()
}

fn stream(role: Role, seed: u64, number: usize) -> Stream {
    let rng = Rng::new(seed.wrapping_mul(1_000_003).wrapping_add(number as u64));
    let mut pipeline = Pipeline { bytes: Vec::new(), asks: Vec::new(), accepted: Vec::new(), rng };
    match role {
        Role::Server => pipeline.put_requests(),
        Role::Client => pipeline.put_responses(),
    }
    let Pipeline { bytes, asks, accepted, mut rng } = pipeline;
    let mut stream = Stream { name: format!("generated {number}"), bytes, asks, expected: None };
    if number % OF < VALID {
        stream.expected = Some(accepted);
    } else {
        mutate(&mut stream, &mut rng);
    }
    stream
}

/// A valid stream while it grows: here what the messages of both roles are made of.
struct Pipeline {
    bytes: Vec<u8>,
    asks: Vec<Ask>,
    accepted: Vec<Accepted>,
    rng: Rng,
}

/// How a body is framed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// No body, or one that ends with the connection.
    None,
    Length,
    Chunked,
}

impl Pipeline {
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

    fn framing_field(&mut self, framing: Framing, len: usize) -> Option<String> {
        match framing {
            Framing::None => None,
            Framing::Length => {
                let zeros = if self.rng.one_in(10) { self.rng.below(4) } else { 0 };
                Some(self.field("Content-Length", &format!("{}{len}", "0".repeat(zeros))))
            }
            Framing::Chunked => {
                let coding = self.any_case("chunked");
                Some(self.field("Transfer-Encoding", &coding))
            }
        }
    }

    fn put_body(&mut self, framing: Framing, body: &[u8]) {
        if framing == Framing::Chunked {
            self.put_chunks(body);
        } else {
            self.bytes.extend_from_slice(body);
        }
    }

    /// What the owner of a taken-over connection would read.
    fn put_noise(&mut self) {
        for _ in 0..self.rng.below(20) {
            let byte = self.rng.byte();
            self.bytes.push(byte);
        }
    }

    fn accept(&mut self, start: &str, body: Vec<u8>) {
        self.accepted.push(Accepted { start: start.into(), body });
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

const NAMES: &[&str] =
    &["X", "Accept", "User-Agent", "Cookie", "X_y", "TE", "Content-Type", "Upgrade", "!#$%&'*+-.^_`|~1"];
const VALUES: &[&str] =
    &["", "y", "a, b", "\"q;\\\"r\"", "a=b; c=d", "*/*", "\u{e9}", "tab\there", "x:y", "chunked", "0"];
const BODY_PARTS: &[&str] =
    &["hello", "\r\n", "0\r\n\r\n", "GET / HTTP/1.1\r\nHost: b\r\n\r\n", "5\r\n", "\n\n", "{\"a\":1}"];
const EXTENSIONS: &[&str] = &[";x", ";x=y", ";x=\"y z\"", ";a;b=c", ";x=\"\\\"\"", ";x=\";\""];

#[cfg(test)]
mod tests {
    use super::{Role, generate};

    #[test]
    fn gives_the_same_streams_from_the_same_seed() {
        for role in [Role::Server, Role::Client] {
            let few = generate(role, 7, 50);
            assert_eq!(generate(role, 7, 100)[..50], few);
            assert_ne!(generate(role, 8, 50), few);
        }
    }
}
