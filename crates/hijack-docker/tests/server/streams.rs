//! Attach and exec: dockerd's heads, and every byte behind them.

use hijack_docker::AttachOptions;
use http::StatusCode;
use tokio::io::AsyncWriteExt;

use crate::site::{Raw, docker, engine, soon};

const OFFER: &str = "Connection: Upgrade\r\nUpgrade: tcp\r\n";

fn switched(media_type: &str, more: &str) -> String {
    format!(
        "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.{media_type}\r\nConnection: Upgrade\r\n\
         Upgrade: tcp\r\n{more}\r\n"
    )
}

const BARE: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n";

/// Framed output of `cat`, as it ends.
fn framed(said: &str) -> Vec<u8> {
    let len = u8::try_from(said.len()).expect("short");
    [&[1, 0, 0, 0, 0, 0, 0, len], said.as_bytes(), b"\x02\0\0\0\0\0\0\x03bye"].concat()
}

/// The head depends on the offer, the version and the terminal; the bytes behind it on the terminal alone.
#[tokio::test]
async fn heads_are_dockerds() {
    let address = engine().await;
    let table = [
        ("/v1.44/containers/cat/attach", "1.1", OFFER, switched("multiplexed-stream", ""), true),
        ("/containers/cat/attach", "1.1", OFFER, switched("multiplexed-stream", ""), true),
        ("/v1.42/containers/cat/attach", "1.1", OFFER, switched("multiplexed-stream", ""), true),
        ("/v1.41/containers/cat/attach", "1.1", OFFER, switched("raw-stream", ""), true),
        ("/v1.44/containers/tty/attach", "1.1", OFFER, switched("raw-stream", ""), false),
        ("/v1.44/containers/cat/attach", "1.1", "", BARE.to_owned(), true),
        ("/v1.44/containers/tty/attach", "1.1", "", BARE.to_owned(), false),
        ("/v1.44/containers/cat/attach", "1.0", OFFER, BARE.to_owned(), true),
        // Not offered as HTTP has it.
        ("/v1.44/containers/cat/attach", "1.1", "Upgrade: tcp\r\n", BARE.to_owned(), true),
        ("/v1.44/containers/cat/attach", "1.1", "Connection: Upgrade\r\n", BARE.to_owned(), true),
        (
            "/v1.44/containers/cat/attach",
            "1.1",
            "Connection: Upgrade\r\nUpgrade: frobnicate\r\n",
            BARE.to_owned(),
            true,
        ),
        (
            "/v1.44/containers/cat/attach",
            "1.1",
            "connection: keep-alive, upgrade\r\nupgrade: other, TCP\r\n",
            switched("multiplexed-stream", ""),
            true,
        ),
    ];
    for (path, version, offer, head, is_framed) in table {
        let mut raw = Raw::connect(&address).await;
        raw.send(format!(
            "POST {path}?stream=1&stdin=1&stdout=1&stderr=1 HTTP/{version}\r\nHost: a\r\n{offer}Content-Length: 0\r\n\r\n"
        ))
        .await;
        raw.expect(head).await;
        raw.send("hi").await;
        if is_framed {
            raw.end().await;
            assert_eq!(raw.rest().await, framed("hi"), "{path} {offer}");
        } else {
            raw.expect("hi").await;
            // The end of a terminal's input detaches.
            raw.end().await;
            assert_eq!(raw.rest().await, b"", "{path} {offer}");
        }
    }
}

/// What dockerd loses: input in the same segment as the request, be it behind a body, and the end with it.
#[tokio::test]
async fn early_bytes_are_input() {
    let address = engine().await;
    let attach = format!(
        "POST /v1.44/containers/cat/attach?stream=1&stdin=1&stdout=1&stderr=1 HTTP/1.1\r\nHost: a\r\n{OFFER}"
    );
    let exec = format!("POST /v1.44/exec/cat/start HTTP/1.1\r\nHost: a\r\n{OFFER}");
    let requests = [
        (format!("{attach}Content-Length: 0\r\n\r\nearly"), ""),
        (format!("{attach}Content-Length: 3\r\n\r\n{{}}\nearly"), ""),
        (format!("{exec}Content-Length: 2\r\n\r\n{{}}early"), "Server: test\r\n"),
        // The last chunk is the body's, not the process's.
        (format!("{exec}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\nearly"), "Server: test\r\n"),
    ];
    for (request, more) in requests {
        for split in [0, request.len() - 5, request.len() - 1] {
            let mut raw = Raw::connect(&address).await;
            let (first, second) = request.split_at(split);
            raw.send(first).await;
            tokio::task::yield_now().await;
            raw.send(second).await;
            raw.end().await;
            let expected = [switched("multiplexed-stream", more).into_bytes(), framed("early")].concat();
            let got = raw.rest().await;
            // `cat` may have read it in two parts.
            let joined = unframed(&got[expected.len() - framed("early").len()..]);
            assert_eq!(joined, ("early".to_owned(), "bye".to_owned()), "{}", got.escape_ascii());
            assert!(
                got.starts_with(switched("multiplexed-stream", more).as_bytes()),
                "{}",
                got.escape_ascii()
            );
        }
    }
}

