//! The demo's words, and what a mistake is told.

use std::io::Read;
use std::net::TcpListener;
use std::process::Command;

use crate::support::{Demo, fails, hijack};

#[test]
fn handle1_takes_over_and_says_eleven_bytes() {
    assert_eq!(Demo::start().get("/handle1", ""), "hello world");
}

#[test]
fn handle2_answers_and_keeps_the_connection() {
    let demo = Demo::start();
    let request = "GET /handle2 HTTP/1.1\r\nHost: demo\r\n\r\n";
    let answers = demo.ask(&request.repeat(2));
    assert_eq!(answers.matches("HTTP/1.1 200 OK\r\nDate: ").count(), 2, "{answers}");
    assert_eq!(answers.matches("Content-Length: 11\r\n\r\nhello world").count(), 2, "{answers}");
}

#[test]
fn echo_upgrades_to_any_token_and_answers_fin_by_fin() {
    let demo = Demo::start();
    for token in ["echo", "my-own/7"] {
        let answer = demo.ask(&format!(
            "GET /echo HTTP/1.1\r\nHost: demo\r\nConnection: upgrade\r\nUpgrade: {token}\r\n\r\nevery byte"
        ));
        let expected = format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: {token}\r\n\r\nevery byte"
        );
        assert_eq!(answer, expected);
    }
    let refused = demo.get("/echo", "");
    assert!(refused.starts_with("HTTP/1.1 426 Upgrade Required\r\n"), "{refused}");
}

#[test]
fn the_page_explains_and_the_rest_is_refused() {
    let demo = Demo::start();
    let page = demo.get("/", "");
    assert!(page.contains("Content-Type: text/html") && page.contains("--http0.9"), "{page}");
    assert!(demo.get("/nothing", "").starts_with("HTTP/1.1 404 "));
    let posted = demo.ask("POST /handle2 HTTP/1.1\r\nHost: demo\r\nContent-Length: 0\r\n\r\n");
    assert!(posted.starts_with("HTTP/1.1 405 ") && posted.contains("Allow: GET, HEAD\r\n"), "{posted}");
    // Behaviour 41: nothing behind a refused CONNECT is answered.
    let tunnel = demo.ask("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(tunnel.starts_with("HTTP/1.1 403 ") && tunnel.matches("HTTP/1.1").count() == 1, "{tunnel}");
}

#[test]
fn a_signal_shuts_down_in_order() {
    let mut demo = Demo::start();
    assert_eq!(demo.get("/handle1", ""), "hello world", "it runs");
    let sent = Command::new("kill").args(["-TERM", &demo.child.id().to_string()]).status();
    assert!(sent.expect("kill").success());
    assert!(demo.child.wait().expect("its end").success());
    let mut told = String::new();
    demo.child.stderr.take().expect("piped").read_to_string(&mut told).expect("UTF-8");
    assert!(told.ends_with("shut down: 0 idle, 0 active, 0 taken over; 0 ended by force\n"), "{told}");
}

#[test]
fn mistakes_are_told_with_cause_and_cure() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let taken = taken.local_addr().expect("bound").to_string();
    let table: [(&[&str], i32, &[&str]); 6] = [
        (&["demo", "--listen", &taken], 1, &[&taken, "another program listens there"]),
        (&["demo", "--listen", "nonsense"], 1, &["nonsense", "an address looks like"]),
        (
            &["demo", "--listen", "unix:/no/such/folder/x.sock"],
            1,
            &["/no/such/folder", "folder of the socket"],
        ),
        (&["demo", "--tls-cert", "/no/cert", "--tls-key", "/no/key"], 1, &["/no/cert", "PEM"]),
        (&["demo", "--tls-cert", "/no/cert"], 2, &["--tls-key"]),
        (&["dmeo"], 2, &["demo"]),
    ];
    for (args, code, words) in table {
        let args: Vec<&str> = match args {
            ["demo", "--tls-cert", ..] => [args, &["--listen", "127.0.0.1:0"]].concat(),
            _ => args.to_vec(),
        };
        let (got, told) = fails(&args);
        assert_eq!(got, Some(code), "{args:?}: {told}");
        for word in words {
            assert!(told.contains(word), "{args:?}: expected {word:?} in {told:?}");
        }
    }
}

#[test]
fn help_shows_examples() {
    for args in [&["--help"][..], &["demo", "--help"], &["ws", "--help"]] {
        let help = hijack(args).output().expect("the program").stdout;
        assert!(String::from_utf8(help).expect("UTF-8").contains("Example"), "{args:?}");
    }
}
