//! Ordinary requests: what is sent, which connection is used, what refusals say.

use std::time::Duration;

use hijack_docker::{
    Condition, ContainerConfig, Error, ExecOptions, ListOptions, LogsOptions, RemoveOptions, Size,
};
use http::StatusCode;

use crate::script::{Daemon, MULTIPLEXED, json, soon};

const DONE: &str = "HTTP/1.1 204 No Content\r\n\r\n";

/// Every call by its method, path and query.
#[tokio::test]
async fn calls_are_the_apis() {
    let daemon = Daemon::listen().await;
    let docker = daemon.speaking(1, 44);
    let scripted = daemon.script(async |mut peer| {
        let body = peer
            .answer(
                "POST /v1.44/containers/create?name=a%2Fb",
                json("201 Created", r#"{"Id":"x","Warnings":null}"#),
            )
            .await;
        assert!(body.contains(r#""Cmd":["true"]"#) && body.contains(r#""Image":"i""#), "{body}");
        peer.answer("POST /v1.44/containers/x/kill?signal=TERM", DONE).await;
        peer.answer(
            "POST /v1.44/containers/x/resize?h=33&w=77",
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        )
        .await;
        peer.answer("DELETE /v1.44/containers/x?force=1&v=1", DONE).await;
        let list =
            r#"GET /v1.44/containers/json?all=1&limit=2&filters=%7B%22label%22%3A%5B%22a%3Db%22%5D%7D"#;
        peer.answer(list, json("200 OK", r#"[{"Id":"x"}]"#)).await;
        peer.answer("POST /v1.44/containers/x/exec", json("201 Created", r#"{"Id":"e"}"#)).await;
        // Exited, said a moment too late; without a code it is not.
        for (running, code) in [(true, "null"), (false, "null"), (false, "5")] {
            let state = format!(r#"{{"ID":"e","Running":{running},"ExitCode":{code}}}"#);
            peer.answer("GET /v1.44/exec/e/json", json("200 OK", &state)).await;
        }
        peer.answer("POST /v1.44/exec/e/resize?h=1&w=2", DONE).await;
        let body = peer.answer("POST /v1.44/exec/e/start", DONE).await;
        assert_eq!(body, r#"{"Detach":true,"Tty":false}"#);
        peer.gone().await;
    });
    let config = ContainerConfig::new("i", ["true"]);
    assert_eq!(docker.create(&config, Some("a/b")).await.expect("made").id, "x");
    docker.kill("x", "TERM").await.expect("told");
    docker.resize("x", Size { height: 33, width: 77 }).await.expect("told");
    let mut remove = RemoveOptions::force();
    remove.volumes = true;
    docker.remove("x", &remove).await.expect("removed");
    let mut list = ListOptions::all();
    list.limit = Some(2);
    list.filters.insert("label".into(), vec!["a=b".into()]);
    assert_eq!(docker.list(&list).await.expect("a list")[0].id, "x");
    assert_eq!(docker.create_exec("x", &ExecOptions::new(["true"])).await.expect("made"), "e");
    assert_eq!(docker.exec_exit_code("e").await.expect("known"), Some(5));
    docker.resize_exec("e", Size { height: 1, width: 2 }).await.expect("told");
    docker.start_exec_detached("e", false).await.expect("started");
    drop(docker);
    soon("the script", scripted).await.expect("as it should be");
}

/// Less than a second is not none, which would be a kill at once.
#[tokio::test]
async fn a_container_has_its_time_to_stop() {
    for (within, query) in [
        (None, ""),
        (Some(Duration::ZERO), "?t=0"),
        (Some(Duration::from_millis(1)), "?t=1"),
        (Some(Duration::from_millis(2_500)), "?t=3"),
    ] {
        let daemon = Daemon::listen().await;
        let docker = daemon.speaking(1, 44);
        let scripted = daemon.script(async move |mut peer| {
            peer.answer(&format!("POST /v1.44/containers/x/stop{query}"), DONE).await;
        });
        docker.stop("x", within).await.expect("stopped");
        soon("the script", scripted).await.expect("as it should be");
    }
}

/// A connection of one's own is a new one: nobody asks a second time on it if the daemon closes an idle one.
#[tokio::test]
async fn a_connection_of_ones_own_is_new() {
    let daemon = Daemon::listen().await;
    let docker = daemon.speaking(1, 44);
    let scripted = tokio::spawn(async move {
        let mut pooled = daemon.accept().await;
        pooled.answer("GET /v1.44/containers/json", json("200 OK", "[]")).await;
        let mut own = daemon.accept().await;
        drop(pooled);
        own.answer("GET /events", json("200 OK", "{}")).await;
    });
    docker.list(&ListOptions::default()).await.expect("a list");
    let mut own = soon("a connection", docker.connect()).await.expect("it listens");
    let request = http::Request::get("/events").body(hijack::Body::empty()).expect("a request");
    let answer = soon("an answer", own.request(request)).await.expect("answered");
    assert_eq!(answer.status(), StatusCode::OK);
    soon("the script", scripted).await.expect("as it should be");
}

/// An idle connection that the daemon closed is not used; one that it closes at the same moment is replaced.
#[tokio::test]
async fn idle_connections_may_go() {
    let daemon = Daemon::listen().await;
    let docker = daemon.speaking(1, 44);
    let scripted = tokio::spawn(async move {
        let request = "GET /v1.44/containers/json";
        let mut first = daemon.accept().await;
        first.answer(request, json("200 OK", "[]")).await;
        drop(first);
        let mut second = daemon.accept().await;
        second.answer(request, json("200 OK", "[]")).await;
        second.request().await; // and no answer
        drop(second);
        let mut third = daemon.accept().await;
        third.answer(request, json("200 OK", "[]")).await;
        third.gone().await;
    });
    for _ in 0..3 {
        docker.list(&ListOptions::default()).await.expect("a list");
    }
    drop(docker);
    soon("the script", scripted).await.expect("as it should be");
}

/// A refusal is JSON or a text, with a length or until the connection ends, or one that never ends.
#[tokio::test]
async fn refusals_are_read() {
    let table = [
        (json("404 Not Found", r#"{"message":"No such container: x"}"#), true),
        ("HTTP/1.1 404 Not Found\r\n\r\nNo such container: x\r\n".to_owned(), true),
        ("HTTP/1.1 404 Not Found\r\n\r\nNo such container: x".to_owned(), false),
    ];
    for (answer, ends) in table {
        let daemon = Daemon::listen().await;
        let docker = daemon.speaking(1, 44);
        let scripted = daemon.script(async move |mut peer| {
            peer.answer("GET /v1.44/containers/x/json", answer).await;
            if !ends {
                peer.gone().await;
            }
        });
        match soon("a refusal", docker.inspect("x")).await.expect_err("refused") {
            Error::Daemon { status, message } => {
                assert_eq!((status, &*message), (StatusCode::NOT_FOUND, "No such container: x"));
            }
            other => panic!("{other:?}"),
        }
        drop(docker);
        soon("the script", scripted).await.expect("as it should be");
    }
}

/// A wait that is answered in two parts, and one that is cut.
#[tokio::test]
async fn waits_come_in_parts() {
    for (second, expected) in
        [(Some("11\r\n{\"StatusCode\":137\r\n2\r\n}\n\r\n0\r\n\r\n"), Some(137)), (None, None)]
    {
        let daemon = Daemon::listen().await;
        let docker = daemon.speaking(1, 44);
        let (go, going) = tokio::sync::oneshot::channel::<()>();
        let scripted = daemon.script(async move |mut peer| {
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            peer.answer("POST /v1.44/containers/x/wait?condition=removed", head).await;
            going.await.expect("the client goes on");
            if let Some(second) = second {
                peer.send(second).await;
                peer.gone().await;
            }
        });
        let wait = docker.wait("x", Condition::Removed).await.expect("it is waiting");
        go.send(()).expect("it is waiting");
        let exit = soon("the end", wait.exit()).await;
        assert_eq!(exit.as_ref().ok().map(|exit| exit.code), expected, "{exit:?}");
        drop(docker);
        soon("the script", scripted).await.expect("as it should be");
    }
}

/// Logs are an ordinary answer with frames in it; what is cut is told apart from the end.
#[tokio::test]
async fn logs_are_frames_in_a_body() {
    let frames = [&b"\x01\0\0\0\0\0\0\x04out\n"[..], b"\x02\0\0\0\0\0\0\x04err\n"].concat();
    for (cut, whole) in [(0, true), (1, false)] {
        let daemon = Daemon::listen().await;
        let docker = daemon.speaking(1, 44);
        let sent = frames[..frames.len() - cut].to_vec();
        let scripted = daemon.script(async move |mut peer| {
            let request = "GET /v1.44/containers/x/logs?stdout=1&stderr=1&since=5&tail=3";
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: {MULTIPLEXED}\r\nContent-Length: {}\r\n\r\n",
                sent.len()
            );
            peer.answer(request, [head.as_bytes(), &sent].concat()).await;
            if whole {
                peer.answer("GET /v1.44/containers/json", json("200 OK", "[]")).await;
            }
        });
        let mut options = LogsOptions::default().with_tail(3);
        options.since = Some("5".into());
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let logs = docker.logs("x", &options).await.expect("logs");
        let copied = soon("the end", logs.copy_to(&mut out, &mut err)).await;
        assert_eq!((copied.is_ok(), &out[..], &err[..3]), (whole, &b"out\n"[..], &b"err"[..]));
        if whole {
            docker.list(&ListOptions::default()).await.expect("on the same connection");
        }
        soon("the script", scripted).await.expect("as it should be");
    }
}
