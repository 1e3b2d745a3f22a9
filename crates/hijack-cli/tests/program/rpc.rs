//! Calls of net/rpc from the command line, against the demo.

use std::process::Output;

use crate::support::{Demo, hijack};

fn rpc(args: &[&str]) -> Output {
    hijack(&[&["rpc"], args].concat()).output().expect("the program")
}

#[track_caller]
fn prints(output: &Output, stdout: &str) {
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), stdout);
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[track_caller]
fn fails(output: &Output, code: i32, words: &str) {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains(words), "{words:?} is not in {told:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
}

#[test]
fn a_call_prints_its_answer_and_nothing_else() {
    let demo = Demo::start();
    for url in
        [format!("http://{}", demo.address), format!("http://{}/_goRPC_", demo.address), demo.address.clone()]
    {
        prints(&rpc(&["call", &url, "Arith.Multiply", r#"{"A":7,"B":8}"#]), "56\n");
    }
    let url = format!("http://{}", demo.address);
    prints(&rpc(&["call", &url, "Arith.Divide", r#"{"A":7,"B":2}"#]), "{\"Quo\":3,\"Rem\":1}\n");
    prints(&rpc(&["call", &url, "Arith.Divide", r#"{"A":4,"B":2}"#]), "{\"Quo\":2,\"Rem\":0}\n");
    // What is null is left out, and zero then.
    prints(&rpc(&["call", &url, "Arith.Multiply", r#"{"A":7,"B":null}"#]), "0\n");
    prints(&rpc(&["call", &url, "Arith.Multiply", r#"{"A":7,"B":8}"#, "--type", "struct{A, B int}"]), "56\n");
}

#[test]
fn what_fails_is_told_on_stderr_with_exit_code_1() {
    let demo = Demo::start();
    let url = format!("http://{}", demo.address);
    let zero = rpc(&["call", &url, "Arith.Divide", r#"{"A":7,"B":0}"#]);
    fails(&zero, 1, "hijack: divide by zero\n");
    fails(&rpc(&["call", &url, "Arith.Root", r#"{"A":7}"#]), 1, "rpc: can't find method Arith.Root");
    fails(&rpc(&["call", &url, "Nobody.Is", r#"{"A":7}"#]), 1, "rpc: can't find service Nobody.Is");
    fails(&rpc(&["call", &url, "Arith.Multiply", r#"{"A":1.5,"B":8}"#]), 1, "A");
    let elsewhere = format!("{url}/elsewhere");
    fails(&rpc(&["call", &elsewhere, "Arith.Multiply", "{}"]), 1, "unexpected HTTP response: 403 Forbidden");
    fails(&rpc(&["call", "http://127.0.0.1:1", "Arith.Multiply", "{}"]), 1, "127.0.0.1:1");
    fails(&rpc(&["call", "ftp://x", "Arith.Multiply", "{}"]), 1, "http://host:port");
    fails(&rpc(&["call", &url, "Arith.Multiply", r#"[1,"a"]"#]), 1, "--type");
    fails(&rpc(&["call", &url, "Arith.Multiply", "1", "--codec", "json", "--type", "int"]), 1, "--type");
    fails(&rpc(&["call", &url, "Arith.Multiply", "{A:7}"]), 2, "A");
    fails(&rpc(&["call", &url, "Arith.Multiply", "1", "--type", "list"]), 2, "no type of Go");
}

#[test]
fn the_page_is_listed() {
    let demo = Demo::start();
    let url = format!("http://{}", demo.address);
    rpc(&["call", &url, "Arith.Multiply", r#"{"A":7,"B":8}"#]);
    prints(
        &rpc(&["list", &url]),
        "Arith.Divide(Args, Quotient)  0 calls\nArith.Multiply(Args, i64)  1 calls\n",
    );
    let json = rpc(&["list", &format!("{url}/_goRPC_"), "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(json[1]["method"], "Arith.Multiply");
    assert_eq!(json[1]["calls"], 1);
    fails(&rpc(&["list", "tcp://127.0.0.1:1"]), 1, "without HTTP");
}

#[test]
fn the_demo_says_405_to_other_methods_and_refuses_other_tunnels() {
    let demo = Demo::start();
    let other = demo.get("/_goRPC_", "");
    assert!(other.starts_with("HTTP/1.1 405 ") && other.ends_with("405 must CONNECT\n"), "{other}");
    let page = demo.get("/debug/rpc", "");
    assert!(page.starts_with("HTTP/1.1 200 ") && page.contains("Multiply(Args, i64) error"), "{page}");
    let early = demo.ask("CONNECT /_goRPC_ HTTP/1.0\n\n");
    assert_eq!(early, "HTTP/1.0 200 Connected to Go RPC\n\n");
    assert!(demo.ask("CONNECT /other HTTP/1.0\n\n").contains(" 403 "));
}
