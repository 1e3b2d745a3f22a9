//! Words that parsers have stumbled over, for [mutations](crate::mutate).

use crate::rng::Rng;

/// The words for the messages of one role.
#[derive(Debug)]
pub(crate) struct Dictionary {
    fields: &'static [&'static [&'static str]],
    start_line: [&'static [&'static str]; 3],
    snippets: &'static [&'static str],
    /// Whether a line is a start line.
    pub(crate) is_start_line: fn(&[u8]) -> bool,
}

/// For streams of requests.
pub(crate) const REQUESTS: Dictionary = Dictionary {
    fields: &[FIELDS, REQUEST_FIELDS],
    start_line: [METHODS, TARGETS, VERSIONS],
    snippets: REQUEST_SNIPPETS,
    is_start_line: |line| line.windows(6).any(|window| window == b" HTTP/"),
};

/// For streams of responses.
pub(crate) const RESPONSES: Dictionary = Dictionary {
    fields: &[FIELDS, RESPONSE_FIELDS],
    start_line: [VERSIONS, STATUSES, REASONS],
    snippets: RESPONSE_SNIPPETS,
    is_start_line: |line| line.starts_with(b"HTTP/"),
};

impl Dictionary {
    pub(crate) fn field(&self, rng: &mut Rng) -> &'static str {
        let all = self.fields.concat();
        rng.pick(&all)
    }

    /// A value for any field.
    pub(crate) fn value(&self, rng: &mut Rng) -> &'static str {
        rng.pick(VALUES)
    }

    /// For a word of a start line: 0, 1 or 2.
    pub(crate) fn word(&self, number: usize, rng: &mut Rng) -> &'static str {
        rng.pick(self.start_line[number])
    }

    pub(crate) fn snippet(&self, rng: &mut Rng) -> &'static str {
        rng.pick(self.snippets)
    }

    /// What may stand in the place of CRLF.
    pub(crate) fn line_end(&self, rng: &mut Rng) -> &'static str {
        rng.pick(LINE_ENDS)
    }

    /// A chunk line without its end.
    pub(crate) fn chunk_line(&self, rng: &mut Rng) -> &'static str {
        rng.pick(CHUNK_LINES)
    }
}

/// Whole header lines for both roles.
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
    "Connection: close",
    "Connection: keep-alive",
    "Connection: upgrade",
    "Connection: close, keep-alive",
    "Proxy-Connection: close",
    "Connection: upgrade\r\nUpgrade: x",
    "Trailer: X",
    "Trailer: Content-Length",
    "X: y\rz",
    "X: y\nZ: w",
    "X: \0",
    "X",
    ": y",
    "X Y: z",
    " folded",
    "",
];

const REQUEST_FIELDS: &[&str] =
    &["Host: b", "Host:", "Host: a b", "Host: a/b", "Expect: 100-continue", "Expect: x", "GET / HTTP/1.1"];

const RESPONSE_FIELDS: &[&str] = &[
    "Content-Length: 0",
    "Content-Length: 5\r\nContent-Length: 5",
    "Content-Length: 5\r\nContent-Length: 6",
    "Transfer-Encoding: chunked, gzip",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip",
    "Keep-Alive: timeout=5, max=1",
    "Keep-Alive: timeout=0",
    "Connection: x\r\nConnection: close",
    "Proxy-Connection: keep-alive",
    "Upgrade: x",
    "Content-Encoding: gzip",
    "HTTP/1.1 200 OK",
];

/// Values for any header.
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

/// What may stand in the place of CRLF.
const LINE_ENDS: &[&str] =
    &["\n", "\r", "\r\r\n", "\n\r", "\r\n\r\n", "", " \r\n", "\t\r\n", "\r\n ", "\0\r\n"];

/// Chunk lines without their ends.
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

/// First words of a request line.
const METHODS: &[&str] =
    &["get", "BREW", "G T", "", "CONNECT", "HEAD", "OPTIONS", "PRI", "GET\t", "G\0T", "M-SEARCH"];

/// Second words of a request line.
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
    "http://a:+1/",
    "http://a:1:2/",
    "http://[zz]/",
    "1x://a/",
    "a:+1",
    "[zz]:1",
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

/// Third words of a request line.
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

/// Second words of a status line.
const STATUSES: &[&str] = &[
    "100", "101", "103", "199", "200", "204", "205", "206", "301", "304", "407", "408", "500", "000", "099",
    "600", "999", "20", "2000", "0200", "+20", "-20", "2x0", "20\t", "", "\u{b2}00",
];

/// Third words of a status line.
const REASONS: &[&str] =
    &["", "OK", " OK", "\tOK", "O\tK", "O\0K", "O\x7fK", "O\u{e9}K", "O\rK", "\"<>", "HTTP/1.1"];

/// Text for any place in requests.
const REQUEST_SNIPPETS: &[&str] = &[
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

/// Text for any place in responses.
const RESPONSE_SNIPPETS: &[&str] = &[
    "\r\n",
    "\n",
    "\r",
    "\r\n\r\n",
    "0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.1 103\r\nX: y\r\n\r\n",
    "HTTP/1.0 200 OK\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    "HTTP/1.1 ",
    "\0",
    "\x16\x03\x01",
    " ",
    "\t",
    "Content-Length: 5\r\n",
    "5\r\nhello\r\n",
];
