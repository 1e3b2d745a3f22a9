//! The same bytes to our server and to Go's net/http: the answers must be the same in status, framing headers,
//! body, trailers, and in whether the connection is kept. Where we differ on purpose, the row says why.

use hijack_interop::foreign::Foreign;
use hijack_interop::server::Server;
use hijack_interop::transcript::{Answer, ask, split};

/// Sent after every request that is not a takeover: answered only if the connection was kept.
const NEXT: &str = "GET /bytes/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/// Headers that decide where messages end, who closes, and what the connection becomes.
const COMPARED: [&str; 8] = [
    "content-length",
    "transfer-encoding",
    "connection",
    "trailer",
    "upgrade",
    "content-type",
    "etag",
    "link",
];

/// Request line and headers without the last empty line; then the body.
struct Row {
    request: &'static str,
    headers: &'static str,
    body: String,
    /// Where we differ from Go on purpose: our statuses.
    ours: Option<&'static [u16]>,
}

fn row(request: &'static str, headers: &'static str, body: impl Into<String>) -> Row {
    Row { request, headers, body: body.into(), ours: None }
}

impl Row {
    /// We differ here, and this is why.
    fn unlike_go(self, ours: &'static [u16], _why: &'static str) -> Self {
        Self { ours: Some(ours), ..self }
    }

    fn bytes(&self) -> Vec<u8> {
        format!("{}\r\n{}\r\n{}", self.request, self.headers, self.body).into_bytes()
    }

    fn method(&self) -> &'static str {
        self.request.split(' ').next().expect("a method")
    }
}

fn plain(headers: &'static str, requests: &[&'static str]) -> Vec<Row> {
    requests.iter().map(|request| row(request, headers, "")).collect()
}

const HOST: &str = "Host: x\r\n";

#[test]
fn get_and_head_are_framed_alike() {
    compare(&plain(
        HOST,
        &[
            "GET /bytes/0 HTTP/1.1",
            "GET /bytes/5 HTTP/1.1",
            "GET /bytes/70000 HTTP/1.1",
            "HEAD /bytes/0 HTTP/1.1",
            "HEAD /bytes/5 HTTP/1.1",
            "GET /chunked/0 HTTP/1.1",
            "GET /chunked/30000 HTTP/1.1",
            "HEAD /chunked/30000 HTTP/1.1",
            "GET /trailers/0 HTTP/1.1",
            "GET /trailers/30000 HTTP/1.1",
            "HEAD /trailers/30000 HTTP/1.1",
            "OPTIONS /bytes/5 HTTP/1.1",
            "DELETE /bytes/5 HTTP/1.1",
            "BREW /digest HTTP/1.1",
            "GET http://x/bytes/5 HTTP/1.1",
            "GET /nowhere HTTP/1.1",
        ],
    ));
}

#[test]
fn statuses_are_framed_alike() {
    compare(&plain(
        HOST,
        &[
            "GET /status/200 HTTP/1.1",
            "GET /status/204 HTTP/1.1",
            "HEAD /status/204 HTTP/1.1",
            "GET /status/304 HTTP/1.1",
            "HEAD /status/304 HTTP/1.1",
            "GET /status/404 HTTP/1.1",
            "HEAD /status/404 HTTP/1.1",
            "GET /status/500 HTTP/1.1",
            "GET /status/599 HTTP/1.1",
            "GET /interim HTTP/1.1",
            "HEAD /interim HTTP/1.1",
        ],
    ));
}

#[test]
fn connections_are_kept_alike() {
    let requests = [
        "GET /bytes/5 HTTP/1.1",
        "HEAD /bytes/5 HTTP/1.1",
        "GET /chunked/5 HTTP/1.1",
        "GET /status/204 HTTP/1.1",
    ];
    let old = [
        "GET /bytes/5 HTTP/1.0",
        "HEAD /bytes/5 HTTP/1.0",
        "GET /chunked/5 HTTP/1.0",
        "GET /trailers/5 HTTP/1.0",
        "GET /status/204 HTTP/1.0",
        "GET /status/304 HTTP/1.0",
    ];
    compare(&plain("Host: x\r\nConnection: close\r\n", &requests));
    compare(&plain("Host: x\r\nConnection: Keep-Alive\r\n", &requests));
    compare(&plain("Host: x\r\nConnection: foo, ClosE\r\n", &requests));
    compare(&plain("", &old));
    compare(&plain(HOST, &old));
    compare(&plain("Connection: keep-alive\r\n", &old));
    compare(&[row("GET /interim HTTP/1.0", "", "")
        .unlike_go(&[200], "HTTP/1.0 knows no interim answers, RFC 9110 §15.2; Go sends it one")]);
}

