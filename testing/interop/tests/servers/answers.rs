//! Every kind of ordinary answer from every server, compared with what the same server says to the same request by
//! plain sockets.

use hijack_interop::server::pattern;
use hijack_interop::transcript::Answer;
use http::Method;
use sha2::{Digest, Sha256};

use crate::connect;
use crate::peer::Peer::{Nginx, Ours};
use crate::peer::Site;
use crate::row::{Row, Upload};

pub(crate) async fn bodies(site: &Site) {
    at(site, rows_of_bodies()).await;
}

pub(crate) async fn statuses(site: &Site) {
    at(site, rows_of_statuses()).await;
}

pub(crate) async fn uploads(site: &Site) {
    at(site, rows_of_uploads()).await;
}

pub(crate) async fn files(site: &Site) {
    at(site, rows_of_files()).await;
}

async fn at(site: &Site, mut rows: Vec<Row>) {
    rows.retain(|row| row.is_at(site.peer));
    compare(&format!("{:?}", site.peer), &site.base, rows).await;
}

/// Each row by plain sockets and by our client: status, headers, body, trailers, interim answers, and whether the
/// connection is kept must be the same. Our client uses one connection for as long as it is kept.
pub(crate) async fn compare(server: &str, base: &str, rows: Vec<Row>) {
    let (mut differences, mut kept) = (Vec::new(), None);
    for row in rows {
        let (asked, at) = (row.clone(), base.to_owned());
        let by_hand = tokio::task::spawn_blocking(move || asked.by_hand(&at)).await.expect("no panic");
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => connect(base).await,
        };
        let by_ours = row.by_ours(&mut connection).await.map_err(|error| error.to_string());
        if matches!(by_ours, Ok((_, true))) {
            kept = Some(connection);
        }
        differences.extend(difference(&row, by_hand, by_ours));
    }
    assert!(differences.is_empty(), "{server}:\n{}", differences.join("\n"));
}

/// The answers to one request, and whether the connection was kept.
type Answered = Result<(Vec<Answer>, bool), String>;

fn difference(row: &Row, mut by_hand: Answered, mut by_ours: Answered) -> Option<String> {
    for (answers, kept) in [&mut by_hand, &mut by_ours].into_iter().flatten() {
        answers.iter_mut().for_each(|answer| drop(answer.headers.remove("date")));
        *kept &= !row.may_close;
    }
    let same = by_hand == by_ours && row.is_answered_by(&by_ours);
    (!same).then(|| format!("{}\n    by hand {by_hand:?}\n    by ours {by_ours:?}", row.name))
}

fn rows_of_bodies() -> Vec<Row> {
    let head = |name, path| Row::new(name, Method::HEAD, path);
    vec![
        Row::get("no bytes", "/bytes/0"),
        Row::get("five bytes", "/bytes/5").answers(200, pattern(5)),
        Row::get("a megabyte", "/bytes/1000000").answers(200, pattern(1_000_000)),
        head("the head of five bytes", "/bytes/5"),
        Row::get("no chunk", "/chunked/0"),
        Row::get("one chunk", "/chunked/5").answers(200, pattern(5)),
        Row::get("many chunks", "/chunked/1000000").answers(200, pattern(1_000_000)),
        head("the head of chunks", "/chunked/30000"),
        Row::get("trailers", "/trailers/30000").answers(200, pattern(30_000)),
        Row::get("trailers of nothing", "/trailers/0"),
        head("the head of trailers", "/trailers/30000"),
        Row::get("until the end", "/until-close/30000").answers(200, pattern(30_000)),
        Row::get("nothing until the end", "/until-close/0"),
        Row::get("the connection after an end", "/bytes/5").answers(200, pattern(5)),
        Row::get("bytes for HTTP/1.0", "/bytes/5").http10().answers(200, pattern(5)),
        Row::get("no chunks for HTTP/1.0", "/chunked/30000").http10().answers(200, pattern(30_000)),
    ]
}

fn rows_of_statuses() -> Vec<Row> {
    vec![
        Row::get("no content", "/status/204").answers(204, ""),
        Row::new("the head of no content", Method::HEAD, "/status/204").answers(204, ""),
        Row::get("not modified", "/status/304").answers(304, ""),
        Row::get("not found", "/nowhere").answers(404, "not found\n"),
        Row::new("the head of not found", Method::HEAD, "/nowhere").answers(404, ""),
        Row::get("an error", "/status/500").answers(500, "status 500\n"),
        Row::get("an unknown status", "/status/599").answers(599, "status 599\n"),
        Row::get("an interim answer", "/interim")
            .answers(200, "done\n")
            .except(&[Nginx], "it takes the 103 for the answer, and waits"),
        Row::get("a refused upgrade", "/upgrade")
            .answers(426, "upgrade to echo\n")
            .except(&[Ours], "in words of its own"),
    ]
}

fn rows_of_uploads() -> Vec<Row> {
    let upload = |name, method: Method, upload: Upload| {
        let digest = match &upload {
            Upload::None => digest(&method, b"", None),
            Upload::Sized(body) => digest(&method, body, None),
            Upload::Chunked(body, trailer) => digest(&method, body, *trailer),
        };
        Row::new(name, method, "/digest").upload(upload).answers(200, digest)
    };
    let late = || Upload::Chunked(pattern(30_000).into(), Some("late"));
    vec![
        upload("no upload", Method::POST, Upload::None),
        upload("an empty upload", Method::POST, Upload::sized(0)),
        upload("a small upload", Method::PUT, Upload::sized(5)),
        upload("a large upload", Method::POST, Upload::sized(1_000_000)),
        upload("no chunk", Method::POST, Upload::chunked(0)),
        upload("one chunk", Method::PUT, Upload::chunked(5)),
        upload("many chunks", Method::POST, Upload::chunked(1_000_000)),
        upload("a trailer", Method::POST, late())
            .header("Trailer", "X-Digest")
            .except(&[Nginx], "it drops trailers of requests"),
        Row::new("an upload nobody reads", Method::POST, "/early")
            .upload(Upload::sized(5))
            .answers(413, "too much\n"),
        upload("an upload asked for", Method::POST, Upload::sized(30_000)).header("Expect", "100-continue"),
        upload("chunks asked for", Method::POST, Upload::chunked(30_000)).header("Expect", "100-continue"),
        Row::new("an upload not asked for", Method::POST, "/early")
            .header("Expect", "100-continue")
            .upload(Upload::sized(5))
            .answers(413, "too much\n")
            .may_close("it would have to send a body that nobody wants"),
    ]
}

fn rows_of_files() -> Vec<Row> {
    let file = |name| Row::get(name, "/static/pattern").only(&[Nginx]);
    vec![
        file("a file").answers(200, pattern(70_000)),
        file("a part of a file").header("Range", "bytes=10-19").answers(206, &pattern(70_000)[10..20]),
        Row::new("the head of a file", Method::HEAD, "/static/pattern").only(&[Nginx]),
    ]
}

/// What `/digest` answers.
fn digest(method: &Method, body: &[u8], trailer: Option<&str>) -> String {
    let sum: String = Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{method} {} {sum} {}\n", body.len(), trailer.unwrap_or("-"))
}
