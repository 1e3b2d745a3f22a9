//! A process whose four threads write to both outputs at once: no frame lies in another, and each line comes whole, on its
//! own output, to Docker's client and to ours.

use std::time::Duration;

use hijack_docker::{AttachOptions, Condition, ContainerConfig, Docker, Host};
use hijack_interop::engine::Engine;

use crate::command::run;
use crate::rounds;

const LINES: usize = 3_000;

/// Each line is one write, and shorter than what a pipe takes at once, so it is whole where it goes in.
fn script() -> String {
    let writer = |thread: usize| {
        let to = if thread.is_multiple_of(2) { "" } else { " >&2" };
        let line = format!("thread {thread} says that this is its line number $i");
        format!("(i=0; while [ $i -lt {LINES} ]; do i=$((i+1)); echo \"{line}\"{to}; done) & ")
    };
    (0..4).map(writer).collect::<String>() + "wait"
}

#[track_caller]
fn check(stdout: &[u8], stderr: &[u8]) {
    for (said, threads) in [(stdout, [0, 2]), (stderr, [1, 3])] {
        let said = std::str::from_utf8(said).expect("text");
        let mut next = [1; 4];
        for line in said.lines() {
            let thread = threads.into_iter().find(|thread| line.starts_with(&format!("thread {thread} ")));
            let thread = thread.unwrap_or_else(|| panic!("whose is {line:?}?"));
            let number = next[thread];
            assert_eq!(line, format!("thread {thread} says that this is its line number {number}"));
            next[thread] += 1;
        }
        assert!(threads.into_iter().all(|thread| next[thread] == LINES + 1), "{next:?}");
    }
}

#[test]
fn frames_never_mix() {
    let Some(engine) = Engine::start() else { return };
    let script = script();
    for _ in 0..rounds() {
        let Some(command) = engine.docker(&["run", "--rm", "any", "sh", "-c", &script]) else { return };
        let ran = run(command, b"");
        assert_eq!(ran.code, Some(0), "{ran:?}\n{}", engine.log());
        check(&ran.stdout, &ran.stderr);
    }
}

#[tokio::test]
async fn frames_never_mix_for_our_client() {
    let Some(engine) = Engine::start() else { return };
    let docker = Docker::builder().host(Host::unix(engine.socket())).build();
    for _ in 0..rounds() {
        let config = ContainerConfig::new("any", ["sh", "-c", &script()]);
        let id = docker.create(&config, None).await.expect("made").id;
        let streams = docker.attach(&id, &AttachOptions::default()).await.expect("attached");
        let wait = docker.wait(&id, Condition::NextExit).await.expect("waiting");
        docker.start(&id).await.expect("started");
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let copied = streams.output.copy_to(&mut out, &mut err);
        tokio::time::timeout(Duration::from_secs(60), copied)
            .await
            .expect("in time")
            .expect("only whole frames");
        check(&out, &err);
        assert_eq!(wait.exit().await.expect("an exit").code, 0);
    }
}
