//! The same short things many times over: a race that loses a line once in a hundred times shows here.

use hijack_docker::ExecOptions;
use tokio::io::AsyncWriteExt;

use crate::site::{Said, Site, code, rest, rounds, script};

/// Behaviour 20: a container that writes and ends at once, attached to before it is started.
pub(crate) async fn short_commands_lose_no_line(site: Site) {
    for round in 0..rounds() {
        let command = script(&format!("echo {round}; echo {round} >&2; exit {}", round % 100));
        let (id, streams, wait) = site.started(&command).await;
        let line = format!("{round}\n");
        assert_eq!(rest(streams).await, Said::new(&line, &line), "round {round}");
        assert_eq!(usize::try_from(code(wait).await), Ok(round % 100));
        site.remove(&id).await;
    }
}

/// Behaviour 19: what is written as soon as it can be, and the end right behind it.
pub(crate) async fn early_input_is_delivered(site: Site) {
    let id = site.idle().await;
    for round in 0..rounds() {
        let options = ExecOptions::new(["cat"]).with_stdin();
        let exec = site.docker.create_exec(&id, &options).await.expect("made");
        let mut streams = site.docker.start_exec(&exec, false).await.expect("started");
        let line = format!("{round}\n");
        streams.stdin.write_all(line.as_bytes()).await.expect("written");
        streams.stdin.close().await.expect("our end");
        assert_eq!(rest(streams).await, Said::new(&line, ""), "round {round}");
        assert_eq!(site.docker.exec_exit_code(&exec).await.expect("known"), Some(0));
    }
}
