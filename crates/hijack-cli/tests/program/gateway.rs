//! `hijack gateway --check`.

use crate::support::{fails, run};

#[test]
fn the_example_is_explained() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/gateway.toml");
    let (code, stdout, stderr) = run(&["gateway", "--config", example, "--check"], b"");
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let stdout = String::from_utf8(stdout).expect("UTF-8");
    assert!(stdout.contains("  chat: *.example.org, /chat and below -> unix:/run/chat.sock\n"), "{stdout}");
}

#[test]
fn mistakes_are_told_and_end_with_1() {
    let (code, stderr) =
        fails(&["gateway", "--check", "--upstream", "http://h:1", "--admin", "0.0.0.0:9091"]);
    assert_eq!(code, Some(1), "{stderr}");
    let expected =
        "hijack: the configuration has mistakes:\n--admin: admin.listen: 0.0.0.0:9091 can be reached from";
    assert!(stderr.starts_with(expected), "{stderr}");
}
