//! `hijack conns` to a scripted gateway: what it asks for, what it makes of the answers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener};
use std::thread::JoinHandle;

use crate::support::run;

/// An admin API that gives one answer after the other, a connection for each, and keeps what was asked.
struct Script {
    address: String,
    serving: JoinHandle<Vec<String>>,
}

impl Script {
    fn of(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let serving =
            std::thread::spawn(move || answers.iter().map(|answer| serve(&listener, answer)).collect());
        Self { address, serving }
    }

    /// Runs `hijack conns`: its exit code, stdout, stderr, and each request that it sent: line, token, body.
    fn run(self, args: &[&str], input: &str) -> (Option<i32>, String, String, Vec<String>) {
        let reach = ["conns", "--admin", &self.address, "--token", "t0p-secret"];
        let (code, stdout, stderr) = run(&[&reach, args].concat(), input.as_bytes());
        let asked = self.serving.join().expect("all answers asked for");
        (code, String::from_utf8(stdout).expect("UTF-8"), stderr, asked)
    }
}

/// Answers one request, and gives its line and body.
fn serve(listener: &TcpListener, answer: &str) -> String {
    let (stream, _) = listener.accept().expect("a client");
    let mut reader = BufReader::new(stream);
    let (mut line, mut head) = (String::new(), String::new());
    reader.read_line(&mut line).expect("a request");
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).expect("a head") > 0, "the head ends: {head}");
        if head == "\r\n" {
            break;
        }
    }
    assert!(head.to_ascii_lowercase().contains("authorization: bearer t0p-secret\r\n"), "{head}");
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).expect("a body");
    let mut stream = reader.into_inner();
    stream.write_all(answer.as_bytes()).expect("sent");
    stream.shutdown(Shutdown::Write).expect("ended");
    format!("{} {}", line.trim_end().trim_end_matches(" HTTP/1.1"), String::from_utf8(body).expect("UTF-8"))
        .trim_end()
        .to_owned()
}

fn json(status: &str, body: &str) -> String {
    let len = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len}\r\n\r\n{body}")
}

fn events(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n{body}")
}

fn connection(id: u64, more: &str) -> String {
    format!(
        r#"{{"id":{id},"route":"chat","peer":"unix","upstream":"http://h:1","protocol":"tcp","subject":null,"state":"open","gear":"spliced","request":"GET /","subprotocol":null,"extensions":null,"opened_at_ms":0,"age_ms":61000,"idle_ms":500,"bytes_in":1,"bytes_out":2,"messages_in":0,"messages_out":0,"illegal_in":0,"illegal_out":0,"movable":true,"not_movable":null,"taps":0,"tags":["a"],"closed_at_ms":null,"closed_by":null,"reason":null,"code":null{more}}}"#
    )
}

#[test]
fn lists_page_by_page() {
    let page = |id, next: &str| {
        json("200 OK", &format!("{{\"connections\":[{}],\"next_cursor\":{next}}}", connection(id, "")))
    };
    let script = Script::of(vec![page(7, "\"c 1\""), page(8, "null")]);
    let (code, stdout, stderr, asked) = script.run(&["list", "--filter", "route=chat and idle>0"], "");
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert_eq!(
        asked,
        [
            "GET /api/connections?filter=route%3Dchat%20and%20idle%3E0&limit=500",
            "GET /api/connections?filter=route%3Dchat%20and%20idle%3E0&limit=500&cursor=c%201",
        ]
    );
    let expected = "\
ID  ROUTE  PEER  PROTOCOL  STATE    AGE  IDLE  IN  OUT  MSGS IN  MSGS OUT  TAGS  UPSTREAM
 7  chat   unix  tcp       open   1m01s  0.5s  1B   2B        0         0  a     http://h:1
 8  chat   unix  tcp       open   1m01s  0.5s  1B   2B        0         0  a     http://h:1
";
    assert_eq!(stdout, expected);
}

#[test]
fn json_is_what_the_gateway_said() {
    let answer = json("200 OK", &connection(7, ",\"of_a_later_version\":1"));
    let (code, stdout, _, asked) = Script::of(vec![answer]).run(&["--json", "show", "7"], "");
    assert_eq!((code, &asked[..]), (Some(0), &["GET /api/connections/7".to_owned()][..]));
    assert!(stdout.contains("\"of_a_later_version\":1") && stdout.ends_with("}\n"), "{stdout}");
    assert_eq!(stdout.lines().count(), 1);
}

