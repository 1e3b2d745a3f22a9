//! Attach: half-close, both outputs, refusals, several clients.

use std::time::{Duration, Instant};

use hijack_docker::stream::{ClientStreams, Framing};
use hijack_docker::{AttachOptions, Condition, Error, ListOptions, RemoveOptions};
use http::StatusCode;
use tokio::io::AsyncWriteExt;

use crate::site::{Said, Site, code, rest, script, soon};

/// Behaviours 1 to 3: what goes in comes out, behind a 101 and behind a bare 200, and output goes on behind our end.
pub(crate) async fn stdin_ends_and_output_goes_on(site: Site) {
    for upgrade in [true, false] {
        let id = site.create(&script("cat; sleep 1; echo late; exit 4").with_stdin()).await;
        let mut options = AttachOptions::default().with_stdin();
        options.upgrade = upgrade;
        let mut streams = site.docker.attach(&id, &options).await.expect("attached");
        assert_eq!(streams.output.framing(), Framing::Multiplexed);
        let wait = site.docker.wait(&id, Condition::NextExit).await.expect("waiting");
        site.docker.start(&id).await.expect("started");
        streams.stdin.write_all(b"hello\n").await.expect("written");
        let echoed = soon("an echo", streams.output.next()).await.expect("whole").expect("output");
        assert_eq!(echoed.data, "hello\n");
        streams.stdin.close().await.expect("our end");
        let closed = Instant::now();
        assert_eq!(rest(streams).await, Said::new("late\n", ""));
        assert!(closed.elapsed() > Duration::from_millis(900), "it came behind our end");
        assert_eq!(code(wait).await, 4);
        site.remove(&id).await;
    }
}

/// Behaviours 4 and 5: two outputs, an exit code; and our end before the start.
pub(crate) async fn outputs_are_told_apart_and_an_early_end_counts(site: Site) {
    let (id, streams, wait) = site.started(&script("echo out; echo err >&2; exit 7")).await;
    assert_eq!(rest(streams).await, Said::new("out\n", "err\n"));
    assert_eq!(code(wait).await, 7);
    site.remove(&id).await;

    let (id, mut streams, wait) = site.attached(&script("cat; echo done").with_stdin()).await;
    streams.stdin.write_all(b"early\n").await.expect("written");
    streams.stdin.close().await.expect("our end, before the start");
    site.docker.start(&id).await.expect("started");
    assert_eq!(rest(streams).await, Said::new("early\ndone\n", ""));
    assert_eq!(code(wait).await, 0);
}

/// Behaviour 8: the daemon's words and status, from answers that end with their connection.
pub(crate) async fn refusals_say_why(site: Site) {
    let docker = &site.docker;
    let options = AttachOptions::default().with_tty(false);
    let refused = async |id: &str| match docker.attach(id, &options).await.expect_err("refused") {
        Error::Daemon { status, message } => (status, message),
        other => panic!("{other:?}"),
    };
    let (status, message) = refused("nope").await;
    assert_eq!((status, &*message), (StatusCode::NOT_FOUND, "No such container: nope"));
    // Such a name does not get out of its place; the daemon sends elsewhere, where nobody follows.
    let elsewhere = docker.attach("../version", &options).await.expect_err("refused");
    assert!(matches!(elsewhere, Error::Unexpected { .. }), "{elsewhere}");

    let id = site.idle().await;
    docker.pause(&id).await.expect("paused");
    let (status, message) = refused(&id).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(message.contains("is paused"), "{message}");
    let state = docker.attach(&id, &options.clone().only_running()).await.expect_err("refused");
    assert!(matches!(&state, Error::NotRunning { state, .. } if state == "paused"), "{state}");
    docker.unpause(&id).await.expect("goes on");

    let path = format!("/containers/{id}/attach?stream=1&stdout=1&detachKeys=nonsense");
    let answer = docker.request(http::Method::POST, &path, None);
    let error = answer.await.expect_err("refused");
    assert_eq!(error.status(), Some(StatusCode::BAD_REQUEST), "{error}");

    // Those of other calls come as JSON on a connection that stays.
    let error = docker.inspect("nope").await.expect_err("refused").to_string();
    assert_eq!(error, "Error response from daemon: No such container: nope");
    assert!(docker.create(&script("true"), Some("bad name")).await.is_err());
}

/// Behaviour 17: a container that has ended is silent for ever, unless one asks first; what it wrote can be had.
pub(crate) async fn a_container_that_ended(site: Site) {
    let (id, streams, wait) = site.started(&script("echo out; echo err >&2; exit 3")).await;
    assert_eq!((rest(streams).await, code(wait).await), (Said::new("out\n", "err\n"), 3));

    let options = AttachOptions::default().only_running();
    let error = site.docker.attach(&id, &options).await.expect_err("nothing would come");
    assert!(matches!(&error, Error::NotRunning { state, .. } if state == "exited"), "{error}");

    let mut streams = site.docker.attach(&id, &AttachOptions::default()).await.expect("attached");
    let waited = tokio::time::timeout(Duration::from_secs(1), streams.output.next()).await;
    assert!(waited.is_err(), "silent for ever: {waited:?}");

    let mut replay = AttachOptions::default().with_logs();
    replay.stream = false;
    let streams = site.docker.attach(&id, &replay).await.expect("attached");
    assert_eq!(rest(streams).await, Said::new("out\n", "err\n"));
}