#[test]
fn uploads_are_read_alike() {
    compare(&[
        row("POST /digest HTTP/1.1", "Host: x\r\nContent-Length: 5\r\n", "hello"),
        row("POST /digest HTTP/1.1", "Host: x\r\nContent-Length: 0\r\n", ""),
        row("POST /digest HTTP/1.1", HOST, ""),
        row("GET /digest HTTP/1.1", "Host: x\r\nContent-Length: 5\r\n", "hello"),
        row("HEAD /digest HTTP/1.1", "Host: x\r\nContent-Length: 5\r\n", "hello"),
        row("PUT /digest HTTP/1.1", "Host: x\r\nTransfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"),
        row(
            "PUT /digest HTTP/1.1",
            "Host: x\r\nTransfer-Encoding: Chunked\r\n",
            "5;a=b\r\nhello\r\n00\r\n\r\n",
        ),
        row(
            "PUT /digest HTTP/1.1",
            "Host: x\r\nTransfer-Encoding: chunked\r\nTrailer: X-Digest\r\n",
            "5\r\nhello\r\n0\r\nX-Digest: late\r\n\r\n",
        ),
        row("POST /digest HTTP/1.0", "Content-Length: 5\r\n", "hello"),
        row("POST /digest HTTP/1.0", "Connection: keep-alive\r\nContent-Length: 5\r\n", "hello"),
    ]);
}

#[test]
fn expectations_are_met_alike() {
    compare(&[
        row("POST /digest HTTP/1.1", "Host: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n", "hello"),
        row(
            "POST /digest HTTP/1.1",
            "Host: x\r\nExpect: 100-Continue\r\nTransfer-Encoding: chunked\r\n",
            "5\r\nhello\r\n0\r\n\r\n",
        ),
        row("POST /digest HTTP/1.1", "Host: x\r\nExpect: 100-continue\r\nContent-Length: 0\r\n", ""),
        row("GET /bytes/5 HTTP/1.1", "Host: x\r\nExpect: 100-continue\r\n", ""),
        row("POST /digest HTTP/1.0", "Expect: 100-continue\r\nContent-Length: 5\r\n", "hello"),
        row("POST /early HTTP/1.1", "Host: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n", "hello"),
        row("GET /bytes/5 HTTP/1.1", "Host: x\r\nExpect: the-unexpected\r\n", ""),
    ]);
}

#[test]
fn unread_uploads_are_passed_over_alike() {
    compare(&[
        row("POST /early HTTP/1.1", "Host: x\r\nContent-Length: 5\r\n", "hello"),
        row("POST /early HTTP/1.1", "Host: x\r\nContent-Length: 200000\r\n", "x".repeat(200_000)),
        row("POST /early HTTP/1.1", "Host: x\r\nContent-Length: 400000\r\n", "x".repeat(400_000)),
        row("POST /early HTTP/1.1", "Host: x\r\nTransfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"),
        row(
            "POST /early HTTP/1.1",
            "Host: x\r\nTransfer-Encoding: chunked\r\n",
            format!("{:x}\r\n{}\r\n0\r\n\r\n", 400_000, "x".repeat(400_000)),
        ),
    ]);
}

#[test]
fn takeovers_are_framed_alike() {
    let upgrade = "Host: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n";
    compare_takeovers(&[
        row("GET /upgrade HTTP/1.1", upgrade, "early\r\n"),
        row("GET /upgrade HTTP/1.1", upgrade, ""),
        row(
            "GET /upgrade HTTP/1.1",
            "Host: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: echo\r\n",
            "early",
        ),
        row("CONNECT echo.test:443 HTTP/1.1", "Host: echo.test:443\r\n", "early\r\n"),
        row("CONNECT echo.test:443 HTTP/1.1", "Host: echo.test:443\r\n", ""),
        row("CONNECT echo.test:443 HTTP/1.1", "Host: echo.test:443\r\nContent-Length: 3\r\n", "")
            .unlike_go(&[400], "a CONNECT has no body: RFC 9110 §9.3.6; body or tunnel would be a guess"),
        row("CONNECT refused.test:80 HTTP/1.1", "Host: refused.test:80\r\n", "early\r\n"),
    ]);
    compare(&[
        row("GET /upgrade HTTP/1.1", HOST, ""),
        row("GET /upgrade HTTP/1.1", "Host: x\r\nConnection: Upgrade\r\nUpgrade: other\r\n", ""),
    ]);
}

