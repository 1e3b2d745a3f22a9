//! A child's standard input and output: Go's child of ours, and our child of Go's.

use std::process::Stdio;

use hijack::rpc::{Client, Config, Gob};
use hijack_interop::rpc::{call_as_go, go_on_stdio};
use tokio::process::Command;

use crate::servers::cases_over;
use crate::support::run;

#[test]
fn a_child_of_gos_is_called() {
    let Some(command) = go_on_stdio() else { return };
    run(async {
        let mut child = Command::from(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let (stdin, stdout) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
        let client = Client::over(tokio::io::join(stdout, stdin), &Gob::default(), Config::default());
        cases_over(&client).await;
        client.finish();
        client.closed().await;
        drop(client);
        // With its input, though it may not like to be heard no more.
        child.wait().await.expect("it ends");
    });
}

#[test]
fn a_child_of_ours_is_called_by_go() {
    let child = format!("exec:{} --rpc-stdio", env!("CARGO_BIN_EXE_hijack-interop"));
    call_as_go(&child, "gob");
}