/// Behaviour 18: several clients hear the same, and one that leaves disturbs nobody. Also lists, signals and removal.
pub(crate) async fn several_clients(site: Site) {
    let mut config =
        script("trap 'echo caught; exit 11' INT; echo ready; while read line; do echo $line; done");
    config.open_stdin = true; // and not only once
    let (id, first, wait) = site.attached(&config).await;
    let options = AttachOptions::default().with_stdin();
    let mut second = site.docker.attach(&id, &options).await.expect("attached");
    let third = site.docker.attach(&id, &options).await.expect("attached");
    site.docker.start(&id).await.expect("started");
    let ClientStreams { mut stdin, mut output, .. } = first;
    for output in [&mut output, &mut second.output] {
        assert_eq!(soon("ready", output.next()).await.expect("whole").expect("output").data, "ready\n");
    }
    drop(third);
    stdin.write_all(b"one\n").await.expect("written");
    second.stdin.write_all(b"two\n").await.expect("written");
    let mut heard = Vec::new();
    for output in [&mut output, &mut second.output] {
        let mut said = Vec::new();
        while said.len() < 8 {
            let chunk = soon("an echo", output.next()).await.expect("whole").expect("output");
            said.extend_from_slice(&chunk.data);
        }
        heard.push(String::from_utf8(said).expect("text"));
    }
    assert_eq!(heard[0], heard[1]);
    assert!(["one\ntwo\n", "two\none\n"].contains(&&*heard[0]), "{heard:?}");

    // Without StdinOnce the end of a client's stdin detaches that client.
    stdin.close().await.expect("our end");
    assert_eq!(soon("their end", output.next()).await.expect("whole"), None);
    let running = site.docker.list(&ListOptions::default()).await.expect("a list");
    assert_eq!((running.len(), &running[0].id, &*running[0].state), (1, &id, "running"));
    assert!(site.docker.remove(&id, &RemoveOptions::default()).await.is_err(), "it runs");

    site.docker.kill(&id, "INT").await.expect("a signal");
    assert_eq!(rest(second).await, Said::new("caught\n", ""));
    assert_eq!(code(wait).await, 11);
    site.docker.remove(&id, &RemoveOptions::default()).await.expect("removed");
    assert!(site.docker.list(&ListOptions::all()).await.expect("a list").is_empty());
}

/// Waiting for the removal of a container that removes itself; a command that cannot be run; start and start again.
pub(crate) async fn ends_of_containers(site: Site) {
    let mut config = script("exit 5");
    config.host_config.auto_remove = true;
    let id = site.create(&config).await;
    let wait = site.docker.wait(&id, Condition::Removed).await.expect("waiting");
    site.docker.start(&id).await.expect("started");
    assert_eq!(code(wait).await, 5);
    let error = site.docker.inspect(&id).await.expect_err("it is gone");
    assert_eq!(error.status(), Some(StatusCode::NOT_FOUND));

    let mut config = script("");
    config.cmd = vec!["no-such-program".into()];
    let id = site.create(&config).await;
    let error = site.docker.start(&id).await.expect_err("there is no such program");
    assert!(error.to_string().contains("no-such-program"), "{error}");
    assert_eq!(site.docker.inspect(&id).await.expect("known").state.exit_code, 127);

    let id = site.idle().await;
    site.docker.start(&id).await.expect("it runs already");
    site.docker.stop(&id, Some(Duration::from_secs(1))).await.expect("stopped");
    let wait = site.docker.wait(&id, Condition::NotRunning).await.expect("waiting");
    assert_eq!(code(wait).await, 137);
}

/// Behaviour 21: handles that are dropped in the middle leave nothing behind.
pub(crate) async fn dropped_handles_leave_nothing(site: Site) {
    let id = site.create(&script("while :; do echo x; sleep 0.1; done")).await;
    site.docker.start(&id).await.expect("started");
    let descriptors = || std::fs::read_dir("/proc/self/fd").expect("Linux").count();
    let before = descriptors();
    for _ in 0..100 {
        let mut streams = site.docker.attach(&id, &AttachOptions::default()).await.expect("attached");
        soon("output", streams.output.next()).await.expect("whole").expect("output");
    }
    // Others may run beside this test, and open some of their own.
    assert!(descriptors() <= before + 50, "{before} descriptors before, {} now", descriptors());
    assert!(site.docker.inspect(&id).await.expect("known").state.running);
}