#[test]
fn tails_until_the_connection_ends() {
    let message = r#"{"seq":1,"at_ms":1000,"from":"client","to":"upstream","opcode":"text","size":3,"compressed":false,"truncated":false,"text":"a\u001bb"}"#;
    let closed = connection(7, "").replace("\"closed_by\":null", "\"closed_by\":\"operator\"");
    let closed = closed.replace("\"code\":null", "\"code\":1012");
    let stream = format!(
        ": hello\n\nevent: message\ndata: {message}\n\nevent: skipped\ndata: {{\"count\":3}}\n\nevent: closed\ndata: {closed}\n\n"
    );
    let (code, stdout, stderr, asked) = Script::of(vec![events(&stream)]).run(&["tail", "7"], "");
    assert_eq!((code, &asked[..]), (Some(0), &["GET /api/connections/7/messages".to_owned()][..]));
    assert_eq!(stdout, "00:00:01.000Z client -> upstream   text        3B  a\\u{1b}b\n");
    let expected = "3 messages were skipped: they came faster than they could be shown\n\
        connection 7 was closed by the operator with 1012\n";
    assert_eq!(stderr, expected);

    let (code, _, stderr, _) = Script::of(vec![events("event: message\n")]).run(&["tail", "7"], "");
    assert_eq!(code, Some(6), "{stderr}");
    assert!(stderr.contains("the gateway ended the stream"), "{stderr}");
}

#[test]
fn watches_what_opens_and_closes() {
    let stream = format!(
        "event: opened\ndata: {}\n\nevent: opened\ndata: {}\n\n",
        connection(7, ""),
        connection(8, "").replace("chat", "other")
    );
    let args = ["list", "--watch", "--filter", "route=other"];
    let (code, stdout, _, asked) = Script::of(vec![events(&stream)]).run(&args, "");
    assert_eq!((code, &asked[..]), (Some(6), &["GET /api/events".to_owned()][..]));
    assert_eq!(stdout, "opened 8 other unix - tcp\n");
}

