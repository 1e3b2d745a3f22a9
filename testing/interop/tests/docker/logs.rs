//! What a container wrote.

use hijack_docker::stream::{Framing, Output};
use hijack_docker::{AnswerBody, LogsOptions};

use crate::site::{Said, Site, code, rest, script, soon};

async fn read(output: Output<AnswerBody>) -> Said {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    soon("the end of the logs", output.copy_to(&mut out, &mut err)).await.expect("whole");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Said { out: text(out), err: text(err) }
}

pub(crate) async fn lines_of_both_outputs(site: Site) {
    let docker = &site.docker;
    let numbers = script("for n in 1 2 3 4 5; do echo out $n; done; sleep 0.3; echo err >&2");
    let (id, streams, wait) = site.started(&numbers).await;
    rest(streams).await;
    code(wait).await;
    let all = read(docker.logs(&id, &LogsOptions::default()).await.expect("logs")).await;
    assert_eq!(all, Said::new("out 1\nout 2\nout 3\nout 4\nout 5\n", "err\n"));

    let mut options = LogsOptions::default().with_tail(3);
    let last = read(docker.logs(&id, &options).await.expect("logs")).await;
    assert_eq!(last, Said::new("out 4\nout 5\n", "err\n"));
    options.stderr = false;

    options.timestamps = true;
    let timed = read(docker.logs(&id, &options).await.expect("logs")).await;
    let (time, line) = timed.out.lines().next().expect("a line").split_once(' ').expect("a time");
    assert!(line == "out 4" && time.ends_with('Z') && time.contains('T'), "{timed:?}");

    let mut later = LogsOptions::default();
    later.since = Some("4102444800".into()); // 2100
    assert_eq!(read(docker.logs(&id, &later).await.expect("logs")).await, Said::new("", ""));
    later.since = Some("nonsense".into());
    let error = docker.logs(&id, &later).await.expect_err("no time");
    assert!(error.status().is_some() && error.to_string().contains("nonsense"), "{error}");
    assert!(docker.logs("nope", &LogsOptions::default()).await.is_err());

    // Read whole or not, the client goes on.
    drop(docker.logs(&id, &LogsOptions::default()).await.expect("logs"));
    docker.version().await.expect("an answer");
}

/// Followed, they end with the container. A terminal's are raw.
pub(crate) async fn followed_to_the_end(site: Site) {
    let docker = &site.docker;
    let id = site.create(&script("echo first; read line; echo $line; exit 3").with_stdin()).await;
    let options = hijack_docker::AttachOptions::default().with_stdin();
    let mut streams = docker.attach(&id, &options).await.expect("attached");
    docker.start(&id).await.expect("started");
    let mut logs = docker.logs(&id, &LogsOptions::default().following()).await.expect("logs");
    assert_eq!(soon("a line", logs.next()).await.expect("whole").expect("output").data, "first\n");
    tokio::io::AsyncWriteExt::write_all(&mut streams.stdin, b"second\n").await.expect("written");
    assert_eq!(read(logs).await, Said::new("second\n", ""));

    let (id, streams, wait) = site.started(&script("echo out; echo err >&2").with_tty()).await;
    rest(streams).await;
    code(wait).await;
    let logs = docker.logs(&id, &LogsOptions::default()).await.expect("logs");
    assert_eq!(logs.framing(), Framing::Raw);
    assert_eq!(read(logs).await, Said::new("out\r\nerr\r\n", ""));
}
