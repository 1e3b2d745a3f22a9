//! Delve, the debugger of Go's: a server of JSON-RPC 1.0 on TCP that is not net/rpc's.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use hijack::rpc::{Client, Json, dial};
use hijack_interop::peer::{build_go, find};
use hijack_interop::process::{Folder, Running};
use serde_json::{Value, json};

use crate::support::run;

#[test]
fn a_debugger_is_called() {
    let Some(delve) = find("HIJACK_DELVE", "dlv") else { return };
    let folder = Folder::new("delve").expect("a folder");
    let Some(program) = build_go("./servers/rpc", folder.path()) else { return };
    let mut command = Command::new(delve);
    command.args([
        "exec",
        "--headless",
        "--api-version=2",
        "--listen=127.0.0.1:0",
        "--check-go-version=false",
    ]);
    command.arg(program).env("HOME", folder.path());
    let debugger = Running::start(&command, &folder, None).expect("a shell");
    run(async {
        let client = dial::<Json>(&url(folder.path()).await).await.expect("it listens");
        talk(&client).await;
    });
    drop(debugger);
}

/// Where it listens, once it says so.
async fn url(folder: &Path) -> String {
    loop {
        let log = std::fs::read_to_string(folder.join("log")).expect("it writes there");
        if let Some((_, rest)) = log.split_once("API server listening at: ")
            && let Some((address, _)) = rest.split_once('\n')
        {
            return format!("tcp://{address}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn talk(client: &Client<Json>) {
    let version: Value = client.call("RPCServer.GetVersion", &json!({})).await.expect("its version");
    assert!(version["DelveVersion"].as_str().is_some_and(|text| text.starts_with("Version: ")), "{version}");
    assert_eq!(version["APIVersion"], 2);
    // Of a program that has not begun, or that this version cannot read: a list, long or short.
    let args = json!({ "Start": 0, "Count": 100 });
    let goroutines: Value = client.call("RPCServer.ListGoroutines", &args).await.expect("a list");
    assert!(goroutines["Goroutines"].is_array(), "{goroutines}");
    let state: Value =
        client.call("RPCServer.State", &json!({ "NonBlocking": true })).await.expect("its state");
    assert_eq!(state["State"]["Running"], false, "{state}");
    let error = client.call::<Value>("RPCServer.Nothing", &json!({})).await.expect_err("no such method");
    assert!(error.remote().is_some_and(|text| text.contains("RPCServer.Nothing")), "{error:?}");
    let _: Value = client.call("RPCServer.Detach", &json!({ "Kill": true })).await.expect("it lets go");
}
