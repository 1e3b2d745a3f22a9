//! Damage done to a valid stream: to bytes, to lines, and by words from a dictionary of known trouble.

use std::ops::Range;

use crate::rng::Rng;

/// Changes `stream` in one place, sometimes in up to three.
pub fn mutate(stream: &mut Vec<u8>, rng: &mut Rng) {
    let times = if rng.one_in(4) { 1 + rng.below(3) } else { 1 };
    for _ in 0..times {
        let mutation = MUTATIONS[rng.below(MUTATIONS.len())];
        mutation(stream, rng);
    }
}

type Mutation = fn(&mut Vec<u8>, &mut Rng);

/// Those that aim at framing stand here more than once.
const MUTATIONS: &[Mutation] = &[
    change_byte,
    insert_byte,
    insert_byte,
    delete_byte,
    delete_line,
    duplicate_line,
    exchange_lines,
    insert_field,
    insert_field,
    insert_field,
    replace_value,
    replace_value,
    replace_line_end,
    replace_chunk_line,
    replace_chunk_line,
    replace_word,
    replace_word,
    truncate,
    insert_anywhere,
];

fn change_byte(stream: &mut Vec<u8>, rng: &mut Rng) {
    if let Some(at) = place(stream, rng) {
        stream[at] = if rng.one_in(2) { odd_byte(rng) } else { stream[at] ^ (1 << rng.below(8)) };
    }
}

fn insert_byte(stream: &mut Vec<u8>, rng: &mut Rng) {
    let at = rng.below(stream.len() + 1);
    let byte = odd_byte(rng);
    stream.insert(at, byte);
}

fn delete_byte(stream: &mut Vec<u8>, rng: &mut Rng) {
    if let Some(at) = place(stream, rng) {
        stream.remove(at);
    }
}

fn delete_line(stream: &mut Vec<u8>, rng: &mut Rng) {
    if let Some(line) = line(stream, rng) {
        stream.drain(line);
    }
}

fn duplicate_line(stream: &mut Vec<u8>, rng: &mut Rng) {
    if let Some(line) = line(stream, rng) {
        let copy = stream[line.clone()].to_vec();
        stream.splice(line.end..line.end, copy);
    }
}

/// Puts one line in the place of another; both stay.
fn exchange_lines(stream: &mut Vec<u8>, rng: &mut Rng) {
    if let (Some(from), Some(to)) = (line(stream, rng), line(stream, rng)) {
        let moved: Vec<u8> = stream.drain(from).collect();
        let at = to.start.min(stream.len());
        stream.splice(at..at, moved);
    }
}

fn insert_field(stream: &mut Vec<u8>, rng: &mut Rng) {
    if let Some(line) = line(stream, rng) {
        let field = format!("{}\r\n", rng.pick(FIELDS));
        stream.splice(line.end..line.end, field.into_bytes());
    }
}

fn replace_value(stream: &mut Vec<u8>, rng: &mut Rng) {
    let Some(line) = line(stream, rng) else { return };
    if let Some(colon) = stream[line.clone()].iter().position(|&byte| byte == b':') {
        let value = rng.pick(VALUES).as_bytes().to_vec();
        stream.splice(line.start + colon + 1..line.end - 2, value);
    }
}

fn replace_line_end(stream: &mut Vec<u8>, rng: &mut Rng) {
    if let Some(line) = line(stream, rng) {
        let end = rng.pick(LINE_ENDS).as_bytes().to_vec();
        stream.splice(line.end - 2..line.end, end);
    }
}

/// Replaces a line that starts with a hexadecimal digit, if it finds one soon.
fn replace_chunk_line(stream: &mut Vec<u8>, rng: &mut Rng) {
    for _ in 0..20 {
        let Some(line) = line(stream, rng) else { return };
        if stream[line.start].is_ascii_hexdigit() && line.len() < 12 {
            let text = rng.pick(CHUNK_LINES).as_bytes().to_vec();
            stream.splice(line.start..line.end - 2, text);
            return;
        }
    }
}

/// Replaces a word of a request line, if it finds one soon.
fn replace_word(stream: &mut Vec<u8>, rng: &mut Rng) {
    for _ in 0..20 {
        let Some(line) = line(stream, rng) else { return };
        let text = &stream[line.start..line.end - 2];
        if text.windows(6).any(|window| window == b" HTTP/") {
            let mut words: Vec<Vec<u8>> = text.split(|&byte| byte == b' ').map(<[u8]>::to_vec).collect();
            let number = rng.below(words.len().min(3));
            let words_for = [METHODS, TARGETS, VERSIONS][number];
            words[number] = rng.pick(words_for).as_bytes().to_vec();
            stream.splice(line.start..line.end - 2, words.join(&b' '));
            return;
        }
    }
}

fn truncate(stream: &mut Vec<u8>, rng: &mut Rng) {
    stream.truncate(rng.below(stream.len() + 1));
}

fn insert_anywhere(stream: &mut Vec<u8>, rng: &mut Rng) {
    let at = rng.below(stream.len() + 1);
    let text = rng.pick(SNIPPETS).as_bytes().to_vec();
    stream.splice(at..at, text);
}