fn unframed(mut bytes: &[u8]) -> (String, String) {
    let mut said = [String::new(), String::new()];
    while let [stream, 0, 0, 0, 0, 0, 0, len, rest @ ..] = bytes {
        let (payload, rest) = rest.split_at(usize::from(*len));
        said[usize::from(*stream) - 1].push_str(std::str::from_utf8(payload).expect("text"));
        bytes = rest;
    }
    assert!(bytes.is_empty(), "{}", bytes.escape_ascii());
    let [out, err] = said;
    (out, err)
}

/// Attach refuses in text until the end; everything else in JSON, and the connection goes on.
#[tokio::test]
async fn refusals_are_dockerds() {
    let address = engine().await;
    let table = [
        ("nope/attach?stream=1", "404 Not Found", "No such container: nope"),
        ("paused/attach", "409 Conflict", "container paused is paused, unpause it first"),
    ];
    for (path, status, text) in table {
        for offer in [OFFER, ""] {
            let mut raw = Raw::connect(&address).await;
            raw.send(format!(
                "POST /v1.44/containers/{path} HTTP/1.1\r\nHost: a\r\n{offer}Content-Length: 0\r\n\r\n"
            ))
            .await;
            let head =
                format!("HTTP/1.1 {status}\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n");
            assert_eq!(String::from_utf8_lossy(&raw.rest().await), format!("{head}{text}\r\n"));
        }
    }
    let mut raw = Raw::connect(&address).await;
    for (path, body, status, text) in [
        ("/v1.44/exec/nope/start", "{}", "404 Not Found", "No such container: nope"),
        ("/v1.44/exec/cat/start", "", "400 Bad Request", "got EOF while reading request body"),
        (
            "/v1.45/version",
            "",
            "400 Bad Request",
            "client version 1.45 is too new. Maximum supported API version is 1.44",
        ),
    ] {
        raw.send(format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\n{OFFER}Content-Length: {}\r\n\r\n{body}",
            body.len()
        ))
        .await;
        let body = format!("{{\"message\":\"{text}\"}}\n");
        raw.expect(format!("HTTP/1.1 {status}\r\n")).await;
        let answer = raw.until(body.as_bytes()).await;
        assert!(String::from_utf8_lossy(&answer).contains("Content-Type: application/json\r\n"));
    }
}

/// The client of this crate, by 101 and by 200.
#[tokio::test]
async fn our_client_is_at_home() {
    let docker = docker(&engine().await);
    for upgrade in [true, false] {
        let mut options = AttachOptions::default().with_stdin().with_tty(false);
        options.upgrade = upgrade;
        let mut streams = docker.attach("cat", &options).await.expect("attached");
        let sent = "0123456789".repeat(100_000);
        let (mut source, mut out, mut err) = (sent.as_bytes(), Vec::new(), Vec::new());
        let (typed, copied) = tokio::join!(
            streams.stdin.copy_from(&mut source, None),
            soon("the end", streams.output.copy_to(&mut out, &mut err)),
        );
        typed.expect("open");
        copied.expect("whole");
        assert!(out == sent.as_bytes() && err == b"bye", "{}", out.len());
    }
    let refused = docker.attach("nope", &AttachOptions::default().with_tty(false)).await.expect_err("none");
    assert_eq!(refused.status(), Some(StatusCode::NOT_FOUND));
    assert_eq!(refused.to_string(), "Error response from daemon: No such container: nope");
    let keys = AttachOptions::default().with_tty(true).with_stdin();
    let mut streams = docker.attach("tty", &keys).await.expect("attached");
    streams.stdin.write_all(b"x\x10").await.expect("open");
    let chunk = soon("the echo", streams.output.next()).await.expect("whole").expect("output");
    assert_eq!(&chunk.data[..], b"x");
    streams.stdin.write_all(b"\x11").await.expect("open");
    let end = soon("the end", streams.output.next()).await.expect("whole");
    assert_eq!(end, None, "the daemon found the keys");
}
