//! `hijack rpc` against Go's servers.

use std::process::{Command, Output};

use hijack_interop::gateway::built;
use hijack_interop::rpc::{GoServer, serve_msgpack};

fn rpc(args: &[&str]) -> Option<Output> {
    Some(Command::new(built()?).arg("rpc").args(args).output().expect("the program starts"))
}

#[track_caller]
fn prints(args: &[&str], expected: &str) {
    let Some(output) = rpc(args) else { return };
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {told}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{args:?}: {told}");
}

#[track_caller]
fn fails(args: &[&str], expected: &str) {
    let Some(output) = rpc(args) else { return };
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &*output.stdout), (Some(1), &b""[..]), "{args:?}: {told}");
    assert!(told.contains(expected), "{args:?}: {told}");
}

#[test]
fn methods_of_go_are_called_without_code() {
    let Some(go) = GoServer::start() else { return };
    for url in [go.base(), &go.gob, &go.unix] {
        prints(&["call", url, "Arith.Multiply", r#"{"A":7,"B":8}"#], "56\n");
        prints(&["call", url, "Arith.Divide", r#"{"A":7,"B":2}"#], "{\"Quo\":3,\"Rem\":1}\n");
        fails(&["call", url, "Arith.Divide", r#"{"A":7,"B":0}"#], "divide by zero\n");
    }
    let url = &go.gob;
    prints(&["call", url, "Text.Echo", r#""h\u00e9llo""#], "\"h\u{e9}llo\"\n");
    prints(&["call", url, "a.b.C", "-8"], "-7\n");
    // Of unsigned numbers and bytes JSON has no word.
    fails(&["call", url, "Time.Sleep", "1"], "");
    prints(&["call", url, "Time.Sleep", "1", "--type", "uint64"], "1\n");
    prints(&["call", url, "Blob.Echo", r#""aGVsbG8=""#, "--type", "[]byte"], "\"aGVsbG8=\"\n");
    fails(&["call", url, "Arith.Root", "1"], "rpc: can't find method Arith.Root\n");
    fails(&["call", &format!("{}/x", go.base()), "Arith.Root", "1"], "404 Not Found");
    prints(&["call", &go.json, "Arith.Multiply", r#"{"A":7,"B":8}"#, "--codec", "json"], "56\n");
    prints(&["call", &go.json, "Text.Nothing", "{}", "--codec", "json"], "{}\n");
    let listed = rpc(&["list", go.base()]).map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    assert!(listed.is_none_or(|listed| listed.contains("Arith.Multiply(*main.Args, *int)  ")));
}

#[test]
fn methods_behind_messagepack_are_called_without_code() {
    let Some((_server, url)) = serve_msgpack() else { return };
    prints(&["call", &url, "Arith.Multiply", r#"{"A":7,"B":8}"#, "--codec", "msgpack"], "56\n");
    prints(
        &["call", &url, "Arith.Divide", r#"{"A":7,"B":2}"#, "--codec", "msgpack"],
        "{\"Quo\":3,\"Rem\":1}\n",
    );
    fails(&["call", &url, "Arith.Divide", r#"{"A":7,"B":0}"#, "--codec", "msgpack"], "divide by zero\n");
}