fn place(stream: &[u8], rng: &mut Rng) -> Option<usize> {
    (!stream.is_empty()).then(|| rng.below(stream.len()))
}

/// A line of the stream with its CRLF; lines of bodies count too.
fn line(stream: &[u8], rng: &mut Rng) -> Option<Range<usize>> {
    let ends: Vec<usize> =
        stream.windows(2).enumerate().filter(|(_, pair)| pair == b"\r\n").map(|(at, _)| at + 2).collect();
    let number = if ends.is_empty() { return None } else { rng.below(ends.len()) };
    let start = if number == 0 { 0 } else { ends[number - 1] };
    Some(start..ends[number])
}

fn odd_byte(rng: &mut Rng) -> u8 {
    const ODD: &[u8] = b"\r\n\t \0\x01\x0b\x0c\x7f\x80\xa0\xff:;,\"\\/#%+-0_x";
    ODD[rng.below(ODD.len())]
}

const FIELDS: &[&str] = &[
    "Content-Length: 0",
    "Content-Length: 5",
    "Content-Length: +5",
    "Content-Length: 5, 5",
    "Content-Length:",
    "Content-Length: 18446744073709551616",
    "Content-Length : 5",
    " Content-Length: 5",
    "Content_Length: 5",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: identity",
    "Transfer-Encoding: gzip, chunked",
    "Transfer-Encoding: chunked, chunked",
    "Transfer-Encoding: chunked;x",
    "Transfer-Encoding:\tchunked",
    "Transfer-Encoding:\u{b}chunked",
    "Transfer-Encoding : chunked",
    "Transfer-Encoding:",
    "\tTransfer-Encoding: chunked",
    "Host: b",
    "Host:",
    "Host: a b",
    "Host: a/b",
    "Connection: close",
    "Connection: keep-alive",
    "Connection: upgrade",
    "Connection: close, keep-alive",
    "Proxy-Connection: close",
    "Connection: upgrade\r\nUpgrade: x",
    "Expect: 100-continue",
    "Expect: x",
    "Trailer: X",
    "Trailer: Content-Length",
    "X: y\rz",
    "X: y\nZ: w",
    "X: \0",
    "X",
    ": y",
    "X Y: z",
    " folded",
    "GET / HTTP/1.1",
    "",
];

const VALUES: &[&str] = &[
    "",
    " 0",
    " 1",
    " 5",
    " -1",
    " +1",
    " 1, 1",
    " 1,2",
    " 0x1",
    " 1e1",
    " 99999999999999999999",
    " chunked",
    " chunked, chunked",
    " chunked,",
    " identity",
    " gzip",
    "\tchunked",
    " \"chunked\"",
    " close",
    " keep-alive",
    " upgrade",
    " 100-continue",
    " a",
    " a:80",
    " a:x",
    " [::1]",
    " a b",
    " \u{e9}",
    " y\tz",
    " \x01",
];

const LINE_ENDS: &[&str] =
    &["\n", "\r", "\r\r\n", "\n\r", "\r\n\r\n", "", " \r\n", "\t\r\n", "\r\n ", "\0\r\n"];

const CHUNK_LINES: &[&str] = &[
    "",
    "0",
    "1",
    "00",
    "00000000000000000001",
    "ffffffffffffffff",
    "8000000000000000",
    "10000000000000000",
    "7fffffffffffffff",
    "-1",
    "+1",
    "0x1",
    "1 ",
    " 1",
    "1\t",
    "1;",
    "1;x",
    "1;x=y",
    "1;x=\"y",
    "1; x",
    "1 ;x",
    "1;x = y",
    "1;x\rz",
    "1;\n",
    "g",
    "1g",
    "1,1",
    "0;x",
    "5;\u{e9}",
    "5;\0",
    "A",
    "a",
    "000",
];

const METHODS: &[&str] =
    &["get", "BREW", "G T", "", "CONNECT", "HEAD", "OPTIONS", "PRI", "GET\t", "G\0T", "M-SEARCH"];

const TARGETS: &[&str] = &[
    "",
    "*",
    "a",
    "a:80",
    "/a b",
    "/a#b",
    "/%zz",
    "/\u{e9}",
    "/\0",
    "/\x7f",
    "http://",
    "http://a",
    "http://a:x/",
    "http://u@a/",
    "h2://a/",
    "mailto:a",
    "//",
    "/?",
    "?a",
    "http://[::1]:80/",
    "/a\\b",
    "/\"<>^`{|}",
    "/_goRPC_",
];

const VERSIONS: &[&str] = &[
    "HTTP/1.0",
    "HTTP/1.1",
    "HTTP/1.2",
    "HTTP/2.0",
    "HTTP/0.9",
    "HTTP/1",
    "http/1.1",
    "HTTP/1.1 ",
    "HTTP/01.1",
    "",
];

const SNIPPETS: &[&str] = &[
    "\r\n",
    "\n",
    "\r",
    "\r\n\r\n",
    "0\r\n\r\n",
    "GET /x HTTP/1.1\r\nHost: a\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/1.1",
    "\0",
    "\x16\x03\x01",
    " ",
    "\t",
    "Host: a\r\n",
    "5\r\nhello\r\n",
];