#[test]
fn sends_what_was_typed_or_stdin() {
    let answer = || vec![json("200 OK", "{\"matched\":1,\"delivered\":1}")];
    let (code, stdout, _, asked) = Script::of(answer()).run(&["send", "7", "hi", "--to", "upstream"], "");
    assert_eq!((code, stdout.as_str()), (Some(0), "sent to the upstream of 1 connection\n"));
    assert_eq!(asked, [r#"POST /api/connections/7/messages {"text":"hi","to":"upstream"}"#]);
    let (_, _, _, asked) = Script::of(answer()).run(&["send", "7"], "from stdin\n");
    assert_eq!(asked, [r#"POST /api/connections/7/messages {"text":"from stdin","to":"client"}"#]);
    let (_, _, _, asked) = Script::of(answer()).run(&["send", "7", "--binary"], "\0\n");
    assert_eq!(asked, [r#"POST /api/connections/7/messages {"base64":"AAo=","to":"client"}"#]);
    let (_, _, _, asked) = Script::of(answer()).run(&["broadcast", "--filter", "tag=a", "hi"], "");
    assert_eq!(asked, [r#"POST /api/broadcast {"filter":"tag=a","text":"hi","to":"client"}"#]);
    let none = vec![json("200 OK", "{\"matched\":0,\"delivered\":0}")];
    assert_eq!(Script::of(none).run(&["broadcast", "--filter", "tag=a", "hi"], "").0, Some(7));
}

#[test]
fn kicks_by_number_or_filter() {
    let matched = |count| json("200 OK", &format!("{{\"matched\":{count}}}"));
    let args = ["kick", "--filter", "route=chat", "--code", "1012", "--reason", "be back", "--rate", "5"];
    let (code, stdout, _, asked) = Script::of(vec![matched(3)]).run(&args, "");
    assert_eq!((code, stdout.as_str()), (Some(0), "closing 3 connections\n"));
    assert_eq!(asked, ["DELETE /api/connections?filter=route%3Dchat&code=1012&reason=be%20back&rate=5"]);

    let gone = json("404 Not Found", "{\"error\":\"not_found\",\"detail\":\"no connection 8\"}");
    let script = Script::of(vec![matched(1), gone.clone(), matched(1)]);
    let (code, stdout, stderr, asked) = script.run(&["kick", "7", "8", "9"], "");
    assert_eq!((code, stdout.as_str()), (Some(0), "closing 2 connections\n"));
    assert!(stderr.starts_with("cannot close connection 8: "), "{stderr}");
    assert_eq!(asked[2], "DELETE /api/connections/9");
    let (code, _, stderr, _) = Script::of(vec![gone]).run(&["kick", "8"], "");
    assert_eq!(code, Some(7));
    assert!(stderr.contains("404 Not Found: not_found: no connection 8"), "{stderr}");

    // Nobody is asked, and nobody meant all.
    let (code, _, stderr, _) = Script::of(vec![]).run(&["kick", "--filter", ""], "");
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("an empty filter means all of them"), "{stderr}");
    let (code, ..) = Script::of(vec![matched(1)]).run(&["kick", "--filter", "", "--yes"], "");
    assert_eq!(code, Some(0));
}

#[test]
fn tags_replace_those_before() {
    let answer = || vec![json("200 OK", &connection(7, ""))];
    let (code, stdout, _, asked) = Script::of(answer()).run(&["tag", "7", "a", "b c"], "");
    assert_eq!((code, stdout.as_str()), (Some(0), "tags of connection 7: a\n"));
    assert_eq!(asked, [r#"PUT /api/connections/7/tags {"tags":["a","b c"]}"#]);
    let (_, _, _, asked) = Script::of(answer()).run(&["tag", "7", "--clear"], "");
    assert_eq!(asked, [r#"PUT /api/connections/7/tags {"tags":[]}"#]);
}

#[test]
fn failures_say_cause_context_and_cure() {
    let refused = json("401 Unauthorized", "{\"error\":\"unauthorized\",\"detail\":\"no such token\"}");
    let (code, _, stderr, _) = Script::of(vec![refused]).run(&["list"], "");
    assert_eq!(code, Some(4));
    assert!(stderr.contains("cannot list the connections: http://127.0.0.1:"), "{stderr}");
    assert!(
        stderr.contains("401 Unauthorized: unauthorized: no such token (give the gateway's token by --token"),
        "{stderr}"
    );
    assert!(!stderr.contains("t0p-secret"), "{stderr}");

    let (code, _, stderr, _) = Script::of(vec![json("200 OK", "<html>")]).run(&["list"], "");
    assert_eq!(code, Some(6));
    assert!(stderr.contains("is not understood"), "{stderr}");
    let (code, _, stderr, _) =
        Script::of(vec!["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{".into()]).run(&["list"], "");
    assert_eq!(code, Some(6), "{stderr}");

    // A port that was free a moment ago.
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let (code, _, stderr) = run(&["conns", "list", "--admin", &format!("http://{free}")], b"");
    assert_eq!(code, Some(3));
    assert!(stderr.contains("; --admin names the admin address of the gateway"), "{stderr}");

    for (args, expected) in [
        (&["list", "--filter", "usr=a"][..], "at character 1: unknown field `usr`: `user` may be meant"),
        (&["kick"], "required"),
        (&["kick", "1", "--filter", "id=1"], "cannot be used with"),
        (&["kick", "1", "--code", "1005"], "a close code is 1000 to 1003"),
        (
            &["kick", "1", "--code", "1000", "--reason", &"x".repeat(124)],
            "a reason of 124 bytes exceeds limit 123",
        ),
        (&["kick", "1", "--rate", "5"], "cannot be used with"),
        (&["tag", "1"], "required"),
        (&["send", "1", "a", "--base64", "YQ=="], "cannot be used with"),
    ] {
        let (code, _, stderr) = run(&[&["conns"], args].concat(), b"");
        assert_eq!(code, Some(2), "{args:?}: {stderr}");
        assert!(stderr.contains(expected), "{args:?}: {stderr}");
    }
}
