//! Docker's daemon on its Unix socket: ordinary answers, streams behind a 101 and behind a bare 200, and refusals with
//! and without a length.

use hijack::{Body, Conn};
use hijack_interop::dockerd::Dockerd;
use hijack_interop::server::pattern;
use http::{Method, Request, header};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::answers::compare;
use crate::connections::get;
use crate::row::{Row, Upload};
use crate::takeovers::declined;
use crate::{connect, in_time};

/// Each by plain sockets and by our client; the errors are JSON with a length on a connection that is kept.
#[test]
fn ordinary_answers() {
    let Some(daemon) = Dockerd::start() else { return };
    let stopped = daemon.create(&["true"], &json!({}));
    let rows = vec![
        Row::get("ping", "/_ping").answers(200, "OK"),
        Row::new("the head of ping", Method::HEAD, "/_ping"),
        Row::get("version", "/version").answers_in_own_words(200),
        Row::get("no running container", "/containers/json").answers(200, "[]\n"),
        Row::get("no container", "/containers/nope/json").answers_in_own_words(404),
        Row::new("no exec", Method::POST, "/exec/nope/start")
            .header("Content-Type", "application/json")
            .upload(Upload::Sized("{}".into()))
            .answers_in_own_words(404),
        Row::new("an exec in a stopped container", Method::POST, format!("/containers/{stopped}/exec"))
            .header("Content-Type", "application/json")
            .upload(Upload::Sized(r#"{"Cmd":["true"]}"#.into()))
            .answers_in_own_words(409),
        Row::new("a wait that is over", Method::POST, format!("/containers/{stopped}/wait"))
            .answers_in_own_words(200),
        Row::get("no path", "/nowhere").answers_in_own_words(404),
    ];
    in_time(compare("dockerd", &daemon.base(), rows));
}

/// `cat`, attached to before it is started: by 101, and by the bare 200.
#[test]
fn attach() {
    let Some(daemon) = Dockerd::start() else { return };
    for protocols in [&["tcp"][..], &[]] {
        in_time(async {
            let id = daemon.create(&["cat"], &stdin());
            let (mut conn, status) = attached(&daemon, &id, protocols).await;
            assert_eq!(status, if protocols.is_empty() { 200 } else { 101 });
            daemon.start_container(&id);
            conn.write_all(b"hello\n").await.expect("written");
            expect_frame(&mut conn, 1, b"hello\n").await;
            conn.write_all(b"behind it").await.expect("written");
            conn.close_write().await.expect("our end");
            expect_frame(&mut conn, 1, b"behind it").await;
            expect_end(conn).await;
            assert_eq!(daemon.exit_code(&id), 0);
        });
    }
}

/// Output goes on behind our end, and both outputs come, each in its frames.
#[test]
fn output_behind_our_end() {
    let Some(daemon) = Dockerd::start() else { return };
    for protocols in [&["tcp"][..], &[]] {
        in_time(async {
            let script = "cat; echo late; echo error >&2; exit 4";
            let id = daemon.create(&["sh", "-c", script], &stdin());
            let (mut conn, _) = attached(&daemon, &id, protocols).await;
            conn.close_write().await.expect("our end, before it is started");
            daemon.start_container(&id);
            let mut said = Vec::new();
            conn.read_to_end(&mut said).await.expect("their end");
            assert_eq!(outputs(&said), (b"late\n".to_vec(), b"error\n".to_vec()));
            assert_eq!(daemon.exit_code(&id), 4);
        });
    }
}

/// Eight megabytes through `cat` and back, both ways at once.
#[test]
fn megabytes_both_ways() {
    let Some(daemon) = Dockerd::start() else { return };
    for protocols in [&["tcp"][..], &[]] {
        in_time(async {
            let id = daemon.create(&["cat"], &stdin());
            let (conn, _) = attached(&daemon, &id, protocols).await;
            daemon.start_container(&id);
            let (mut read, mut write) = conn.into_split();
            let sent = pattern(8_000_000);
            let expected = sent.clone();
            let sending = tokio::spawn(async move {
                write.write_all(&sent).await?;
                write.shutdown().await?;
                Ok::<_, std::io::Error>(write)
            });
            let mut said = Vec::new();
            read.read_to_end(&mut said).await.expect("their end");
            sending.await.expect("no panic").expect("all is written");
            assert!(outputs(&said).0 == expected, "{} bytes came", said.len());
        });
    }
}

/// As the command line does it: attach, wait (whose head comes at once, and whose body at the end), start. What the
/// container says first is never lost.
#[test]
fn attach_wait_start() {
    let Some(daemon) = Dockerd::start() else { return };
    in_time(async {
        for code in 0..10_u8 {
            let id = daemon.create(&["sh", "-c", &format!("echo first; exit {code}")], &json!({}));
            let (mut conn, _) = attached(&daemon, &id, &["tcp"]).await;
            let mut waiting = connect(&daemon.base()).await;
            let wait = post(&format!("/containers/{id}/wait?condition=next-exit"), "");
            let answer = waiting.request(wait).await.expect("the head comes before the start");
            assert_eq!(answer.status(), 200);
            let mut starting = connect(&daemon.base()).await;
            let answer = starting.request(post(&format!("/containers/{id}/start"), "")).await;
            assert_eq!(answer.expect("an answer").status(), 204);
            expect_frame(&mut conn, 1, b"first\n").await;
            expect_end(conn).await;
            let waited = waiting.read_to_end(1000).await.expect("the body comes at the end");
            let waited: Value = serde_json::from_slice(&waited).expect("JSON");
            assert_eq!(waited["StatusCode"], code);
        }
    });
}

/// A terminal: no frames, and what is written comes back before what `cat` says.
#[test]
fn terminal() {
    let Some(daemon) = Dockerd::start() else { return };
    in_time(async {
        let id = daemon.create(&["cat"], &json!({ "OpenStdin": true, "StdinOnce": true, "Tty": true }));
        let (mut conn, _) = attached(&daemon, &id, &["tcp"]).await;
        daemon.start_container(&id);
        conn.write_all(b"hello\n\x04").await.expect("written");
        let mut said = Vec::new();
        conn.read_to_end(&mut said).await.expect("their end");
        assert_eq!(said.escape_ascii().to_string(), r"hello\r\nhello\r\n");
    });
}

/// A request with a body that upgrades; the process's own end is the stream's.
#[test]
fn exec() {
    let Some(daemon) = Dockerd::start() else { return };
    in_time(async {
        let id = daemon.create(&["sleep", "60"], &json!({}));
        daemon.start_container(&id);
        let command = ["sh", "-c", "cat; exit 9"];
        let streams =
            json!({ "AttachStdin": true, "AttachStdout": true, "AttachStderr": true, "Cmd": command });
        let exec = daemon.succeed("POST", &format!("/containers/{id}/exec"), &streams);
        let exec = exec["Id"].as_str().expect("an id");
        let start = post(&format!("/exec/{exec}/start"), r#"{"Detach":false,"Tty":false}"#);
        let mut conn = connect(&daemon.base()).await.upgrade(start, ["tcp"]).await.expect("a stream");
        conn.write_all(b"hello\n").await.expect("written");
        conn.close_write().await.expect("our end");
        expect_frame(&mut conn, 1, b"hello\n").await;
        expect_end(conn).await;
        let ended = daemon.succeed("GET", &format!("/exec/{exec}/json"), &Value::Null);
        assert_eq!(ended["ExitCode"], 9);
    });
}

/// Attach refuses with a text that ends with the connection, everything else with JSON on a kept one.
#[test]
fn refusals() {
    let Some(daemon) = Dockerd::start() else { return };
    let id = daemon.create(&["cat"], &stdin());
    let bad_keys = format!("/containers/{id}/attach?stream=1&stdout=1&detachKeys=nonsense");
    let rows = [
        ("/containers/nope/attach?stream=1&stdout=1", 404, "No such container: nope", false),
        (&*bad_keys, 400, "detach keys", false),
        ("/exec/nope/start", 404, "No such exec instance: nope", true),
    ];
    in_time(async {
        for (path, status, text, kept) in rows {
            for protocols in [&["tcp"][..], &[]] {
                let request = post(path, "{}");
                let connection = connect(&daemon.base()).await;
                let untaken = connection
                    .upgrade_or_stream(request, protocols)
                    .await
                    .expect_err("there is nothing to stream");
                let (said, body, connection) = declined(untaken);
                assert_eq!((said.as_u16(), connection.is_some()), (status, kept), "{path}: {body}");
                assert!(body.contains(text), "{path}: {body}");
                if let Some(mut connection) = connection {
                    connection.request(get("/_ping")).await.expect("an answer");
                    assert_eq!(&connection.read_to_end(10).await.expect("a body")[..], b"OK");
                }
            }
        }
    });
}

fn stdin() -> Value {
    json!({ "OpenStdin": true, "StdinOnce": true })
}

fn post(path: &str, body: &'static str) -> Request<Body> {
    let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
    request.body(Body::from(body)).expect("a request")
}

/// All three streams of a container, and the status by which they were given.
async fn attached(daemon: &Dockerd, id: &str, protocols: &[&'static str]) -> (Conn, u16) {
    let path = format!("/containers/{id}/attach?stream=1&stdin=1&stdout=1&stderr=1");
    let connection = connect(&daemon.base()).await;
    let attach = connection.upgrade_or_stream(post(&path, ""), protocols).await;
    let conn = attach.expect("dockerd attaches");
    let status = conn.answer().expect("it was taken over from an answer").status();
    (conn, status.as_u16())
}

/// One frame: `[stream, 0, 0, 0, length, length, length, length]`, then the payload.
async fn expect_frame(conn: &mut Conn, stream: u8, payload: &[u8]) {
    let len = u8::try_from(payload.len()).expect("a short payload");
    let expected = [&[stream, 0, 0, 0, 0, 0, 0, len], payload].concat();
    let mut came = vec![0; expected.len()];
    conn.read_exact(&mut came).await.expect("a frame");
    assert_eq!(came.escape_ascii().to_string(), expected.escape_ascii().to_string());
}

async fn expect_end(mut conn: Conn) {
    let mut rest = Vec::new();
    conn.read_to_end(&mut rest).await.expect("their end");
    assert_eq!(rest.escape_ascii().to_string(), "");
}

/// The payloads of both outputs, from their frames.
fn outputs(mut said: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (mut out, mut error) = (Vec::new(), Vec::new());
    while let Some((head, rest)) = said.split_first_chunk::<8>() {
        let [stream, 0, 0, 0, len @ ..] = *head else { panic!("no frame: {}", head.escape_ascii()) };
        let len = u32::from_be_bytes(len) as usize;
        let output = if stream == 1 { &mut out } else { &mut error };
        output.extend_from_slice(&rest[..len]);
        said = &rest[len..];
    }
    assert!(said.is_empty(), "a cut frame: {}", said.escape_ascii());
    (out, error)
}
