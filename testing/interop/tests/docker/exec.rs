//! Further processes in a container.

use std::time::Duration;

use hijack_docker::stream::Framing;
use hijack_docker::{Error, ExecOptions};
use http::StatusCode;
use tokio::io::AsyncWriteExt;

use crate::site::{Said, Site, rest, soon};

fn shell(script: &str) -> ExecOptions {
    ExecOptions::new(["sh", "-c", script])
}

/// Behaviour 10: echo, half-close, exit codes; behind a 101 and behind a bare 200.
pub(crate) async fn streams_and_exit_codes(site: Site) {
    let (docker, id) = (&site.docker, site.idle().await);
    for upgrade in [true, false] {
        for (script, code) in [("cat; echo err >&2", 0), ("cat; echo err >&2; exit 9", 9)] {
            let exec = docker.create_exec(&id, &shell(script).with_stdin()).await.expect("made");
            let started = match upgrade {
                true => docker.start_exec(&exec, false).await,
                false => docker.start_exec_without_upgrade(&exec, false).await,
            };
            let mut streams = started.expect("started");
            streams.stdin.write_all(b"hello\n").await.expect("written");
            let echoed = soon("an echo", streams.output.next()).await.expect("whole").expect("output");
            assert_eq!(echoed.data, "hello\n");
            streams.stdin.close().await.expect("our end");
            assert_eq!(rest(streams).await, Said::new("", "err\n"));
            assert_eq!(docker.exec_exit_code(&exec).await.expect("known"), Some(code));
        }
    }
}

/// Behaviours 9, 11 and 12: refusals whose connection stays do not hang; what is wrong with a command comes in-band.
pub(crate) async fn what_goes_wrong(site: Site) {
    let (docker, id) = (&site.docker, site.idle().await);
    let error = soon("a refusal", docker.start_exec("nope", false)).await.expect_err("there is none");
    assert_eq!(error.status(), Some(StatusCode::NOT_FOUND));
    assert!(error.to_string().contains("No such exec instance"), "{error}");
    let error = docker.create_exec(&id, &ExecOptions::new::<&str>([])).await.expect_err("no command");
    assert_eq!(error.status(), Some(StatusCode::BAD_REQUEST), "{error}");

    let exec = docker.create_exec(&id, &ExecOptions::new(["no-such-program"])).await.expect("made");
    let said = rest(docker.start_exec(&exec, false).await.expect("a stream all the same")).await;
    assert!(said.out.contains("no-such-program"), "{said:?}");
    let code = docker.exec_exit_code(&exec).await.expect("known");
    assert!(matches!(code, Some(126 | 127)), "{code:?}");

    let exec = docker.create_exec(&id, &shell("echo once")).await.expect("made");
    assert_eq!(rest(docker.start_exec(&exec, false).await.expect("started")).await, Said::new("once\n", ""));
    match soon("an answer", docker.start_exec(&exec, false)).await {
        Ok(streams) => {
            let said = rest(streams).await;
            assert!((said.out + &said.err).contains("already run"), "said in-band");
        }
        Err(error) => assert!(error.to_string().contains("already run"), "{error}"),
    }

    docker.pause(&id).await.expect("paused");
    let error = docker.create_exec(&id, &shell("true")).await.expect_err("it is paused");
    assert_eq!(error.status(), Some(StatusCode::CONFLICT));
    docker.unpause(&id).await.expect("goes on");
    docker.stop(&id, Some(Duration::ZERO)).await.expect("stopped");
    let error = docker.create_exec(&id, &shell("true")).await.expect_err("it does not run");
    assert!(matches!(&error, Error::Daemon { status, .. } if *status == StatusCode::CONFLICT), "{error}");
}

/// Behaviour 21: a process goes on without its client.
pub(crate) async fn a_process_outlives_its_client(site: Site) {
    let (docker, id) = (&site.docker, site.idle().await);
    let exec = docker.create_exec(&id, &shell("echo up; exec sleep 60").with_stdin()).await.expect("made");
    let mut streams = docker.start_exec(&exec, false).await.expect("started");
    soon("output", streams.output.next()).await.expect("whole").expect("output");
    drop(streams);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(docker.inspect_exec(&exec).await.expect("known").running);
}

/// One that nobody ever looked at says how it ended too.
pub(crate) async fn a_process_left_alone(site: Site) {
    let (docker, id) = (&site.docker, site.idle().await);
    let mut options = shell("[ $GREETING = hello ] && [ $(pwd) = /bin ] && exit 5");
    options.env.push("GREETING=hello".into());
    options.working_dir = "/bin".into();
    let exec = docker.create_exec(&id, &options).await.expect("made");
    docker.start_exec_detached(&exec, false).await.expect("started");
    assert_eq!(docker.exec_exit_code(&exec).await.expect("known"), Some(5));
}

/// Behaviour 15: a terminal, and its size.
pub(crate) async fn a_terminal_of_its_own(site: Site) {
    let (docker, id) = (&site.docker, site.idle().await);
    let options = shell("read line; stty size; exit 6").with_stdin().with_tty();
    let exec = docker.create_exec(&id, &options).await.expect("made");
    let mut streams = docker.start_exec(&exec, true).await.expect("started");
    assert_eq!(streams.output.framing(), Framing::Raw);
    let size = hijack_docker::Size { height: 33, width: 77 };
    docker.resize_exec(&exec, size).await.expect("resized");
    streams.stdin.write_all(b"\n").await.expect("written");
    let said = rest(streams).await;
    assert!(said.out.ends_with("33 77\r\n"), "{said:?}");
    assert_eq!(docker.exec_exit_code(&exec).await.expect("known"), Some(6));
    let error = docker.resize_exec(&exec, size).await.expect_err("it has ended");
    assert!(error.status().is_some(), "{error}");
}
