//! Takeovers, to the byte: what is sent before the answer, what the answer may be, what comes with it.

use std::time::Duration;

use hijack_docker::stream::Framing;
use hijack_docker::{AttachOptions, Error};
use tokio::io::AsyncWriteExt;

use crate::script::{Daemon, FRAME, MULTIPLEXED, RAW, json, soon, switched};

const ATTACH: &str = "POST /v1.44/containers/x/attach?stream=1&stdin=1&stdout=1&stderr=1";

fn options() -> AttachOptions {
    AttachOptions::default().with_stdin()
}

/// The request as dockerd and proxies want it, with a length and nothing behind it; then both directions, raw and framed.
#[tokio::test]
async fn nothing_is_sent_before_the_answer() {
    let daemon = Daemon::listen().await;
    let docker = daemon.speaking(1, 44);
    let scripted = daemon.script(async |mut peer| {
        let (head, body) = peer.whole_request().await;
        let head = head.to_ascii_lowercase();
        for line in [
            "connection: upgrade\r\n",
            "upgrade: tcp\r\n",
            "content-length: 0\r\n",
            "content-type: text/plain\r\n",
        ] {
            assert!(head.contains(line), "{line:?} in {head}");
        }
        assert!(!head.contains("transfer-encoding") && !head.contains("expect") && body.is_empty(), "{head}");
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(peer.early(), b"", "before the answer");
        // Glued to the head.
        peer.send([switched(MULTIPLEXED).as_bytes(), FRAME].concat()).await;
        assert_eq!(peer.rest().await, b"input");
        peer.send(FRAME).await;
    });
    let mut streams = soon("the streams", docker.attach("x", &options())).await.expect("attached");
    streams.stdin.write_all(b"input").await.expect("open");
    streams.stdin.close().await.expect("open");
    let (mut out, mut err) = (Vec::new(), Vec::new());
    soon("the end", streams.output.copy_to(&mut out, &mut err)).await.expect("whole");
    assert_eq!((&out[..], &err[..]), (&b"hellohello"[..], &b""[..]));
    soon("the script", scripted).await.expect("as it should be");
}