#[test]
fn a_takeover_without_an_answer_says_eleven_bytes() {
    let server = Server::start();
    let request = format!("GET /raw HTTP/1.1\r\n{HOST}\r\n{NEXT}");
    let said = ask(server.base(), request.as_bytes(), false).expect("it closes");
    assert_eq!(said.escape_ascii().to_string(), "hello world");
}

#[test]
fn nonsense_is_refused_alike() {
    compare(&[
        row("GET /bytes/5 HTTP/1.1", "", ""),
        row("GET /bytes/5 HTTP/1.1", "Host: x\r\nHost: y\r\n", ""),
        row("GET /bytes/5 HTTP/1.1", "Host: x\r\nA : b\r\n", ""),
        row("GET /bytes/5 HTTP/3.7", HOST, ""),
        row("GET bytes HTTP/1.1", HOST, ""),
        row("POST /digest HTTP/1.1", "Host: x\r\nContent-Length: 5, 6\r\n", "hello"),
        row("POST /digest HTTP/1.1", "Host: x\r\nContent-Length: -5\r\n", "hello"),
        row(
            "POST /digest HTTP/1.1",
            "Host: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "0\r\n\r\n",
        )
        .unlike_go(&[400], "two lengths are refused, not chosen from: RFC 9112 §6.1 names the attack"),
        row("POST /digest HTTP/1.1", "Host: x\r\nTransfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
        row("POST /digest HTTP/1.1", "Host: x\r\nTransfer-Encoding: gzip\r\n", "hello")
            .unlike_go(&[400], "its end cannot be known: RFC 9112 §6.3 rule 4"),
        row("POST /digest HTTP/1.1", "Host: x\r\nTransfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n")
            .unlike_go(&[400], "malformed rather than unknown: RFC 9112 §6.1"),
    ]);
}

/// Each row, then [`NEXT`], on both servers.
fn compare(rows: &[Row]) {
    differences(rows, |row| [row.bytes(), NEXT.as_bytes().to_vec()].concat(), false);
}

/// Each row and our FIN on both servers.
fn compare_takeovers(rows: &[Row]) {
    differences(rows, Row::bytes, true);
}

fn differences(rows: &[Row], bytes: impl Fn(&Row) -> Vec<u8>, shut: bool) {
    let Some(reference) = Foreign::go() else { return };
    let server = Server::start();
    let mut found = Vec::new();
    for row in rows {
        let ask = |base| answers(base, &bytes(row), row.method(), shut);
        let go = ask(reference.base()).expect("the reference answers in HTTP");
        let ours = ask(server.base());
        let as_expected = match (row.ours, &ours) {
            (Some(statuses), Ok(ours)) => {
                ours.iter().map(|answer| answer.status).eq(statuses.iter().copied())
            }
            _ => ours.as_ref() == Ok(&go),
        };
        if !as_expected {
            let headers = row.headers.escape_default();
            found.push(format!("{} {headers}\n    Go   {go:?}\n    ours {ours:?}", row.request));
        }
    }
    assert!(found.is_empty(), "{} of {} differ:\n{}", found.len(), rows.len(), found.join("\n"));
}

fn answers(base: &str, bytes: &[u8], method: &str, shut: bool) -> Result<Vec<Answer>, String> {
    let said = ask(base, bytes, shut).map_err(|failure| failure.to_string())?;
    let mut answers = split(&said, &[method, "GET"])?;
    answers.iter_mut().for_each(comparable);
    if let (Some(answer), true) = (answers.first_mut(), is_http10(bytes)) {
        // Toward HTTP/1.0 we say what it takes for granted; Go does not.
        answer.headers.retain(|name, value| name != "connection" || value != "close");
    }
    Ok(answers)
}

fn is_http10(request: &[u8]) -> bool {
    request.split(|&byte| byte == b'\r').next().is_some_and(|line| line.ends_with(b"HTTP/1.0"))
}

/// Only what both must have in common stays.
fn comparable(answer: &mut Answer) {
    let own_words = answer.status >= 400 && answer.header("content-type") != "text/plain";
    // The server's own words about a bad request are its own affair.
    if own_words {
        answer.body.clear();
    }
    answer
        .headers
        .retain(|name, _| name == "connection" || (!own_words && COMPARED.contains(&name.as_str())));
    if let Some(connection) = answer.headers.get_mut("connection") {
        connection.make_ascii_lowercase();
    }
    if let Some(date) = answer.headers.get_mut("date") {
        "now".clone_into(date);
    }
}