/// How the outputs are framed: by the answer from 1.42 on, by the container before, and behind a bare 200.
#[tokio::test]
async fn what_says_how_outputs_are_framed() {
    let bare = |media_type: &str| format!("HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\n\r\n");
    let table = [
        (44, switched(MULTIPLEXED), None, Framing::Multiplexed),
        (44, switched(RAW), None, Framing::Raw),
        (42, switched(RAW), None, Framing::Raw),
        // The daemon calls everything raw.
        (41, switched(RAW), Some(false), Framing::Multiplexed),
        (41, switched(RAW), Some(true), Framing::Raw),
        (44, bare(RAW), Some(false), Framing::Multiplexed),
        (44, bare(RAW), Some(true), Framing::Raw),
        (44, bare(MULTIPLEXED), Some(false), Framing::Multiplexed),
        // No label at all.
        (
            44,
            "HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: tcp\r\n\r\n".to_owned(),
            Some(true),
            Framing::Raw,
        ),
    ];
    for (minor, answer, asked, expected) in table {
        let daemon = Daemon::listen().await;
        let docker = daemon.speaking(1, minor);
        let shown = format!("1.{minor}, {answer:?}");
        let asks_before = minor < 42;
        let scripted = tokio::spawn(async move {
            let inspect = async |daemon: &Daemon| {
                let state =
                    format!(r#"{{"Id":"x","State":{{}},"Config":{{"Tty":{}}}}}"#, asked == Some(true));
                let mut peer = daemon.accept().await;
                peer.answer(&format!("GET /v1.{minor}/containers/x/json"), json("200 OK", &state)).await;
                peer
            };
            let _before = if asks_before { Some(inspect(&daemon).await) } else { None };
            let mut peer = daemon.accept().await;
            peer.answer(&ATTACH.replace("1.44", &format!("1.{minor}")), answer).await;
            let _behind = if asked.is_some() && !asks_before { Some(inspect(&daemon).await) } else { None };
            peer.gone().await;
        });
        let streams = soon("the streams", docker.attach("x", &options())).await.expect("attached");
        assert_eq!(streams.output.framing(), expected, "{shown}");
        drop((streams, docker));
        soon("the script", scripted).await.expect(&shown);
    }
}

/// What is known is not asked for.
#[tokio::test]
async fn exec_knows_its_terminal() {
    for (tty, expected) in [(true, Framing::Raw), (false, Framing::Multiplexed)] {
        let daemon = Daemon::listen().await;
        let docker = daemon.speaking(1, 41);
        let scripted = daemon.script(async move |mut peer| {
            let body = peer.answer("POST /v1.41/exec/e/start", switched(RAW)).await;
            assert_eq!(body, format!(r#"{{"Detach":false,"Tty":{tty}}}"#));
            peer.gone().await;
        });
        let streams = docker.start_exec("e", tty).await.expect("started");
        assert_eq!(streams.output.framing(), expected);
        drop(streams);
        soon("the script", scripted).await.expect("as it should be");
    }
}

/// Without an upgrade there is no such header, since its mere presence counts.
#[tokio::test]
async fn a_bare_200_is_asked_for_without_an_upgrade() {
    let daemon = Daemon::listen().await;
    let docker = daemon.speaking(1, 44);
    let scripted = daemon.script(async |mut peer| {
        let (head, _) = peer.whole_request().await;
        assert!(!head.to_ascii_lowercase().contains("upgrade"), "{head}");
        peer.send(format!("HTTP/1.1 200 OK\r\nContent-Type: {RAW}\r\n\r\nhello")).await;
    });
    let options = options().without_upgrade().with_tty(true);
    let mut streams = docker.attach("x", &options).await.expect("attached");
    assert_eq!(soon("output", streams.output.next()).await.expect("whole").expect("output").data, "hello");
    soon("the script", scripted).await.expect("as it should be");
}

/// Answers that begin no stream, each with its reason.
#[tokio::test]
async fn answers_that_are_none_of_dockers() {
    let table = [
        ("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>", "media types"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "length"),
        ("HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", "not offered"),
        ("HTTP/1.1 101 X\r\n\r\n", "upgrade"),
        ("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", "302"),
    ];
    for (answer, reason) in table {
        let daemon = Daemon::listen().await;
        let docker = daemon.speaking(1, 44);
        let scripted = daemon.script(async move |mut peer| {
            peer.answer(ATTACH, answer).await;
            peer.gone().await;
        });
        let error = soon("an error", docker.attach("x", &options())).await.expect_err(answer);
        assert!(matches!(error, Error::Unexpected { .. }), "{error:?}");
        assert!(error.to_string().contains(reason), "{error}");
        soon("the script", scripted).await.expect(answer);
    }
}

/// Whoever asks is told of each request and each answer.
#[tokio::test]
async fn what_is_done_can_be_seen() {
    let daemon = Daemon::listen().await;
    let (told, mut tales) = tokio::sync::mpsc::unbounded_channel();
    let docker = daemon.builder().trace(move |trace| told.send(trace.to_string()).expect("heard")).build();
    let scripted = tokio::spawn(async move {
        let pong = "HTTP/1.1 200 OK\r\nApi-Version: 1.44\r\nX: \x07\r\nContent-Length: 0\r\n\r\n"
            .replace('\x07', "\u{e9}");
        let mut ordinary = daemon.accept().await;
        ordinary.answer("HEAD /_ping", pong).await;
        let mut stream = daemon.accept().await;
        stream.answer("POST /v1.44/exec/e/start", switched(MULTIPLEXED)).await;
        stream.gone().await;
    });
    drop(docker.start_exec("e", false).await.expect("started"));
    soon("the script", scripted).await.expect("as it should be");
    drop(docker);
    let mut all = Vec::new();
    while let Some(tale) = tales.recv().await {
        all.push(tale);
    }
    assert_eq!(all.len(), 4, "{all:#?}");
    assert!(all[0].starts_with("> HEAD /_ping\n> user-agent: hijack-docker/"), "{}", all[0]);
    assert!(all[1].starts_with("< 200 OK after ") && all[1].contains("x: \\xc3\\xa9"), "{}", all[1]);
    assert!(all[2].starts_with("> POST /v1.44/exec/e/start\n> upgrade: tcp\n"), "{}", all[2]);
    assert!(all[2].ends_with("> {\"Detach\":false,\"Tty\":false}"), "{}", all[2]);
    assert!(
        all[3].starts_with("< 101 ") && all[3].ends_with("\n* the connection is taken over"),
        "{}",
        all[3]
    );
}
